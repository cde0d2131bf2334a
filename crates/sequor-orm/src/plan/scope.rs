//! Default scopes and soft deletion, as filters of a query.

use crate::hook::behaviors;
use crate::query::{Clauses, Deleted, QueryState};
use sequor_core::Value;
use sequor_core::schema::{ModelDef, Models, SoftDelete};
use sequor_core::statement::{BinaryOp, Expr};

/// The clauses with the default scope merged in and the filter of soft deletion added.
pub(crate) fn scoped(model: &ModelDef, clauses: Clauses, models: &dyn Models) -> Clauses {
    let mut clauses = with_default_scope(model, clauses, models);
    if let Some(filter) = deletion_filter(model, clauses.deleted) {
        clauses.filters.push(filter);
    }
    clauses
}

/// What a write of many rows reaches: the default scope merged in, without its limit and offset, which are those of lists that are shown.
pub(crate) fn of_write(state: QueryState, models: &dyn Models) -> QueryState {
    let (limit, offset) = (state.clauses.limit, state.clauses.offset);
    let QueryState { model, clauses } = state;
    if clauses.unscoped {
        return QueryState { model, clauses };
    }
    let mut state = QueryState::new(model);
    *state.clauses = with_default_scope(&state.model, (*clauses).clone(), models);
    (state.clauses.limit, state.clauses.offset, state.clauses.unscoped) = (limit, offset, true);
    state
}

/// Whether the default scope groups the rows.
pub(crate) fn is_grouped(state: &QueryState, models: &dyn Models) -> bool {
    !with_default_scope(&state.model, (*state.clauses).clone(), models).group.is_empty()
}

fn with_default_scope(model: &ModelDef, clauses: Clauses, models: &dyn Models) -> Clauses {
    if clauses.unscoped {
        return clauses;
    }
    let Some(behaviors) = behaviors(model) else { return clauses };
    let mut scope = Clauses::default();
    if let Some(declared) = behaviors.declared {
        scope = declared.default_scope(scope);
    }
    if let Some(default) = &behaviors.default_scope {
        scope = default(model, scope, models);
    }
    order_of_groups(&mut scope, &clauses);
    scope.merge(clauses);
    scope
}

/// A default scope sorts rows: where a query asks for groups or aggregates there are none, and databases refuse an order by what is not grouped.
fn order_of_groups(scope: &mut Clauses, asked: &Clauses) {
    let aggregated = || asked.select.iter().flatten().any(|item| super::is_aggregate(&item.expr));
    if !scope.order.is_empty() && (!asked.group.is_empty() || aggregated()) {
        scope.order.retain(|by| super::is_aggregate(&by.expr) || asked.group.contains(&by.expr));
    }
}

/// The condition that hides deleted rows, or live ones.
pub(crate) fn deletion_filter(model: &ModelDef, deleted: Deleted) -> Option<Expr> {
    let live = match model.soft_delete.as_ref()? {
        SoftDelete::Timestamp { column } if !model.live_moment(*column).is_null() => {
            let op = if deleted == Deleted::Only { BinaryOp::NotEqual } else { BinaryOp::Equal };
            let value = Expr::Value(model.live_moment(*column), model.columns[*column].ty.bind());
            Expr::Field(super::field(model, *column)).binary(op, value)
        }
        SoftDelete::Timestamp { column } => {
            Expr::IsNull { expr: Box::new(Expr::Field(super::field(model, *column))), negated: deleted == Deleted::Only }
        }
        SoftDelete::Flag { column, live, deleted: dead } => {
            let value: &Value = if deleted == Deleted::Only { dead } else { live };
            let bind = model.columns[*column].ty.bind();
            Expr::Field(super::field(model, *column)).binary(BinaryOp::Equal, Expr::Value(value.clone(), bind))
        }
    };
    match deleted {
        Deleted::Included => None,
        Deleted::Hidden | Deleted::Only => Some(live),
    }
}
