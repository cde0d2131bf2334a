//! [`RuntimeCall`]: the verbs of a run-time model, each run by `.exec(&db)` as those of typed models are; and the short verbs of a [`Record`].

use super::{Record, RuntimeModel};
use crate::db::Db;
use crate::query::RowsAndCount;
use crate::write::{self, WriteOptions};
use sequor_core::driver::BoxFuture;
use sequor_core::error::Result;
use serde_json::Value as Json;
use std::future::{Future, IntoFuture};
use std::panic::Location;

/// Something that a run-time model does and has not done yet: `.exec(&db)` runs it there, `.await` on the model's own database.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, _) = noted().await?;
/// let notes = db.model("Note")?;
/// assert_eq!(notes.count(json!({})).await?, 1);                            // on the database it was asked of
/// db.transaction(async |tx| notes.count(json!({})).exec(tx).await).await?;  // in a transaction
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing happens until .exec or .await"]
pub struct RuntimeCall<T> {
    model: RuntimeModel,
    run: Box<dyn FnOnce(RuntimeModel) -> BoxFuture<'static, Result<T>> + Send>,
}

impl<T> RuntimeCall<T> {
    /// Runs it on this database or transaction.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, _) = noted().await?;
    /// let note = db.model("Note")?.create(json!({ "title": "Second" })).exec(&db).await?;
    /// assert_eq!(note.get("id")?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` that names the place of an unknown key; `Validation` and constraint errors; those of the database.
    pub fn exec(self, db: &Db) -> BoxFuture<'static, Result<T>> {
        (self.run)(self.model.on(db))
    }
}

impl<T> IntoFuture for RuntimeCall<T> {
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'static, Result<T>>;

    fn into_future(self) -> Self::IntoFuture {
        (self.run)(self.model)
    }
}

impl RuntimeModel {
    pub(super) fn call<T, F>(&self, run: impl FnOnce(RuntimeModel) -> F + Send + 'static) -> RuntimeCall<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        RuntimeCall { model: self.clone(), run: Box::new(move |model| Box::pin(run(model))) }
    }

    /// The first row. Sequelize: `findOne(options)`.
    pub fn find_one(&self, options: Json) -> RuntimeCall<Option<Record>> {
        self.call(async move |model: RuntimeModel| model.find_one_now(options).await)
    }

    /// The row of a key. Sequelize: `findByPk(key)`.
    pub fn find_by_pk(&self, key: impl Into<Json>) -> RuntimeCall<Option<Record>> {
        self.find_by_pk_with(key, Json::Null)
    }

    /// The row of a key, with options such as `include`. Sequelize: `findByPk(key, options)`.
    pub fn find_by_pk_with(&self, key: impl Into<Json>, options: Json) -> RuntimeCall<Option<Record>> {
        let key = key.into();
        self.call(async move |model: RuntimeModel| model.find_by_pk_now(key, options).await)
    }

    /// Rows, and how many there are without limit and offset. Sequelize: `findAndCountAll(options)`.
    pub fn find_and_count_all(&self, options: Json) -> RuntimeCall<RowsAndCount<Record>> {
        self.call(async move |model: RuntimeModel| model.find_and_count_now(options).await)
    }

    /// How many rows. Sequelize: `count(options)`.
    pub fn count(&self, options: Json) -> RuntimeCall<u64> {
        self.call(async move |model: RuntimeModel| model.count_now(options).await)
    }

    /// An aggregate of a column: `count`, `sum`, `avg`, `min`, `max`. Sequelize: `aggregate(field, fn, options)`.
    pub fn aggregate(&self, field: &str, function: &str, options: Json) -> RuntimeCall<Json> {
        let (field, function) = (field.to_owned(), function.to_owned());
        self.call(async move |model: RuntimeModel| model.aggregate_now(&field, &function, options).await)
    }

    /// The sum of a column, 0 without rows. Sequelize: `sum(field, options)`.
    pub fn sum(&self, field: &str, options: Json) -> RuntimeCall<Json> {
        self.aggregate(field, "sum", options)
    }

    /// The smallest value of a column. Sequelize: `min(field, options)`.
    pub fn min(&self, field: &str, options: Json) -> RuntimeCall<Json> {
        self.aggregate(field, "min", options)
    }

    /// The largest value of a column. Sequelize: `max(field, options)`.
    pub fn max(&self, field: &str, options: Json) -> RuntimeCall<Json> {
        self.aggregate(field, "max", options)
    }

    /// Creates a row. Sequelize: `create(values)`.
    pub fn create(&self, values: Json) -> RuntimeCall<Record> {
        self.create_with(values, Json::Null)
    }

    /// Creates a row with options, such as the rows below it. Sequelize: `create(values, options)`.
    pub fn create_with(&self, values: Json, options: Json) -> RuntimeCall<Record> {
        self.call(async move |model: RuntimeModel| model.create_with_now(values, options).await)
    }

    /// Creates many rows, which are not validated. Sequelize: `bulkCreate(rows)`.
    pub fn bulk_create(&self, rows: Json) -> RuntimeCall<Vec<Record>> {
        self.bulk_create_with(rows, Json::Null)
    }

    /// Creates many rows; validated only when asked. Sequelize: `bulkCreate(rows, options)`.
    pub fn bulk_create_with(&self, rows: Json, options: Json) -> RuntimeCall<Vec<Record>> {
        self.call(async move |model: RuntimeModel| model.bulk_create_now(rows, options).await)
    }

    /// Changes rows, and says how many; `MissingFilter` without `where`. Sequelize: `update(values, { where })`.
    pub fn update_all(&self, values: Json, options: Json) -> RuntimeCall<u64> {
        self.call(async move |model: RuntimeModel| Ok(model.update_now(values, options).await?.0))
    }

    /// Changes rows: how many, and with `returning` or `individualHooks` the rows. Sequelize: `update(values, { where, returning: true })`.
    pub fn update_returning(&self, values: Json, options: Json) -> RuntimeCall<(u64, Vec<Record>)> {
        self.call(async move |model: RuntimeModel| model.update_now(values, options).await)
    }

    /// Deletes rows; `MissingFilter` without `where` or `truncate`. Sequelize: `destroy({ where })`.
    pub fn destroy_all(&self, options: Json) -> RuntimeCall<u64> {
        self.call(async move |model: RuntimeModel| model.destroy_all_now(options).await)
    }

    /// Brings rows of a paranoid model back. Sequelize: `restore({ where })`.
    pub fn restore_all(&self, options: Json) -> RuntimeCall<u64> {
        self.call(async move |model: RuntimeModel| model.restore_all_now(options).await)
    }

    /// Empties the table. Sequelize: `truncate(options)`.
    pub fn truncate(&self, options: Json) -> RuntimeCall<()> {
        self.call(async move |model: RuntimeModel| model.truncate_now(options).await.map(drop))
    }

    /// Inserts or changes a row. Sequelize: `upsert(values)`.
    pub fn upsert(&self, values: Json) -> RuntimeCall<(Record, bool)> {
        self.upsert_with(values, Json::Null)
    }

    /// Inserts or changes a row with options. Sequelize: `upsert(values, options)`.
    pub fn upsert_with(&self, values: Json, options: Json) -> RuntimeCall<(Record, bool)> {
        self.call(async move |model: RuntimeModel| model.upsert_now(values, options).await)
    }

    /// Finds a row or creates it. Sequelize: `findOrCreate({ where, defaults })`.
    pub fn find_or_create(&self, options: Json) -> RuntimeCall<(Record, bool)> {
        self.call(async move |model: RuntimeModel| model.find_or_create_now(options).await)
    }

    /// Finds a row or builds it, unsaved. Sequelize: `findOrBuild({ where, defaults })`.
    pub fn find_or_build(&self, options: Json) -> RuntimeCall<(Record, bool)> {
        self.call(async move |model: RuntimeModel| model.find_or_build_now(options).await)
    }

    /// Adds to numbers of all rows that match; `sign` is -1 to take away. Sequelize: `increment(fields, { where, by })`.
    pub fn increment(&self, fields: Json, options: Json, sign: i64) -> RuntimeCall<u64> {
        self.call(async move |model: RuntimeModel| model.increment_now(fields, options, sign).await)
    }
}

impl Record {
    /// Deletes the row, softly where the model is paranoid: how many rows that were. Sequelize: `destroy()`. The record at hand stays as it was read; who goes on with it, and
    /// restores it, takes [`Record::destroy_with`].
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, note) = noted().await?;
    /// assert_eq!(note.destroy(&db).await?, 1);
    /// assert!(db.model("Note")?.find_by_pk(1).exec(&db).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database and of hooks.
    #[track_caller]
    pub fn destroy(&self, db: &Db) -> impl Future<Output = Result<u64>> + Send {
        self.gone(db, WriteOptions::at(Location::caller()))
    }

    /// Deletes the row for good. Sequelize: `destroy({ force: true })`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, note) = noted().await?;
    /// note.force_destroy(&db).await?;
    /// assert_eq!(db.model("Note")?.count(json!({ "paranoid": false })).exec(&db).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database and of hooks.
    #[track_caller]
    pub fn force_destroy(&self, db: &Db) -> impl Future<Output = Result<u64>> + Send {
        let mut options = WriteOptions::at(Location::caller());
        options.force = true;
        self.gone(db, options)
    }

    fn gone(&self, db: &Db, options: WriteOptions) -> impl Future<Output = Result<u64>> + Send {
        let (state, db) = (self.state.clone(), db.clone());
        async move { Ok(write::destroy(&db, state, &options).await?.0) }
    }

    /// Brings the row back, here too, and gives it. Sequelize: `restore()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// note.destroy(&db).await?;
    /// note.restore(&db).await?;
    /// assert_eq!(db.model("Note")?.count(json!({})).exec(&db).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` when the model is not paranoid.
    #[track_caller]
    pub fn restore(&mut self, db: &Db) -> impl Future<Output = Result<Record>> + Send {
        let options = WriteOptions::at(Location::caller());
        async move {
            self.state = write::restore(db, self.state.clone(), &options).await?;
            Ok(self.clone())
        }
    }

    /// Reads the row again, here too, and gives it. Sequelize: `reload()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// db.model("Note")?.update_all(json!({ "stars": 4 }), json!({ "where": { "id": 1 } })).exec(&db).await?;
    /// assert_eq!(note.reload(&db).await?.get("stars")?, 4);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage(Instance)` when the row is gone.
    pub async fn reload(&mut self, db: &Db) -> Result<Record> {
        self.reload_with(Json::Null, db).await?;
        Ok(self.clone())
    }

    /// Adds to a number in one atomic statement, and gives the row. Sequelize: `increment(field, { by })`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// note.increment("stars", 2, &db).await?;
    /// assert_eq!(note.reload(&db).await?.get("stars")?, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database; a row that is gone is none, as in Sequelize.
    pub async fn increment(&mut self, field: &str, by: i64, db: &Db) -> Result<Record> {
        self.step(Json::from(field), Some(&Json::from(by)), 1, db).await?;
        Ok(self.clone())
    }
}
