//! [`Edit`]: a stored row being changed. It remembers what was loaded.

use super::draft::{instance, listed};
use super::{Call, RowState, WriteOptions, called, save_forgetful, save_many};
use crate::FieldType;
use crate::db::Db;
use crate::model::{Column, IntoValue, Model, values_of};
use crate::query::Columns;
use sequor_core::Name;
use sequor_core::driver::{BoxFuture, ValueRow};
use sequor_core::error::Result;
use sequor_core::statement::Expr;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

/// A stored row being changed: fields are assigned as usual, [`Edit::save`] writes what differs.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let mut ann = ann.edit();
/// ann.age = Some(32);
/// assert_eq!((ann.changed(), ann.is_changed(User::NAME)), (vec!["age".into()], false));
/// assert_eq!(ann.previous(User::AGE), Some(31));
/// let ann = ann.assign(json!({ "name": "Anna" }), (User::NAME, User::AGE))?.save(&db).await?;
/// assert_eq!((ann.name.as_str(), ann.age), ("Anna", Some(32)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Edit<M> {
    original: M,
    current: M,
}

impl<M> Deref for Edit<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.current
    }
}

impl<M> DerefMut for Edit<M> {
    fn deref_mut(&mut self) -> &mut M {
        &mut self.current
    }
}

impl<M: Model> Edit<M> {
    pub(crate) fn new(row: M) -> Edit<M> {
        Edit { original: row.clone(), current: row }
    }

    /// The row for the write engine.
    pub(crate) fn to_state(&self) -> RowState {
        RowState { values: self.values(), original: Some(values_of(&self.original)), ..RowState::empty(M::model().clone()) }
    }

    /// The values as they are now.
    pub(crate) fn values(&self) -> Vec<Option<sequor_core::Value>> {
        values_of(&self.current).into_iter().map(Some).collect()
    }

    /// The row back from the write engine.
    pub(crate) fn from_state(state: &RowState) -> Result<Edit<M>> {
        let current = M::decode(&mut ValueRow::of(state.values.clone()), 0)?;
        let differs = |original: &&Vec<_>| original.iter().zip(&state.values).any(|(old, new)| new.as_ref() != Some(old));
        let original = match state.original.as_ref().filter(differs) {
            Some(original) => M::decode(&mut ValueRow::new(original.clone()), 0)?,
            None => current.clone(),
        };
        Ok(Edit { original, current })
    }

    /// The names of the fields that differ from what was loaded. Sequelize: `changed()`.
    pub fn changed(&self) -> Vec<&'static str> {
        let state = self.to_state();
        let model = M::model();
        state.changed().into_iter().map(|position| leaked(&model.columns[position].name)).collect()
    }

    /// Whether a field differs from what was loaded. Sequelize: `changed('name')`.
    pub fn is_changed<T>(&self, column: Column<M, T>) -> bool {
        self.to_state().changed().contains(&column.position())
    }

    /// The value of a field.
    pub fn get<T: FieldType>(&self, column: Column<M, T>) -> Option<&T> {
        self.current.cell(column.position())?.as_any().downcast_ref()
    }

    /// Gives a field a value.
    pub fn set<T: FieldType>(&mut self, column: Column<M, T>, value: impl IntoValue<T>) -> &mut Edit<M> {
        let slot = self.current.cell_mut(column.position()).and_then(|cell| cell.as_any_mut().downcast_mut::<T>());
        if let Some(slot) = slot {
            *slot = value.into_value();
        }
        self
    }

    /// The value of a field as it was loaded. Sequelize: `previous('name')`.
    pub fn previous<T: FieldType>(&self, column: Column<M, T>) -> T {
        match self.original.cell(column.position()).and_then(|cell| cell.as_any().downcast_ref::<T>()) {
            Some(value) => value.clone(),
            None => unreachable!("the derive gives each column constant the position and type of its own model's field: {}", column.name()),
        }
    }

    /// Takes values from a request body: only the listed fields are accepted; absent leaves alone, `null` sets NULL.
    ///
    /// # Errors
    /// `Validation` that names every key that is not listed or does not fit.
    pub fn assign(mut self, value: serde_json::Value, columns: impl Columns<M>) -> Result<Edit<M>> {
        for (position, value) in listed(M::model(), value, columns.exprs())? {
            let name = &M::model().columns[position].name;
            if let Some(cell) = self.current.cell_mut(position) {
                cell.set_value(value).map_err(|error| error.at(M::NAME, Some(name)))?;
            }
        }
        Ok(self)
    }

    /// Writes what changed; gives the row as stored. Without a change nothing is sent. Sequelize: `save()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let mut ann = ann.edit();
    /// ann.name = "Anna".into();
    /// let ann = ann.save(&db).await?;
    /// assert_eq!(ann.name, "Anna");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation`, constraint errors, `OptimisticLock`, `NotFound` when the row is gone.
    #[track_caller]
    pub fn save(self, db: &Db) -> impl Future<Output = Result<M>> + Send + use<M> {
        save_boxed(db.clone(), self, WriteOptions::at(Location::caller()))
    }

    /// Writes only some of the fields that changed. Sequelize: `save({ fields })`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let mut ann = ann.edit();
    /// (ann.name, ann.age) = ("Anna".into(), Some(32));
    /// ann.save_fields(User::AGE, &db).await?;
    /// assert_eq!(User::find_by_pk(1).or_fail().exec(&db).await?.name, "Ann");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Edit::save`].
    #[track_caller]
    pub fn save_fields(self, columns: impl Columns<M>, db: &Db) -> impl Future<Output = Result<M>> + Send {
        let mut options = WriteOptions::at(Location::caller());
        options.fields = Some(names(M::model(), columns.exprs()));
        save_boxed(db.clone(), self, options)
    }

    /// Writes what changed and leaves `updated_at` alone. Sequelize: `save({ silent: true })`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let mut ann = ann.edit();
    /// ann.age = Some(32);
    /// assert_eq!(ann.save_silently(&db).await?.age, Some(32));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Edit::save`].
    #[track_caller]
    pub fn save_silently(self, db: &Db) -> impl Future<Output = Result<M>> + Send + use<M> {
        let mut options = WriteOptions::at(Location::caller());
        options.silent = true;
        save_boxed(db.clone(), self, options)
    }

    /// Writes what changed with a typed extra that hooks read; `.exec(&db)` runs it.
    pub fn save_with<E: Clone + Send + Sync + 'static>(self, extra: E) -> SaveWith<M> {
        SaveWith { edit: self, call: Call::with(extra) }
    }

    /// Leaves out the rules of the model: `edit.skip_validation().save(&db)`.
    pub fn skip_validation(self) -> SaveWith<M> {
        SaveWith { edit: self, call: Call::default() }.skip_validation()
    }

    /// Saves without hooks when `false`: `edit.hooks(false).save(&db)`.
    pub fn hooks(self, run: bool) -> SaveWith<M> {
        SaveWith { edit: self, call: Call::default() }.hooks(run)
    }

    /// Checks the rules without storing anything, with the hooks of validation. Sequelize: `validate()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let mut ann = ann.edit();
    /// ann.name.clear();
    /// assert!(matches!(ann.validate(&db).await, Err(Error::Validation(_))));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation` with all failures.
    #[track_caller]
    pub fn validate(&self, db: &Db) -> impl Future<Output = Result<()>> + Send + use<M> {
        let (db, mut state, options) = (db.clone(), self.to_state(), WriteOptions::at(Location::caller()));
        async move { crate::validate::run(&db, &mut state, &options, &[]).await }
    }

    /// The row as it is now, edited or not.
    pub fn into_inner(self) -> M {
        self.current
    }
}

/// Field names live as long as the model, which is never dropped; owned ones (embedded fields) are leaked once each.
fn leaked(name: &Name) -> &'static str {
    static OWNED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    match name {
        Name::Borrowed(name) => name,
        Name::Owned(name) => {
            let mut owned = OWNED.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = owned.get(name.as_str()) {
                return known;
            }
            let leaked: &'static str = Box::leak(name.clone().into_boxed_str());
            owned.insert(leaked);
            leaked
        }
    }
}

pub(crate) fn names(model: &sequor_core::schema::ModelDef, exprs: Vec<Expr>) -> Vec<Name> {
    exprs
        .into_iter()
        .filter_map(|expr| match expr {
            Expr::Field(field) => {
                field.position.and_then(|position| model.columns.get(usize::from(position))).map(|column| column.name.clone())
            }
            _ => None,
        })
        .collect()
}

fn save_boxed<M: Model>(db: Db, edit: Edit<M>, options: WriteOptions) -> BoxFuture<'static, Result<M>> {
    Box::pin(async move {
        let state = edit.to_state();
        let stored: M = instance(save_forgetful(&db, state, &options).await?)?;
        Ok(stored)
    })
}

/// A save with what goes beside its values.
#[must_use = "a save does nothing until .exec"]
pub struct SaveWith<M> {
    edit: Edit<M>,
    call: Call,
}

called!(SaveWith);

impl<M: Model> SaveWith<M> {
    /// Writes what changed.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let mut ann = ann.edit();
    /// ann.age = Some(32);
    /// ann.save_with(SkipSync).exec(&db).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Edit::save`].
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<M>> + Send + use<M> {
        save_boxed(db.clone(), self.edit, self.call.options(Location::caller()))
    }

    /// The same as [`SaveWith::exec`].
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let mut ann = ann.edit();
    /// ann.age = Some(32);
    /// ann.hooks(false).save(&db).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Edit::save`].
    #[track_caller]
    pub fn save(self, db: &Db) -> impl Future<Output = Result<M>> + Send + use<M> {
        save_boxed(db.clone(), self.edit, self.call.options(Location::caller()))
    }
}

/// Saving a slice of edits in one transaction.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let mut edits = vec![ann.edit()];
/// edits.iter_mut().for_each(|user| user.age = Some(50));
/// let users = edits.save(&db).await?;                     // one statement, whatever differs
/// assert_eq!(users[0].age, Some(50));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is not saved in one go",
    label = "expected a slice or a `Vec` of edits",
    note = "an edit of each row: `let mut edits: Vec<Edit<User>> = users.into_iter().map(|user| user.edit()).collect();`"
)]
pub trait SaveAll<M: Model> {
    /// Writes what changed of each; gives the rows as stored, in their order.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let mut edits = [ann.edit()];
    /// edits[0].name = "Anna".into();
    /// assert_eq!(edits.save(&db).await?[0].name, "Anna");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Edit::save`]; nothing is stored then.
    fn save(&self, db: &Db) -> impl Future<Output = Result<Vec<M>>> + Send;
}

impl<M: Model> SaveAll<M> for [Edit<M>] {
    #[track_caller]
    fn save(&self, db: &Db) -> impl Future<Output = Result<Vec<M>>> + Send {
        let (db, options) = (db.clone(), WriteOptions::at(Location::caller()));
        let states: Vec<RowState> = self.iter().map(Edit::to_state).collect();
        async move {
            db.in_transaction(async move |tx| save_many(tx, states, &options).await?.into_iter().map(instance).collect::<Result<Vec<M>>>())
                .await
        }
    }
}

impl<M: Model> fmt::Debug for Edit<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::model::debug(&self.current, f)
    }
}
