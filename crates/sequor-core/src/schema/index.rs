//! [`IndexDef`] and [`CheckDef`].

use crate::Name;

/// An index of a table. In a model its parts name fields, in a table columns.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct IndexDef {
    /// Its name; `None` makes one by convention.
    pub name: Option<Name>,
    /// What is indexed, in order.
    pub parts: Vec<IndexPart>,
    /// Whether keys occur once.
    pub unique: bool,
    /// Whether it was declared as a constraint.
    pub constraint: bool,
    /// The condition of a partial index, as SQL of the developer.
    pub filter: Option<Name>,
    /// btree, hash, gin, gist, brin, spgist, fulltext, spatial.
    pub method: Option<Name>,
    /// Columns that ride along (PostgreSQL's INCLUDE).
    pub include: Vec<Name>,
    /// Only live rows count (paranoid models): a partial index, or a generated column where there are none.
    pub live_only: bool,
    /// Built without locking writers (PostgreSQL).
    pub concurrently: bool,
    /// The message for a taken key.
    pub message: Option<Name>,
    /// The language whose stems a full-text index knows; none: words as they are written.
    pub language: Option<Name>,
    /// What the database says of it in words of its own: `NULLS NOT DISTINCT`, `DEFERRABLE ..`, `ON CONFLICT ..`. `None` where nobody says: what is there stays.
    pub extra: Option<Name>,
}

/// One part of an index.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct IndexPart {
    /// The column.
    pub column: Option<Name>,
    /// An SQL expression of the developer instead of a column.
    pub expression: Option<Name>,
    /// The direction.
    pub direction: Option<SortDirection>,
    /// How many characters count (MySQL).
    pub length: Option<u32>,
    /// The operator class (PostgreSQL).
    pub operator_class: Option<Name>,
    /// The collation.
    pub collation: Option<Name>,
    /// Where NULLs stand, where it is not where the direction puts them (PostgreSQL).
    pub nulls: Option<Nulls>,
}

/// A direction of sorting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortDirection {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// Where NULLs sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

/// A check of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckDef {
    /// Its name.
    pub name: Name,
    /// The SQL expression, written by the developer.
    pub expression: Name,
}

impl IndexDef {
    /// A plain index over columns.
    pub fn on(columns: impl IntoIterator<Item = impl Into<Name>>) -> IndexDef {
        let parts = columns.into_iter().map(|column| IndexPart { column: Some(column.into()), ..IndexPart::default() }).collect();
        IndexDef { parts, ..IndexDef::default() }
    }
}

impl SortDirection {
    /// The other direction.
    #[must_use]
    pub fn reverse(self) -> SortDirection {
        match self {
            SortDirection::Ascending => SortDirection::Descending,
            SortDirection::Descending => SortDirection::Ascending,
        }
    }
}
