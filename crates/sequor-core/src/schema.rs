//! Models, their columns and relations, and the tables that they map to, as data.

mod column;
mod description;
mod diff;
mod index;
mod inflection;
mod model;
mod naming;
mod relation;
mod snapshot;
mod table;

pub use column::{ColumnDef, Default, Generated, Generator, RuleDef, Unique};
pub use description::{OpaqueDef, OpaqueKind, Schema, ViewDef, enums, extensions};
pub use diff::{Asked, Cast, Change, Renames, Ways, cast, diff, told};
pub use index::{CheckDef, IndexDef, IndexPart, Nulls, SortDirection};
pub use inflection::{camelize, pluralize, singularize, underscore};
pub use model::{Behavior, ModelDef, ModelLink, Models, SoftDelete, TableName, TimestampDef, nearest};
pub use naming::{camel_case, pascal_case, plural, shorten, singular, snake_case};
pub use relation::{Action, Link, RelationDef, RelationKind, ThroughDef, ThroughLink};
pub use table::{ForeignKeyDef, TableColumn, TableDef, linked_tables, tables};
