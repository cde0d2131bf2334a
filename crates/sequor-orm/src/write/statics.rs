//! The static writes of a model, as builders with `.exec(&db)`.

use super::bulk::{BulkOptions, OnDuplicate, bulk_create};
use super::delete::{DestroyOptions, destroy_all, restore_all, truncate};
use super::draft::{Draft, instance};
use super::update::{UpdateOptions, update_all};
use super::{Call, RowState, WriteOptions, called, find_or_create, upsert};
use crate::FieldType;
use crate::db::Db;
use crate::model::{Column, Model, Operand};
use crate::query::{Clauses, Columns, Deleted, Filter, Find, QueryState, Scope};
use sequor_core::driver::BoxFuture;
use sequor_core::error::Result;
use sequor_core::statement::Expr;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

/// The static writes of a model.
pub trait ModelWrites: Model {
    /// Creates many rows in one transaction; gives them with their keys, in order. Sequelize: `bulkCreate(rows)`.
    fn bulk_create(drafts: impl IntoIterator<Item = Draft<Self>>) -> BulkCreate<Self> {
        let rows = drafts.into_iter().map(|draft| draft.state).collect();
        BulkCreate {
            rows,
            duplicates: OnDuplicate::Fail,
            call: Call::default(),
            individual_hooks: false,
            returning: true,
            marker: PhantomData,
        }
    }

    /// Finds the row that matches, or creates the draft; safe when many do it at once. Sequelize: `findOrCreate({ where, defaults })`.
    fn find_or_create(filter: Filter<Self>, draft: Draft<Self>) -> FindOrCreate<Self> {
        let mut query = QueryState::new(Self::model().clone());
        query.clauses.filters.push(filter.expr);
        FindOrCreate { query, draft, call: Call::default() }
    }

    /// Inserts the draft, or changes the row whose unique key it has. Sequelize: `upsert(values)`.
    fn upsert(draft: Draft<Self>) -> Upsert<Self> {
        Upsert { draft, fields: None, key: None, call: Call::default() }
    }

    /// Changes all rows that match. Sequelize: `update(values, { where })`.
    fn update_all() -> UpdateAll<Self> {
        UpdateAll {
            query: QueryState::new(Self::model().clone()),
            set: Vec::new(),
            every_row: false,
            returning: false,
            individual_hooks: false,
            validate: true,
            silent: false,
            marker: PhantomData,
        }
    }

    /// Deletes all rows that match, softly where the model is paranoid. Sequelize: `destroy({ where })`.
    fn destroy_all() -> DestroyAll<Self> {
        DestroyAll {
            query: QueryState::new(Self::model().clone()),
            every_row: false,
            force: false,
            individual_hooks: false,
            marker: PhantomData,
        }
    }

    /// Brings back all softly deleted rows that match. Sequelize: `restore({ where })`.
    fn restore_all() -> RestoreAll<Self> {
        RestoreAll { query: QueryState::new(Self::model().clone()), individual_hooks: false, marker: PhantomData }
    }

    /// Empties the table. Sequelize: `truncate()`.
    fn truncate() -> Truncate<Self> {
        Truncate { restart_identity: false, cascade: false, marker: PhantomData }
    }
}

impl<M: Model> ModelWrites for M {}

/// A bulk create that has not run yet.
#[must_use = "a bulk create does nothing until .exec"]
pub struct BulkCreate<M> {
    rows: Vec<RowState>,
    duplicates: OnDuplicate,
    call: Call,
    individual_hooks: bool,
    returning: bool,
    marker: PhantomData<fn() -> M>,
}

fn positions(exprs: Vec<Expr>) -> Vec<usize> {
    exprs
        .into_iter()
        .filter_map(|expr| match expr {
            Expr::Field(field) => field.position.map(usize::from),
            _ => None,
        })
        .collect()
}

impl<M: Model> BulkCreate<M> {
    /// Sets these fields of rows whose unique key is taken.
    pub fn update_on_duplicate(mut self, columns: impl Columns<M>) -> BulkCreate<M> {
        self.duplicates = OnDuplicate::Update { fields: positions(columns.exprs()), key: None };
        self
    }

    /// The unique key that decides what a duplicate is.
    pub fn conflict_on(mut self, columns: impl Columns<M>) -> BulkCreate<M> {
        if let OnDuplicate::Update { key, .. } = &mut self.duplicates {
            *key = Some(positions(columns.exprs()));
        }
        self
    }

    /// Leaves out rows whose unique key is taken.
    pub fn ignore_duplicates(mut self) -> BulkCreate<M> {
        self.duplicates = OnDuplicate::Ignore;
        self
    }

    /// Runs row hooks for each row.
    pub fn individual_hooks(mut self) -> BulkCreate<M> {
        self.individual_hooks = true;
        self
    }

    /// Gives only the number of rows back, which lets the fastest way be used.
    pub fn without_returning(mut self) -> BulkCount<M> {
        self.returning = false;
        BulkCount { bulk: self }
    }

    /// Creates the rows.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let users = User::bulk_create(["Bo", "Cy"].map(|name| draft!(User { name }))).exec(&db).await?;
    /// assert_eq!((users[0].id, users[1].id), (2, 3));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation` of all rows at once; constraint errors; nothing is stored then.
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<Vec<M>>> + Send + use<M> {
        let (rows, options) = self.parts(Location::caller());
        bulk_boxed(db.clone(), rows, options)
    }

    fn parts(self, site: &'static Location<'static>) -> (Vec<RowState>, BulkOptions) {
        let write = self.call.options(site);
        let options = BulkOptions {
            write,
            duplicates: self.duplicates,
            individual_hooks: self.individual_hooks,
            returning: self.returning,
            records: false,
        };
        (self.rows, options)
    }
}

/// A bulk create that answers with a number alone.
#[must_use = "a bulk create does nothing until .exec"]
pub struct BulkCount<M> {
    bulk: BulkCreate<M>,
}

impl<M: Model> BulkCount<M> {
    /// Creates the rows and says how many were given.
    ///
    /// # Errors
    /// As [`BulkCreate::exec`].
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<u64>> + Send + use<M> {
        let (rows, options) = self.bulk.parts(Location::caller());
        let db = db.clone();
        count_boxed(db, rows, options)
    }
}

fn count_boxed(db: Db, rows: Vec<RowState>, options: BulkOptions) -> BoxFuture<'static, Result<u64>> {
    Box::pin(async move { Ok(u64::try_from(bulk_create(&db, rows, &options).await?.len()).unwrap_or(u64::MAX)) })
}

fn bulk_boxed<M: Model>(db: Db, rows: Vec<RowState>, options: BulkOptions) -> BoxFuture<'static, Result<Vec<M>>> {
    Box::pin(async move {
        let stored = bulk_create(&db, rows, &options).await?;
        // A row that a conflict left out has no key, and is not part of the answer.
        let ignoring = matches!(options.duplicates, OnDuplicate::Ignore);
        let has_key = |row: &RowState| {
            row.model.primary_key.iter().all(|position| row.values[*position].as_ref().is_some_and(|value| !value.is_null()))
        };
        stored.into_iter().filter(|row| !ignoring || has_key(row)).map(instance).collect()
    })
}

/// A find-or-create that has not run yet.
#[must_use = "a find-or-create does nothing until .exec"]
pub struct FindOrCreate<M> {
    query: QueryState,
    draft: Draft<M>,
    call: Call,
}

called!(BulkCreate);
called!(FindOrCreate);
called!(Upsert);

impl<M: Model> FindOrCreate<M> {
    /// Finds or creates; the flag says whether the row is new.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let (ann, created) = User::find_or_create(User::NAME.eq("Ann"), draft!(User { name: "Ann" })).exec(&db).await?;
    /// assert_eq!((ann.id, created), (1, false));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation`; `UniqueConstraint` when a key is taken that the filter does not name.
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<(M, bool)>> + Send + use<M> {
        let (db, options) = (db.clone(), self.call.options(Location::caller()));
        async move {
            let (state, created) = find_or_create(&db, self.query, self.draft.state, &options).await?;
            Ok((instance(state)?, created))
        }
    }
}

/// An upsert that has not run yet.
#[must_use = "an upsert does nothing until .exec"]
pub struct Upsert<M> {
    draft: Draft<M>,
    fields: Option<Vec<usize>>,
    key: Option<Vec<usize>>,
    call: Call,
}

impl<M: Model> Upsert<M> {
    /// Only these fields of an existing row are changed.
    pub fn fields(mut self, columns: impl Columns<M>) -> Upsert<M> {
        self.fields = Some(positions(columns.exprs()));
        self
    }

    /// The unique key that decides whether the row exists.
    pub fn conflict_on(mut self, columns: impl Columns<M>) -> Upsert<M> {
        self.key = Some(positions(columns.exprs()));
        self
    }

    /// Inserts or changes; the flag says whether the row is new.
    ///
    /// # Errors
    /// `Validation`; `Usage` when no unique key is covered by the values.
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<(M, bool)>> + Send + use<M> {
        let (db, options) = (db.clone(), self.call.options(Location::caller()));
        async move {
            let (state, created) = upsert(&db, self.draft.state, self.fields, self.key, &options).await?;
            Ok((instance(state)?, created))
        }
    }
}

/// An update of many rows that has not run yet.
#[must_use = "an update does nothing until .exec"]
pub struct UpdateAll<M> {
    query: QueryState,
    set: Vec<(usize, Expr)>,
    every_row: bool,
    returning: bool,
    individual_hooks: bool,
    validate: bool,
    silent: bool,
    marker: PhantomData<fn() -> M>,
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
    /// Sets a field to a value, a column or an expression: `.set(User::AGE, User::AGE + 1)`.
    pub fn set<T: FieldType>(mut self, column: Column<M, T>, value: impl Operand<M, T>) -> UpdateAll<M> {
        self.set.push((column.position(), value.into_operand()));
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
    query: QueryState,
    every_row: bool,
    force: bool,
    individual_hooks: bool,
    marker: PhantomData<fn() -> M>,
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
        let mut write = write_options(&self.query.clauses, Location::caller());
        write.force = self.force;
        let options = DestroyOptions { write, every_row: self.every_row, individual_hooks: self.individual_hooks };
        let db = db.clone();
        async move { destroy_all(&db, self.query, &options).await }
    }
}

/// A restoring of many rows that has not run yet.
#[must_use = "a restore does nothing until .exec"]
pub struct RestoreAll<M> {
    query: QueryState,
    individual_hooks: bool,
    marker: PhantomData<fn() -> M>,
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
        let write = write_options(&self.query.clauses, Location::caller());
        let options = UpdateOptions { write, every_row: true, returning: false, individual_hooks: self.individual_hooks };
        let db = db.clone();
        async move { restore_all(&db, self.query, &options).await }
    }
}

/// A truncation that has not run yet.
#[must_use = "a truncation does nothing until .exec"]
pub struct Truncate<M> {
    restart_identity: bool,
    cascade: bool,
    marker: PhantomData<fn() -> M>,
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
