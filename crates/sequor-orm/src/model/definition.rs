//! [`StaticModel`]: what `#[derive(Model)]` emits as constants, before any convention.

mod build;

pub use build::label;
pub(super) use build::rename;

use sequor_core::Value;
use sequor_core::error::Result;
use sequor_core::schema::{ModelDef, RelationKind};
use sequor_core::types::ColumnType;
use std::sync::Arc;

/// A model as the derive writes it. Fields that the attributes do not name are those of [`StaticModel::NEW`].
pub struct StaticModel {
    /// The struct's name.
    pub name: &'static str,
    /// `table = ".."`; may be `schema.table`.
    pub table: Option<&'static str>,
    /// `schema = ".."`.
    pub schema: Option<&'static str>,
    /// `rename_all = ".."` for columns: camelCase, snake_case, PascalCase.
    pub rename_all: Option<&'static str>,
    /// `json = ".."` for JSON names.
    pub json: Option<&'static str>,
    /// The fields that are columns, embedded ones spread out by [`StaticColumn::embed`].
    pub columns: &'static [StaticColumn],
    /// The fields that are relations.
    pub relations: &'static [StaticRelation],
    /// `index(..)`, `unique(..)`.
    pub indexes: &'static [StaticIndex],
    /// `check(name = "..", "sql")`.
    pub checks: &'static [(&'static str, &'static str)],
    /// `timestamps`, with the names of the two fields (`created_at`, `updated_at` unless given); `""` for one that is off.
    pub timestamps: Option<(&'static str, &'static str)>,
    /// `paranoid`: the field, and whether it is a flag.
    pub paranoid: Option<(&'static str, bool)>,
    /// `version`: the field.
    pub version: Option<&'static str>,
    /// `userstamps`: the two fields.
    pub userstamps: Option<(&'static str, &'static str)>,
    /// `comment = ".."`.
    pub comment: Option<&'static str>,
    /// `renamed_from = ".."`: the table's old name, for migrations.
    pub renamed_from: Option<&'static str>,
    /// `view = "sql"`.
    pub view: Option<&'static str>,
    /// `skip_sync`.
    pub skip_sync: bool,
    /// `rules_as_checks`: the database checks the rules too.
    pub rules_as_checks: bool,
    /// `hooks`, `validate = ".."`, `default_scope = ".."`: what the model declares beside its data.
    pub declared: Option<&'static dyn crate::hook::Declared>,
}

/// A column as the derive writes it.
pub struct StaticColumn {
    /// The field's name.
    pub name: &'static str,
    /// `column = ".."`.
    pub column: Option<&'static str>,
    /// `json = ".."`.
    pub json: Option<&'static str>,
    /// The kind of column, from the field's type.
    pub ty: fn() -> ColumnType,
    /// Whether the field is an `Option`.
    pub nullable: bool,
    /// `primary_key`.
    pub primary_key: bool,
    /// `auto_increment`.
    pub auto_increment: bool,
    /// `unique` (`Some("")`) or `unique = "group"`.
    pub unique: Option<&'static str>,
    /// `index` (`Some("")`) or `index = "name"`.
    pub index: Option<&'static str>,
    /// `default = ..`, `db_default = ".."`.
    pub default: StaticDefault,
    /// `db_type = ".."`.
    pub db_type: Option<&'static str>,
    /// `comment = ".."`.
    pub comment: Option<&'static str>,
    /// `references(table = "..", column = "..", on_delete = "..", on_update = "..")`.
    pub references: Option<(&'static str, &'static str, Option<&'static str>, Option<&'static str>)>,
    /// `validate(..)`.
    pub rules: &'static [StaticRule],
    /// `hidden`.
    pub hidden: bool,
    /// `sensitive`.
    pub sensitive: bool,
    /// `generated = "..", stored`.
    pub generated: Option<(&'static str, bool)>,
    /// `set_with = path`.
    pub set_with: Option<fn(Value) -> Result<Value>>,
    /// `renamed_from = ".."`.
    pub renamed_from: Option<&'static str>,
    /// `embed`: the columns of the embedded struct, which take this one's place under the prefix `<column>_`.
    pub embed: Option<&'static [StaticColumn]>,
}

/// A default as the derive writes it.
pub enum StaticDefault {
    /// None.
    None,
    /// A literal or constant, also written into the table.
    Value(fn() -> Value),
    /// An expression, evaluated for each row.
    Function(fn() -> Value),
    /// SQL.
    Db(&'static str),
}

/// A rule as the derive writes it.
pub struct StaticRule {
    /// The rule's attribute name (`email`, `len`), or the function's path.
    pub key: &'static str,
    /// Its arguments.
    pub args: fn() -> Vec<Value>,
    /// `message = ".."`.
    pub message: Option<&'static str>,
    /// A function of the program.
    pub custom: Option<fn(&Value) -> std::result::Result<(), String>>,
}

/// An index as the derive writes it.
pub struct StaticIndex {
    /// `name = ".."`.
    pub name: Option<&'static str>,
    /// `columns("a", "b desc")` and `expression("..")`.
    pub parts: &'static [StaticIndexPart],
    /// `unique`.
    pub unique: bool,
    /// `filter = "sql"`.
    pub filter: Option<&'static str>,
    /// `method = "gin"`.
    pub method: Option<&'static str>,
    /// `language = "english"`, of a full-text index.
    pub language: Option<&'static str>,
    /// `live_only`: unique among rows that are not deleted.
    pub live_only: bool,
}

/// One part of a [`StaticIndex`].
pub enum StaticIndexPart {
    /// A field, with a direction behind a space.
    Column(&'static str),
    /// SQL.
    Expression(&'static str),
}

/// A relation as the derive writes it. Empty lists follow the conventions.
pub struct StaticRelation {
    /// The field's name.
    pub name: &'static str,
    /// `json = ".."`.
    pub json: Option<&'static str>,
    /// The kind, from the field's type.
    pub kind: RelationKind,
    /// The other model.
    pub target: fn() -> &'static Arc<ModelDef>,
    /// Its name.
    pub target_name: &'static str,
    /// The through model, and its name.
    pub through: Option<(fn() -> &'static Arc<ModelDef>, &'static str)>,
    /// `foreign_key = ".."` or a list.
    pub foreign_key: &'static [&'static str],
    /// `other_key = ".."`.
    pub other_key: &'static [&'static str],
    /// `source_key = ".."`.
    pub source_key: &'static [&'static str],
    /// `target_key = ".."`.
    pub target_key: &'static [&'static str],
    /// `scope(commentable_type = "post")`.
    pub scope: fn() -> Vec<(&'static str, Value)>,
    /// `through_scope(..)`.
    pub through_scope: fn() -> Vec<(&'static str, Value)>,
    /// `constraints = false`.
    pub constraints: bool,
    /// `on_delete = ".."`.
    pub on_delete: Option<&'static str>,
    /// `on_update = ".."`.
    pub on_update: Option<&'static str>,
    /// `dependent = "destroy"`.
    pub dependent_destroy: bool,
    /// `BelongsTo<T>` and not `BelongsTo<Option<T>>`.
    pub required: bool,
    /// `counter_cache = ".."`.
    pub counter_cache: Option<&'static str>,
    /// `touch`.
    pub touch: bool,
}

fn no_scope() -> Vec<(&'static str, Value)> {
    Vec::new()
}

impl StaticModel {
    /// A model without anything.
    pub const NEW: StaticModel = StaticModel {
        name: "",
        table: None,
        schema: None,
        rename_all: None,
        json: None,
        columns: &[],
        relations: &[],
        indexes: &[],
        checks: &[],
        timestamps: None,
        paranoid: None,
        version: None,
        userstamps: None,
        comment: None,
        renamed_from: None,
        view: None,
        skip_sync: false,
        rules_as_checks: false,
        declared: None,
    };
}

impl StaticColumn {
    /// A column of a type, without options.
    pub const fn new(name: &'static str, ty: fn() -> ColumnType, nullable: bool) -> StaticColumn {
        StaticColumn {
            name,
            column: None,
            json: None,
            ty,
            nullable,
            primary_key: false,
            auto_increment: false,
            unique: None,
            index: None,
            default: StaticDefault::None,
            db_type: None,
            comment: None,
            references: None,
            rules: &[],
            hidden: false,
            sensitive: false,
            generated: None,
            set_with: None,
            renamed_from: None,
            embed: None,
        }
    }

    /// A column of a field's Rust type, without options.
    pub const fn of<T: crate::FieldType>(name: &'static str) -> StaticColumn {
        StaticColumn::new(name, T::column_type, T::NULLABLE)
    }

    /// The place of an embedded struct with these columns.
    pub const fn embedded(name: &'static str, columns: &'static [StaticColumn]) -> StaticColumn {
        let mut column = StaticColumn::new(name, String::column_type_of, true);
        column.embed = Some(columns);
        column
    }
}

/// A type for the place of an embedded struct, which is never a column itself.
trait Placeholder {
    fn column_type_of() -> ColumnType;
}

impl Placeholder for String {
    fn column_type_of() -> ColumnType {
        ColumnType::Text
    }
}

impl StaticRelation {
    /// A relation by convention to a model, and its name.
    pub const fn to(
        name: &'static str,
        kind: RelationKind,
        target: fn() -> &'static Arc<ModelDef>,
        target_name: &'static str,
    ) -> StaticRelation {
        StaticRelation {
            name,
            json: None,
            kind,
            target,
            target_name,
            through: None,
            foreign_key: &[],
            other_key: &[],
            source_key: &[],
            target_key: &[],
            scope: no_scope,
            through_scope: no_scope,
            constraints: true,
            on_delete: None,
            on_update: None,
            dependent_destroy: false,
            required: false,
            counter_cache: None,
            touch: false,
        }
    }

    /// The same through a model.
    #[must_use]
    pub const fn through(mut self, model: fn() -> &'static Arc<ModelDef>, name: &'static str) -> StaticRelation {
        self.through = Some((model, name));
        self
    }
}

impl StaticIndex {
    /// An index over parts.
    pub const fn new(parts: &'static [StaticIndexPart]) -> StaticIndex {
        StaticIndex { name: None, parts, unique: false, filter: None, method: None, language: None, live_only: false }
    }
}
