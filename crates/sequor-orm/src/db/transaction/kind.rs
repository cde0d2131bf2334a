//! [`Tx`]: the level and the limits of a transaction.

use sequor_core::driver::{Begin, Isolation};
use sequor_core::error::{Error, Result};
use std::panic::Location;
use std::time::Duration;

/// How a transaction runs.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, _) = seeded().await?;
/// let how = Tx::serializable().read_only().retry(3).timeout(secs(5));
/// let count = db.transaction_with(how, async |tx| User::count().exec(tx).await).await?;
/// assert_eq!(count, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Tx {
    pub(super) begin: Begin,
    pub(super) attempts: u32,
    pub(super) timeout: Option<Duration>,
}

impl Tx {
    /// At a level of isolation.
    const fn at(isolation: Isolation) -> Tx {
        Tx {
            begin: Begin { isolation: Some(isolation), read_only: false, immediate: false, deferrable: false, with_statement: false },
            attempts: 0,
            timeout: None,
        }
    }

    /// SERIALIZABLE.
    pub const fn serializable() -> Tx {
        Tx::at(Isolation::Serializable)
    }

    /// REPEATABLE READ.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// for tx in [Tx::read_committed(), Tx::repeatable_read(), Tx::serializable().deferrable()] {
    ///     let one = db.transaction_with(tx, async |tx| tx.query_as::<(i64,)>(sql!("SELECT 1")).await).await?;
    ///     assert_eq!(one, [(1,)]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub const fn repeatable_read() -> Tx {
        Tx::at(Isolation::RepeatableRead)
    }

    /// READ COMMITTED.
    pub const fn read_committed() -> Tx {
        Tx::at(Isolation::ReadCommitted)
    }

    /// READ UNCOMMITTED.
    pub const fn read_uncommitted() -> Tx {
        Tx::at(Isolation::ReadUncommitted)
    }

    /// Writes are errors of the database.
    #[must_use]
    pub const fn read_only(mut self) -> Tx {
        self.begin.read_only = true;
        self
    }

    /// So many attempts when the database asks for another (deadlock, serialization failure, busy), with pauses that grow.
    #[must_use]
    pub const fn retry(mut self, attempts: u32) -> Tx {
        self.attempts = attempts;
        self
    }

    /// Rolls back when it takes longer.
    #[must_use]
    pub const fn timeout(mut self, limit: Duration) -> Tx {
        self.timeout = Some(limit);
        self
    }

    /// PostgreSQL: waits for a snapshot that cannot fail (serializable, read only).
    #[must_use]
    pub const fn deferrable(mut self) -> Tx {
        self.begin.deferrable = true;
        self
    }

    /// A savepoint takes what the transaction around it has: anything else asked for is said, not dropped.
    pub(super) fn check_nested(&self, site: &'static Location<'static>) -> Result<()> {
        let begin = &self.begin;
        if begin.isolation.is_none() && !begin.read_only && !begin.deferrable && self.timeout.is_none() {
            return Ok(());
        }
        Err(Error::usage(format!(
            "transaction_with() at {site} is inside a transaction, where it is a savepoint and can have no isolation level, read_only, deferrable or timeout: \
             ask for them where the transaction begins"
        )))
    }
}
