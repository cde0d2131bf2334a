//! [`GlobalHooks`]: hooks of all models, of connections, statements and definitions.

use super::connection::{ConnectTarget, Listener, ModelMoment, NewConnection, PoolEvent, PoolMoment};
use super::form::nothing;
use super::table::{Entry, Run};
use super::{AnyChange, BulkChange, HookContext, HookFn, HookKind, HookRegistry, HookSubject, HookTable, QueryEvent, ReadRows};
use crate::db::Db;
use crate::query::QueryState;
use crate::write::RowState;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use std::sync::Arc;

/// The run-time hooks of all models, which run after a model's own; and those of connections, statements and definitions.
/// Of a [`RuntimeModel`](crate::model::RuntimeModel) they are those of that model alone.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let hooks = db.global_hooks();
/// hooks.before_query("log", |query, _| { println!("{}", query.sql()); Box::pin(async { Ok(()) }) });
/// hooks.before_destroy("keep", |row, _| Box::pin(async move { Err(Error::usage(format!("{} rows stay", row.model()))) }));
/// assert!(ann.destroy(&db).await.unwrap_err().to_string().contains("User rows stay"));
/// assert!(hooks.remove("keep") && hooks.remove("log"));
/// ann.destroy(&db).await?;
/// # Ok(())
/// # }
/// ```
pub struct GlobalHooks<'a> {
    table: &'a HookTable,
    model: Option<&'a str>,
    rows: bool,
}

impl HookRegistry for GlobalHooks<'_> {
    fn on(&self, kind: HookKind, name: &str, run: HookFn) {
        self.put(kind, name, run);
    }

    fn remove(&self, name: &str) -> bool {
        GlobalHooks::remove(self, name)
    }
}

macro_rules! hooks {
    ($($(#[$doc:meta])* $method:ident $kind:ident $pattern:pat => $argument:expr, $ty:ty;)*) => {
        impl GlobalHooks<'_> {
            $(
                $(#[$doc])*
                pub fn $method<F>(&self, name: &str, hook: F)
                where
                    F: for<'a> Fn(&'a mut $ty, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
                {
                    let run: HookFn = Arc::new(move |subject, cx| match subject {
                        $pattern => hook($argument, cx),
                        _ => nothing(),
                    });
                    self.put(HookKind::$kind, name, run);
                }
            )*
        }
    };
}

hooks! {
    /// Before the rules of a row are checked.
    before_validate BeforeValidate HookSubject::Row(row) => row, RowState;
    /// After the rules of a row held.
    after_validate AfterValidate HookSubject::Row(row) => row, RowState;
    /// After a rule failed; the hook may put another error in its place.
    validation_failed ValidationFailed HookSubject::Failed(_, error) => error, Error;
    /// Before a row is created.
    before_create BeforeCreate HookSubject::Row(row) => row, RowState;
    /// After a row was created.
    after_create AfterCreate HookSubject::Row(row) => row, RowState;
    /// Before a row is updated.
    before_update BeforeUpdate HookSubject::Row(row) => row, RowState;
    /// After a row was updated; it still knows the old values.
    after_update AfterUpdate HookSubject::Row(row) => row, RowState;
    /// Before a row is created or updated.
    before_save BeforeSave HookSubject::Row(row) => row, RowState;
    /// After a row was created or updated.
    after_save AfterSave HookSubject::Row(row) => row, RowState;
    /// Before a row is deleted.
    before_destroy BeforeDestroy HookSubject::Row(row) => row, RowState;
    /// After a row was deleted.
    after_destroy AfterDestroy HookSubject::Row(row) => row, RowState;
    /// Before a row is restored.
    before_restore BeforeRestore HookSubject::Row(row) => row, RowState;
    /// After a row was restored.
    after_restore AfterRestore HookSubject::Row(row) => row, RowState;
    /// Before an upsert.
    before_upsert BeforeUpsert HookSubject::Row(row) => row, RowState;
    /// After an upsert.
    after_upsert AfterUpsert HookSubject::Row(row) => row, RowState;
    /// Before many rows are created.
    before_bulk_create BeforeBulkCreate HookSubject::Rows(rows) => rows, Vec<RowState>;
    /// After many rows were created.
    after_bulk_create AfterBulkCreate HookSubject::Rows(rows) => rows, Vec<RowState>;
    /// Before many rows are updated: which, and what is set.
    before_bulk_update BeforeBulkUpdate HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// After many rows were updated.
    after_bulk_update AfterBulkUpdate HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// Before many rows are deleted.
    before_bulk_destroy BeforeBulkDestroy HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// After many rows were deleted.
    after_bulk_destroy AfterBulkDestroy HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// Before many rows are restored.
    before_bulk_restore BeforeBulkRestore HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// After many rows were restored.
    after_bulk_restore AfterBulkRestore HookSubject::Bulk(bulk) => bulk, BulkChange;
    /// Before a find of any model: the hook may add filters.
    before_find BeforeFind HookSubject::Query(query) => query, QueryState;
    /// Before a find, once includes are known.
    before_find_after_expand_include_all BeforeFindAfterExpandIncludeAll HookSubject::Query(query) => query, QueryState;
    /// Before a find, once its options are complete.
    before_find_after_options BeforeFindAfterOptions HookSubject::Query(query) => query, QueryState;
    /// Before a count.
    before_count BeforeCount HookSubject::Query(query) => query, QueryState;
}

macro_rules! told {
    ($($(#[$doc:meta])* $method:ident $kind:ident $pattern:pat => ($($argument:expr)?), ($($ty:ty)?);)*) => {
        impl GlobalHooks<'_> {
            $(
                $(#[$doc])*
                pub fn $method<F>(&self, name: &str, hook: F)
                where
                    F: for<'a> Fn($(&'a $ty,)? &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
                {
                    let run: HookFn = Arc::new(move |subject, cx| match subject {
                        $pattern => hook($($argument,)? cx),
                        _ => nothing(),
                    });
                    self.put(HookKind::$kind, name, run);
                }
            )*
        }
    };
}

told! {
    /// Before the table of a model is made.
    before_sync BeforeSync HookSubject::Moment => (), ();
    /// After the table of a model was made.
    after_sync AfterSync HookSubject::Moment => (), ();
    /// Before the tables of several models are made.
    before_bulk_sync BeforeBulkSync HookSubject::Moment => (), ();
    /// After the tables of several models were made.
    after_bulk_sync AfterBulkSync HookSubject::Moment => (), ();
    /// After any change of any row, in its transaction: an error rolls it back.
    after_change AfterChange HookSubject::Change(change) => (change), (AnyChange);
    /// After any change became durable: an error is reported, never undone.
    after_commit AfterCommit HookSubject::Change(change) => (change), (AnyChange);
    /// Gets model and keys of every row that leaves the engine; an error withholds the rows. `hooks(false)` does not skip it.
    after_read AfterRead HookSubject::Read(rows) => (rows), (ReadRows);
}

macro_rules! statements {
    ($($(#[$doc:meta])* $method:ident $kind:ident;)*) => {
        impl GlobalHooks<'_> {
            $(
                $(#[$doc])*
                pub fn $method<F>(&self, name: &str, hook: F)
                where
                    F: for<'a> Fn(&'a QueryEvent<'a>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
                {
                    let run: HookFn = Arc::new(move |subject, cx| match subject {
                        HookSubject::Statement(event) => hook(event, cx),
                        _ => nothing(),
                    });
                    self.put(HookKind::$kind, name, run);
                }
            )*
        }
    };
}

statements! {
    /// Before a statement is sent: an error keeps it from being sent. Statements of the hook itself are not told.
    before_query BeforeQuery;
    /// After a statement was answered, or failed.
    after_query AfterQuery;
}

macro_rules! pool_hooks {
    ($($(#[$doc:meta])* $method:ident $moment:ident;)*) => {
        impl GlobalHooks<'_> {
            $(
                $(#[$doc])*
                pub fn $method<F>(&self, name: &str, hook: F)
                where
                    F: for<'a> Fn(&'a PoolEvent) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
                {
                    self.table.connection.add(name, Listener::Pool(PoolMoment::$moment, Arc::new(hook)));
                }
            )*
        }
    };
}

pool_hooks! {
    /// Before a connection is closed. Its error is logged; the connection closes.
    before_disconnect BeforeDisconnect;
    /// After a connection was closed. Its error is logged.
    after_disconnect AfterDisconnect;
    /// Before a connection of the pool is asked for: an error refuses it.
    before_pool_acquire BeforeAcquire;
    /// After a connection of the pool was got: an error gives it back.
    after_pool_acquire AfterAcquire;
}

macro_rules! model_hooks {
    ($($(#[$doc:meta])* $method:ident $moment:ident;)*) => {
        impl GlobalHooks<'_> {
            $(
                $(#[$doc])*
                pub fn $method<F>(&self, name: &str, hook: F)
                where
                    F: Fn(&mut ModelDef) -> Result<()> + Send + Sync + 'static,
                {
                    self.table.connection.add(name, Listener::Model(ModelMoment::$moment, Arc::new(hook)));
                }
            )*
        }
    };
}

model_hooks! {
    /// Before a model is defined at run time: its definition may be changed.
    before_define BeforeDefine;
    /// After a model was defined at run time. What is changed here has no effect any more.
    after_define AfterDefine;
    /// Before a run-time model gets a relation.
    before_associate BeforeAssociate;
    /// After a run-time model got a relation.
    after_associate AfterAssociate;
}

impl<'a> GlobalHooks<'a> {
    pub(crate) fn new(table: &'a HookTable, model: Option<&'a str>) -> GlobalHooks<'a> {
        GlobalHooks { table, model, rows: false }
    }

    fn put(&self, kind: HookKind, name: &str, run: HookFn) {
        self.table.add(self.model, kind, Entry::new(name, Run::Plain(run), self.rows));
    }

    /// With `true`, the `after_*` hooks of one row that are registered from here on are also called for each row that `*_all` writes, bulk creates and
    /// cascades of the database changed.
    #[must_use]
    pub fn rows(self, each: bool) -> Self {
        GlobalHooks { rows: each, ..self }
    }
}

impl GlobalHooks<'_> {
    /// Before a connection is opened: where to, and as whom. Given with `DbOptions::with_hooks` it also runs for the first one.
    pub fn before_connect<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a mut ConnectTarget) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        self.table.connection.add(name, Listener::Connect(Arc::new(hook)));
    }

    /// After a connection was opened: it may be set up. An error closes it.
    pub fn after_connect<F>(&self, name: &str, hook: F)
    where
        F: for<'a> Fn(&'a mut NewConnection) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
    {
        self.table.connection.add(name, Listener::Opened(Arc::new(hook)));
    }

    /// A rule of the whole row that may ask the database; its error is a failure of validation beside all others.
    pub fn validate<F>(&self, name: &str, rule: F)
    where
        F: for<'a> Fn(&'a RowState, &'a HookContext<'a>) -> BoxFuture<'a, std::result::Result<(), String>> + Send + Sync + 'static,
    {
        self.table.rules.add(self.model, name, Arc::new(rule));
    }

    /// Removes the hooks and rules of a name; says whether there were any.
    pub fn remove(&self, name: &str) -> bool {
        let rules = self.table.rules.remove(self.model, name);
        let connection = self.model.is_none() && self.table.connection.remove(name);
        self.table.remove(self.model, name) || connection || rules
    }
}

impl Db {
    /// The run-time hooks of all models, of connections and of statements. Sequelize: `sequelize.addHook(..)`.
    pub fn global_hooks(&self) -> GlobalHooks<'_> {
        GlobalHooks::new(self.hook_table(), None)
    }
}
