//! The ORM itself: models, queries, loading, writes, hooks, transactions.

extern crate self as sequor;

mod catalog;
pub mod db;
#[cfg(feature = "factories")]
pub mod factory;
pub mod hook;
pub mod interface;
pub mod load;
pub mod migrate;
pub mod model;
pub mod plan;
pub mod query;
pub mod sync;
#[cfg(feature = "testing")]
pub mod testing;
pub mod validate;
pub mod write;

pub use sequor_core::encode::{FieldType, Scalar};
pub use sequor_core::error::{self, Error, Result};
pub use sequor_core::types::Json;
pub use sequor_core::value::Value;
pub use sequor_sql::Dialect;

/// What the derives and macros name. Not for programs: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::hook::{Declared, DeclaresHooks, HookContext, HookKind, HookSubject, Hooks, RowRule, TypedHooks, apply_scope};
    pub use crate::model::*;
    pub use crate::query::{Clauses, FromRow, Projection, ProjectionItem, RawSql, raw_value};
    pub use crate::validate::{AsyncOutcome, AsyncRule, Verdict, draft_for_rule, given};
    pub use crate::write::hints::*;
    pub use crate::{Error, FieldType, Json, Result, Scalar, Value};
    pub use inventory;
    pub use sequor_core as core;
    pub use sequor_core::Name;
    pub use sequor_core::driver::BoxFuture;
    pub use sequor_core::driver::RowReader;
    pub use sequor_core::schema::{ModelDef, RelationKind};
    pub use sequor_core::statement::RawPart;
    pub use sequor_core::types::{ColumnType, EnumDef};
    pub use serde;
    pub use serde_json;
    pub use std::sync::{Arc, OnceLock};
}
