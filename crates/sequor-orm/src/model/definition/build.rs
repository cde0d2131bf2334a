//! How a [`StaticModel`] becomes a [`ModelDef`]: every name that follows a convention is made here.

use super::{StaticColumn, StaticDefault, StaticIndexPart, StaticModel, StaticRelation, StaticRule};
use sequor_core::schema::{
    Action, CheckDef, ColumnDef, Default as ColumnDefault, ForeignKeyDef, Generated, IndexDef, IndexPart, ModelDef, ModelLink, RelationDef,
    RelationKind, RuleDef, SoftDelete, SortDirection, TableName, ThroughDef, Unique, camel_case, pascal_case, singular, snake_case,
};
use sequor_core::types::ColumnType;
use sequor_core::{Name, Value};
use std::sync::{Arc, OnceLock};

impl StaticModel {
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
        // Rows of one model on both sides: the other key is named after the relation (`friends`: `friend_id`), as in Sequelize.
        let to_itself = relation.target_name == self.name;
        let other_key = if to_itself { format!("{}_id", singular(relation.name)) } else { format!("{other}_id") };
        let other_stem = relation.other_key.is_empty() && !(to_itself && relation.foreign_key.is_empty());
        made.through = relation.through.map(|(get, name)| ThroughDef {
            model: link(get, name),
            other_key: names(relation.other_key, &|| other_key.clone()),
            other_stem: other_stem.then(|| other.into()),
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

pub(in crate::model) fn rename(name: &str, style: Option<&str>) -> String {
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
