//! `salacia`: serves the log; `salacia optimise` makes the index that full search likes.

use salacia::config::Config;
use salacia::http::{App, router};
use salacia::layers::Layers;
use salacia::models::AiInteraction;
use salacia::{demo, layers};
use salacia_log::Events;
use sequor::prelude::*;
use std::sync::Arc;
use std::time::Instant;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<()> {
    let began = Instant::now();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let config = Config::from_env()?;
    let events = Events::default();
    if std::env::args().nth(1).is_some_and(|argument| argument == "optimise") {
        return salacia::search_index::make(&layers::open(&config, &events).await?).await;
    }
    if config.url.starts_with("sqlite") && !config.production {
        // No browser is told of the demo data.
        let db = layers::open(&config, &Events::default()).await?;
        if AiInteraction::count().exec(&db).await? == 0 {
            let rows = demo::fill(&db).await?;
            println!("an empty log: {rows} interactions of demo data");
        }
        db.close().await?;
    }
    let layers = Layers::start(&config, &events).await?;
    let listener = tokio::net::TcpListener::bind(&config.address).await;
    let listener =
        listener.map_err(|error| Error::usage(format!("{} cannot be served: {error}; HOST and PORT choose another", config.address)))?;
    let serving = layers.log.name();
    let db = layers.db.clone();
    println!(
        "Salacia, the log of an AI gateway: http://{}/  (data layer: {serving}, ready after {:?})",
        listener.local_addr()?,
        began.elapsed()
    );
    let app = App { layers: Arc::new(layers), events, began };
    axum::serve(listener, router(app)).with_graceful_shutdown(ended()).await?;
    if let Some(db) = db {
        db.close().await?;
    }
    Ok(())
}

/// Ends at Ctrl-C, or when told to terminate.
async fn ended() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}
