//! [`Bridge`]: what is measured through the `metrics` crate becomes OpenTelemetry's instruments.

use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use std::sync::Arc;

/// A recorder that hands everything on.
pub struct Bridge {
    meter: Meter,
}

impl Bridge {
    pub fn new(provider: &SdkMeterProvider) -> Bridge {
        Bridge { meter: provider.meter("sequor") }
    }
}

/// An instrument with the labels of one series.
struct Series<I> {
    instrument: I,
    labels: Vec<KeyValue>,
}

impl CounterFn for Series<opentelemetry::metrics::Counter<u64>> {
    fn increment(&self, value: u64) {
        self.instrument.add(value, &self.labels);
    }

    fn absolute(&self, _: u64) {}
}

impl GaugeFn for Series<opentelemetry::metrics::Gauge<f64>> {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.instrument.record(value, &self.labels);
    }
}

impl HistogramFn for Series<opentelemetry::metrics::Histogram<f64>> {
    fn record(&self, value: f64) {
        self.instrument.record(value, &self.labels);
    }
}

fn labels(key: &Key) -> Vec<KeyValue> {
    key.labels().map(|label| KeyValue::new(label.key().to_owned(), label.value().to_owned())).collect()
}

impl Recorder for Bridge {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let instrument = self.meter.u64_counter(key.name().to_owned()).build();
        Counter::from_arc(Arc::new(Series { instrument, labels: labels(key) }))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let instrument = self.meter.f64_gauge(key.name().to_owned()).build();
        Gauge::from_arc(Arc::new(Series { instrument, labels: labels(key) }))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let instrument = self.meter.f64_histogram(key.name().to_owned()).with_unit("s").build();
        Histogram::from_arc(Arc::new(Series { instrument, labels: labels(key) }))
    }
}
