//! The counter that the hooks feed; `/api/health` shows it.

use std::sync::atomic::{AtomicU64, Ordering};

static UPDATES: AtomicU64 = AtomicU64::new(0);

/// One more interaction was updated.
pub fn count_update() {
    UPDATES.fetch_add(1, Ordering::Relaxed);
}

/// How many interactions were updated since the start.
pub fn updates() -> u64 {
    UPDATES.load(Ordering::Relaxed)
}
