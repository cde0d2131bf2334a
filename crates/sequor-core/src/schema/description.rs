//! [`Schema`]: everything that a database holds, described without a dialect. Models, a live database and a snapshot file give the same.

use super::table::{in_order, mark_keys};
use super::{ModelDef, Models, TableDef, TableName, tables};
use crate::Name;
use crate::error::Result;
use crate::types::{ColumnType, EnumDef};
use std::sync::Arc;

/// Tables, enums and views, and by name what Sequor does not take apart.
///
/// ```
/// use sequor::{ModelList, Schema, prelude::*};
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct Note { #[field(primary_key, auto_increment)] id: i64, text: String }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// # let db = Db::connect("sqlite::memory:").await?;
/// let schema = Schema::of_models(&Note::models(), db.registry())?;
/// let again = Schema::from_json(&schema.to_json())?.arranged();
/// assert_eq!(again.table(&again.tables[0].name).map(|table| table.columns.len()), Some(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// The tables, parents before children.
    pub tables: Vec<TableDef>,
    /// The enum types, where they have names.
    pub enums: Vec<Arc<EnumDef>>,
    /// The views.
    pub views: Vec<ViewDef>,
    /// Sequences, extensions, domains, functions and triggers.
    pub others: Vec<OpaqueDef>,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewDef {
    /// Its name.
    pub name: TableName,
    /// Its query, as SQL.
    pub query: Name,
    /// Whether its rows are kept (PostgreSQL's MATERIALIZED VIEW): the statements that make its indexes.
    pub kept: Option<Vec<Name>>,
}

impl ViewDef {
    /// A view that asks each time.
    pub fn new(name: TableName, query: Name) -> ViewDef {
        ViewDef { name, query, kept: None }
    }

    /// The word for it.
    pub fn word(&self) -> &'static str {
        if self.kept.is_some() { "materialized view" } else { "view" }
    }
}

/// Something of the database that is known by its text alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpaqueDef {
    /// What it is.
    pub kind: OpaqueKind,
    /// Its name.
    pub name: Name,
    /// The table that it belongs to.
    pub table: Option<Name>,
    /// The SQL that made it, as far as the server tells.
    pub text: Name,
}

/// The kinds of [`OpaqueDef`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OpaqueKind {
    /// A sequence that no column owns.
    Sequence,
    /// An extension.
    Extension,
    /// A domain: a type with checks.
    Domain,
    /// A part of a table that is kept in parts (PostgreSQL's PARTITION OF).
    Partition,
    /// A constraint that is none of the others (PostgreSQL's EXCLUDE).
    Constraint,
    /// A function or a procedure; its name holds the types that it takes.
    Function,
    /// A trigger.
    Trigger,
}

impl OpaqueKind {
    const ALL: [OpaqueKind; 7] = [
        OpaqueKind::Sequence,
        OpaqueKind::Extension,
        OpaqueKind::Domain,
        OpaqueKind::Partition,
        OpaqueKind::Constraint,
        OpaqueKind::Function,
        OpaqueKind::Trigger,
    ];
}

impl OpaqueDef {
    /// Whether both are the same thing by name, whatever their text.
    pub fn is_named_as(&self, other: &OpaqueDef) -> bool {
        self.kind == other.kind && self.name == other.name && self.table == other.table
    }

    /// Whether nothing has to be done to have the other. The text of what can be made anew without losing rows counts, spaces in it do not.
    fn stands_for(&self, other: &OpaqueDef) -> bool {
        let by_text = matches!(self.kind, OpaqueKind::Trigger | OpaqueKind::Constraint | OpaqueKind::Function);
        self.is_named_as(other) && (!by_text || self.text.split_whitespace().eq(other.text.split_whitespace()))
    }

    /// Whether one of these stands for it.
    pub(super) fn is_among(&self, others: &[OpaqueDef]) -> bool {
        others.iter().any(|other| self.stands_for(other))
    }
}

impl OpaqueKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            OpaqueKind::Sequence => "sequence",
            OpaqueKind::Extension => "extension",
            OpaqueKind::Domain => "domain",
            OpaqueKind::Partition => "partition",
            OpaqueKind::Constraint => "constraint",
            OpaqueKind::Function => "function",
            OpaqueKind::Trigger => "trigger",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<OpaqueKind> {
        OpaqueKind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Schema {
    /// What these models want to have.
    ///
    /// # Errors
    /// `Usage` for a relation whose models or columns are not found.
    pub fn of_models(models: &[Arc<ModelDef>], lookup: &dyn Models) -> Result<Schema> {
        let tables = tables(models, lookup)?;
        let views = models.iter().filter(|model| !model.skip_sync).filter_map(|model| {
            let query = model.view.clone()?;
            Some(ViewDef::new(model.table.clone(), query))
        });
        Ok(Schema { enums: enums(&tables), views: views.collect(), others: extensions(&tables), tables })
    }

    /// The table of a name.
    pub fn table(&self, name: &TableName) -> Option<&TableDef> {
        self.tables.iter().find(|table| table.name == *name)
    }

    /// Brings tables into an order in which they can be made, and finds the columns of their keys.
    #[must_use]
    pub fn arranged(mut self) -> Schema {
        self.tables.iter_mut().for_each(mark_keys);
        self.tables = in_order(self.tables);
        self
    }
}

/// The types that an extension brings along, which has the type's name.
const BROUGHT: [&str; 3] = ["citext", "hstore", "ltree"];

/// The extension that brings a type along.
fn brings(ty: &ColumnType) -> Option<&'static str> {
    match ty {
        ColumnType::CiText => Some("citext"),
        ColumnType::HStore => Some("hstore"),
        ColumnType::Array(inner) => brings(inner),
        _ => None,
    }
}

/// The extensions that the types of some tables need.
pub fn extensions(tables: &[TableDef]) -> Vec<OpaqueDef> {
    let columns = || tables.iter().flat_map(|table| &table.columns);
    let written = columns().filter_map(|column| column.db_type.as_deref());
    let written = written.filter_map(|ty| BROUGHT.into_iter().find(|known| known.eq_ignore_ascii_case(ty)));
    let mut names: Vec<&str> = written.chain(columns().filter_map(|column| brings(&column.ty))).collect();
    names.sort_unstable();
    names.dedup();
    let extension = |name| OpaqueDef { kind: OpaqueKind::Extension, name: Name::Borrowed(name), table: None, text: Name::Borrowed("") };
    names.into_iter().map(extension).collect()
}

/// The enum types of some tables, each once.
pub fn enums(tables: &[TableDef]) -> Vec<Arc<EnumDef>> {
    let mut found: Vec<Arc<EnumDef>> = Vec::new();
    for column in tables.iter().flat_map(|table| &table.columns) {
        if let Some(definition) = enum_of(&column.ty)
            && !found.iter().any(|known| known.name == definition.name)
        {
            found.push(definition.clone());
        }
    }
    found
}

/// The enum of a column, or of the elements of its lists.
pub(super) fn enum_of(ty: &ColumnType) -> Option<&Arc<EnumDef>> {
    match ty {
        ColumnType::Array(element) => enum_of(element),
        ColumnType::Enum(definition) => Some(definition),
        _ => None,
    }
}
