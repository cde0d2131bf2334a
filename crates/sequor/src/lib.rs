//! Sequor: an ORM in the Sequelize tradition for PostgreSQL, MySQL, MariaDB and SQLite.
//!
//! ```
//! use sequor::prelude::*;
//!
//! #[derive(Model, Clone, Debug, PartialEq)]
//! #[model(table = "users", timestamps)]
//! pub struct User {
//!     #[field(primary_key, auto_increment)]
//!     pub id: i64,
//!     #[field(unique, validate(email))]
//!     pub email: String,
//!     pub age: Option<i32>,
//!     pub created_at: DateTime<Utc>,
//!     pub updated_at: DateTime<Utc>,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> sequor::Result<()> {
//! let db = Db::connect("sqlite::memory:").await?;
//! db.sync::<User>(SyncMode::Create).await?;
//! let ann = draft!(User { email: "ann@x.io", age: 31 }).create(&db).await?;
//! let adults = User::find_all().filter(User::AGE.gte(18)).exec(&db).await?;
//! assert_eq!(adults, [ann]);
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! | to | look at |
//! |---|---|
//! | describe tables, relations, enums, JSON | [`derive@Model`], [`derive@DbEnum`], [`derive@Embed`], [`derive@DbType`]; [`HasMany`], [`HasOne`], [`BelongsTo`], [`BelongsToMany`] |
//! | connect | [`Db::connect`], [`Db::options`], [`Db::from_env`]; [`Pool`], [`Retry`] |
//! | read | [`ModelQueries`] (`User::find_all()`, `find_by_pk`, `count`, ..), [`Find`], [`Filter`], [`Include`]; [`Page`], [`Cursor`], [`RowStream`]; [`derive@Projection`] |
//! | write | [`draft!`], [`Draft`]; [`Edit`] for changes of a row; [`InstanceWrites`] and [`ModelWrites`] for the rest; [`RelationOps`] for links |
//! | write SQL | [`sql!`], [`Db::query_as`], [`raw_expr`] |
//! | do all or nothing | [`Db::transaction`], [`Db::begin`], [`Tx`] |
//! | act before and after | [`Hooks`], [`GlobalHooks`]; [`AnyChange`] for every change of every model |
//! | define models at run time, answer Sequelize's options as JSON | [`Db::define`], [`RuntimeModel`], [`Record`], [`Policy`] |
//! | change the schema | [`Db::sync`], [`Migrator`], [`migrations!`], the command line in `cli` |
//! | handle failures | [`Error`], by what a program would do about it |
//! | test | `#[sequor::test]`, [`Db::test_transaction`], [`Db::expect_queries`] |
//!
//! # Features
//!
//! `sqlite` (on unless left out), `postgres` and `mysql` (MariaDB too) choose the databases; `cli` adds the command line, `factories` rows of fake data, `testing`
//! the runner of `#[sequor::test]`, `metrics` numbers for the `metrics` crate.

#[cfg(doctest)]
mod guide;
pub mod prelude;

#[cfg(feature = "cli")]
pub use sequor_cli as cli;
pub use sequor_core::driver::Notification;
pub use sequor_core::error::{
    ConnectionError, ConnectionErrorKind, Detail, Error, ItemKind, Origin, Result, UsageError, UsageErrorKind, ValidationError,
    ValidationItem,
};
pub use sequor_core::schema::{ModelDef, Schema};
pub use sequor_core::types::{CiText, Cidr, HStore, Interval, IpNetwork, Json, MacAddr, Range};
pub use sequor_core::{Name, Value};
pub use sequor_macros::{DbEnum, DbType, Embed, Model, Projection, draft, migrations, models, sql, test};
pub use sequor_orm::__private;
pub use sequor_orm::db::{
    AdvisoryLock, Configuration, DatabaseOptions, Db, DbOptions, Health, LastError, Listener, Pool, PoolStatus, ReplicaChoice,
    ReplicaHealth, Retry, SlowQuery, Transaction, Tx, TypeMap, millis, secs,
};
#[cfg(feature = "factories")]
pub use sequor_orm::factory::Factory;
pub use sequor_orm::hook::{
    ActorId, AnyChange, BulkChange, Change, ConnectTarget, GlobalHooks, HookContext, HookFn, HookKind, HookRegistry, HookSubject, Hooks,
    ModelHooks, NewConnection, Operation, PoolEvent, QueryEvent, ReadRows, SkipHooks, SkipSync,
};
pub use sequor_orm::interface::QueryInterface;
pub use sequor_orm::load::{LoadSlice, PlanNode, QueryPlan};
pub use sequor_orm::migrate::{
    GeneratedMigration, Generator, Loss, Migration, MigrationEvent, MigrationReport, MigrationState, MigrationStatus, MigrationStep,
    Migrator, PlannedEffect, PlannedMigration, Resolve,
};
pub use sequor_orm::model::{
    BelongsTo, BelongsToMany, Column, DbEnum as DbEnumType, DefineModel, HasMany, HasOne, JsonPath, Model as ModelType, ModelList, Record,
    Registry, Relation, RuntimeCall, RuntimeModel, TypedExpr,
};
pub use sequor_orm::query::{
    Batches, Case, Cursor, CursorPage, Filter, Find, FrameBound, Include, IntoOrder, Lock, ModelQueries, Order, Page, Policy, RowStream,
    RowsAndCount, Scope, Shape, SqlTag, Strategy, Window, WindowCall, alias, avg, cast_text, coalesce, count, count_all, count_distinct,
    cume_dist, date_part, date_trunc, dense_rank, first_value, function, greatest, lag, lag_by, last_value, lead, lead_by, least,
    match_rank, matches, max, min, nth_value, ntile, outer, percent_rank, query_language_schema, random, rank, raw_expr, row_number,
    scalar, string_agg, sum, tuple, when,
};
pub use sequor_orm::sync::{PlanStep, SyncMode};
#[cfg(feature = "testing")]
pub use sequor_orm::testing;
pub use sequor_orm::write::{Draft, Edit, InstanceWrites, ModelWrites, RelationOps, RowState, SaveAll, WriteOptions};
pub use sequor_orm::{Dialect, FieldType, Scalar};
