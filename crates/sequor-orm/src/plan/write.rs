//! The conditions of writes: the same scopes and soft deletion, over the bare table.

use super::rewrite::Scope;
use super::{Plan, Planner, scope};
use crate::query::QueryState;
use sequor_core::error::Result;
use sequor_core::schema::Models;
use sequor_core::statement::{Alias, Expr, OrderBy};

/// The WHERE of an update or delete: filters, default scope and soft deletion, columns named by their table.
///
/// # Errors
/// As [`super::plan`].
pub fn write_filter(state: &QueryState, models: &dyn Models) -> Result<Option<Expr>> {
    let clauses = scope::scoped(&state.model, (*state.clauses).clone(), models);
    let mut planner = Planner::new(models);
    let scope = Scope { model: state.model.clone(), alias: Alias::Named(state.model.table.name.clone()), joins: false };
    let mut filters = planner.required(&scope, &clauses, 0)?;
    filters.extend(planner.conditions(&clauses.filters, &scope, &clauses.includes)?);
    Ok(super::all(filters))
}

/// Which rows a write with a limit takes first, over the bare table; without a limit it takes them all.
///
/// # Errors
/// As [`super::plan`].
pub fn write_order(state: &QueryState, models: &dyn Models) -> Result<Vec<OrderBy>> {
    if state.clauses.limit.is_none() {
        return Ok(Vec::new());
    }
    let clauses = scope::scoped(&state.model, (*state.clauses).clone(), models);
    let mut planner = Planner::new(models);
    let scope = Scope { model: state.model.clone(), alias: Alias::Named(state.model.table.name.clone()), joins: false };
    clauses.order.into_iter().map(|by| Ok(OrderBy { expr: planner.rewrite_order(by.expr, &scope)?, ..by })).collect()
}

/// An expression of an update's SET, over the bare table.
///
/// # Errors
/// As [`super::plan`].
pub fn write_expr(expr: Expr, state: &QueryState, models: &dyn Models) -> Result<Expr> {
    let scope = Scope { model: state.model.clone(), alias: Alias::Named(state.model.table.name.clone()), joins: false };
    Planner::new(models).rewrite(expr, &scope)
}

/// The rows that a write will touch, for capture and for databases without RETURNING.
///
/// # Errors
/// As [`super::plan`].
pub fn write_query(state: &QueryState, models: &dyn Models) -> Result<Plan> {
    super::plan(state, models)
}
