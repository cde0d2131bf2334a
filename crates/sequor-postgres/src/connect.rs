//! [`PostgresDriver`]: opens connections as [`PostgresOptions`] say: which host, as whom, over what.

mod authenticate;
mod environment;
mod options;
mod parameters;
mod scram;
mod socket;
mod startup;
mod url;

pub(crate) use options::TlsMode;
pub use options::{PostgresOptions, StatementMode};
pub(crate) use socket::{Address, open};
pub(crate) use startup::not_postgres;

use crate::connection::PostgresConnection;
use options::{Host, SessionKind};
use sequor_core::driver::{BoxFuture, Connection, Driver, Waited, wait_for};
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Opens connections to one PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresDriver {
    options: Arc<PostgresOptions>,
}

impl PostgresDriver {
    /// A driver with these options.
    pub fn new(options: PostgresOptions) -> PostgresDriver {
        PostgresDriver { options: Arc::new(options) }
    }

    async fn connect_any(&self) -> Result<PostgresConnection> {
        let wanted = self.options.session;
        let passes: &[SessionKind] = match wanted {
            SessionKind::PreferStandby => &[SessionKind::Standby, SessionKind::Any],
            SessionKind::Any => &[SessionKind::Any],
            SessionKind::ReadWrite => &[SessionKind::ReadWrite],
            SessionKind::ReadOnly => &[SessionKind::ReadOnly],
            SessionKind::Primary => &[SessionKind::Primary],
            SessionKind::Standby => &[SessionKind::Standby],
        };
        let mut failure = None;
        for pass in passes {
            for host in &self.options.hosts {
                match self.connect_host(host, *pass).await {
                    Ok(connection) => return Ok(connection),
                    Err(error) => {
                        // Another host has the same passwords: trying it would only lock the account sooner.
                        let final_ = matches!(&error, Error::Connection(error) if error.kind == ConnectionErrorKind::AccessDenied);
                        if final_ {
                            return Err(error);
                        }
                        failure = Some(error);
                    }
                }
            }
        }
        Err(failure.unwrap_or_else(|| Error::connection(ConnectionErrorKind::Invalid, "no host is given")))
    }

    async fn connect_host(&self, host: &Host, wanted: SessionKind) -> Result<PostgresConnection> {
        let target = self.options.target_of(host);
        let work = startup::establish(&self.options, host, &target, wanted);
        match self.options.connect_timeout {
            None => work.await,
            Some(limit) => within(limit, host, &target, work).await,
        }
    }
}

/// Waits for a connection. Shortly before the time is over it is found out whether another server listens there.
async fn within(
    limit: Duration,
    host: &Host,
    target: &str,
    work: impl Future<Output = Result<PostgresConnection>>,
) -> Result<PostgresConnection> {
    let last = limit.div_f32(5.0).min(Duration::from_secs(1));
    match wait_for(work, sleep(limit - last), socket::who_listens(host, target), sleep(limit)).await {
        Waited::Answered(result) => result,
        Waited::Stranger(who) => Err(Error::connection(ConnectionErrorKind::Protocol, format!("{target}: {who}"))),
        Waited::TimedOut => {
            let message = format!(
                "{target} did not answer within {} s (connect_timeout); check host and port, and what filters lines in between",
                limit.as_secs_f32()
            );
            Err(Error::connection(ConnectionErrorKind::TimedOut, message))
        }
    }
}

impl Driver for PostgresDriver {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>>> {
        Box::pin(async move { Ok(Box::new(self.connect_any().await?) as Box<dyn Connection>) })
    }

    fn target(&self) -> String {
        self.options.hosts.iter().map(|host| self.options.target_of(host)).collect::<Vec<_>>().join(", ")
    }
}
