//! [`TableDef`]: a table as the database has it, and [`tables`], which makes them from models.

use super::{Action, CheckDef, Default, Generated, IndexDef, IndexPart, ModelDef, Models, RelationKind, TableName, shorten};
use crate::Name;
use crate::error::{Error, Result};
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
    /// What the database says of the whole table in words of its own: `STRICT`, `WITHOUT ROWID`, `PARTITION BY ..`, `ENGINE=..`. `None` where nobody says:
    /// what is there stays.
    pub options: Option<Name>,
    /// What MySQL is told when it makes the table, and never compared later: `ENGINE=.. DEFAULT CHARACTER SET .. AUTO_INCREMENT=..`.
    pub made_with: Option<Name>,
    /// The name that the table had before, for migrations.
    pub renamed_from: Option<Name>,
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
    /// A check that stands with the column itself and has no name (SQLite).
    pub check: Option<Name>,
    /// What the database says of it in words of its own: `ALWAYS` of a counted key, `ON UPDATE current_timestamp()`, `CHARACTER SET ..`, `NOT NULL ON CONFLICT ..`.
    /// `None` where nobody says: what is there stays.
    pub extra: Option<Name>,
    /// The name that the column had before, for migrations.
    pub renamed_from: Option<Name>,
}

impl TableColumn {
    /// A nullable column with a name and a type and nothing else.
    pub fn new(name: impl Into<Name>, ty: ColumnType) -> TableColumn {
        TableColumn {
            name: name.into(),
            ty,
            db_type: None,
            nullable: true,
            auto_increment: false,
            default: Default::None,
            generated: None,
            comment: None,
            in_key: false,
            check: None,
            extra: None,
            renamed_from: None,
        }
    }
}

impl TableDef {
    /// A table without columns.
    pub fn new(name: TableName) -> TableDef {
        TableDef {
            name,
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            checks: Vec::new(),
            comment: None,
            options: None,
            made_with: None,
            renamed_from: None,
        }
    }

    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
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
    tables_with(models, lookup, Err)
}

/// [`tables`] for who reads what is there: a relation that leads nowhere has no key, and the others keep theirs.
pub fn linked_tables(models: &[Arc<ModelDef>], lookup: &dyn Models) -> Vec<TableDef> {
    tables_with(models, lookup, |_| Ok(())).unwrap_or_default()
}

fn tables_with(models: &[Arc<ModelDef>], lookup: &dyn Models, unlinked: impl Fn(Error) -> Result<()>) -> Result<Vec<TableDef>> {
    let mut made: Vec<TableDef> = Vec::new();
    for model in models.iter().filter(|model| model.view.is_none() && !model.skip_sync) {
        let table = table_of(model);
        match made.iter_mut().find(|known| known.name == table.name) {
            Some(known) => join(known, table),
            None => made.push(table),
        }
    }
    for model in models {
        for relation in &model.relations {
            if !relation.constraints {
                continue;
            }
            let link = match relation.link(model, lookup) {
                Ok(link) => link,
                Err(error) => {
                    unlinked(error)?;
                    continue;
                }
            };
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

/// Two models of one table: it has the columns, keys and checks of both.
fn join(table: &mut TableDef, other: TableDef) {
    for column in other.columns {
        if table.column(&column.name).is_none() {
            table.columns.push(column);
        }
    }
    for index in other.indexes {
        let name = index.name_in(&table.name).into_owned();
        if !table.indexes.iter().any(|known| known.name_in(&table.name) == name) {
            table.indexes.push(index);
        }
    }
    for key in other.foreign_keys {
        if !table.foreign_keys.iter().any(|known| known.columns == key.columns) {
            table.foreign_keys.push(key);
        }
    }
    for check in other.checks {
        if !table.checks.contains(&check) {
            table.checks.push(check);
        }
    }
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
            db_type: column.db_type.clone(),
            nullable: column.nullable && !column.primary_key,
            auto_increment: column.auto_increment,
            default: stamp_default(model, column),
            generated: column.generated.clone(),
            comment: column.comment.clone(),
            renamed_from: column.renamed_from.clone(),
            ..TableColumn::new(column.column.clone(), column.ty.clone())
        })
        .collect();
    let mut indexes: Vec<IndexDef> = Vec::new();
    for positions in column_uniques(model) {
        let names: Vec<Name> = positions.iter().map(|position| model.columns[*position].column.clone()).collect();
        let group = model.columns[positions[0]].unique.as_ref().and_then(|unique| unique.group.clone());
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
        options: None,
        made_with: model.made_with.clone(),
        renamed_from: model.renamed_from.clone(),
    }
}

/// A managed timestamp has no default in the table, but rows that are there already get the present instant.
fn stamp_default(model: &ModelDef, column: &super::ColumnDef) -> Default {
    let stamps = [model.timestamps.created, model.timestamps.updated];
    let is_stamp = stamps.into_iter().flatten().any(|position| model.columns[position].column == column.column);
    match &column.default {
        Default::None if is_stamp => Default::Generator(super::Generator::Now),
        default => default.clone(),
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

pub(crate) fn mark_keys(table: &mut TableDef) {
    for column in &mut table.columns {
        column.in_key = table.primary_key.contains(&column.name)
            || table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))
            || table.indexes.iter().any(|index| !index.is_full_text() && index.parts.iter().any(|part| is_of(part, &column.name)));
    }
}

/// Whether a part of an index is this column, or an expression that names it.
fn is_of(part: &IndexPart, column: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    part.column.as_deref() == Some(column)
        || part
            .expression
            .as_deref()
            .is_some_and(|text| text.split(|letter| !is_letter(letter)).any(|word| word.eq_ignore_ascii_case(column)))
}

/// Parents before children; the members of a cycle in their given order.
pub(crate) fn in_order(tables: Vec<TableDef>) -> Vec<TableDef> {
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
