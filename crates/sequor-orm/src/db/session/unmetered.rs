//! Metrics without the feature `metrics`: nothing is counted.

use super::observe::Labels;
use crate::db::PoolStatus;
use sequor_core::error::Error;
use std::time::Duration;

/// Whether anything is counted.
pub(in crate::db) const COUNTS: bool = false;

pub(in crate::db) fn operation(_: &Labels, _: Option<&str>, _: &'static str, _: Option<&Error>, _: Duration) {}

pub(in crate::db) fn connected(_: &str, _: Duration) {}

pub(in crate::db) fn acquired(_: &str, _: Duration) {}

pub(in crate::db) fn released(_: &str, _: Duration) {}

pub(in crate::db) fn refused(_: &str) {}

pub(in crate::db) fn pool(_: &str, _: &PoolStatus, _: usize) {}
