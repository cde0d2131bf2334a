//! The table of hooks, and what a model declares beside its data.

use crate::query::Clauses;
use sequor_core::schema::{Behavior, ModelDef};
use std::sync::Arc;

/// What a model declares beside its data, without its type: hooks, validators of the whole row, its default scope.
pub trait Declared: Send + Sync {
    /// Applies the default scope to the clauses of a query.
    fn default_scope(&self, clauses: Clauses) -> Clauses {
        clauses
    }
}

/// What hangs on a [`ModelDef`] as its [`Behavior`].
#[derive(Default)]
pub struct Behaviors {
    /// What a derived model declares.
    pub declared: Option<&'static dyn Declared>,
    /// The default scope of a run-time model.
    pub default_scope: Option<Arc<dyn Fn(Clauses) -> Clauses + Send + Sync>>,
}

/// The behavior of a derived model.
pub(crate) fn behavior_of(declared: Option<&'static dyn Declared>) -> Behavior {
    Behavior(declared.map(|declared| Arc::new(Behaviors { declared: Some(declared), default_scope: None }) as _))
}

/// The behavior that hangs on a model.
pub(crate) fn behaviors(model: &ModelDef) -> Option<&Behaviors> {
    model.behavior.0.as_ref()?.downcast_ref()
}

/// The hooks of one `Db`.
#[derive(Debug, Default)]
pub struct HookTable {}
