//! What the derives and `draft!` call beside the contract: each a few lines that would otherwise be written into every model.

use super::Embed;
use super::column::{Column, EmbeddedColumn};
use super::json::zero;
use super::relation::Relation;
use super::slot::same_name;
use super::{
    Cell, DbEnum, Field, IntoInclude, IntoValue, Model, StaticColumn, StaticDefault, ToManyKind, ToOneKind, decode_cell, unknown_label,
};
use crate::migrate::MigrationStep;
use crate::query::{IntoProjected, IntoTyped, Presence, Projection, ProjectionItem, raw_value};
use crate::write::{Draft, RowState};
use crate::{FieldType, Scalar};
use sequor_core::Value;
use sequor_core::decode::{unexpected, unexpected_null};
use sequor_core::driver::{BoxFuture, RowReader, ValueRow};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Expr, RawPart};
use sequor_core::types::{BindType, ColumnType, EnumDef};
use serde::Serialize;
use serde::de::{self, Deserializer, Visitor};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A field of a model as its derive needs it. All that is generated for a field goes through this one trait, so that a type which is no column type is one
/// error: the compiler prints equal errors once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a column",
    label = "not a column type",
    note = "column types are the scalars, `Option` and `Vec` of them, `Json<T>`, and types with `#[derive(DbEnum)]` or `#[derive(DbType)]`; a struct with `#[derive(Embed)]` needs `#[field(embed)]`"
)]
pub trait ColumnField: Sized {
    /// The column without a name.
    const COLUMN: StaticColumn;

    /// Reads one cell and names model and column when that fails.
    fn read(row: &mut dyn RowReader, at: usize, position: usize, model: fn() -> &'static Arc<ModelDef>) -> Result<Self>;
    /// Reads one cell of an embedded struct.
    fn read_embedded(row: &mut dyn RowReader, at: usize) -> Result<Self>;
    /// The field behind a trait object.
    fn as_cell(&self) -> &dyn Cell;
    /// The field behind a trait object, to be changed.
    fn as_cell_mut(&mut self) -> &mut dyn Cell;
    /// A value as the field's type, and that as a parameter.
    fn stored(value: impl IntoValue<Self>) -> Value;
}

#[diagnostic::do_not_recommend]
impl<T: FieldType> ColumnField for T {
    const COLUMN: StaticColumn = StaticColumn::of::<T>("");

    fn read(row: &mut dyn RowReader, at: usize, position: usize, model: fn() -> &'static Arc<ModelDef>) -> Result<T> {
        decode_cell(row, at, position, model)
    }

    fn read_embedded(row: &mut dyn RowReader, at: usize) -> Result<T> {
        T::decode(row, at)
    }

    fn as_cell(&self) -> &dyn Cell {
        self
    }

    fn as_cell_mut(&mut self) -> &mut dyn Cell {
        self
    }

    fn stored(value: impl IntoValue<T>) -> Value {
        value.into_value().moved()
    }
}

/// The draft of a model, by a name that generated code can write.
pub type DraftOf<M> = Draft<M>;

/// An empty draft. What a model's slots call.
pub fn draft_of<M: Model>() -> Draft<M> {
    Draft::new()
}

/// The value of a field that the derive has refused: the error stands beside it, so this never runs.
pub fn refused<T>() -> T {
    std::process::abort()
}

/// Whether a field is among the implied ones, which are separated by commas.
pub const fn implies(implied: &str, field: &str) -> bool {
    if same_name(implied, field) {
        return true;
    }
    let (text, name) = (implied.as_bytes(), field.as_bytes());
    let (mut place, mut start) = (0, 0);
    while place <= text.len() {
        if place == text.len() || text[place] == b',' {
            if is_part(text, start, place, name) {
                return true;
            }
            start = place + 1;
        }
        place += 1;
    }
    false
}

const fn is_part(text: &[u8], start: usize, end: usize, name: &[u8]) -> bool {
    if end - start != name.len() {
        return false;
    }
    let mut place = 0;
    while place < name.len() {
        if text[start + place] != name[place] {
            return false;
        }
        place += 1;
    }
    true
}

/// Whether an embedded struct has a column that a new row must be given.
pub const fn owes_values(columns: &[StaticColumn]) -> bool {
    let mut place = 0;
    while place < columns.len() {
        let column = &columns[place];
        let owes = match column.embed {
            Some(inner) => owes_values(inner),
            None => {
                !column.nullable && !column.auto_increment && matches!(column.default, StaticDefault::None) && column.generated.is_none()
            }
        };
        if owes {
            return true;
        }
        place += 1;
    }
    false
}

impl<M: Model, T: 'static, K> Field<Relation<M, T, K>> {
    /// `[]`: no children.
    pub fn put_nothing(self, _draft: &mut Draft<M>) {}
}

impl<M: Model, T> Field<Column<M, Vec<T>>>
where
    Vec<T>: FieldType,
{
    /// `[]`: an empty list.
    pub fn put_nothing(self, draft: &mut Draft<M>) {
        draft.put(self.column.position(), Value::Array(Vec::new()));
    }
}

/// What a `set_with` function answers with: the value, or a `Result` of it.
pub trait SetterAnswer<T> {
    /// The value, or why it was refused.
    fn answer(self) -> Result<T>;
}

impl<T> SetterAnswer<T> for T {
    fn answer(self) -> Result<T> {
        Ok(self)
    }
}

impl<T, E: Into<crate::Error>> SetterAnswer<T> for Result<T, E> {
    fn answer(self) -> Result<T> {
        self.map_err(Into::into)
    }
}

/// A `set_with` function of a field: one over its type, or for an `Option` one over the type inside, which NULL never reaches.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot set a field of type `{T}`",
    label = "expected `fn({T}) -> {T}` or `fn({T}) -> Result<{T}>`"
)]
pub trait Setter<T, How> {
    /// Runs it.
    fn set(self, value: T) -> Result<T>;
}

/// How a [`Setter`] takes the field: as a whole.
pub struct Whole<R>(PhantomData<R>);

/// How a [`Setter`] takes the field: inside of its `Option`.
pub struct Inside<R>(PhantomData<R>);

impl<T, R: SetterAnswer<T>, F: FnOnce(T) -> R> Setter<T, Whole<R>> for F {
    fn set(self, value: T) -> Result<T> {
        self(value).answer()
    }
}

impl<T, R: SetterAnswer<T>, F: FnOnce(T) -> R> Setter<Option<T>, Inside<R>> for F {
    fn set(self, value: Option<T>) -> Result<Option<T>> {
        value.map(|value| self(value).answer()).transpose()
    }
}

/// Runs a `set_with` function on a value of a field.
pub fn set_with<T: FieldType, How>(value: Value, setter: impl Setter<T, How>) -> Result<Value> {
    setter.set(T::from_value(value)?).map(T::moved)
}

/// What a rule of the program answers with: whether the value passes, or the message of its failure.
#[diagnostic::on_unimplemented(
    message = "a rule cannot answer with `{Self}`",
    label = "expected `bool` or `Result<(), E>` where `E: Display`"
)]
pub trait RuleOutcome {
    /// The message of the failure, if it failed.
    fn outcome(self) -> std::result::Result<(), String>;
}

impl RuleOutcome for bool {
    fn outcome(self) -> std::result::Result<(), String> {
        if self { Ok(()) } else { Err("is not valid".to_owned()) }
    }
}

impl<E: fmt::Display> RuleOutcome for std::result::Result<(), E> {
    fn outcome(self) -> std::result::Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// Runs a rule of the program on a value; NULL passes.
pub fn custom_rule<T: FieldType>(
    value: &Value,
    rule: impl FnOnce(&T) -> std::result::Result<(), String>,
) -> std::result::Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    rule(&T::from_value(value.clone()).map_err(|error| error.to_string())?)
}

/// A rule of a whole row: over the draft, as it will be written, or over the row itself, where what the database will fill is zero.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a rule of the rows of `{M}`",
    label = "expected `fn(&Draft<{M}>) -> Result<(), E>` or `fn(&{M}) -> Result<(), E>`; `bool` will do as an answer"
)]
pub trait RowCheck<M, How> {
    /// The message of the failure, if it failed.
    fn check(self, row: &RowState) -> std::result::Result<(), String>;
}

impl<M: Model, R: RuleOutcome, F: FnOnce(&Draft<M>) -> R> RowCheck<M, Whole<R>> for F {
    fn check(self, row: &RowState) -> std::result::Result<(), String> {
        self(&Draft::from_state(row.clone())).outcome()
    }
}

impl<M: Model, R: RuleOutcome, F: FnOnce(&M) -> R> RowCheck<M, Inside<R>> for F {
    fn check(self, row: &RowState) -> std::result::Result<(), String> {
        let given = row.values.iter().zip(&row.model.columns);
        let values = given.map(|(value, column)| value.clone().filter(|value| !value.is_null()).unwrap_or_else(|| zero(column))).collect();
        let row = M::decode(&mut ValueRow::new(values), 0).map_err(|error| error.to_string())?;
        self(&row).outcome()
    }
}

/// Runs a rule of a whole row.
pub fn row_rule<M: Model, How>(row: &RowState, rule: impl RowCheck<M, How>) -> std::result::Result<(), String> {
    rule.check(row)
}

/// The arguments of a rule: those without a name, then the named ones as one document.
pub fn named_arguments(mut bare: Vec<Value>, named: Vec<(&'static str, Value)>) -> Vec<Value> {
    let named = named.into_iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect();
    bare.push(Value::from(serde_json::Value::Object(named)));
    bare
}

/// The name of a computed value in JSON, in the model's style.
pub fn json_name(name: &'static str, style: Option<&'static str>) -> sequor_core::Name {
    super::definition::rename(name, style).into()
}

/// A computed value as JSON; one that cannot be JSON is null.
pub fn computed_value<T: Serialize + ?Sized>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// The definition of an enum.
pub fn enum_definition(name: &'static str, labels: &[&'static str]) -> Arc<EnumDef> {
    Arc::new(EnumDef { name: name.into(), labels: labels.iter().map(|label| (*label).into()).collect() })
}

/// The value of a cell that is never NULL.
pub fn some_cell<T>(cell: Option<T>) -> Result<T> {
    cell.ok_or_else(unexpected_null)
}

/// Reads the label of an enum from a cell, without allocating.
pub fn enum_cell<E: DbEnum>(name: &str, row: &mut dyn RowReader, index: usize) -> Result<Option<E>> {
    match row.text(index)? {
        Some(text) => E::from_label(text).map(Some).ok_or_else(|| unknown_label(name)),
        None => Ok(None),
    }
}

/// Reads the label of an enum from a value.
pub fn enum_value<E: DbEnum>(name: &str, value: Value) -> Result<E> {
    match &value {
        Value::Text(text) => E::from_label(text).ok_or_else(|| unknown_label(name)),
        other => Err(unexpected(other, "text")),
    }
}

/// Reads the label of an enum from serde.
pub fn deserialize_enum<'de, E: DbEnum, D: Deserializer<'de>>(name: &'static str, deserializer: D) -> std::result::Result<E, D::Error> {
    struct Labels<E>(&'static str, PhantomData<E>);

    impl<E: DbEnum> Visitor<'_> for Labels<E> {
        type Value = E;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a label of {}", self.0)
        }

        fn visit_str<X: de::Error>(self, text: &str) -> std::result::Result<E, X> {
            E::from_label(text).ok_or_else(|| X::custom(unknown_label(self.0)))
        }
    }

    deserializer.deserialize_str(Labels(name, PhantomData))
}

/// A column of a projection.
pub fn projected_column<M, T: FieldType>(column: Column<M, T>) -> ProjectionItem {
    ProjectionItem::Expr(column.into_typed(), None)
}

/// The columns of an embedded struct in a projection.
pub fn projected_embed<M: Model, E: Embed>(column: EmbeddedColumn<M, E>) -> Vec<ProjectionItem> {
    column.positions().map(|position| ProjectionItem::Expr(Expr::Field(crate::plan::field(M::model(), position)), None)).collect()
}

/// What the columns of an embedded struct are called in the rows of raw SQL.
pub fn raw_names<M: Model, E: Embed>(column: EmbeddedColumn<M, E>) -> Vec<sequor_core::Name> {
    M::model().columns.get(column.positions()).unwrap_or_default().iter().map(|column| column.column.clone()).collect()
}

/// What a field of a projection is called in the rows of raw SQL: as its column.
pub fn raw_name<M: Model>(field: &str, own: &'static str) -> sequor_core::Name {
    let model = M::model();
    model.position(field).map_or(sequor_core::Name::Borrowed(own), |position| model.columns[position].column.clone())
}

/// A column or expression of a projection.
pub fn projected<M, T: FieldType>(expression: impl IntoProjected<M, T>) -> ProjectionItem {
    ProjectionItem::Expr(expression.into_projected(), None)
}

/// The field of a projection that a column or expression fills.
pub fn projected_as(field: &'static str, item: ProjectionItem) -> ProjectionItem {
    match item {
        ProjectionItem::Expr(expr, _) => ProjectionItem::Expr(expr, Some(field.into())),
        other => other,
    }
}

/// A projection of a to-one relation inside of a projection.
pub fn projected_relation<P: Projection<Of = T>, M, T: Model, K: ToOneKind>(relation: Relation<M, T, K>, optional: bool) -> ProjectionItem {
    let presence = optional.then_some(Presence { model: T::model });
    ProjectionItem::One { relation: relation.name().into(), items: P::items(), presence }
}

/// A list of a projection: the rows of a to-many relation, each as a projection of its own.
pub fn projected_list<P: Projection<Of = T>, M, T, K: ToManyKind>(
    include: impl IntoInclude<M, T, K>,
    name: &'static str,
) -> ProjectionItem {
    ProjectionItem::many::<P>(include.into_include().state, name)
}

/// The rows of a list of a projection, as they come from the loader.
pub fn list_rows<P: Projection>(rows: Box<dyn Any + Send>) -> Result<Vec<P>> {
    rows.downcast::<Vec<P>>().map(|rows| *rows).map_err(|_| Error::bug("a list of a projection came back as another"))
}

/// A list of a projection that does not exist.
pub fn no_such_list<T>() -> Result<T> {
    Err(Error::bug("a list that the projection does not have"))
}

/// What stands between the texts of a `sql!`: any column type, `&str` and lists as values; a column of a model in an expression.
#[diagnostic::on_unimplemented(message = "a `{Self}` cannot be bound in SQL", label = "expected a column type or `&str`")]
pub trait RawArgument {
    /// The value as a parameter.
    fn raw_part(&self) -> RawPart;
}

impl<T: FieldType> RawArgument for T {
    fn raw_part(&self) -> RawPart {
        raw_value(self)
    }
}

/// Lists of enums and of types of one's own too, which are no columns.
impl<T: Scalar> RawArgument for [T] {
    fn raw_part(&self) -> RawPart {
        let ty = T::column_type();
        let items = self.iter().map(FieldType::to_value);
        if matches!(ty, ColumnType::U8) {
            let byte = |value| if let Value::I64(number) = value { u8::try_from(number).unwrap_or_default() } else { 0 };
            return raw_value(&items.map(byte).collect::<Vec<u8>>());
        }
        if self.is_empty() && matches!(ty, ColumnType::Enum(_)) {
            return RawPart::NoneOf(ty);
        }
        RawPart::Value(Value::Array(items.collect()), BindType { array: true, ..ty.bind() })
    }
}

/// In `raw_expr` and filters: the column as the query knows it, quoted and of its own table.
impl<M, T> RawArgument for Column<M, T> {
    fn raw_part(&self) -> RawPart {
        RawPart::Expr(Box::new(self.expr()))
    }
}

impl RawArgument for str {
    fn raw_part(&self) -> RawPart {
        raw_value(&self.to_owned())
    }
}

/// A migration that `migrations!` embeds into the program.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedMigration {
    /// The name of its folder.
    pub name: &'static str,
    /// `up.sql`; empty when there are only files of single databases.
    pub up: &'static str,
    /// `down.sql`.
    pub down: Option<&'static str>,
    /// Every other file of the folder (`verify.sql`, `up.mysql.sql`, `up.rs`), by name.
    pub others: &'static [(&'static str, &'static str)],
    /// The function of `up.rs`.
    pub up_code: Option<EmbeddedCode>,
    /// The function of `down.rs`.
    pub down_code: Option<EmbeddedCode>,
}

/// The function of a migration that is written in Rust.
pub type EmbeddedCode = fn(MigrationStep) -> BoxFuture<'static, Result<()>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implied_fields_are_whole_names() {
        assert!(implies("user_id", "user_id"));
        assert!(implies("tenant_id,user_id", "user_id"));
        assert!(implies("tenant_id,user_id", "tenant_id"));
        assert!(!implies("tenant_id,user_id", "id"));
        assert!(!implies("", "id"));
    }

    #[test]
    fn setters_answer_with_a_value_or_a_result() {
        fn trimmed(text: String) -> String {
            text.trim().to_owned()
        }
        fn short(text: String) -> Result<String> {
            if text.len() < 4 { Ok(text) } else { Err(crate::Error::usage("too long")) }
        }
        assert_eq!(set_with::<String, _>(Value::from(" a "), trimmed).ok(), Some(Value::from("a")));
        assert_eq!(set_with::<Option<String>, _>(Value::from(" a "), trimmed).ok(), Some(Value::from("a")));
        assert_eq!(set_with::<Option<String>, _>(Value::Null, trimmed).ok(), Some(Value::Null));
        assert!(set_with::<String, _>(Value::from("abcdef"), short).is_err());
    }
}
