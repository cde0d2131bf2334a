//! Savepoints: transactions inside of a transaction.

use super::super::Db;
use super::super::pool::Pooled;
use super::{AROUND, Callback, State, TxHandle, run_callbacks};
use sequor_core::error::Result;
use std::sync::atomic::Ordering;

impl Db {
    pub(super) async fn savepoint<T, F>(&self, outer: &TxHandle, f: F) -> Result<T>
    where
        F: AsyncFnOnce(&Db) -> Result<T>,
    {
        let number = outer.shared.savepoints.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = TxHandle { shared: outer.shared.clone(), level: number };
        let mut undo = UndoSavepoint { db: self.clone(), handle: handle.clone(), number, armed: false };
        self.limited(outer.with(async |pooled| pooled.get()?.savepoint(number).await)).await?;
        undo.armed = true;
        let db = Db { tx: Some(handle.clone()), ..self.clone() };
        let mut around = AROUND.try_with(Clone::clone).unwrap_or_default();
        around.push(handle.clone());
        let result = AROUND.scope(around, f(&db)).await;
        match result {
            Ok(value) => {
                self.limited(handle.with(async |pooled| pooled.get()?.release(number).await)).await?;
                undo.armed = false;
                // What was given inside belongs to the outer level from now on.
                let mut state = handle.state();
                let State { after_commit, after_rollback, .. } = &mut *state;
                for (level, _) in after_commit.iter_mut().chain(after_rollback).filter(|(level, _)| *level >= number) {
                    *level = outer.level;
                }
                if let Some(level) = state.undone_alone.as_mut().filter(|level| **level >= number) {
                    *level = outer.level;
                }
                Ok(value)
            }
            Err(error) => {
                // A deadlock victim has no savepoints any more; the whole transaction is gone then.
                if let Err(second) = self.limited(handle.with(async |pooled| pooled.get()?.rollback_to(number).await)).await {
                    tracing::debug!(error = %second, "rolling back to a savepoint failed");
                }
                undo.armed = false;
                let callbacks = handle.discard(number);
                // What was read inside may be gone.
                self.wrote();
                run_callbacks(callbacks).await;
                Err(error)
            }
        }
    }
}

impl TxHandle {
    /// Forgets what a savepoint that was rolled back left for the commit, and its losses; gives what it left for this case.
    fn discard(&self, number: u32) -> Vec<(u32, Callback)> {
        let mut state = self.state();
        state.after_commit.retain(|(level, _)| *level < number);
        state.undone_alone = state.undone_alone.filter(|level| *level < number);
        let (own, outer) = std::mem::take(&mut state.after_rollback).into_iter().partition(|(level, _)| *level >= number);
        state.after_rollback = outer;
        own
    }

    /// Rolls back, innermost first, the savepoints whose closures were dropped.
    pub(super) async fn undo_dropped(&self, pooled: &mut Pooled) -> Result<()> {
        loop {
            let next = {
                let mut state = self.state();
                let place = state.undo.iter().enumerate().max_by_key(|(_, number)| **number).map(|(place, _)| place);
                place.map(|place| state.undo.swap_remove(place))
            };
            let Some(number) = next else { return Ok(()) };
            pooled.get()?.rollback_to(number).await?;
        }
    }
}

/// Notes, when a savepoint's closure is dropped, that it is to be rolled back before the transaction does anything else.
struct UndoSavepoint {
    db: Db,
    handle: TxHandle,
    number: u32,
    armed: bool,
}

impl Drop for UndoSavepoint {
    fn drop(&mut self) {
        if self.armed {
            let callbacks = self.handle.discard(self.number);
            if let (false, Ok(runtime)) = (callbacks.is_empty(), tokio::runtime::Handle::try_current()) {
                runtime.spawn(run_callbacks(callbacks));
            }
            self.handle.state().undo.push(self.number);
            self.db.wrote();
        }
    }
}
