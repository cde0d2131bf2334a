//! Whether a query, run again in one snapshot, finds the same rows: only then may the levels of its include tree find their parents by themselves.

use crate::query::{Clauses, QueryState, key_position};
use sequor_core::schema::{ModelDef, Models};
use sequor_core::statement::{BinaryOp, Distinct, Expr, Func, OrderBy, walk};

/// Makes the order of a limited query total, so that it finds the same rows again; false where that cannot be.
pub(crate) fn repeatable(state: &mut QueryState) -> bool {
    if !is_stable(&state.clauses) {
        return false;
    }
    let clauses = &state.clauses;
    let limited = clauses.limit.is_some() || clauses.offset.is_some();
    if !limited || names_one_row(&state.model, &clauses.filters) {
        return true;
    }
    // `find_one` takes whichever row comes first.
    if clauses.unordered && clauses.order.is_empty() {
        return false;
    }
    crate::query::total_order(state);
    true
}

/// Whether a write's condition is said of each row by itself: it holds for a locked row as long as the lock does.
pub(crate) fn concerns_single_rows(state: &QueryState, models: &dyn Models) -> bool {
    let clauses = super::scope::scoped(&state.model, (*state.clauses).clone(), models);
    clauses.includes.is_empty() && is_stable(&clauses) && clauses.filters.iter().all(is_of_one_row)
}

fn is_of_one_row(expr: &Expr) -> bool {
    match expr {
        Expr::Relation(_) => false,
        Expr::Field(field) if !field.path.is_empty() => false,
        other => {
            let mut copy = other.clone();
            walk(&mut copy, &mut |child| if is_of_one_row(child) { Ok(()) } else { Err(()) }).is_ok()
        }
    }
}

/// Whether the clauses, and those of the includes, say the same each time.
fn is_stable(clauses: &Clauses) -> bool {
    let plain = clauses.lock.is_none()
        && clauses.group.is_empty()
        && clauses.having.is_empty()
        && clauses.select.is_none()
        && clauses.compound.is_empty()
        && clauses.named.is_empty()
        && clauses.from_named.is_none()
        && matches!(clauses.distinct, Distinct::No);
    let order = |by: &OrderBy| is_stable_expr(&by.expr);
    let includes = clauses.includes.iter().all(|include| {
        !include.joined && include.on.is_none() && include.through.as_ref().is_none_or(is_stable_expr) && is_stable(&include.clauses)
    });
    plain && includes && clauses.filters.iter().all(is_stable_expr) && clauses.order.iter().all(order)
}

fn is_stable_expr(expr: &Expr) -> bool {
    match expr {
        // What the developer's own text or function does, nobody knows; sub-queries are not looked into.
        Expr::Raw(_) | Expr::Query(_) | Expr::Exists { .. } | Expr::Select(_) | Expr::InSelect { .. } => false,
        Expr::Call { func: Func::Random | Func::Named(_), .. } => false,
        Expr::Relation(relation) => {
            let parts = [&relation.filter, &relation.through, &relation.aggregate];
            parts.into_iter().flatten().all(is_stable_expr)
        }
        other => {
            let mut copy = other.clone();
            walk(&mut copy, &mut |child| if is_stable_expr(child) { Ok(()) } else { Err(()) }).is_ok()
        }
    }
}

/// Whether the filters give the whole primary key.
fn names_one_row(model: &ModelDef, filters: &[Expr]) -> bool {
    let mut given = Vec::new();
    for filter in filters {
        equalities(model, filter, &mut given);
    }
    !model.primary_key.is_empty() && model.primary_key.iter().all(|key| given.contains(key))
}

fn equalities(model: &ModelDef, filter: &Expr, given: &mut Vec<usize>) {
    match filter {
        Expr::And(parts) => parts.iter().for_each(|part| equalities(model, part, given)),
        Expr::Binary(BinaryOp::Equal, left, right) if matches!(**right, Expr::Value(..)) => given.extend(key_position(model, left)),
        _ => {}
    }
}
