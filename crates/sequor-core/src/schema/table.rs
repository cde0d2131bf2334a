//! [`TableDef`]: a table as the database has it, and [`tables`], which makes them from models.

use super::{Action, CheckDef, Default, Generated, IndexDef, IndexPart, ModelDef, Models, RelationKind, TableName, shorten};
use crate::Name;
use crate::error::Result;
use crate::types::ColumnType;
use std::sync::Arc;

/// The longest identifier that every server keeps (PostgreSQL: 63 bytes).
const LONGEST_NAME: usize = 63;

/// A table, dialect-free.
#[derive(Clone, Debug)]
pub struct TableDef {
    /// Its name.
    pub name: TableName,
    /// Its columns, in order.
    pub columns: Vec<TableColumn>,
    /// The names of the primary key's columns.
    pub primary_key: Vec<Name>,
    /// The foreign keys.
    pub foreign_keys: Vec<ForeignKeyDef>,
    /// The indexes and unique keys.
    pub indexes: Vec<IndexDef>,
    /// The checks.
    pub checks: Vec<CheckDef>,
    /// A comment.
    pub comment: Option<Name>,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct TableColumn {
    /// Its name in the database.
    pub name: Name,
    /// Its kind.
    pub ty: ColumnType,
    /// A type spelt by hand.
    pub db_type: Option<Name>,
    /// Whether NULL is a value.
    pub nullable: bool,
    /// Whether the database counts it up.
    pub auto_increment: bool,
    /// Its default in the database.
    pub default: Default,
    /// How the database computes it.
    pub generated: Option<Generated>,
    /// A comment.
    pub comment: Option<Name>,
    /// Whether it is part of a key or index (MySQL needs a bounded type then).
    pub in_key: bool,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKeyDef {
    /// Its name; `None` makes one by convention.
    pub name: Option<Name>,
    /// The columns.
    pub columns: Vec<Name>,
    /// The table pointed to.
    pub table: TableName,
    /// The columns pointed to.
    pub target: Vec<Name>,
    /// When the row pointed to is deleted.
    pub on_delete: Option<Action>,
    /// When the key pointed to changes.
    pub on_update: Option<Action>,
    /// Checked at commit: `Some(true)` initially deferred, `Some(false)` deferrable but immediate.
    pub deferrable: Option<bool>,
}

impl ForeignKeyDef {
    /// The name by convention: `<table>_<columns>_fkey`.
    pub fn name_in(&self, table: &TableName) -> Name {
        self.name.clone().unwrap_or_else(|| shorten(&format!("{}_{}_fkey", table.name, self.columns.join("_")), LONGEST_NAME).into())
    }
}

impl IndexDef {
    /// The name by convention: `<table>_<columns>_idx`, `_key` for unique ones.
    pub fn name_in(&self, table: &TableName) -> Name {
        self.name.clone().unwrap_or_else(|| {
            let parts: Vec<&str> = self.parts.iter().map(|part| part.column.as_deref().unwrap_or("expr")).collect();
            let ending = if self.unique { "key" } else { "idx" };
            shorten(&format!("{}_{}_{ending}", table.name, parts.join("_")), LONGEST_NAME).into()
        })
    }
}

/// The tables of these models, parents before children. Views and tables that others own are left out.
///
/// Foreign keys come from the columns themselves and from the relations of all the models; one that closes a cycle is still listed, and the DDL adds it last.
pub fn tables(models: &[Arc<ModelDef>], lookup: &dyn Models) -> Result<Vec<TableDef>> {
    let mut made: Vec<TableDef> =
        models.iter().filter(|model| model.view.is_none() && !model.skip_sync).map(|model| table_of(model)).collect();
    for model in models {
        for relation in &model.relations {
            if !relation.constraints {
                continue;
            }
            let link = relation.link(model, lookup)?;
            let (near, far) = ((&**model, &*link.source), (&*link.target, &*link.columns));
            let (on_delete, on_update) = (relation.on_delete, relation.on_update);
            match (relation.kind, &link.through) {
                (RelationKind::BelongsTo, _) => {
                    add_key(&mut made, &DeclaredKey { owner: near, target: far, on_delete, on_update, or_delete: None });
                }
                (RelationKind::HasOne | RelationKind::HasMany, _) => {
                    add_key(&mut made, &DeclaredKey { owner: far, target: near, on_delete, on_update, or_delete: None });
                }
                (RelationKind::BelongsToMany, Some(through)) => {
                    let or_delete = Some(Action::Cascade);
                    let owner = (&*through.model, &*through.to_source);
                    add_key(&mut made, &DeclaredKey { owner, target: near, on_delete, on_update, or_delete });
                    let owner = (&*through.model, &*through.to_target);
                    add_key(&mut made, &DeclaredKey { owner, target: far, on_delete: None, on_update: None, or_delete });
                }
                (RelationKind::BelongsToMany, None) => {}
            }
        }
    }
    for table in &mut made {
        for key in &mut table.foreign_keys {
            fill_actions(key, &table.columns);
        }
        mark_keys(table);
    }
    Ok(in_order(made))
}

/// Sequelize's defaults: SET NULL, or for a key that is never NULL nothing (belongs-to); updates cascade.
fn fill_actions(key: &mut ForeignKeyDef, columns: &[TableColumn]) {
    let nullable = key.columns.iter().all(|name| columns.iter().any(|column| column.name == *name && column.nullable));
    key.on_delete.get_or_insert(if nullable { Action::SetNull } else { Action::NoAction });
    key.on_update.get_or_insert(Action::Cascade);
}

fn table_of(model: &ModelDef) -> TableDef {
    let columns = model
        .columns
        .iter()
        .map(|column| TableColumn {
            name: column.column.clone(),
            ty: column.ty.clone(),
            db_type: column.db_type.clone(),
            nullable: column.nullable && !column.primary_key,
            auto_increment: column.auto_increment,
            default: column.default.clone(),
            generated: column.generated.clone(),
            comment: column.comment.clone(),
            in_key: false,
        })
        .collect();
    let mut indexes: Vec<IndexDef> = Vec::new();
    for (number, positions) in column_uniques(model).into_iter().enumerate() {
        let names: Vec<Name> = positions.iter().map(|position| model.columns[*position].column.clone()).collect();
        let group = model.columns[positions[0]].unique.as_ref().and_then(|unique| unique.group.clone());
        let _ = number;
        indexes.push(IndexDef { name: group, unique: true, constraint: true, ..IndexDef::on(names) });
    }
    for index in &model.indexes {
        let mut index = index.clone();
        for part in &mut index.parts {
            rename_part(part, model);
        }
        for name in &mut index.include {
            if let Some(column) = model.column(name) {
                *name = column.column.clone();
            }
        }
        if index.live_only && index.filter.is_none() {
            index.filter = model.live_condition();
        }
        indexes.push(index);
    }
    TableDef {
        name: model.table.clone(),
        columns,
        primary_key: model.key_columns().map(|column| column.column.clone()).collect(),
        foreign_keys: model.columns.iter().filter_map(|column| column.references.clone()).collect(),
        indexes,
        checks: model.checks.clone(),
        comment: model.comment.clone(),
    }
}

fn rename_part(part: &mut IndexPart, model: &ModelDef) {
    if let Some(column) = part.column.as_deref().and_then(|name| model.column(name)) {
        part.column = Some(column.column.clone());
    }
}

/// The unique keys that columns declare, without the primary key and without indexes.
fn column_uniques(model: &ModelDef) -> Vec<Vec<usize>> {
    let mut keys: Vec<(Option<Name>, Vec<usize>)> = Vec::new();
    for (position, column) in model.columns.iter().enumerate() {
        let Some(unique) = &column.unique else { continue };
        match keys.iter_mut().find(|(group, _)| group.is_some() && *group == unique.group) {
            Some((_, positions)) => positions.push(position),
            None => keys.push((unique.group.clone(), vec![position])),
        }
    }
    keys.into_iter().map(|(_, positions)| positions).collect()
}

/// A foreign key that a relation declares, from the columns of one model to those of another.
struct DeclaredKey<'a> {
    owner: (&'a ModelDef, &'a [usize]),
    target: (&'a ModelDef, &'a [usize]),
    on_delete: Option<Action>,
    on_update: Option<Action>,
    /// What happens on delete when nobody says.
    or_delete: Option<Action>,
}

fn add_key(tables: &mut [TableDef], key: &DeclaredKey<'_>) {
    let Some(table) = tables.iter_mut().find(|table| table.name == key.owner.0.table) else { return };
    let names = |(model, positions): (&ModelDef, &[usize])| -> Vec<Name> {
        positions.iter().map(|position| model.columns[*position].column.clone()).collect()
    };
    let columns = names(key.owner);
    match table.foreign_keys.iter_mut().find(|key| key.columns == columns) {
        // Both sides of a relation declare it; whoever names an action decides.
        Some(known) => {
            known.on_delete = known.on_delete.or(key.on_delete);
            known.on_update = known.on_update.or(key.on_update);
        }
        None => table.foreign_keys.push(ForeignKeyDef {
            name: None,
            columns,
            table: key.target.0.table.clone(),
            target: names(key.target),
            on_delete: key.on_delete.or(key.or_delete),
            on_update: key.on_update,
            deferrable: None,
        }),
    }
}

fn mark_keys(table: &mut TableDef) {
    for column in &mut table.columns {
        column.in_key = table.primary_key.contains(&column.name)
            || table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))
            || table.indexes.iter().any(|index| index.parts.iter().any(|part| part.column.as_ref() == Some(&column.name)));
    }
}

/// Parents before children; the members of a cycle in their given order.
fn in_order(tables: Vec<TableDef>) -> Vec<TableDef> {
    let mut rest = tables;
    let mut ordered: Vec<TableDef> = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let ready = rest.iter().position(|table| {
            table.foreign_keys.iter().all(|key| key.table == table.name || !rest.iter().any(|other| other.name == key.table))
        });
        ordered.push(rest.remove(ready.unwrap_or(0)));
    }
    ordered
}
