//! The time that a statement may take, and what is known of it when that is over.

use super::Run;
use crate::db::{Db, transaction};
use sequor_core::driver::{Cancel, Step};
use sequor_core::error::{ConnectionErrorKind, Error, Result, UsageErrorKind};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a statement beside the transaction around it may take: no database sees that it waits for its own caller.
const DETACHED: Duration = Duration::from_secs(30);
/// How long the server may take to say what became of a write that it was told to stop.
const STOPPING: Duration = Duration::from_millis(500);

/// How long a statement may take.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    time: Duration,
    /// Whether it runs beside a transaction that may hold what it waits for.
    beside: bool,
}

impl Db {
    /// How long a statement of this handle may take; `None` for as long as it likes.
    pub(super) fn statement_limit(&self) -> Option<Limit> {
        let beside = self.detached && transaction::current(&self.inner).is_some();
        let time = match (self.inner.settings.statement_timeout, beside) {
            (limit, false) => limit?,
            (limit, true) => limit.map_or(DETACHED, |limit| limit.min(DETACHED)),
        };
        Some(Limit { time, beside })
    }

    /// Whether a limited write does nothing but sleep: that such a one was stopped does not show in its end.
    pub(super) fn only_sleep(&self, run: &Run, steps: &[Step]) -> bool {
        run.write && self.statement_limit().is_some() && steps.iter().all(|step| sleeps(&step.text))
    }

    /// The work of a statement within the time that it may take. Dropping it is what makes the driver stop it on the server.
    pub(crate) async fn limited<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(limit) = self.statement_limit() else { return work.await };
        match Box::pin(timeout(limit.time, work)).await {
            Ok(result) => result,
            Err(_) => Err(limit.is_over()),
        }
    }
}

/// MySQL: `SELECT SLEEP(60)` that is stopped ends as if it had slept.
fn sleeps(text: &str) -> bool {
    let text = text.trim_start().to_ascii_lowercase();
    (text.starts_with("select ") || text.starts_with("do ")) && text.contains("sleep(")
}

impl Limit {
    /// A write outside of transactions. When its time is over the server is told to stop it, and asked what became of it: what it has stored is an `Ok`,
    /// `Timeout` means that nothing is stored, and when it says neither in time that is `CommitUnknown`.
    pub(super) async fn of_write<T>(
        self,
        cancel: Option<Arc<dyn Cancel>>,
        sleeps: bool,
        mut work: impl Future<Output = Result<T>> + Unpin,
    ) -> Result<T> {
        if let Ok(result) = timeout(self.time, &mut work).await {
            return result;
        }
        let stop = async {
            match &cancel {
                Some(cancel) => cancel.cancel().await,
                None => std::future::pending().await,
            }
        };
        let ended = async {
            let mut stop = pin!(stop);
            tokio::select! {
                biased;
                result = &mut work => return result,
                asked = &mut stop => asked.ok(),
            };
            work.await
        };
        match timeout(STOPPING, ended).await {
            Ok(Err(Error::Timeout { .. })) => Err(self.is_over()),
            Ok(Ok(_)) if sleeps => Err(self.is_over()),
            Ok(result) => result,
            Err(_) => Err(Error::connection(
                ConnectionErrorKind::CommitUnknown,
                format!(
                    "the write took longer than {:.3} s (statement_timeout), and the server did not say whether it stopped it: it may have been stored",
                    self.time.as_secs_f64()
                ),
            )),
        }
    }

    #[cold]
    fn is_over(self) -> Error {
        let time = self.time.as_secs_f64();
        if self.beside {
            return Error::of_usage(
                UsageErrorKind::OutsideTransaction,
                format!(
                    "a statement of detached() inside a transaction took longer than {time:.1} s: the transaction around it may hold the row that it waits for; \
                     use the transaction's own handle"
                ),
            );
        }
        Error::timeout(format!("the statement took longer than {time:.3} s (statement_timeout); the server was told to stop it"))
    }
}
