//! [`Transaction`]: one whose end the program says itself. What every handle knows of the transaction around it.

use super::TxHandle;
use super::ending::abandon;
use crate::db::Db;
use sequor_core::error::Result;
use std::ops::Deref;
use std::panic::Location;

/// An unmanaged transaction: `commit` or `rollback` ends it, dropping it rolls back. It stands wherever a `&Db` is asked for.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let tx = db.begin().await?;
/// draft!(Post { title: "Hi", user_id: ann.id }).create(&tx).await?;
/// tx.after_commit(async { println!("stored") });
/// tx.commit().await?;
/// let tx = db.begin().await?;
/// ann.force_destroy(&tx).await?;
/// tx.rollback().await?;
/// assert_eq!((User::count().exec(&db).await?, Post::count().exec(&db).await?), (1, 1));
/// # Ok(())
/// # }
/// ```
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction {
    pub(super) db: Db,
    pub(super) handle: TxHandle,
}

impl Deref for Transaction {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Transaction {
    /// Makes everything durable.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let tx = db.begin().await?;
    /// ann.increment(User::AGE, 1, &tx).await?;
    /// tx.commit().await?;
    /// assert_eq!(ann.reload(&db).await?.age, Some(32));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Connection(CommitUnknown)` when the line broke before the answer; those of deferred constraints.
    #[track_caller]
    pub fn commit(self) -> impl Future<Output = Result<()>> + Send {
        let site = Location::caller();
        async move { self.handle.commit().await.map_err(|error| error.seen_at(site)) }
    }

    /// Undoes everything.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let tx = db.begin().await?;
    /// ann.force_destroy(&tx).await?;
    /// tx.rollback().await?;
    /// assert_eq!(User::count().exec(&db).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    #[track_caller]
    pub fn rollback(self) -> impl Future<Output = Result<()>> + Send {
        let site = Location::caller();
        async move { self.handle.rollback().await.map_err(|error| error.seen_at(site)) }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        abandon(&self.handle);
    }
}

impl Db {
    /// The id of the transaction of this handle, the same for its savepoints; what a log or an audit trail groups by.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// assert!(db.transaction_id().is_none());
    /// let tx = db.begin().await?;
    /// assert!(tx.transaction_id().is_some() && tx.is_in_transaction());
    /// tx.rollback().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn transaction_id(&self) -> Option<uuid::Uuid> {
        self.tx.as_ref().map(|tx| *tx.shared.name.get_or_init(uuid::Uuid::now_v7))
    }

    /// Runs a future once the transaction is durable; outside of one, soon.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let (sender, sent) = tokio::sync::oneshot::channel();
    /// db.transaction(async |tx| {
    ///     tx.after_rollback(async { println!("never mind") });
    ///     tx.after_commit(async move { let _ = sender.send("mail"); });
    ///     ann.increment(User::AGE, 1, tx).await
    /// }).await?;
    /// assert_eq!(sent.await, Ok("mail"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn after_commit(&self, callback: impl Future<Output = ()> + Send + 'static) {
        match &self.tx {
            Some(tx) => tx.state().after_commit.push((tx.level, Box::pin(callback))),
            None => {
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(callback);
                }
            }
        }
    }

    /// Runs a future once the transaction was rolled back.
    pub fn after_rollback(&self, callback: impl Future<Output = ()> + Send + 'static) {
        if let Some(tx) = &self.tx {
            tx.state().after_rollback.push((tx.level, Box::pin(callback)));
        }
    }
}
