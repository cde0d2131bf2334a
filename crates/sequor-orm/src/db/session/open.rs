//! [`OpenRead`]: a statement that keeps its connection between one part of its rows and the next.

use super::observe::Watch;
use super::{Run, placed};
use crate::db::Db;
use crate::db::pool::Pooled;
use sequor_core::driver::{RowSink, Step, StepDone};
use sequor_core::error::Result;
use std::pin::pin;
use tokio::sync::OwnedSemaphorePermit;

/// A statement whose sink has paused it.
pub(crate) struct OpenRead {
    pooled: Pooled,
    run: Run,
}

impl Db {
    /// A place among the streams that keep a connection; `None` when one more would leave none for what they read beside their rows.
    pub(crate) fn stream_place(&self) -> Option<OwnedSemaphorePermit> {
        self.inner.pool.stream_place()
    }

    /// Starts a statement outside of transactions whose sink may pause it; without [`OpenRead`] it has ended.
    pub(crate) async fn open(&self, step: Step, run: &Run) -> Result<(StepDone, Option<OpenRead>)> {
        let mut watch = Watch::steps(self, std::slice::from_ref(&step), run);
        self.watched(&mut watch, run, pin!(self.open_step(step, run)), |(done, _)| std::slice::from_ref(done)).await
    }

    async fn open_step(&self, step: Step, run: &Run) -> Result<(StepDone, Option<OpenRead>)> {
        let mut pooled = self.connection(run).await?;
        let done = self.limited(pooled.get()?.run_step(step)).await;
        if let Err(error) = &done {
            self.inner.replicas.broke(&pooled, error);
        }
        let done = done?;
        let read = done.paused.then(|| OpenRead { pooled, run: run.clone() });
        Ok((done, read))
    }
}

impl OpenRead {
    /// Goes on with the rows.
    pub(crate) async fn next(mut self, sink: Box<dyn RowSink>) -> Result<(StepDone, Option<OpenRead>)> {
        let done = match self.pooled.get()?.resume(sink).await {
            Ok(done) => done,
            Err(error) => return Err(placed(error, &self.run)),
        };
        let read = done.paused.then_some(self);
        Ok((done, read))
    }
}
