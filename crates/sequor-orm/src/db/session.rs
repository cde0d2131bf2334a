//! The one door to the database: every statement of every module goes through [`Db::run`].

mod clock;
pub(super) mod expect;
mod limit;
#[cfg(feature = "metrics")]
pub(super) mod meter;
#[cfg(not(feature = "metrics"))]
#[path = "session/unmetered.rs"]
pub(super) mod meter;
mod observe;
mod open;
mod shown;
mod slow;

pub(super) use observe::Labels;
pub(crate) use open::OpenRead;
pub(super) use slow::SlowQueries;
pub use slow::SlowQuery;

use super::{Db, pool::Pooled, transaction};
use crate::hook::{self, HookKind, QueryEvent};
use crate::write::WriteOptions;
use observe::Watch;
use sequor_core::Name;
use sequor_core::driver::{Batch, StepDone};
use sequor_core::error::{ConnectionErrorKind, Error, Result, UsageErrorKind};
use std::panic::Location;
use std::pin::pin;
use std::time::Instant;
use tracing::Instrument;

/// What a batch is for: in logs, errors and routing.
#[derive(Clone, Debug)]
pub struct Run {
    /// The operation: `find`, `create`, ..
    pub operation: &'static str,
    /// The model.
    pub model: Option<Name>,
    /// Where the program asked for it.
    pub site: &'static Location<'static>,
    /// Whether it may write.
    pub write: bool,
}

impl Db {
    /// Runs a batch on the transaction of this handle, or on a connection of the pool.
    pub(crate) async fn run(&self, batch: Batch, run: Run) -> Result<Vec<StepDone>> {
        let tx = self.session(run.site)?;
        if tx.is_none() && self.needs_settings() {
            return Box::pin(self.run_with_settings(batch, run)).await;
        }
        let watch = Watch::new(self, &batch, &run);
        self.tell_query(HookKind::BeforeQuery, &watch.texts, &run, None, None).await?;
        let work = pin!(self.run_on(tx.as_ref(), batch, &run));
        let result = if watch.span.is_disabled() { work.await } else { work.instrument(watch.span.clone()).await };
        if run.write {
            self.wrote();
        }
        let told = self.tell_query(HookKind::AfterQuery, &watch.texts, &run, watch.start, result.as_ref().err()).await;
        watch.end(self, &run, result.as_deref());
        told?;
        result.map_err(|error| placed(error, &run))
    }

    async fn run_on(&self, tx: Option<&transaction::TxHandle>, batch: Batch, run: &Run) -> Result<Vec<StepDone>> {
        match tx {
            Some(tx) => self.limited(Box::pin(tx.run(batch))).await,
            None => self.run_alone(batch, run).await,
        }
    }

    /// Runs a batch on a connection of a pool.
    async fn run_alone(&self, batch: Batch, run: &Run) -> Result<Vec<StepDone>> {
        let mut pooled: Pooled = self.connection(run).await?;
        let before = pooled.trips();
        let result = match self.statement_limit() {
            Some(limit) if run.write => Box::pin(limit.of_write(&mut pooled, batch)).await,
            _ => self.limited(pooled.get()?.run(batch)).await,
        };
        expect::note_trips(pooled.trips() - before);
        if let Err(error) = &result {
            self.inner.replicas.broke(&pooled, error);
            if run.write {
                pooled.refused_write(error);
            }
        }
        result
    }

    /// Whether a read whose line broke may be made once more: outside of transactions nothing but reading can have happened.
    pub(crate) fn may_read_again(&self, run: &Run, error: &Error) -> bool {
        let Error::Connection(broken) = error else { return false };
        let lost = matches!(broken.kind(), ConnectionErrorKind::Broken | ConnectionErrorKind::NotReady);
        lost && !run.write && matches!(self.session(run.site), Ok(None))
    }

    /// The transaction to use; an error when a statement would escape the one around it.
    pub(crate) fn session(&self, site: &'static Location<'static>) -> Result<Option<transaction::TxHandle>> {
        if let Some(tx) = &self.tx {
            return Ok(Some(tx.clone()));
        }
        let Some(around) = transaction::current(&self.inner) else { return Ok(None) };
        if self.detached {
            if self.inner.pool.is_exhausted() {
                return Err(Error::of_usage(
                    UsageErrorKind::OutsideTransaction,
                    format!(
                        "detached() at {site} needs a second connection, and all {} are in use by transactions",
                        self.inner.pool.size()
                    ),
                ));
            }
            return Ok(None);
        }
        if self.inner.settings.implicit_transactions {
            return Ok(Some(around));
        }
        Err(Error::of_usage(
            UsageErrorKind::OutsideTransaction,
            format!(
                "the statement at {site} runs on the outer db inside a transaction: use the closure's tx, or db.detached() if it is meant"
            ),
        ))
    }

    pub(crate) async fn ping(&self, site: &'static Location<'static>) -> Result<()> {
        match self.session(site)? {
            Some(tx) => tx.ping().await,
            None => self.inner.pool.acquire(site).await?.get()?.ping().await,
        }
    }

    /// Runs statements without parameters.
    pub(crate) async fn execute_script(&self, sql: String, site: &'static Location<'static>) -> Result<()> {
        let texts = [sql.as_str().into()];
        expect::note(texts.iter(), site);
        self.wrote();
        let run = Run { operation: "script", model: None, site, write: true };
        self.tell_query(HookKind::BeforeQuery, &texts, &run, None, None).await?;
        let start = Instant::now();
        let result = match self.session(site)? {
            Some(tx) => tx.script(sql).await,
            None => self.inner.pool.acquire(site).await?.get()?.execute_script(sql).await,
        };
        self.tell_query(HookKind::AfterQuery, &texts, &run, Some(start), result.as_ref().err()).await?;
        result
    }

    /// Runs the hooks around a statement, but not for those that such a hook sends itself.
    pub(super) async fn tell_query(
        &self,
        kind: HookKind,
        texts: &[std::sync::Arc<str>],
        run: &Run,
        start: Option<Instant>,
        error: Option<&Error>,
    ) -> Result<()> {
        if !self.hook_table().any(kind) || hook::is_in_query_hook() {
            return Ok(());
        }
        Box::pin(self.tell_texts(kind, texts, run, start, error)).await
    }

    async fn tell_texts(
        &self,
        kind: HookKind,
        texts: &[std::sync::Arc<str>],
        run: &Run,
        start: Option<Instant>,
        error: Option<&Error>,
    ) -> Result<()> {
        let options = WriteOptions::at(run.site);
        for sql in texts {
            let (took, model) = (start.map(|start| start.elapsed()), run.model.as_deref());
            let event = QueryEvent { sql, operation: run.operation, model, site: run.site, took, error };
            hook::fire_statement(self, kind, &event, &options).await?;
        }
        Ok(())
    }
}

/// Adds to an error what only the caller knows.
#[cold]
pub(super) fn placed(mut error: Error, run: &Run) -> Error {
    if let Some(detail) = error.detail_mut() {
        detail.operation.get_or_insert(run.operation);
        detail.site.get_or_insert(run.site);
        if let Some(model) = &run.model {
            detail.model.get_or_insert_with(|| model.to_string());
        }
    }
    error
}
