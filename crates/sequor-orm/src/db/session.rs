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
mod unsent;

pub(super) use observe::Labels;
pub(crate) use open::OpenRead;
pub(super) use slow::SlowQueries;
pub use slow::SlowQuery;

use super::{Db, pool::Pooled, transaction};
use crate::hook::{self, HookKind, QueryEvent};
use crate::write::WriteOptions;
use limit::Limit;
use observe::Watch;
use sequor_core::Name;
use sequor_core::driver::{Batch, BoxFuture, Connection, Step, StepDone};
use sequor_core::error::{ConnectionErrorKind, Error, Result, UsageErrorKind};
use std::panic::Location;
use std::pin::{Pin, pin};
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
        let mut watch = Watch::steps(self, &batch.steps, &run);
        let work = pin!(async {
            match &tx {
                Some(tx) => self.limited(Box::pin(tx.run(batch, run.write))).await,
                None => self.run_alone((&run, self.only_sleep(&run, &batch.steps)), |connection| connection.run(batch)).await,
            }
        });
        self.watched(&mut watch, &run, work, Vec::as_slice).await
    }

    /// Runs one step likewise: what most statements are. What it holds while it waits stays below the kilobyte up to which the allocator keeps memory at hand:
    /// what an `async fn` takes by value lies in its future twice, so the step is lent to the work.
    pub(crate) fn run_step<'a>(&'a self, step: Step, run: &'a Run) -> impl Future<Output = Result<StepDone>> + Send + 'a {
        let mut step = Some(step);
        async move {
            let tx = self.session(run.site)?;
            if tx.is_none() && self.needs_settings() {
                let mut done = Box::pin(self.run_with_settings(Batch::one(once(step.take())?), run.clone())).await?;
                return done.pop().ok_or_else(|| Error::bug("a batch of one step has no answer"));
            }
            let mut watch = Watch::steps(self, step.as_slice(), run);
            let sleeps = self.only_sleep(run, step.as_slice());
            let work = pin!(async {
                match &tx {
                    Some(tx) => self.limited(Box::pin(tx.run_step(once(step.take())?, run.write))).await,
                    None => {
                        let run_alone = self.run_alone((run, sleeps), |connection| match once(step.take()) {
                            Ok(step) => connection.run_step(step),
                            Err(error) => Box::pin(std::future::ready(Err(error))),
                        });
                        run_alone.await
                    }
                }
            });
            self.watched(&mut watch, run, work, std::slice::from_ref).await
        }
    }

    /// Does what sends statements, and tells whoever wants to know of them.
    async fn watched<T>(
        &self,
        watch: &mut Watch,
        run: &Run,
        work: Pin<&mut impl Future<Output = Result<T>>>,
        steps: fn(&T) -> &[StepDone],
    ) -> Result<T> {
        if self.tells_queries(HookKind::BeforeQuery) {
            Box::pin(self.tell_texts(HookKind::BeforeQuery, &watch.texts, run, None, None)).await?;
        }
        let result = if watch.span.is_disabled() { work.await } else { work.instrument(watch.span.clone()).await };
        if run.write {
            self.wrote();
        }
        let mut told = Ok(());
        if self.tells_queries(HookKind::AfterQuery) {
            let error = result.as_ref().err();
            told = Box::pin(self.tell_texts(HookKind::AfterQuery, &watch.texts, run, watch.start, error)).await;
        }
        watch.end(self, run, result.as_ref().map(steps));
        told?;
        result.map_err(|error| placed(unsent::named(error, run.model.as_deref(), &self.inner.registry), run))
    }

    /// Does something on a connection of a pool; `sleeps` says that it only sleeps.
    async fn run_alone<T>(
        &self,
        (run, sleeps): (&Run, bool),
        work: impl for<'c> FnOnce(&'c mut dyn Connection) -> BoxFuture<'c, Result<T>>,
    ) -> Result<T> {
        let mut pooled: Pooled = self.connection(run).await?;
        let before = pooled.trips();
        let limit = self.statement_limit().filter(|_| run.write);
        let cancel = limit.and_then(|_| pooled.canceller());
        let work = work(pooled.get()?.as_mut());
        let result = match limit {
            Some(limit) => Box::pin(limit.of_write(cancel, sleeps, work)).await,
            None => self.limited(work).await,
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
                )
                .seen_at(site));
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
        )
        .seen_at(site))
    }

    pub(crate) async fn ping(&self, site: &'static Location<'static>) -> Result<()> {
        match self.session(site)? {
            Some(tx) => self.limited(tx.ping()).await,
            None => {
                let mut pooled = self.inner.pool.acquire(site).await?;
                self.limited(pooled.get()?.ping()).await
            }
        }
    }

    /// Runs statements without parameters, which may take as long as they like.
    pub(crate) async fn execute_script(&self, sql: String, site: &'static Location<'static>) -> Result<()> {
        self.script(sql, site, None).await
    }

    /// Runs one statement without parameters, within the time that a statement may take.
    pub(crate) async fn execute_plain(&self, sql: String, site: &'static Location<'static>) -> Result<()> {
        self.script(sql, site, self.statement_limit()).await
    }

    async fn script(&self, sql: String, site: &'static Location<'static>, limit: Option<Limit>) -> Result<()> {
        let texts = [sql.as_str().into()];
        expect::note(texts.iter(), site);
        self.wrote();
        let run = Run { operation: "script", model: None, site, write: true };
        self.tell_query(HookKind::BeforeQuery, &texts, &run, None, None).await?;
        let start = Instant::now();
        let result = match self.session(site)? {
            Some(tx) if limit.is_some() => self.limited(tx.script(sql)).await,
            Some(tx) => tx.script(sql).await,
            None => {
                let mut pooled = self.inner.pool.acquire(site).await?;
                let cancel = limit.and_then(|_| pooled.canceller());
                let work = pooled.get()?.execute_script(sql);
                match limit {
                    Some(limit) => Box::pin(limit.of_write(cancel, false, work)).await,
                    None => work.await,
                }
            }
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
        if self.tells_queries(kind) { Box::pin(self.tell_texts(kind, texts, run, start, error)).await } else { Ok(()) }
    }

    fn tells_queries(&self, kind: HookKind) -> bool {
        self.hook_table().any(kind) && !hook::is_in_query_hook()
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

fn once(step: Option<Step>) -> Result<Step> {
    step.ok_or_else(|| Error::bug("a step is run once"))
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
