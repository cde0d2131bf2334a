//! [`Model`]: what `#[derive(Model)]` implements, and [`Instance`], the same behind a trait object.
//!
//! The derive emits data and three small matches; all that a model can do is written once, here and below, over `dyn Instance`.

mod batch;
mod cell;
mod column;
mod convert;
mod definition;
mod derive;
mod enums;
mod erased;
mod json;
mod operators;
mod record;
mod registry;
mod relation;
mod runtime;
mod slot;

pub(crate) use batch::TOGETHER;
pub use cell::Cell;
pub use column::{Column, Embedded, EmbeddedColumn, TypedExpr};
pub use convert::{IntoKey, IntoValue, Operand};
pub(crate) use convert::{bind_of, owned};
pub use definition::label;
pub use definition::{StaticColumn, StaticDefault, StaticIndex, StaticIndexPart, StaticModel, StaticRelation, StaticRule};
pub use derive::{
    ColumnField, DraftOf, EmbeddedCode, EmbeddedMigration, Inside, RawArgument, RowCheck, RuleOutcome, Setter, SetterAnswer, Whole,
    computed_value, custom_rule, deserialize_enum, draft_of, enum_cell, enum_definition, enum_value, implies, json_name, list_rows,
    named_arguments, no_such_list, owes_values, projected, projected_as, projected_column, projected_embed, projected_list,
    projected_relation, raw_name, raw_names, refused, row_rule, set_with, some_cell,
};
pub use enums::{DbEnum, unknown_label};
pub use erased::{Loader, LoaderTable, RowBatch, RowShape, ShapeItem, TypedLoader};
pub(crate) use erased::{first_in, rows_in, rows_of};
pub(crate) use json::flat;
pub use json::{deserialize_model, serialize_model};
pub use operators::{Fractional, Grain, JsonColumn, JsonOperand, JsonPath, Listed, Numeric, Ranged, Rows as RowsGrain, Single, Textual};
pub(crate) use operators::{compare, in_values, parse_path, set_inside};
pub use record::{Record, RecordLoader, RuntimeCall, RuntimeFind, RuntimeModel};
pub(crate) use record::{nested, plain};
pub use registry::{ModelList, Registered, Registry};
pub use relation::{
    BelongsTo, BelongsToMany, HasMany, HasOne, IntoInclude, KnownSiblings, LoadedRows, Many, Parent, Relation, RelationCell,
    RelationKindMarker, RelationRows, Through, ToManyKind, ToOne, ToOneKind, ToParent,
};
pub use runtime::DefineModel;
pub(crate) use runtime::RuntimeScopes;
pub use sequor_core::encode::KeyValues;
pub use slot::{Field, NestedFields, same_name};

use sequor_core::driver::RowReader;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Who loads the rows of a relation, where there is such a relation.
pub type MaybeLoader = Option<Box<dyn Loader>>;
/// A field of a row, to be changed, where there is one.
pub type MaybeCellMut<'a> = Option<&'a mut dyn Cell>;
/// A relation field of a row, where there is one.
pub type MaybeRelation<'a> = Option<&'a dyn RelationCell>;
/// A relation field of a row that nobody else sees.
pub type MaybeRelationMut<'a> = Option<&'a mut dyn RelationCell>;

/// A row of a model, whatever its Rust type.
pub trait Instance: Any + Send + Sync {
    /// The model.
    fn def(&self) -> &Arc<ModelDef>;
    /// The field at a position.
    fn cell(&self, position: usize) -> Option<&dyn Cell>;
    /// The field at a position, to be changed.
    fn cell_mut(&mut self, position: usize) -> MaybeCellMut<'_>;
    /// The relation at a position.
    fn relation_cell(&self, position: usize) -> MaybeRelation<'_>;
    /// The relation at a position of a row that nobody else sees.
    fn relation_cell_mut(&mut self, position: usize) -> MaybeRelationMut<'_>;
    /// Values that methods add to the JSON form.
    fn computed(&self) -> Vec<(sequor_core::Name, serde_json::Value)> {
        Vec::new()
    }
}

/// A Rust struct that maps to a table. Implemented by `#[derive(Model)]`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// // What all models have in common: generic code asks for it.
/// async fn newest<M: Model>(db: &Db) -> Result<Option<M>> {
///     M::find_all().limit(1).one().exec(db).await
/// }
/// assert_eq!(newest::<User>(&db).await?, Some(ann));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    label = "this type has no table",
    note = "add `#[derive(Model, Clone)]` to `{Self}`; a relation names the model itself, as in `HasMany<Post>`"
)]
pub trait Model: Instance + Clone + Sized {
    /// What a new row is as JSON Schema: names, types and the rules of validation, for forms, clients and OpenAPI.
    fn json_schema() -> serde_json::Value {
        crate::validate::json_schema(Self::model())
    }

    /// The slots that `draft!` fills.
    type Fields: 'static;
    /// The type of the primary key: a scalar, or a tuple.
    type Key: KeyValues + IntoKey<Self::Key, <Self::Key as KeyValues>::Width>;
    /// All slots, empty.
    const FIELDS: Self::Fields;
    /// The struct's name.
    const NAME: &'static str;
    /// Who loads its rows.
    const LOADER: LoaderTable = LoaderTable::of::<Self>();

    /// The model as data.
    fn model() -> &'static Arc<ModelDef>;
    /// Reads one row whose columns start at a position.
    fn decode(row: &mut dyn RowReader, at: usize) -> Result<Self>;
    /// Who loads the rows of a relation.
    fn loader(relation: usize) -> MaybeLoader;
    /// Who loads the rows between, for a many-to-many relation.
    fn through_loader(_relation: usize) -> MaybeLoader {
        None
    }
}

/// A struct whose fields are spread over prefixed columns. Implemented by `#[derive(Embed)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be embedded",
    label = "this type has no columns",
    note = "add `#[derive(Embed, Clone, Debug, PartialEq)]` to `{Self}`"
)]
pub trait Embed: Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// How many columns.
    const COUNT: u16;
    /// The columns, without prefix.
    const COLUMNS: &'static [StaticColumn];

    /// Reads the columns from a position on.
    fn decode(row: &mut dyn RowReader, at: usize) -> Result<Self>;
    /// The field at a position.
    fn cell(&self, position: usize) -> Option<&dyn Cell>;
    /// The field at a position, to be changed.
    fn cell_mut(&mut self, position: usize) -> MaybeCellMut<'_>;
}

/// Reads one cell and names model and column when that fails. What the derives call.
pub fn decode_cell<T: crate::FieldType>(
    row: &mut dyn RowReader,
    at: usize,
    position: usize,
    model: fn() -> &'static Arc<ModelDef>,
) -> Result<T> {
    match T::decode(row, at + position) {
        Ok(value) => Ok(value),
        Err(error) => Err(name_cell(error, position, model)),
    }
}

#[cold]
fn name_cell(error: Error, position: usize, model: fn() -> &'static Arc<ModelDef>) -> Error {
    let model = model();
    error.at(&model.name, model.columns.get(position).map(|column| column.name.as_ref()))
}

/// The value of a field; NULL for a position that the model does not have.
pub fn value_of(row: &dyn Instance, position: usize) -> crate::Value {
    row.cell(position).map_or(crate::Value::Null, Cell::to_value)
}

/// The values of all columns, in order.
pub fn values_of(row: &dyn Instance) -> Vec<crate::Value> {
    (0..row.def().columns.len()).map(|position| value_of(row, position)).collect()
}

/// Whether two rows of one model have equal columns and equal loaded relations.
pub fn same(a: &dyn Instance, b: &dyn Instance) -> bool {
    let def = a.def();
    (0..def.columns.len()).all(|position| match (a.cell(position), b.cell(position)) {
        (Some(a), Some(b)) => a.same(b),
        (None, None) => true,
        _ => false,
    }) && (0..def.relations.len()).all(|position| match (a.relation_cell(position), b.relation_cell(position)) {
        (Some(a), Some(b)) => a.same(b),
        (None, None) => true,
        _ => false,
    })
}

/// `Debug` of a row: its columns and loaded relations; `sensitive` fields as `***`.
pub fn debug(row: &dyn Instance, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let def = row.def();
    let mut text = f.debug_struct(&def.name);
    for (position, column) in def.columns.iter().enumerate() {
        match row.cell(position) {
            Some(_) if column.sensitive => text.field(&column.name, &format_args!("***")),
            Some(cell) => text.field(&column.name, &cell::Shown(cell)),
            None => &mut text,
        };
    }
    for (position, relation) in def.relations.iter().enumerate() {
        if let Some(cell) = row.relation_cell(position).filter(|cell| cell.is_loaded()) {
            text.field(&relation.name, &relation::ShownRelation(cell));
        }
    }
    text.finish()
}
