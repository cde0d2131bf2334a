//! Builders that create rows: many at once, if they are not there, or in the place of those that are.

use crate::db::Db;
use crate::model::Model;
use crate::query::{Columns, QueryState};
use crate::write::bulk::{BulkOptions, OnDuplicate, bulk_create, covered_key};
use crate::write::draft::{Draft, instance};
use crate::write::{Call, RowState, called, find_or_create, upsert};
use sequor_core::driver::BoxFuture;
use sequor_core::error::Result;
use sequor_core::statement::Expr;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

/// A bulk create that has not run yet.
#[must_use = "a bulk create does nothing until .exec"]
pub struct BulkCreate<M> {
    pub(super) rows: Vec<RowState>,
    pub(super) duplicates: OnDuplicate,
    /// The unique key that was named.
    pub(super) key: Option<Vec<usize>>,
    pub(super) call: Call,
    pub(super) individual_hooks: bool,
    pub(super) returning: bool,
    pub(super) marker: PhantomData<fn() -> M>,
}

/// The unique key that all rows give, before defaults are filled: a key that is made up for a row meets none that is there.
fn given_key(rows: &[RowState]) -> Option<Vec<usize>> {
    let key = |row: &RowState| {
        let given: Vec<usize> = (0..row.values.len()).filter(|position| row.gives(*position)).collect();
        covered_key(&row.model, &given).ok()
    };
    let first = key(rows.first()?)?;
    rows.iter().skip(1).all(|row| key(row).as_ref() == Some(&first)).then_some(first)
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
        self.key = Some(positions(columns.exprs()));
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
        let duplicates = match self.duplicates {
            OnDuplicate::Update { fields, .. } => OnDuplicate::Update { fields, key: self.key.or_else(|| given_key(&self.rows)) },
            other => other,
        };
        let options = BulkOptions { write, duplicates, individual_hooks: self.individual_hooks, returning: self.returning, records: false };
        (self.rows, options)
    }
}

/// A bulk create that answers with a number alone.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let drafts = [draft!(User { name: "Bo" }), draft!(User { name: "Cy" })];
/// assert_eq!(User::bulk_create(drafts).without_returning().exec(&db).await?, 2);
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[must_use = "a bulk create does nothing until .exec"]
pub struct BulkCount<M> {
    pub(super) bulk: BulkCreate<M>,
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
    pub(super) query: QueryState,
    pub(super) draft: Draft<M>,
    pub(super) call: Call,
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
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let (user, created) = User::upsert(draft!(User { name: "Ann", age: 32 })).conflict_on(User::NAME).exec(&db).await?;
/// assert_eq!((user.id, user.age, created), (ann.id, Some(32), false));
/// # Ok(())
/// # }
/// ```
#[must_use = "an upsert does nothing until .exec"]
pub struct Upsert<M> {
    pub(super) draft: Draft<M>,
    pub(super) fields: Option<Vec<usize>>,
    pub(super) key: Option<Vec<usize>>,
    pub(super) call: Call,
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
