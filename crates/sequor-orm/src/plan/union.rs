//! UNION, INTERSECT and EXCEPT: the rows of two queries as one source, sorted and cut outside.

use super::rewrite::Scope;
use super::{Plan, Planner, refused};
use crate::query::QueryState;
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{Expr, Func, OrderBy, Select, SelectItem, Source, SourceKind};

impl Planner<'_> {
    /// The rows of a compound query. Each operation stands alone in its own source: databases disagree about precedence.
    pub(super) fn compound(&mut self, state: &QueryState) -> Result<Plan> {
        let outer = &state.clauses;
        if !outer.includes.is_empty() || outer.lock.is_some() {
            return Err(refused(
                "a union, intersection or difference of queries can neither include relations nor lock rows: read their keys by it, and the rows by `in_query`",
            ));
        }
        if !outer.behind().is_empty() {
            return self.filtered(state);
        }
        let Some(first) = &outer.first else { return Err(Error::bug("a compound query without its first")) };
        let Plan { select, node } = self.plan_rows(first)?;
        let items = outer.select.clone();
        let mut left = numbered(select);
        if left.limit.is_some() || left.offset.is_some() {
            left = self.wrapped(left);
        }
        let width = left.columns.len();
        for (op, other) in &outer.compound {
            if other.model.name != state.model.name && items.is_none() {
                return Err(Error::usage("rows of different models cannot be united: select columns of each"));
            }
            if items.is_some() != other.clauses.select.is_some() {
                return Err(refused("united queries select alike: say `select(..)` in each of them, before they are united"));
            }
            let right = numbered(self.plan_rows(other)?.select);
            if right.columns.len() != width {
                return Err(Error::usage(format!("united queries select as many columns: {} against {width}", right.columns.len())));
            }
            let cut = right.limit.is_some() || right.offset.is_some();
            let right = if cut { self.wrapped(right) } else { Select { order_by: Vec::new(), ..right } };
            if !left.compound.is_empty() {
                left = self.wrapped(left);
            }
            left.compound.push((*op, right));
        }
        let mut select = self.wrapped(left);
        let Some(source) = select.from.as_ref().and_then(|from| from.alias.clone()) else {
            return Err(Error::bug("a compound query without a source"));
        };
        let scope = Scope { model: state.model.clone(), alias: source.clone(), joins: false };
        for by in &outer.order {
            let place = self.place(&by.expr, items.as_deref(), &scope).ok_or_else(|| {
                Error::usage("a union, intersection or difference is sorted by what it selects: a selected column or an alias")
            })?;
            let column = Expr::column(source.clone(), format!("c{place}"));
            let labels = self.labels(items.as_ref().map_or(&by.expr, |items| &items[place].expr), &state.model);
            let expr = match labels {
                Some(labels) => super::ranked::ranked(column, labels),
                None => column,
            };
            select.order_by.push(OrderBy { expr, ..by.clone() });
        }
        select.limit = outer.limit;
        select.offset = outer.offset;
        select.tags.clone_from(&outer.tags);
        Ok(Plan { select, node })
    }

    /// A compound query with conditions behind it: of the rows with its keys.
    fn filtered(&mut self, state: &QueryState) -> Result<Plan> {
        if state.clauses.select.is_some() {
            return Err(refused(
                "selected columns cannot be filtered behind a union, intersection or difference: say `filter(..)` in each of the queries",
            ));
        }
        let mut whole = state.clone();
        let behind = state.clauses.behind().to_vec();
        let before = whole.clauses.filters.len() - behind.len();
        whole.clauses.filters.truncate(before);
        let mut keyed = crate::query::by_keys(whole)?;
        keyed.clauses.filters.extend(behind);
        self.plan_rows(&keyed)
    }

    /// Which cell of the selection an order means.
    fn place(&self, expr: &Expr, items: Option<&[SelectItem]>, scope: &Scope) -> Option<usize> {
        let position = |expr: &Expr| match expr {
            Expr::Field(field) if field.path.is_empty() => field.position.map(usize::from).or_else(|| scope.model.position(&field.name)),
            _ => None,
        };
        match (expr, items) {
            (Expr::Alias(name), Some(items)) => items.iter().position(|item| item.alias.as_ref() == Some(name)),
            (_, None) => position(expr),
            (_, Some(items)) => {
                let wanted = position(expr)?;
                items.iter().position(|item| position(&item.expr) == Some(wanted))
            }
        }
    }

    /// How many rows a compound query has.
    pub(super) fn count_compound(mut self, state: &QueryState) -> Result<Select> {
        let mut all = state.clone();
        all.clauses.order.clear();
        all.clauses.limit = None;
        all.clauses.offset = None;
        let inner = self.compound(&all)?.select;
        let alias = self.alias();
        let count = SelectItem::named(Expr::call(Func::Count, vec![Expr::Star]), "count");
        Ok(Select { columns: vec![count], from: Some(Source::select(inner, alias)), ..Select::default() })
    }

    /// The same rows behind one more SELECT.
    pub(super) fn wrapped(&mut self, inner: Select) -> Select {
        let inner = numbered(inner);
        let alias = self.alias();
        let columns = (0..inner.columns.len()).map(|number| {
            let name = Name::Owned(format!("c{number}"));
            SelectItem::named(Expr::column(alias.clone(), name.clone()), name)
        });
        Select { columns: columns.collect(), from: Some(Source::select(inner, alias.clone())), ..Select::default() }
    }
}

/// United queries without the SELECT around them, where that says nothing: MySQL and MariaDB show the row around a sub-query to it, and not to its sources.
pub(super) fn unwrapped(select: Select) -> Select {
    let Select { columns, from: Some(Source { kind: SourceKind::Select(inner), alias, hints }), tags, .. } = select.clone() else {
        return select;
    };
    let from = Some(Source { kind: SourceKind::Select(inner.clone()), alias, hints });
    if select == (Select { columns, from, tags, ..Select::default() }) { *inner } else { select }
}

/// Names the columns by their place.
fn numbered(mut select: Select) -> Select {
    for (number, item) in select.columns.iter_mut().enumerate() {
        let name = Name::Owned(format!("c{number}"));
        let old = item.alias.replace(name.clone());
        for by in &mut select.order_by {
            if matches!((&by.expr, &old), (Expr::Alias(used), Some(old)) if used == old) {
                by.expr = Expr::Alias(name.clone());
            }
        }
    }
    select
}
