//! Rows that are what they are together: the first of each group, those of united queries. What is asked of them afterwards is asked of the rows with
//! their keys, and not of those that they are chosen from.

use super::{Clauses, Deleted, QueryState};
use crate::query::page::field;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Distinct, Expr, LogicalQuery, QueryUse, SelectItem, SetOp};
use std::sync::Arc;

impl Clauses {
    /// Unites what was said so far (`state`) with another query. An order and a limit that were said before belong to the first half.
    pub(crate) fn unite(&mut self, state: QueryState, op: SetOp, other: QueryState) {
        let cut = self.limit.is_some() || self.offset.is_some();
        if self.compound.is_empty() || cut || !self.behind().is_empty() {
            let mut first = state;
            if cut {
                self.order.clear();
                (self.limit, self.offset) = (None, None);
            } else {
                first.clauses.order.clear();
            }
            first.clauses.tags.clear();
            self.compound.clear();
            self.first = Some(Arc::new(first));
        }
        self.compound.push((op, Arc::new(other)));
    }

    /// The conditions that were said behind a union, intersection or difference.
    pub(crate) fn behind(&self) -> &[Expr] {
        let before = self.first.as_ref().map_or(self.filters.len(), |first| first.clauses.filters.len());
        self.filters.get(before..).unwrap_or_default()
    }

    /// Whether rows may be there twice, so that none of them is behind another by its key.
    fn repeats(&self) -> bool {
        self.compound.iter().any(|(op, other)| matches!(op, SetOp::UnionAll) || other.clauses.repeats())
            || self.first.as_ref().is_some_and(|first| first.clauses.repeats())
    }

    /// Whether a condition of a whole row would change which other rows there are.
    fn stand_together(&self) -> bool {
        self.select.is_none() && (matches!(self.distinct, Distinct::On(_)) || !self.compound.is_empty())
    }
}

/// Makes the rows of a query such that a page may begin behind any of them. `false` where that cannot be.
pub(crate) fn taken_apart(state: &mut QueryState) -> bool {
    if state.clauses.repeats() {
        return false;
    }
    if state.clauses.stand_together() && matches!(state.clauses.distinct, Distinct::On(_)) {
        match by_keys(state.clone()) {
            Ok(apart) => *state = apart,
            Err(_) => return false,
        }
    }
    true
}

/// The rows of the model whose keys a query of whole rows finds, in its order, with its limit and its includes.
pub(crate) fn by_keys(mut whole: QueryState) -> Result<QueryState> {
    let model = whole.model.clone();
    if model.primary_key.is_empty() || whole.clauses.repeats() {
        let text = "rows without keys of their own can neither be filtered behind `union_all` or `distinct_on` nor be read from a cursor: \
            say the filter in each of the queries";
        return Err(Error::of_usage(UsageErrorKind::Refused, text));
    }
    let clauses = &mut *whole.clauses;
    let united = !clauses.compound.is_empty();
    let outer = Clauses {
        order: clauses.order.clone(),
        limit: clauses.limit.take(),
        offset: clauses.offset.take(),
        includes: clauses.includes.clone(),
        lock: clauses.lock.take(),
        tags: std::mem::take(&mut clauses.tags),
        named: if united { Vec::new() } else { std::mem::take(&mut clauses.named) },
        deleted: Deleted::Included,
        unscoped: true,
        unordered: clauses.unordered,
        without_hooks: clauses.without_hooks,
        strategy: clauses.strategy,
        strict_loading: clauses.strict_loading,
        timeout: clauses.timeout,
        primary: clauses.primary,
        skipped_hooks: clauses.skipped_hooks.clone(),
        extras: clauses.extras.clone(),
        ..Clauses::default()
    };
    if united {
        clauses.order.clear();
    }
    select_keys(&mut whole, &model);
    let query = LogicalQuery { state: Arc::new(whole), usage: QueryUse::In { exprs: keys(&model), negated: false } };
    Ok(QueryState { model, clauses: Clauses { filters: vec![Expr::Query(query)], ..outer }.into() })
}

fn keys(model: &ModelDef) -> Vec<Expr> {
    model.primary_key.iter().map(|position| field(model, *position)).collect()
}

/// Every query of a set operation selects what the others select.
fn select_keys(state: &mut QueryState, model: &ModelDef) {
    let clauses = &mut *state.clauses;
    clauses.select = Some(keys(model).into_iter().map(SelectItem::new).collect());
    if let Some(first) = &mut clauses.first {
        select_keys(Arc::make_mut(first), model);
    }
    for (_, other) in &mut clauses.compound {
        select_keys(Arc::make_mut(other), model);
    }
}
