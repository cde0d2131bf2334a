//! The verbs of one stored row.

use super::draft::instance;
use super::edit::Edit;
use super::insert::by_key;
use super::{RowState, WriteOptions, destroy, increment, restore};
use crate::db::{Db, TypeMap};
use crate::load;
use crate::model::{Column, IntoInclude, IntoValue, Model, Numeric, values_of};
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

fn stored<M: Model>(row: &M) -> RowState {
    RowState::stored(M::model().clone(), values_of(row))
}

fn destroy_boxed(db: Db, state: RowState, options: WriteOptions) -> BoxFuture<'static, Result<u64>> {
    Box::pin(async move { Ok(destroy(&db, state, &options).await?.0) })
}

fn increment_boxed<M: Model>(
    db: Db,
    state: RowState,
    position: usize,
    by: crate::Value,
    options: WriteOptions,
) -> BoxFuture<'static, Result<M>> {
    Box::pin(async move { instance(increment(&db, &state, vec![(position, by)], &options).await?) })
}

/// The verbs of one stored row.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let mut ann = ann.edit();                 // remembers what was loaded
/// ann.age = Some(40);
/// let ann = ann.save(&db).await?;
/// ann.destroy(&db).await?;                  // softly: the model is paranoid
/// assert_eq!(ann.restore(&db).await?.age, Some(40));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model, so it cannot be written",
    label = "this type has no table",
    note = "add `#[derive(Model, Clone, Debug, PartialEq)]` to `{Self}`; a generic function says `fn f<M: Model>(..)`"
)]
pub trait InstanceWrites: Model {
    /// Begins to change the row; what was loaded is remembered.
    fn edit(self) -> Edit<Self> {
        Edit::new(self)
    }

    /// Adds to a number in one atomic statement; gives the row as stored. Sequelize: `increment('age', { by: 1 })`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let ann = ann.increment(User::AGE, 1, &db).await?;
    /// assert_eq!(ann.age, Some(32));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound` when the row is gone; those of the database.
    #[track_caller]
    fn increment<T: Numeric>(&self, column: Column<Self, T>, by: impl IntoValue<T>, db: &Db) -> impl Future<Output = Result<Self>> + Send {
        increment_boxed(db.clone(), stored(self), column.position(), by.into_value().moved(), WriteOptions::at(Location::caller()))
    }

    /// Subtracts from a number in one atomic statement; gives the row as stored. Sequelize: `decrement('age', { by: 1 })`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let ann = ann.decrement(User::AGE, 1, &db).await?;
    /// assert_eq!(ann.age, Some(30));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound` when the row is gone; those of the database.
    #[track_caller]
    fn decrement<T: Numeric>(&self, column: Column<Self, T>, by: impl IntoValue<T>, db: &Db) -> impl Future<Output = Result<Self>> + Send {
        let by = negated(by.into_value().moved());
        increment_boxed(db.clone(), stored(self), column.position(), by, WriteOptions::at(Location::caller()))
    }

    /// Reads the row again. Sequelize: `reload()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// User::update_all().set(User::AGE, 40).every_row().exec(&db).await?;
    /// assert_eq!(ann.reload(&db).await?.age, Some(40));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound` when the row is gone.
    #[track_caller]
    fn reload(&self, db: &Db) -> impl Future<Output = Result<Self>> + Send {
        let (db, state, options) = (db.clone(), stored(self), WriteOptions::at(Location::caller()));
        async move {
            let key = state.stored_key()?;
            let row = by_key(&db, &state.model, key, &options).await?.ok_or_else(|| Error::not_found(Self::NAME))?;
            crate::hook::tell_read(&db, &row, &options).await?;
            instance(row)
        }
    }

    /// Deletes the row: softly where the model is paranoid. Gives 1, or 0 when it was gone. Sequelize: `destroy()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// assert_eq!(ann.destroy(&db).await?, 1);
    /// assert_eq!(User::count().exec(&db).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ForeignKeyConstraint` when rows still point here; those of hooks.
    #[track_caller]
    fn destroy(&self, db: &Db) -> impl Future<Output = Result<u64>> + Send {
        destroy_boxed(db.clone(), stored(self), WriteOptions::at(Location::caller()))
    }

    /// Deletes the row for good. Sequelize: `destroy({ force: true })`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// ann.force_destroy(&db).await?;
    /// assert!(User::find_all().with_deleted().exec(&db).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`InstanceWrites::destroy`].
    #[track_caller]
    fn force_destroy(&self, db: &Db) -> impl Future<Output = Result<u64>> + Send {
        let mut options = WriteOptions::at(Location::caller());
        options.force = true;
        destroy_boxed(db.clone(), stored(self), options)
    }

    /// Deletes the row with a typed extra that hooks read; `.exec(&db)` runs it.
    fn destroy_with<E: Clone + Send + Sync + 'static>(&self, extra: E) -> DestroyWith<Self> {
        let mut extras = TypeMap::default();
        extras.insert(extra);
        DestroyWith { state: stored(self), extras, hooks: true, force: false, marker: PhantomData }
    }

    /// Brings a softly deleted row back; gives it as stored. Sequelize: `restore()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// ann.destroy(&db).await?;
    /// ann.restore(&db).await?;
    /// assert_eq!(User::count().exec(&db).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` when the model is not paranoid.
    #[track_caller]
    fn restore(&self, db: &Db) -> impl Future<Output = Result<Self>> + Send {
        let (db, state, options) = (db.clone(), stored(self), WriteOptions::at(Location::caller()));
        async move { instance(db.in_transaction(async move |tx| restore(tx, state, &options).await).await?) }
    }

    /// Whether the row is softly deleted. Sequelize: `isSoftDeleted()`.
    fn is_soft_deleted(&self) -> bool {
        Self::model().is_deleted(|column| Some(crate::model::value_of(self, column)))
    }

    /// Loads a relation into its field; a second load does nothing. Sequelize: `getPosts()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// ann.load(User::POSTS, &db).await?;
    /// assert!(ann.posts.loaded()?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database; `Usage` under strict loading.
    #[track_caller]
    fn load<T, K>(&self, include: impl IntoInclude<Self, T, K>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        let (state, db, site) = (include.into_include().state, db.clone(), Location::caller());
        async move { load::load_into(vec![self], state, &db, site).await }
    }

    /// The row as JSON, with the relations that are loaded. Sequelize: `toJSON()`.
    fn to_json(&self) -> serde_json::Value {
        crate::model::serialize_model(self, serde_json::value::Serializer).unwrap_or_default()
    }
}

impl<M: Model> InstanceWrites for M {}

fn negated(value: crate::Value) -> crate::Value {
    use crate::Value;
    match value {
        Value::I64(number) => Value::I64(number.wrapping_neg()),
        Value::F64(number) => Value::F64(-number),
        Value::Decimal(number) => Value::Decimal(-number),
        other => other,
    }
}

/// A destroy with extras.
#[must_use = "a destroy does nothing until .exec"]
pub struct DestroyWith<M> {
    state: RowState,
    extras: TypeMap,
    hooks: bool,
    force: bool,
    marker: PhantomData<fn() -> M>,
}

impl<M: Model> DestroyWith<M> {
    /// Adds another typed extra.
    pub fn with<E: Clone + Send + Sync + 'static>(mut self, extra: E) -> DestroyWith<M> {
        self.extras.insert(extra);
        self
    }

    /// Runs without hooks when `false`.
    pub fn hooks(mut self, run: bool) -> DestroyWith<M> {
        self.hooks = run;
        self
    }

    /// Deletes for good.
    pub fn force(mut self) -> DestroyWith<M> {
        self.force = true;
        self
    }

    /// Deletes the row.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// ann.destroy_with(SkipSync).exec(&db).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`InstanceWrites::destroy`].
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<u64>> + Send + use<M> {
        let mut options = WriteOptions::at(Location::caller());
        options.extras = self.extras;
        options.hooks = self.hooks;
        options.force = self.force;
        destroy_boxed(db.clone(), self.state, options)
    }
}
