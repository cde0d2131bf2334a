//! What a hook works on: a row, many rows, a query, a change, a statement.

use super::{AnyChange, HookContext, ReadRows};
use crate::query::{QueryState, ShownQuery};
use crate::write::RowState;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::statement::Expr;
use std::any::Any;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// What a hook works on.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{HookFn, HookKind, HookRegistry, HookSubject};
/// let hook: HookFn = std::sync::Arc::new(|subject, cx| Box::pin(async move {
///     if let HookSubject::Row(row) = subject {
///         println!("{} {}: {:?}", cx.operation(), row.model(), row.changed_fields());
///     }
///     Ok(())
/// }));
/// db.hooks::<User>().on(HookKind::AfterUpdate, "log", hook);
/// ann.increment(User::AGE, 1, &db).await?;
/// # Ok(())
/// # }
/// ```
pub enum HookSubject<'a> {
    /// One row.
    Row(&'a mut RowState),
    /// Many rows.
    Rows(&'a mut Vec<RowState>),
    /// An update, deletion or restoring by filter.
    Bulk(&'a mut BulkChange),
    /// A query that is about to run, or one of selected values that has run.
    Query(&'a mut QueryState),
    /// The rows that a query found: a `Vec` of the model's struct, or of records.
    Found(&'a mut (dyn Any + Send)),
    /// A change that happened.
    Change(&'a AnyChange),
    /// A row that failed its rules, and the error, which the hook may replace.
    Failed(&'a RowState, &'a mut Error),
    /// Rows that were found, by model and key.
    Read(&'a ReadRows),
    /// A statement that is sent.
    Statement(&'a QueryEvent<'a>),
    /// Nothing but the moment itself: a table that is made.
    Moment,
}

/// An update, deletion or restoring by filter. `Debug` shows no values.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// db.hooks::<User>().before_bulk_update("names", |change, _| Box::pin(async move {
///     if change.fields().contains(&"name") { Err(Error::usage("names change one by one")) } else { Ok(()) }
/// }));
/// assert!(User::update_all().set(User::NAME, "X").every_row().exec(&db).await.is_err());
/// User::update_all().set(User::AGE, 1).every_row().exec(&db).await?;
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BulkChange {
    /// Which rows.
    pub query: QueryState,
    /// What is set: positions and expressions.
    pub set: Vec<(usize, Expr)>,
}

impl std::fmt::Debug for BulkChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BulkChange").field("query", &ShownQuery(&self.query)).field("sets", &self.fields()).finish()
    }
}

impl BulkChange {
    /// The names of the fields that are set.
    pub fn fields(&self) -> Vec<&str> {
        self.set.iter().filter_map(|(position, _)| self.query.model.columns.get(*position)).map(|column| column.name.as_ref()).collect()
    }
}

/// A statement on its way, for `before_query` and `after_query`. Its values are not shown.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// db.global_hooks().after_query("slow", |query, _| {
///     println!("{} {:?} at {}: {:?}, {:?}", query.operation(), query.model(), query.site(), query.took(), query.error().is_some());
///     Box::pin(async { Ok(()) })
/// });
/// User::find_all().exec(&db).await?;
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct QueryEvent<'a> {
    pub(crate) sql: &'a str,
    pub(crate) operation: &'static str,
    pub(crate) model: Option<&'a str>,
    pub(crate) site: &'static Location<'static>,
    pub(crate) took: Option<Duration>,
    pub(crate) error: Option<&'a Error>,
}

impl QueryEvent<'_> {
    /// The text, with placeholders in the place of values.
    pub fn sql(&self) -> &str {
        self.sql
    }

    /// What it is for: `find`, `create`, `update_all`, ..
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The model, if it is one's.
    pub fn model(&self) -> Option<&str> {
        self.model
    }

    /// Where the program asked for it.
    pub fn site(&self) -> &'static Location<'static> {
        self.site
    }

    /// How long it took; `None` before it ran.
    pub fn took(&self) -> Option<Duration> {
        self.took
    }

    /// Why it failed, if it did.
    pub fn error(&self) -> Option<&Error> {
        self.error
    }
}

/// A hook at run time.
///
/// ```
/// # use sequor::prelude::*;
/// # fn main() -> sequor::Result<()> {
/// use sequor::HookFn;
/// let nothing: HookFn = std::sync::Arc::new(|_, _| Box::pin(async { Ok(()) }));
/// # drop(nothing);
/// # Ok(())
/// # }
/// ```
pub type HookFn = Arc<dyn for<'a> Fn(HookSubject<'a>, &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync>;
