//! The one door to the database: every statement of every module goes through [`Db::run`].

pub(super) mod expect;
mod open;

pub(crate) use open::OpenRead;

use super::{Db, pool::Pooled, transaction};
use sequor_core::Name;
use sequor_core::driver::{Batch, Step, StepDone};
use sequor_core::error::{Error, Result, UsageErrorKind};
use std::panic::Location;
use std::time::Instant;

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
        if self.needs_settings() && self.session(run.site)?.is_none() {
            return self.run_with_settings(batch, run).await;
        }
        let texts: Vec<std::sync::Arc<str>> = batch.steps.iter().map(|step: &Step| step.text.clone()).collect();
        expect::note(&texts, run.site);
        let start = Instant::now();
        let result = match self.session(run.site)? {
            Some(tx) => self.limited(tx.run(batch)).await,
            None => {
                let mut pooled: Pooled = self.connection(&run).await?;
                let before = pooled.trips();
                let result = self.limited(pooled.get()?.run(batch)).await;
                expect::note_trips(pooled.trips() - before);
                result
            }
        };
        if run.write {
            self.wrote();
        }
        self.report(&texts, &run, start, result.as_ref().err());
        result.map_err(|error| placed(error, &run))
    }

    /// The work of a statement within the time that it may take. Dropping it is what makes the driver stop it on the server.
    pub(crate) async fn limited<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(limit) = self.inner.settings.statement_timeout else { return work.await };
        match tokio::time::timeout(limit, work).await {
            Ok(result) => result,
            Err(_) => Err(Error::timeout(format!(
                "the statement took longer than {:.3} s (statement_timeout); the server was told to stop it",
                limit.as_secs_f64()
            ))),
        }
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
        expect::note(&[sql.as_str().into()], site);
        self.wrote();
        match self.session(site)? {
            Some(tx) => tx.script(sql).await,
            None => self.inner.pool.acquire(site).await?.get()?.execute_script(sql).await,
        }
    }

    pub(super) fn report(&self, texts: &[std::sync::Arc<str>], run: &Run, start: Instant, error: Option<&Error>) {
        let settings = &self.inner.settings;
        let took = start.elapsed();
        let slow = settings.slow_query.is_some_and(|limit| took >= limit);
        if !slow && !settings.logging {
            return;
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let (system, operation, model) = (self.inner.dialect.name(), run.operation, run.model.as_deref().unwrap_or(""));
        for text in texts {
            if slow {
                tracing::warn!(db.system.name = system, db.query.text = %text, db.operation.name = operation, model, site = %run.site, micros, failed = error.is_some(), "slow query");
            } else {
                tracing::info!(db.system.name = system, db.query.text = %text, db.operation.name = operation, model, site = %run.site, micros, failed = error.is_some(), "query");
            }
        }
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
