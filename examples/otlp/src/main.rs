//! Sequor's spans and metrics, exported by OTLP over HTTP to `OTEL_EXPORTER_OTLP_ENDPOINT` (`http://localhost:4318`).
//!
//! `docker run -p 4318:4318 -p 16686:16686 jaegertracing/jaeger` shows the spans; then `cargo run` in this folder.

mod bridge;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use sequor::prelude::*;
use std::error::Error;
use tracing_subscriber::layer::SubscriberExt;

/// What the example writes and reads.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "notes")]
struct Note {
    #[field(primary_key, auto_increment)]
    id: i64,
    text: String,
}

/// Sends spans to the collector, in batches, from a thread of its own.
fn spans() -> Result<SdkTracerProvider, Box<dyn Error>> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).build())
}

/// Sends metrics to the collector, once a minute and at the end.
fn metrics() -> Result<SdkMeterProvider, Box<dyn Error>> {
    let exporter = opentelemetry_otlp::MetricExporter::builder().with_http().build()?;
    Ok(SdkMeterProvider::builder().with_periodic_exporter(exporter).build())
}

async fn work() -> sequor::Result<()> {
    let db = Db::options("sqlite::memory:").slow_query(millis(200)).register::<Note>().connect().await?;
    db.sync::<Note>(SyncMode::Create).await?;
    db.transaction(async |tx| {
        for number in 0..10 {
            draft!(Note { text: format!("note {number}") }).create(tx).await?;
        }
        Ok(())
    })
    .await?;
    println!("{} notes", Note::count().exec(&db).await?);
    db.close().await
}

fn main() -> Result<(), Box<dyn Error>> {
    let (spans, meters) = (spans()?, metrics()?);
    let layer = tracing_opentelemetry::layer().with_tracer(spans.tracer("otlp"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
    metrics::set_global_recorder(bridge::Bridge::new(&meters)).map_err(|error| error.to_string())?;
    tokio::runtime::Runtime::new()?.block_on(work())?;
    // What is still waiting goes out now; without a collector these are errors.
    spans.shutdown()?;
    meters.shutdown()?;
    Ok(())
}
