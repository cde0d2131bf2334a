//! Row locks, and what the database is told about indexes.

use super::Find;
use crate::model::{Relation, ToOneKind};
use crate::query::Clauses;
use crate::query::shape::Shape;
use sequor_core::Name;
use sequor_core::statement::{Alias, Hint, Lock as RowLock, LockMode, LockWait};

impl<M, S: Shape> Find<M, S> {
    /// Locks the rows until the transaction ends. Sequelize: `lock`.
    pub fn lock(self, lock: Lock) -> Find<M, S> {
        self.with_clauses(|clauses| {
            let known = clauses.lock.get_or_insert(RowLock { mode: lock.mode(), of: Vec::new(), wait: LockWait::Block });
            known.mode = lock.mode();
        })
    }

    /// Leaves out rows that others have locked.
    pub fn skip_locked(self) -> Find<M, S> {
        self.with_clauses(|clauses| wait(clauses, LockWait::SkipLocked))
    }

    /// Fails at once with `Error::Timeout` when a row is locked.
    pub fn no_wait(self) -> Find<M, S> {
        self.with_clauses(|clauses| wait(clauses, LockWait::NoWait))
    }

    /// Locks the rows of an included to-one relation too; where they may be missing, PostgreSQL needs the include `required()`.
    /// Sequelize: `lock: { level, of }`.
    pub fn lock_of<T, K: ToOneKind>(self, lock: Lock, relation: Relation<M, T, K>) -> Find<M, S> {
        self.with_clauses(|clauses| {
            let known = clauses.lock.get_or_insert(RowLock { mode: lock.mode(), of: Vec::new(), wait: LockWait::Block });
            known.mode = lock.mode();
            known.of.push(Alias::Named(Name::Borrowed(relation.name())));
        })
    }

    /// Uses an index (MySQL, MariaDB; others plan by themselves). Sequelize: `indexHints`.
    pub fn use_index(self, name: impl Into<Name>) -> Find<M, S> {
        self.hint("USE", name.into())
    }

    /// Uses an index unless it is impossible (MySQL, MariaDB).
    pub fn force_index(self, name: impl Into<Name>) -> Find<M, S> {
        self.hint("FORCE", name.into())
    }

    /// Never uses an index (MySQL, MariaDB).
    pub fn ignore_index(self, name: impl Into<Name>) -> Find<M, S> {
        self.hint("IGNORE", name.into())
    }

    fn hint(self, kind: &'static str, name: Name) -> Find<M, S> {
        self.with_clauses(|clauses| clauses.hints.push(Hint { kind, indexes: vec![name] }))
    }
}

fn wait(clauses: &mut Clauses, wait: LockWait) {
    let lock = clauses.lock.get_or_insert(RowLock { mode: LockMode::Update, of: Vec::new(), wait });
    lock.wait = wait;
}

/// The strength of a row lock.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// // On PostgreSQL and MySQL the rows are locked until the transaction ends; SQLite has one writer at a time, and needs no locks.
/// db.transaction(async |tx| {
///     let user = User::find_by_pk(ann.id).or_fail().lock(Lock::Update).exec(tx).await?;
///     user.increment(User::AGE, 1, tx).await
/// }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// FOR UPDATE.
    Update,
    /// FOR SHARE.
    Share,
    /// FOR KEY SHARE (PostgreSQL).
    KeyShare,
    /// FOR NO KEY UPDATE (PostgreSQL).
    NoKeyUpdate,
}

impl Lock {
    fn mode(self) -> LockMode {
        match self {
            Lock::Update => LockMode::Update,
            Lock::Share => LockMode::Share,
            Lock::KeyShare => LockMode::KeyShare,
            Lock::NoKeyUpdate => LockMode::NoKeyUpdate,
        }
    }
}
