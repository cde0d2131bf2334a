//! [`Pooled`]: a connection on loan, and how it comes back: clean, or not at all.

use super::{ConnectionPool, Idle, closed};
use crate::db::session::meter;
use sequor_core::driver::{Cancel, Connection, Status};
use sequor_core::error::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// How long a connection may take to become clean.
const RESET_LIMIT: Duration = Duration::from_secs(2);

/// A connection on loan. Dropping it cleans it and gives it back, or closes it.
pub(crate) struct Pooled {
    pub(super) slot: Option<Idle>,
    pub(super) permit: Option<OwnedSemaphorePermit>,
    pub(super) pool: Arc<ConnectionPool>,
    pub(super) number: u64,
}

impl Pooled {
    /// The connection.
    pub(crate) fn get(&mut self) -> Result<&mut Box<dyn Connection>> {
        if self.pool.ended.load(Ordering::Relaxed) {
            return Err(closed());
        }
        match &mut self.slot {
            Some(slot) => Ok(&mut slot.connection),
            None => Err(Error::bug("a loan without its connection")),
        }
    }

    /// What stops the statement that runs on it.
    pub(crate) fn canceller(&self) -> Option<Arc<dyn Cancel>> {
        self.slot.as_ref().and_then(|slot| slot.cancel.clone())
    }

    /// The pool that it goes back to.
    pub(crate) fn pool(&self) -> Arc<ConnectionPool> {
        self.pool.clone()
    }

    /// Whether it is a loan of this pool.
    pub(crate) fn is_of(&self, pool: &Arc<ConnectionPool>) -> bool {
        Arc::ptr_eq(&self.pool, pool)
    }

    /// How often the connection has waited for its server.
    pub(crate) fn trips(&self) -> u64 {
        self.slot.as_ref().map_or(0, |slot| slot.connection.round_trips())
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let now = Instant::now();
        let held = {
            let mut holders = self.pool.lock_holders();
            let place = holders.iter().position(|holder| holder.number == self.number);
            place.map(|place| now.saturating_duration_since(holders.swap_remove(place).since))
        };
        self.pool.counts.released(held.unwrap_or_default());
        meter::released(&self.pool.name, held.unwrap_or_default());
        let Some(slot) = self.slot.take() else { return };
        let (pool, permit) = (self.pool.clone(), self.permit.take());
        match slot.connection.status() {
            Status::Idle if !pool.closed.load(Ordering::Acquire) && slot.era == pool.role.era() => {
                pool.put_at(slot, now);
                drop(permit);
            }
            _ => clean(slot, pool, permit),
        }
    }
}

/// Brings a connection back to its beginning: clean, and set up as it was when it was opened.
async fn anew(slot: &mut Idle) -> Result<()> {
    slot.connection.reset().await?;
    for script in &slot.setup {
        slot.connection.execute_script(script.clone()).await?;
    }
    if !slot.setup.is_empty() {
        slot.connection.keep_session();
    }
    Ok(())
}

/// Cleans a connection while it keeps its permit: freeing the permit first would let the pool grow past its limit.
fn clean(mut slot: Idle, pool: Arc<ConnectionPool>, permit: Option<OwnedSemaphorePermit>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    // The fault laboratory builds Sequor without cleaning, to see that its tests notice.
    if cfg!(sequor_unclean) {
        return pool.put(slot);
    }
    runtime.spawn(async move {
        let clean = tokio::time::timeout(RESET_LIMIT, anew(&mut slot)).await;
        let of_use = !pool.closed.load(Ordering::Acquire) && slot.era == pool.role.era();
        if matches!(clean, Ok(Ok(()))) && slot.connection.status() == Status::Idle && of_use {
            pool.put(slot);
        } else {
            let _ = tokio::time::timeout(RESET_LIMIT, pool.close_one(slot.connection)).await;
        }
        drop(permit);
    });
}
