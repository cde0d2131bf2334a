//! Hooks: the table of their names, where they are declared and registered, and how they run.

mod calm;
mod change;
mod connection;
mod context;
mod fire;
mod form;
mod global;
mod heard;
mod image;
mod kind;
mod read;
mod register;
mod subject;
mod table;
mod typed;

pub(crate) use calm::{Whose, calm, calm_until_done};
pub(crate) use change::Changes;
pub use change::{AnyChange, Change, Operation};
pub use connection::{ConnectTarget, NewConnection, PoolEvent};
pub(crate) use connection::{ModelMoment, PoolMoment};
pub use context::HookContext;
pub(crate) use fire::chain::is_in_query_hook;
pub(crate) use fire::tell::{changed, changed_among_many, followed, tell, tell_all, tell_changes, tell_read, tell_reads};
pub(crate) use fire::{fire, fire_created, fire_global, fire_saving, fire_statement};
pub use global::GlobalHooks;
pub(crate) use heard::{
    any_after_update, any_before, any_before_update, captures, hears_finds, hears_validation, listens, needs_transaction,
    only_changes_are_heard, reads_are_told,
};
pub(crate) use image::{Cells, Image, Set};
pub use kind::HookKind;
pub use read::ReadRows;
pub use register::{HookRegistry, ModelHooks};
pub use subject::{BulkChange, HookFn, HookSubject, QueryEvent};
pub use table::HookTable;
pub use typed::{DeclaresHooks, Hooks, TypedHooks, apply_scope};

use crate::query::Clauses;
use crate::write::RowState;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Result, ValidationItem};
use sequor_core::schema::{Behavior, ModelDef, Models};
use std::sync::Arc;

/// Who acts, for userstamps: the value of `created_by` and `updated_by`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{ActorId, Value};
/// let as_ann = db.with_extra(ActorId(Value::I64(ann.id)));     // what `userstamps` writes; `db.actor(ann.id)` says the same
/// assert_eq!(as_ann.extras().get::<ActorId>(), Some(&ActorId(Value::I64(1))));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ActorId(pub crate::Value);

/// An extra that keeps a write out of the cloud's outbox: `draft.create_with(SkipSync)`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let bo = draft!(User { name: "Bo" }).create_with(SkipSync).exec(&db).await?;
/// assert_eq!(bo.name, "Bo");
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkipSync;

/// An extra that leaves hooks out by their names: `draft.create_with(SkipHooks::named(["welcome-mail"]))`. The name of a kind, as
/// `before_create`, leaves out all of that kind, declared ones too. Listeners of changes and of reads cannot be left out.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::SkipHooks;
/// db.hooks::<User>().before_create("no-guests", |_, _| Box::pin(async { Err(Error::usage("closed")) }));
/// assert!(draft!(User { name: "Bo" }).create(&db).await.is_err());
/// draft!(User { name: "Bo" }).create_with(SkipHooks::named(["no-guests"])).exec(&db).await?;
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkipHooks(Vec<String>);

impl SkipHooks {
    /// These names.
    pub fn named<N: Into<String>>(names: impl IntoIterator<Item = N>) -> SkipHooks {
        SkipHooks(names.into_iter().map(Into::into).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }
}

/// A rule of a whole row: its name, and the message when it fails.
pub type RowRule = (&'static str, fn(&RowState) -> std::result::Result<(), String>);

/// What a model declares beside its data, without its type: hooks, rules of the whole row, its default scope.
pub trait Declared: Send + Sync {
    /// Applies the default scope to the clauses of a query.
    fn default_scope(&self, clauses: Clauses) -> Clauses {
        clauses
    }

    /// Whether it has one.
    fn has_default_scope(&self) -> bool {
        false
    }

    /// The rules of the whole row.
    fn row_rules(&self) -> &'static [RowRule] {
        &[]
    }

    /// The rules that may ask the database.
    fn async_rules(&self) -> &'static [crate::validate::AsyncRule] {
        &[]
    }

    /// Whether the model has hooks at all.
    fn has_hooks(&self) -> bool {
        false
    }

    /// Whether the hooks of one row are called for each row of a write of many: `#[model(hooks(rows = true))]`.
    fn wants_rows(&self) -> bool {
        false
    }

    /// Runs the hook of a kind.
    fn run<'a>(&'a self, _kind: HookKind, _subject: HookSubject<'a>, _context: &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

/// A rule of a whole row at run time.
pub type RuntimeRule = Arc<dyn Fn(&RowState) -> std::result::Result<(), String> + Send + Sync>;

/// The default scope of a run-time model; what it includes is found among the models.
pub type DefaultScope = Arc<dyn Fn(&ModelDef, Clauses, &dyn Models) -> Clauses + Send + Sync>;

/// What hangs on a [`ModelDef`] as its [`Behavior`].
#[derive(Default)]
pub struct Behaviors {
    /// What a derived model declares.
    pub declared: Option<&'static dyn Declared>,
    /// The default scope of a run-time model.
    pub default_scope: Option<DefaultScope>,
    /// The scopes of a run-time model.
    pub(crate) scopes: crate::model::RuntimeScopes,
    /// The rules of whole rows of a run-time model.
    pub row_rules: Vec<(String, RuntimeRule)>,
}

impl Behaviors {
    /// Checks the rules of the whole row.
    pub(crate) fn check_row(&self, state: &RowState, items: &mut Vec<ValidationItem>) -> Result<()> {
        let mut check = |name: &str, rule: &dyn Fn(&RowState) -> std::result::Result<(), String>| {
            let whose = Whose { model: &state.model, field: None, what: "rule", name };
            if let Err(message) = calm(whose, || rule(state))? {
                items.push(ValidationItem::new(name, name, message));
            }
            Ok(())
        };
        let declared = self.declared.map(|declared| declared.row_rules()).unwrap_or_default();
        declared.iter().try_for_each(|(name, rule)| check(name, rule))?;
        self.row_rules.iter().try_for_each(|(name, rule)| check(name, &**rule))
    }
}

/// The behavior of a derived model.
pub(crate) fn behavior_of(declared: Option<&'static dyn Declared>) -> Behavior {
    Behavior(declared.map(|declared| Arc::new(Behaviors { declared: Some(declared), ..Behaviors::default() }) as _))
}

/// The behavior that hangs on a model.
pub(crate) fn behaviors(model: &ModelDef) -> Option<&Behaviors> {
    model.behavior.0.as_ref()?.downcast_ref()
}
