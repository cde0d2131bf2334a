//! [`Draft`]: a row that is not stored yet, and what can hang on it.

use super::{Call, Child, RowState, WriteOptions, called};
use crate::FieldType;
use crate::db::Db;
use crate::model::{Column, IntoValue, Loader, Model, RelationCell, RowBatch, RowShape, ToOneKind, values_of};
use crate::query::Columns;
use sequor_core::Value;
use sequor_core::driver::{BoxFuture, ValueRow};
use sequor_core::error::{Error, Result, ValidationError, ValidationItem};
use sequor_core::schema::{ModelDef, nearest};
use sequor_core::statement::Expr;
use sequor_core::types::ColumnType;
use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::OnceLock;

/// A value as its own type.
type Typed = Box<dyn Any + Send + Sync>;

/// A row of `M` that is not stored yet. Made by `draft!`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let mut draft: Draft<User> = draft!(User { name: "Bo" });
/// draft.set(User::AGE, 20);
/// assert_eq!(draft.get(User::NAME).map(String::as_str), Some("Bo"));
/// let bo = draft.create(&db).await?;
///
/// let sent = json!({ "name": "Cy", "age": 7 });
/// let cy = Draft::<User>::from_json(sent, (User::NAME, User::AGE))?.skip_validation().create(&db).await?;
/// assert_eq!((bo.age, cy.age), (Some(20), Some(7)));
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
pub struct Draft<M> {
    pub(crate) state: RowState,
    /// The values as their own types, made when they are asked for.
    typed: OnceLock<Vec<OnceLock<Typed>>>,
    marker: PhantomData<fn() -> M>,
}

/// What a relation slot of a draft takes: drafts, rows that exist, one or a list.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot hang on this relation",
    label = "expected rows or drafts of `{T}`",
    note = "write `[{{ .. }}, {{ .. }}]`, `[row]`, or a `Vec` of drafts for a to-many relation, `{{ .. }}` or a row for a to-one relation"
)]
pub trait Children<T, K> {
    /// The rows.
    fn into_children(self) -> Vec<Child>;
}

impl<M: Model> Draft<M> {
    /// A draft without values. `draft!` checks that the required ones are given; this does not.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Draft<M> {
        Draft::from_state(RowState::new(M::model().clone()))
    }

    pub(crate) fn from_state(state: RowState) -> Draft<M> {
        Draft { state, typed: OnceLock::new(), marker: PhantomData }
    }

    pub(crate) fn put(&mut self, position: usize, value: Value) {
        if let Some(slot) = self.state.values.get_mut(position) {
            *slot = Some(value);
            if let Some(typed) = self.typed.get_mut() {
                typed[position] = OnceLock::new();
            }
        }
    }

    pub(crate) fn hang(&mut self, relation: usize, children: Vec<Child>) {
        self.state.children.push((relation, children));
    }
}

impl<M> Clone for Draft<M> {
    fn clone(&self) -> Self {
        Draft { state: self.state.clone(), typed: OnceLock::new(), marker: PhantomData }
    }
}

fn draft_child<T>(draft: Draft<T>) -> Child {
    Child { row: draft.state, through: Vec::new() }
}

fn row_child<T: Model>(row: &T) -> Child {
    Child { row: RowState::stored(T::model().clone(), values_of(row)), through: Vec::new() }
}

impl<T: Model, K> Children<T, K> for Draft<T> {
    fn into_children(self) -> Vec<Child> {
        vec![draft_child(self)]
    }
}

impl<T: Model, K> Children<T, K> for Vec<Draft<T>> {
    fn into_children(self) -> Vec<Child> {
        self.into_iter().map(draft_child).collect()
    }
}

impl<T: Model, K, const N: usize> Children<T, K> for [Draft<T>; N] {
    fn into_children(self) -> Vec<Child> {
        self.into_iter().map(draft_child).collect()
    }
}

impl<T: Model, K> Children<T, K> for T {
    fn into_children(self) -> Vec<Child> {
        vec![row_child(&self)]
    }
}

impl<T: Model, K> Children<T, K> for &T {
    fn into_children(self) -> Vec<Child> {
        vec![row_child(self)]
    }
}

/// One row, or none: Sequelize's `setManager(null)`. It is the only list-less `Option`, so that the compiler knows what a `None` is.
#[diagnostic::do_not_recommend]
impl<T: Model, K: ToOneKind> Children<T, K> for Option<&T> {
    fn into_children(self) -> Vec<Child> {
        self.into_iter().map(row_child).collect()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Model, K: ToOneKind> Children<T, K> for &Option<T> {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(row_child).collect()
    }
}

/// A list of rows and drafts, as `[row, { .. }]` in `draft!`.
pub struct ChildList<T, K> {
    children: Vec<Child>,
    marker: PhantomData<fn() -> (T, K)>,
}

impl<T, K> ChildList<T, K> {
    pub(crate) fn new() -> ChildList<T, K> {
        ChildList { children: Vec::new(), marker: PhantomData }
    }

    /// Adds a row, a draft, or several.
    pub fn push(&mut self, children: impl Children<T, K>) {
        self.children.extend(children.into_children());
    }
}

#[diagnostic::do_not_recommend]
impl<T, K> Children<T, K> for ChildList<T, K> {
    fn into_children(self) -> Vec<Child> {
        self.children
    }
}

impl<T: Model, K> Children<T, K> for Vec<T> {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(row_child).collect()
    }
}

impl<T: Model, K> Children<T, K> for &[T] {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(row_child).collect()
    }
}

impl<T: Model, K> Children<T, K> for &Vec<T> {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(row_child).collect()
    }
}

impl<T: Model, K, const N: usize> Children<T, K> for [T; N] {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(row_child).collect()
    }
}

impl<T: Model, K, const N: usize> Children<T, K> for &[T; N] {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(row_child).collect()
    }
}

impl<T: Model, K> Children<T, K> for Vec<&T> {
    fn into_children(self) -> Vec<Child> {
        self.into_iter().map(row_child).collect()
    }
}

impl<T: Model, K> Children<T, K> for &[&T] {
    fn into_children(self) -> Vec<Child> {
        self.iter().map(|row| row_child(*row)).collect()
    }
}

impl<T: Model, K, const N: usize> Children<T, K> for [&T; N] {
    fn into_children(self) -> Vec<Child> {
        self.into_iter().map(row_child).collect()
    }
}

/// A stored row as its type, with the children that were stored below it.
pub(crate) fn instance<M: Model>(state: RowState) -> Result<M> {
    let row = M::decode(&mut ValueRow::of(state.values), 0)?;
    for (relation, children) in state.children {
        hang_stored(&row, relation, children)?;
    }
    Ok(row)
}

fn hang_stored<M: Model>(row: &M, relation: usize, children: Vec<Child>) -> Result<()> {
    match (row.relation_cell(relation), M::loader(relation)) {
        (Some(cell), Some(loader)) => hang_deep(cell, &*loader, children),
        _ => Ok(()),
    }
}

fn hang_deep(cell: &dyn RelationCell, loader: &dyn Loader, children: Vec<Child>) -> Result<()> {
    let mut batch = loader.batch(&RowShape::default())?;
    let mut below = Vec::new();
    for (index, child) in children.into_iter().enumerate() {
        batch.push(&mut ValueRow::of(child.row.values), 0)?;
        below.extend(child.row.children.into_iter().map(|(relation, children)| (index, relation, children)));
    }
    for (index, relation, children) in below {
        attach_deep(&mut *batch, loader, index, relation, children)?;
    }
    batch.hand_all(&mut |rows| cell.fill(rows, None))
}

fn attach_deep(batch: &mut dyn RowBatch, loader: &dyn Loader, index: usize, relation: usize, children: Vec<Child>) -> Result<()> {
    let Some(inner) = loader.relation(relation) else { return Ok(()) };
    let mut rows = inner.batch(&RowShape::default())?;
    let mut below = Vec::new();
    for (place, child) in children.into_iter().enumerate() {
        rows.push(&mut ValueRow::of(child.row.values), 0)?;
        below.extend(child.row.children.into_iter().map(|(relation, children)| (place, relation, children)));
    }
    for (place, relation, children) in below {
        attach_deep(&mut *rows, &*inner, place, relation, children)?;
    }
    rows.hand_all(&mut |rows| batch.attach(index, relation, "", rows, None))
}

impl<M: Model> Draft<M> {
    /// The value of a field, if one was given.
    pub fn get<T: FieldType>(&self, column: Column<M, T>) -> Option<&T> {
        let value = self.state.values.get(column.position())?.as_ref()?;
        let typed = self.typed.get_or_init(|| self.state.values.iter().map(|_| OnceLock::new()).collect());
        let slot = typed.get(column.position())?;
        let typed = slot.get_or_init(|| match T::from_value(value.clone()) {
            Ok(value) => Box::new(Some(value)) as Typed,
            Err(_) => Box::new(None::<T>),
        });
        typed.downcast_ref::<Option<T>>()?.as_ref()
    }

    /// Gives a field a value.
    pub fn set<T: FieldType>(&mut self, column: Column<M, T>, value: impl IntoValue<T>) -> &mut Draft<M> {
        self.put(column.position(), value.into_value().moved());
        self
    }

    /// Reads a draft from a request body: only the listed fields are accepted, by their JSON names.
    ///
    /// # Errors
    /// `Validation` that names every key that is not listed or does not fit.
    pub fn from_json(value: serde_json::Value, columns: impl Columns<M>) -> Result<Draft<M>> {
        let mut draft = Draft::new();
        for (position, value) in listed(M::model(), value, columns.exprs())? {
            draft.put(position, value);
        }
        Ok(draft)
    }

    /// Creates the row, with all that hangs on it in one transaction. Sequelize: `create(values)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let bo = draft!(User { name: "Bo", posts: [{ title: "Hi" }] }).create(&db).await?;
    /// assert_eq!(bo.posts.loaded()?[0].title, "Hi");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation`, constraint errors that name fields, those of hooks.
    #[track_caller]
    pub fn create(self, db: &Db) -> impl Future<Output = Result<M>> + Send + use<M> {
        let (db, options) = (db.clone(), WriteOptions::at(Location::caller()));
        create_boxed(db, self.state, options)
    }

    /// Creates the row with a typed extra that hooks read; `.exec(&db)` runs it.
    pub fn create_with<E: Clone + Send + Sync + 'static>(self, extra: E) -> CreateWith<M> {
        CreateWith { draft: self, call: Call::with(extra) }
    }

    /// Leaves out the rules of the model: `draft.skip_validation().create(&db)`.
    pub fn skip_validation(self) -> CreateWith<M> {
        CreateWith { draft: self, call: Call::default() }.skip_validation()
    }

    /// Creates the row without hooks when `false`: `draft.hooks(false).create(&db)`.
    pub fn hooks(self, run: bool) -> CreateWith<M> {
        CreateWith { draft: self, call: Call::default() }.hooks(run)
    }

    /// Checks the rules without storing anything, with the hooks of validation. Sequelize: `build(values).validate()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let nameless = draft!(User { name: "" });
    /// assert!(matches!(nameless.validate(&db).await, Err(Error::Validation(_))));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation` with all failures.
    #[track_caller]
    pub fn validate(&self, db: &Db) -> impl Future<Output = Result<()>> + Send + use<M> {
        let (db, mut state, options) = (db.clone(), self.state.clone(), WriteOptions::at(Location::caller()));
        async move {
            super::prepare(&mut state, &db, &options)?;
            crate::validate::run(&db, &mut state, &options, &[]).await
        }
    }
}

fn create_boxed<M: Model>(db: Db, state: RowState, options: WriteOptions) -> BoxFuture<'static, Result<M>> {
    Box::pin(async move { instance(super::create_forgetful(&db, state, &options).await?) })
}

/// A create with what goes beside its values.
#[must_use = "a create does nothing until .exec"]
pub struct CreateWith<M> {
    draft: Draft<M>,
    call: Call,
}

called!(CreateWith);

impl<M: Model> CreateWith<M> {
    /// Creates the row.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let bo = draft!(User { name: "Bo" }).create_with(SkipSync).exec(&db).await?;
    /// assert_eq!(bo.name, "Bo");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Draft::create`].
    #[track_caller]
    pub fn exec(self, db: &Db) -> impl Future<Output = Result<M>> + Send + use<M> {
        create_boxed(db.clone(), self.draft.state, self.call.options(Location::caller()))
    }

    /// The same as [`CreateWith::exec`].
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let bo = draft!(User { name: "Bo" }).hooks(false).create(&db).await?;
    /// assert_eq!(bo.name, "Bo");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Draft::create`].
    #[track_caller]
    pub fn create(self, db: &Db) -> impl Future<Output = Result<M>> + Send + use<M> {
        create_boxed(db.clone(), self.draft.state, self.call.options(Location::caller()))
    }
}

/// The listed fields of a JSON object; every other key is a failure.
pub(crate) fn listed(model: &ModelDef, value: serde_json::Value, columns: Vec<Expr>) -> Result<Vec<(usize, Value)>> {
    let serde_json::Value::Object(map) = value else {
        return Err(ValidationError::one(ValidationItem::new(
            model.name.to_string(),
            "isObject",
            format!("{} is read from a JSON object with its fields", model.name),
        ))
        .into());
    };
    let allowed: Vec<usize> = columns
        .iter()
        .filter_map(|expr| match expr {
            Expr::Field(field) => field.position.map(usize::from),
            _ => None,
        })
        .collect();
    let mut values = Vec::new();
    let mut items = Vec::new();
    for (key, value) in crate::model::flat(model, map) {
        let position = allowed.iter().copied().find(|position| model.columns[*position].json == key.as_str());
        let Some(position) = position else {
            items.push(ValidationItem::new(key.clone(), "not_allowed", not_listed(model, &key, &allowed)));
            continue;
        };
        match sequor_core::types::value_from_json(&model.columns[position].ty, value) {
            Ok(value) => match unknown_label(&model.columns[position].ty, &value) {
                Some(reason) => items.push(ValidationItem::new(key.clone(), "type", format!("{}.{key}: {reason}", model.name))),
                None => values.push((position, value)),
            },
            Err(error) => match error.at(&model.name, Some(&key)) {
                Error::Validation(mut refused) => items.append(&mut refused.items),
                other => {
                    let reason = other.detail().map_or_else(|| other.to_string(), |detail| detail.message.clone());
                    items.push(ValidationItem::new(key.clone(), "type", format!("{}.{key}: {reason}", model.name)));
                }
            },
        }
    }
    if items.is_empty() { Ok(values) } else { Err(ValidationError { items, bulk: false }.into()) }
}

/// What a text is to be, where it is no label of the enum that its column has.
fn unknown_label(ty: &ColumnType, value: &Value) -> Option<String> {
    match (ty, value) {
        (ColumnType::Enum(def), Value::Text(text)) if !def.labels.iter().any(|label| label.as_ref() == text.as_str()) => {
            Some(format!("the text is none of {}", def.labels.join(", ")))
        }
        _ => None,
    }
}

/// Why a key of a request is refused: a name that is none, or a field that this call does not take.
#[cold]
fn not_listed(model: &ModelDef, key: &str, allowed: &[usize]) -> String {
    let names: Vec<&str> = allowed.iter().map(|position| model.columns[*position].json.as_ref()).collect();
    let shown = key.escape_debug();
    match nearest(key, names.iter().copied()) {
        Some(near) => format!("{}.{shown} may not be given here, did you mean {near}?", model.name),
        None => format!("{}.{shown} may not be given here; taken are {}", model.name, names.join(", ")),
    }
}

impl<M: Model> std::fmt::Debug for Draft<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct(M::NAME);
        for (column, value) in M::model().columns.iter().zip(&self.state.values) {
            match value {
                Some(_) if column.sensitive => text.field(&column.name, &format_args!("***")),
                Some(value) => text.field(&column.name, value),
                None => &mut text,
            };
        }
        text.finish()
    }
}

/// A row of the engine as its type, without its children.
pub(crate) fn instance_of<M: Model>(state: &RowState) -> Result<M> {
    M::decode(&mut ValueRow::of(state.values.clone()), 0)
}
