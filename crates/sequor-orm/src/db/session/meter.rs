//! Metrics through the `metrics` crate, with the names and units of OpenTelemetry's conventions for databases.

use super::observe::Labels;
use crate::db::PoolStatus;
use metrics::{Label, SharedString, counter, gauge, histogram};
use sequor_core::error::Error;
use std::time::Duration;

/// The name of a pool.
const POOL: &str = "db.client.connection.pool.name";

fn named(pool: &str) -> Vec<Label> {
    vec![Label::new(POOL, SharedString::from_owned(pool.to_owned()))]
}

/// Whether anything is counted.
pub(in crate::db) const COUNTS: bool = true;

fn float(count: u64) -> f64 {
    let part = |bits: u64| u32::try_from(bits & 0xffff_ffff).map_or(f64::MAX, f64::from);
    part(count >> 32) * 4_294_967_296.0 + part(count)
}

/// A statement has ended.
pub(in crate::db) fn operation(labels: &Labels, model: Option<&str>, operation: &'static str, error: Option<&Error>, took: Duration) {
    let mut all = vec![
        Label::new("db.system.name", labels.system),
        Label::new("db.namespace", labels.namespace.clone()),
        Label::new("db.operation.name", operation),
    ];
    if let Some(model) = model {
        all.push(Label::new("db.collection.name", model.to_owned()));
    }
    if let Some(error) = error {
        all.push(Label::new("error.type", error.sequelize_name()));
    }
    histogram!("db.client.operation.duration", all).record(took.as_secs_f64());
}

/// A connection was opened.
pub(in crate::db) fn connected(pool: &str, took: Duration) {
    histogram!("db.client.connection.create_time", named(pool)).record(took.as_secs_f64());
}

/// A task has got its connection.
pub(in crate::db) fn acquired(pool: &str, waited: Duration) {
    histogram!("db.client.connection.wait_time", named(pool)).record(waited.as_secs_f64());
}

/// A task has given its connection back.
pub(in crate::db) fn released(pool: &str, held: Duration) {
    histogram!("db.client.connection.use_time", named(pool)).record(held.as_secs_f64());
}

/// A task went away without a connection.
pub(in crate::db) fn refused(pool: &str) {
    counter!("db.client.connection.timeouts", named(pool)).increment(1);
}

/// The pool's numbers, now and then.
pub(in crate::db) fn pool(pool: &str, status: &PoolStatus, min: usize) {
    let number = |count: usize| u32::try_from(count).map_or(f64::MAX, f64::from);
    for (state, count) in [("used", status.in_use), ("idle", status.idle)] {
        let mut labels = named(pool);
        labels.push(Label::new("db.client.connection.state", state));
        gauge!("db.client.connection.count", labels).set(number(count));
    }
    gauge!("db.client.connection.max", named(pool)).set(number(status.max));
    gauge!("db.client.connection.idle.min", named(pool)).set(number(min));
    gauge!("db.client.connection.pending_requests", named(pool)).set(number(usize::try_from(status.waiting).unwrap_or(usize::MAX)));
    if let Some(bytes) = status.log_bytes {
        gauge!("sequor.sqlite.log.size", named(pool)).set(float(bytes));
    }
    gauge!("sequor.pool.utilization", named(pool)).set(f64::from(status.utilization_permille) / 1000.0);
}
