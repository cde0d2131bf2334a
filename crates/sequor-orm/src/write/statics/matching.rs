//! Builders that update, delete and restore all rows that match a filter.

use crate::FieldType;
use crate::db::Db;
use crate::model::{Column, Model, Operand};
use crate::query::{Clauses, Deleted, Filter, Find, QueryState, Scope};
use crate::write::WriteOptions;
use crate::write::delete::{DestroyOptions, destroy_all, restore_all, truncate};
use crate::write::draft::instance;
use crate::write::update::{UpdateOptions, update_all};
use sequor_core::error::Result;
use sequor_core::statement::Expr;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

/// An update of many rows that has not run yet.
#[must_use = "an update does nothing until .exec"]
pub struct UpdateAll<M> {
    pub(super) query: QueryState,
    pub(super) set: Vec<(usize, Expr)>,
    pub(super) every_row: bool,
    pub(super) returning: bool,
    pub(super) individual_hooks: bool,
    pub(super) validate: bool,
    pub(super) silent: bool,
    pub(super) marker: PhantomData<fn() -> M>,
}

/// The clauses that writes of many rows share.
macro_rules! filtered {
    ($name:ident) => {
        impl<M: Model> $name<M> {
            /// Only rows that match; several filters must all match.
            pub fn filter(mut self, filter: Filter<M>) -> $name<M> {
                self.query.clauses.filters.push(filter.expr);
                self
            }

            /// Applies a scope.
            pub fn scope(mut self, scope: impl Scope<M>) -> $name<M> {
                let find = Find::<M>::from_clauses(std::mem::take(&mut self.query.clauses));
                self.query.clauses = scope(find).state.clauses;
                self
            }

            /// Without the default scope.
            pub fn unscoped(mut self) -> $name<M> {
                self.query.clauses.unscoped = true;
                self
            }

            /// Also rows that are deleted.
            pub fn with_deleted(mut self) -> $name<M> {
                self.query.clauses.deleted = Deleted::Included;
                self
            }

            /// Only rows that are deleted.
            pub fn only_deleted(mut self) -> $name<M> {
                self.query.clauses.deleted = Deleted::Only;
                self
            }

            /// At most so many rows.
            pub fn limit(mut self, limit: u64) -> $name<M> {
                self.query.clauses.limit = Some(limit);
                self
            }

            /// Runs without hooks when `false`.
            pub fn hooks(mut self, run: bool) -> $name<M> {
                self.query.clauses.without_hooks = !run;
                self
            }

            /// Runs row hooks for each row.
            pub fn individual_hooks(mut self) -> $name<M> {
                self.individual_hooks = true;
                self
            }

            /// Carries a typed extra that hooks read.
            pub fn with<E: Clone + Send + Sync + 'static>(mut self, extra: E) -> $name<M> {
                self.query.clauses.extras.insert(extra);
                self
            }
        }
    };
}

filtered!(UpdateAll);
filtered!(DestroyAll);
filtered!(RestoreAll);

fn write_options(clauses: &Clauses, site: &'static Location<'static>) -> WriteOptions {
    let mut options = WriteOptions::at(site);
    options.hooks = !clauses.without_hooks;
    options.extras = clauses.extras.clone();
    options.tags.clone_from(&clauses.tags);
    options
}

impl<M: Model> UpdateAll<M> {
    /// Sets a field to a value, a column or an expression: `.set(User::AGE, User::AGE + 1)`. Of two values for one field the later one counts.
    pub fn set<T: FieldType>(mut self, column: Column<M, T>, value: impl Operand<M, T>) -> UpdateAll<M> {
        let position = column.position();
        self.set.retain(|(given, _)| *given != position);
        self.set.push((position, value.into_operand()));
        self
    }

    /// Says that every row is meant.
    pub fn every_row(mut self) -> UpdateAll<M> {
        self.every_row = true;
        self
    }

    /// Leaves out the rules of the model.
    pub fn skip_validation(mut self) -> UpdateAll<M> {
        self.validate = false;
        self
    }

    /// Leaves `updated_at` alone.
    pub fn silent(mut self) -> UpdateAll<M> {
        self.silent = true;
        self
    }

    /// Gives the rows as they are stored afterwards.
    pub fn returning(mut self) -> UpdateReturning<M> {
        self.returning = true;
        UpdateReturning(self)
    }

    fn options(&self, site: &'static Location<'static>) -> UpdateOptions {
        let mut write = write_options(&self.query.clauses, site);
        write.validate = self.validate;
        write.silent = self.silent;
        UpdateOptions { write, every_row: self.every_row, returning: self.returning, individual_hooks: self.individual_hooks }
    }

    /// Changes the rows; gives how many matched.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let updated = User::update_all().set(User::AGE, User::AGE + 1).filter(User::AGE.lt(40)).exec(&db).await?;
    /// assert_eq!(updated, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `MissingFilter` without a filter; `Validation`; constraint errors.
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<u64>> + Send + use<M> {
        let (db, options) = (db.clone(), self.options(Location::caller()));
        async move { Ok(update_all(&db, self.query, self.set, &options).await?.0) }
    }
}

/// An update that gives the rows.
#[must_use = "an update does nothing until .exec"]
pub struct UpdateReturning<M>(UpdateAll<M>);

impl<M: Model> UpdateReturning<M> {
    /// Only rows that match.
    pub fn filter(self, filter: Filter<M>) -> UpdateReturning<M> {
        UpdateReturning(self.0.filter(filter))
    }

    /// Changes the rows; gives them as they are stored.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let users = User::update_all().set(User::AGE, 32).filter(User::ID.eq(1)).returning().exec(&db).await?;
    /// assert_eq!(users[0].age, Some(32));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`UpdateAll::exec`].
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<Vec<M>>> + Send + use<M> {
        let (db, options) = (db.clone(), self.0.options(Location::caller()));
        async move { update_all(&db, self.0.query, self.0.set, &options).await?.1.into_iter().map(instance).collect() }
    }
}

/// A deletion of many rows that has not run yet.
#[must_use = "a deletion does nothing until .exec"]
pub struct DestroyAll<M> {
    pub(super) query: QueryState,
    pub(super) every_row: bool,
    pub(super) force: bool,
    pub(super) individual_hooks: bool,
    pub(super) marker: PhantomData<fn() -> M>,
}

impl<M: Model> DestroyAll<M> {
    /// Says that every row is meant.
    pub fn every_row(mut self) -> DestroyAll<M> {
        self.every_row = true;
        self
    }

    /// Deletes for good.
    pub fn force(mut self) -> DestroyAll<M> {
        self.force = true;
        self
    }

    /// Deletes the rows; gives how many.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// assert_eq!(User::destroy_all().filter(User::AGE.gt(30)).exec(&db).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `MissingFilter` without a filter; `ForeignKeyConstraint`.
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<u64>> + Send + use<M> {
        let (db, options) = (db.clone(), self.options(false, Location::caller()));
        async move { Ok(destroy_all(&db, self.query, &options).await?.0) }
    }

    /// Gives the rows: those that stay, softly deleted, as they are stored, others as they last were.
    pub fn returning(self) -> DestroyReturning<M> {
        DestroyReturning(self)
    }

    fn options(&self, returning: bool, site: &'static Location<'static>) -> DestroyOptions {
        let mut write = write_options(&self.query.clauses, site);
        write.force = self.force;
        DestroyOptions { write, every_row: self.every_row, returning, individual_hooks: self.individual_hooks }
    }
}

/// A deletion that gives the rows.
#[must_use = "a deletion does nothing until .exec"]
pub struct DestroyReturning<M>(DestroyAll<M>);

impl<M: Model> DestroyReturning<M> {
    /// Only rows that match.
    pub fn filter(self, filter: Filter<M>) -> DestroyReturning<M> {
        DestroyReturning(self.0.filter(filter))
    }

    /// Deletes the rows, which it reads and locks first; gives them.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let gone = User::destroy_all().filter(User::AGE.gt(30)).force().returning().exec(&db).await?;
    /// assert_eq!(gone, [ann]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`DestroyAll::exec`].
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<Vec<M>>> + Send + use<M> {
        let (db, options) = (db.clone(), self.0.options(true, Location::caller()));
        async move { destroy_all(&db, self.0.query, &options).await?.1.into_iter().map(instance).collect() }
    }
}

/// A restoring of many rows that has not run yet.
#[must_use = "a restore does nothing until .exec"]
pub struct RestoreAll<M> {
    pub(super) query: QueryState,
    pub(super) individual_hooks: bool,
    pub(super) marker: PhantomData<fn() -> M>,
}

impl<M: Model> RestoreAll<M> {
    /// Brings the rows back; gives how many.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// User::destroy_all().every_row().exec(&db).await?;
    /// assert_eq!(User::restore_all().exec(&db).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` when the model is not paranoid.
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<u64>> + Send + use<M> {
        let (db, options) = (db.clone(), self.options(false, Location::caller()));
        async move { Ok(restore_all(&db, self.query, &options).await?.0) }
    }

    /// Gives the rows as they are stored afterwards.
    pub fn returning(self) -> RestoreReturning<M> {
        RestoreReturning(self)
    }

    fn options(&self, returning: bool, site: &'static Location<'static>) -> UpdateOptions {
        let write = write_options(&self.query.clauses, site);
        UpdateOptions { write, every_row: true, returning, individual_hooks: self.individual_hooks }
    }
}

/// A restoring that gives the rows.
#[must_use = "a restore does nothing until .exec"]
pub struct RestoreReturning<M>(RestoreAll<M>);

impl<M: Model> RestoreReturning<M> {
    /// Only rows that match.
    pub fn filter(self, filter: Filter<M>) -> RestoreReturning<M> {
        RestoreReturning(self.0.filter(filter))
    }

    /// Brings the rows back; gives them as they are stored.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// User::destroy_all().every_row().exec(&db).await?;
    /// let back = User::restore_all().returning().exec(&db).await?;
    /// assert_eq!(back[0].id, ann.id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`RestoreAll::exec`].
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<Vec<M>>> + Send + use<M> {
        let (db, options) = (db.clone(), self.0.options(true, Location::caller()));
        async move { restore_all(&db, self.0.query, &options).await?.1.into_iter().map(instance).collect() }
    }
}

/// A truncation that has not run yet.
#[must_use = "a truncation does nothing until .exec"]
pub struct Truncate<M> {
    pub(super) restart_identity: bool,
    pub(super) cascade: bool,
    pub(super) marker: PhantomData<fn() -> M>,
}

impl<M: Model> Truncate<M> {
    /// Counts start again.
    pub fn restart_identity(mut self) -> Truncate<M> {
        self.restart_identity = true;
        self
    }

    /// Also tables that point here (PostgreSQL).
    pub fn cascade(mut self) -> Truncate<M> {
        self.cascade = true;
        self
    }

    /// Empties the table.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// Post::truncate().exec(&db).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ForeignKeyConstraint` or `Database` when rows still point here.
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<()>> + Send + use<M> {
        let (db, options) = (db.clone(), WriteOptions::at(Location::caller()));
        async move { truncate(&db, M::model(), self.restart_identity, self.cascade, &options).await }
    }
}
