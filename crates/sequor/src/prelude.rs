//! What programs must name: `use sequor::prelude::*`.

pub use crate::{
    BelongsTo, BelongsToMany, Column, Cursor, Db, Dialect, Draft, Edit, Error, Filter, Find, HasMany, HasOne, HookContext, Hooks,
    InstanceWrites, Json, LoadSlice, Lock, Migrator, ModelQueries, ModelWrites, Pool, Projection, Relation, RelationOps, Result, Retry,
    RowsAndCount, SaveAll, Scope, SkipSync, SqlTag, SyncMode, Tx, alias, avg, cast_text, coalesce, count, count_all, count_distinct,
    date_part, date_trunc, draft, max, migrations, millis, min, models, outer, random, raw_expr, row_number, scalar, secs, sql, sum, when,
};
pub use crate::{DbEnum, DbType, DefineModel, Embed, ModelDef};
pub use sequor_macros::Model;
#[doc(hidden)]
pub use sequor_orm::__private::{OtherVerbs as _, SavesEdits as _};
pub use sequor_orm::model::Model;

pub use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
pub use rust_decimal::Decimal;
pub use serde_json::json;
pub use uuid::Uuid;
