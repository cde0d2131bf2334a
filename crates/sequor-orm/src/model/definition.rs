//! [`StaticModel`]: what `#[derive(Model)]` emits as constants, and how it becomes a [`ModelDef`].
//!
//! The derive knows no convention; every name that follows one is made here.

use sequor_core::error::Result;
use sequor_core::schema::{
    Action, CheckDef, ColumnDef, Default as ColumnDefault, ForeignKeyDef, Generated, IndexDef, IndexPart, ModelDef, ModelLink, RelationDef,
    RelationKind, RuleDef, SoftDelete, SortDirection, TableName, ThroughDef, Unique, camel_case, pascal_case, snake_case,
};
use sequor_core::types::ColumnType;
use sequor_core::{Name, Value};
use std::sync::{Arc, OnceLock};

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

    /// The model with every convention applied, built once. What the derive calls.
    pub fn built(&'static self, slot: &'static OnceLock<Arc<ModelDef>>) -> &'static Arc<ModelDef> {
        slot.get_or_init(|| self.build())
    }

    /// The model with every convention applied.
    pub fn build(&self) -> Arc<ModelDef> {
        let mut def = ModelDef::new(self.name);
        if let Some(table) = self.table {
            def.table = match table.split_once('.') {
                Some((schema, name)) => TableName { schema: Some(schema.into()), name: name.into() },
                None => TableName::new(table),
            };
        }
        if let Some(schema) = self.schema {
            def.table.schema = Some(schema.into());
        }
        for column in self.columns {
            self.add_column(&mut def, column, "", "");
        }
        def.primary_key = (0..def.columns.len()).filter(|position| def.columns[*position].primary_key).collect();
        def.relations = self.relations.iter().map(|relation| self.relation(relation)).collect();
        self.add_indexes(&mut def);
        def.checks = self.checks.iter().map(|(name, sql)| CheckDef { name: (*name).into(), expression: (*sql).into() }).collect();
        self.manage(&mut def);
        if self.rules_as_checks {
            let rules = crate::validate::checks(&def);
            def.checks.extend(rules);
        }
        def.comment = self.comment.map(Into::into);
        def.renamed_from = self.renamed_from.map(Into::into);
        def.view = self.view.map(Into::into);
        def.skip_sync = self.skip_sync;
        def.behavior = crate::hook::behavior_of(self.declared);
        Arc::new(def)
    }

    fn add_column(&self, def: &mut ModelDef, column: &StaticColumn, field_prefix: &str, column_prefix: &str) {
        let name: Name = if field_prefix.is_empty() { column.name.into() } else { format!("{field_prefix}.{}", column.name).into() };
        let own = column.column.map_or_else(|| rename(column.name, self.rename_all), |own| own.to_owned());
        let in_database = if column_prefix.is_empty() { own } else { rename(&format!("{column_prefix}_{}", column.name), self.rename_all) };
        if let Some(embedded) = column.embed {
            for inner in embedded {
                self.add_column(def, inner, &name, &in_database);
            }
            return;
        }
        let mut made = ColumnDef::new(name.clone(), column_type(column));
        made.column = in_database.into();
        made.json = column.json.map_or_else(|| rename(&name, self.json).into(), Into::into);
        made.db_type = column.db_type.map(Into::into);
        // `decimal(20,6)` is a precision, not another type: SQLite would round by the affinity of that name.
        if let (ColumnType::Decimal(_), Some(precision)) = (&made.ty, column.db_type.and_then(precision)) {
            made.ty = ColumnType::Decimal(Some(precision));
            made.db_type = None;
        }
        made.nullable = column.nullable;
        made.primary_key = column.primary_key;
        made.auto_increment = column.auto_increment;
        made.unique = column.unique.map(|group| Unique { group: (!group.is_empty()).then(|| group.into()), message: None });
        made.default = match &column.default {
            StaticDefault::None => ColumnDefault::None,
            StaticDefault::Value(value) => ColumnDefault::Value(value()),
            StaticDefault::Function(function) => ColumnDefault::Function(*function),
            StaticDefault::Db(sql) => ColumnDefault::Db((*sql).into()),
        };
        made.comment = column.comment.map(Into::into);
        made.references = column.references.map(|(table, target, on_delete, on_update)| ForeignKeyDef {
            name: None,
            columns: vec![made.column.clone()],
            table: TableName::new(table),
            target: vec![target.into()],
            on_delete: on_delete.and_then(Action::parse),
            on_update: on_update.and_then(Action::parse),
            deferrable: None,
        });
        made.rules = column.rules.iter().map(rule).collect();
        made.hidden = column.hidden;
        made.sensitive = column.sensitive;
        made.generated = column.generated.map(|(sql, stored)| Generated { expression: sql.into(), stored });
        made.set_with = column.set_with;
        made.renamed_from = column.renamed_from.map(Into::into);
        if let Some(index) = column.index {
            let index_name = (!index.is_empty()).then(|| index.into());
            def.indexes.push(IndexDef { name: index_name, ..IndexDef::on([name]) });
        }
        def.columns.push(made);
    }

    fn relation(&self, relation: &StaticRelation) -> RelationDef {
        let link = |get: fn() -> &'static Arc<ModelDef>, name: &'static str| ModelLink { name: name.into(), get: Some(get) };
        let mut made = RelationDef::new(relation.name, relation.kind, link(relation.target, relation.target_name));
        made.json = relation.json.map_or_else(|| rename(relation.name, self.json).into(), Into::into);
        let names = |given: &[&'static str], convention: &dyn Fn() -> String| -> Vec<Name> {
            if given.is_empty() { vec![convention().into()] } else { given.iter().map(|name| (*name).into()).collect() }
        };
        let own = snake_case(self.name);
        made.foreign_key = match relation.kind {
            RelationKind::BelongsTo => names(relation.foreign_key, &|| format!("{}_id", relation.name)),
            RelationKind::HasOne | RelationKind::HasMany | RelationKind::BelongsToMany => {
                made.key_stem = relation.foreign_key.is_empty().then(|| own.clone().into());
                names(relation.foreign_key, &|| format!("{own}_id"))
            }
        };
        made.source_key = relation.source_key.iter().map(|name| (*name).into()).collect();
        made.target_key = relation.target_key.iter().map(|name| (*name).into()).collect();
        let scope = |scope: fn() -> Vec<(&'static str, Value)>| scope().into_iter().map(|(name, value)| (name.into(), value)).collect();
        made.scope = scope(relation.scope);
        let other = snake_case(relation.target_name);
        made.through = relation.through.map(|(get, name)| ThroughDef {
            model: link(get, name),
            other_key: names(relation.other_key, &|| format!("{other}_id")),
            other_stem: relation.other_key.is_empty().then(|| other.into()),
            scope: scope(relation.through_scope),
            unique: true,
        });
        made.constraints = relation.constraints;
        made.on_delete = relation.on_delete.and_then(Action::parse);
        made.on_update = relation.on_update.and_then(Action::parse);
        made.dependent_destroy = relation.dependent_destroy;
        made.required = relation.required;
        made.counter_cache = relation.counter_cache.map(Into::into);
        made.touch = relation.touch;
        made
    }

    fn add_indexes(&self, def: &mut ModelDef) {
        for index in self.indexes {
            let parts = index.parts.iter().map(|part| match part {
                StaticIndexPart::Expression(sql) => IndexPart { expression: Some((*sql).into()), ..IndexPart::default() },
                StaticIndexPart::Column(text) => {
                    let (name, direction) = text.split_once(' ').unwrap_or((text, ""));
                    let direction = match direction.trim().to_ascii_lowercase().as_str() {
                        "desc" => Some(SortDirection::Descending),
                        "asc" => Some(SortDirection::Ascending),
                        _ => None,
                    };
                    IndexPart { column: Some(name.to_owned().into()), direction, ..IndexPart::default() }
                }
            });
            let parts = parts.collect();
            def.indexes.push(IndexDef {
                name: index.name.map(Into::into),
                parts,
                unique: index.unique,
                filter: index.filter.map(Into::into),
                method: index.method.map(Into::into),
                language: index.language.map(Into::into),
                live_only: index.live_only,
                ..IndexDef::default()
            });
        }
    }

    fn manage(&self, def: &mut ModelDef) {
        let find = |def: &mut ModelDef, name: &str| -> Option<usize> {
            let position = def.position(name)?;
            def.columns[position].managed = true;
            Some(position)
        };
        if let Some((created, updated)) = self.timestamps {
            def.timestamps.created = find(def, created);
            def.timestamps.updated = find(def, updated);
        }
        if let Some((name, flag)) = self.paranoid {
            def.soft_delete = def.position(name).map(|column| {
                if flag {
                    SoftDelete::Flag { column, live: Value::Bool(true), deleted: Value::Bool(false) }
                } else {
                    SoftDelete::Timestamp { column }
                }
            });
            if flag
                && let Some(position) = def.position(name)
                && matches!(def.columns[position].default, ColumnDefault::None)
            {
                def.columns[position].default = ColumnDefault::Value(Value::Bool(true));
            }
        }
        if let Some(name) = self.version {
            def.version = find(def, name);
            if let Some(position) = def.version {
                def.columns[position].default = ColumnDefault::Value(Value::I64(0));
            }
        }
        if let Some((created, updated)) = self.userstamps {
            def.userstamps = (find(def, created), find(def, updated));
        }
    }
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

/// `validate(len(max = n))` bounds the column, as the tour's table says.
fn column_type(column: &StaticColumn) -> ColumnType {
    let ty = (column.ty)();
    if ty != ColumnType::Text {
        return ty;
    }
    let longest = column.rules.iter().filter(|rule| rule.key == "len").find_map(|rule| match (rule.args)().as_slice() {
        [_, Value::I64(max)] => u32::try_from(*max).ok(),
        _ => None,
    });
    match longest {
        Some(longest) if longest <= 16_383 => ColumnType::VarChar(longest),
        _ => ty,
    }
}

/// Precision and scale of `decimal(p,s)` or `numeric(p,s)`.
fn precision(text: &str) -> Option<(u8, u8)> {
    let text = text.trim().to_ascii_lowercase();
    let inside = text.strip_prefix("decimal(").or_else(|| text.strip_prefix("numeric("))?.strip_suffix(')')?;
    let (precision, scale) = inside.split_once(',').unwrap_or((inside, "0"));
    Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
}

fn rule(rule: &StaticRule) -> RuleDef {
    RuleDef { key: rule.key.into(), args: (rule.args)(), message: rule.message.map(Into::into), custom: rule.custom }
}

pub(super) fn rename(name: &str, style: Option<&str>) -> String {
    match style {
        Some("camelCase") => camel_case(name),
        Some("PascalCase") => pascal_case(name),
        Some("snake_case") => snake_case(name),
        Some("SCREAMING_SNAKE_CASE") => snake_case(name).to_uppercase(),
        Some("kebab-case") => snake_case(name).replace('_', "-"),
        _ => name.to_owned(),
    }
}

/// Renames an enum's label the way `rename_all` says. What `derive(DbEnum)` calls.
pub fn label(name: &str, style: &str) -> String {
    match style {
        "lowercase" => name.to_lowercase(),
        "UPPERCASE" => name.to_uppercase(),
        style => rename(name, Some(style)),
    }
}
