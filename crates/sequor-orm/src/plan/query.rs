//! Sub-queries: a query of the program inside a condition, and the rows that a relation of a model to itself reaches.

use super::Planner;
use super::rewrite::{Scope, link_condition};
use crate::query::{Clauses, Deleted, QueryState};
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, RelationKind};
use sequor_core::statement::{Alias, Cte, Expr, Join, JoinKind, LogicalQuery, QueryUse, Select, SelectItem, SetOp, Source, SourceKind};
use std::any::Any;

/// The name of the common table expression that gathers the rows of a tree.
const TREE: Name = Name::Borrowed("tree");

impl Planner<'_> {
    /// A sub-query, or an expression of the query around one.
    pub(super) fn logical(&mut self, expr: Expr, scope: &Scope) -> Result<Expr> {
        match expr {
            Expr::Query(query) => self.query(query, scope),
            Expr::Outer(inner) => {
                let Some(outer) = self.around.pop() else {
                    return Err(Error::usage("outer(..) names a row of the query around a sub-query, and there is none around this one"));
                };
                // The join of a path would belong to the query around, which is closed here.
                let result = self.rewrite(*inner, &Scope { joins: false, ..outer.clone() });
                self.around.push(outer);
                result
            }
            other => self.rewrite(other, scope),
        }
    }

    fn query(&mut self, query: LogicalQuery, scope: &Scope) -> Result<Expr> {
        let tree: &dyn Any = query.state.as_ref();
        let Some(state) = tree.downcast_ref::<QueryState>() else {
            return Err(Error::bug("a sub-query of an unknown kind"));
        };
        // With selected columns they only narrow the rows.
        if !state.clauses.includes.is_empty() && state.clauses.select.is_none() {
            return Err(Error::usage("a sub-query of whole rows cannot include relations: filter by them with any(..) or is(..)"));
        }
        match query.usage {
            QueryUse::Scalar => Ok(Expr::Select(Box::new(self.inner(state, scope)?))),
            QueryUse::Exists { negated } => Ok(Expr::Exists { select: Box::new(self.inner(state, scope)?), negated }),
            QueryUse::In { exprs, negated } => {
                let mut exprs = exprs.into_iter().map(|expr| self.rewrite(expr, scope)).collect::<Result<Vec<_>>>()?;
                let select = Box::new(self.inner(state, scope)?);
                if select.columns.len() != exprs.len() {
                    return Err(Error::usage(format!(
                        "the sub-query selects {} columns where {} are compared: select as many",
                        select.columns.len(),
                        exprs.len()
                    )));
                }
                let expr = if exprs.len() == 1 { exprs.remove(0) } else { Expr::Tuple(exprs) };
                Ok(Expr::InSelect { expr: Box::new(expr), select, negated })
            }
            QueryUse::Reached { relation } => self.reached(state, &relation, scope),
        }
    }

    /// A page whose rows are sorted by their to-many rows: as in Sequelize it is cut in the order of its own columns, and then sorted. Gives the condition of the
    /// rows on it, and takes the limit from the query.
    pub(super) fn page(&mut self, clauses: &mut Clauses, scope: &Scope) -> Result<Option<Expr>> {
        let limited = clauses.limit.is_some() || clauses.offset.is_some();
        let keys = &scope.model.primary_key;
        let plain = clauses.lock.is_none() && clauses.group.is_empty() && clauses.with.is_empty() && clauses.from_named.is_none();
        if !limited || !plain || keys.is_empty() || !clauses.order.iter().any(|by| self.leads_to_many(&mut by.expr.clone(), scope)) {
            return Ok(None);
        }
        let mut cut = clauses.clone();
        cut.order.retain(|by| !self.leads_to_many(&mut by.expr.clone(), scope));
        cut.select = Some(keys.iter().map(|position| key_item(&scope.model, *position)).collect());
        // The scopes are in it already.
        (cut.unscoped, cut.deleted) = (true, Deleted::Included);
        let joined = std::mem::take(&mut self.joins);
        let select = self.plan_rows(&QueryState { model: scope.model.clone(), clauses: cut.into() }).map(|plan| plan.select);
        self.joins = joined;
        let mut select = select?;
        select.columns.truncate(keys.len());
        select.tags.clear();
        (clauses.limit, clauses.offset) = (None, None);
        let mut key: Vec<Expr> =
            keys.iter().map(|position| Expr::column(scope.alias.clone(), scope.model.columns[*position].column.clone())).collect();
        let expr = if key.len() == 1 { key.remove(0) } else { Expr::Tuple(key) };
        Ok(Some(Expr::InSelect { expr: Box::new(expr), select: Box::new(self.wrapped(select)), negated: false }))
    }

    /// A query planned inside another: its joins are its own, its fields may name the query around.
    fn inner(&mut self, state: &QueryState, scope: &Scope) -> Result<Select> {
        let joins = std::mem::take(&mut self.joins);
        self.around.push(scope.clone());
        let plan = self.plan_rows(state);
        self.around.pop();
        self.joins = joins;
        let mut select = plan?.select;
        if !state.clauses.compound.is_empty() {
            select = super::union::unwrapped(select);
        } else if let Some(items) = &state.clauses.select {
            // Behind them stand those of joined rows.
            select.columns.truncate(items.len());
        }
        // MySQL and MariaDB refuse a limit inside IN; behind one more SELECT they take it.
        if select.limit.is_some() || select.offset.is_some() {
            select = self.wrapped(select);
        }
        select.lock = None;
        select.tags.clear();
        Ok(select)
    }

    /// `key IN (WITH RECURSIVE tree AS (start UNION next) SELECT key FROM tree)`: keys only, so that a circle ends.
    fn reached(&mut self, start: &QueryState, relation: &Name, scope: &Scope) -> Result<Expr> {
        let model = scope.model.clone();
        let def = model.relation(relation).ok_or_else(|| super::include::unknown_relation(&model, relation))?.clone();
        let link = def.link(&model, self.models)?;
        if link.target.name != model.name || link.through.is_some() {
            return Err(Error::usage(format!("{}.{relation} does not lead from the model to itself", model.name)));
        }
        let mut start = start.clone();
        start.clauses.select = Some(model.primary_key.iter().map(|position| key_item(&model, *position)).collect());
        let first = self.inner(&start, scope)?;
        let (child, parent) = (self.alias(), self.alias());
        let next = Scope { model: model.clone(), alias: child.clone(), joins: false };
        let mut filters = Vec::new();
        if let Some(live) = super::scope::deletion_filter(&model, crate::query::Deleted::Hidden) {
            filters.push(self.rewrite(live, &next)?);
        }
        let tree = self.alias();
        let columns: Vec<Name> = model.primary_key.iter().map(|position| model.columns[*position].column.clone()).collect();
        let keys = |alias: &Alias| columns.iter().map(|name| SelectItem::new(Expr::column(alias.clone(), name.clone()))).collect();
        let same_key = columns.iter().map(|name| {
            Expr::column(parent.clone(), name.clone())
                .binary(sequor_core::statement::BinaryOp::Equal, Expr::column(tree.clone(), name.clone()))
        });
        let step = Select {
            columns: keys(&child),
            from: Some(Source { kind: SourceKind::Cte(TREE), alias: Some(tree.clone()), hints: Vec::new() }),
            joins: vec![
                Join {
                    kind: JoinKind::Inner,
                    source: Source::table(self.table(&model), parent.clone()),
                    on: super::all(same_key.collect()),
                },
                Join {
                    kind: JoinKind::Inner,
                    source: Source::table(self.table(&model), child.clone()),
                    on: super::all(link_condition(&link, &model, &parent, &model, &child)),
                },
            ],
            filter: super::all(filters),
            ..Select::default()
        };
        let gathered = Select { compound: vec![(SetOp::Union, step)], ..first };
        let outer = self.alias();
        let select = Box::new(Select {
            with: vec![Cte { name: TREE, columns: columns.clone(), select: Box::new(gathered), recursive: true }],
            columns: keys(&outer),
            from: Some(Source { kind: SourceKind::Cte(TREE), alias: Some(outer.clone()), hints: Vec::new() }),
            ..Select::default()
        });
        let mut own: Vec<Expr> = columns.iter().map(|name| Expr::column(scope.alias.clone(), name.clone())).collect();
        let expr = if own.len() == 1 { own.remove(0) } else { Expr::Tuple(own) };
        Ok(Expr::InSelect { expr: Box::new(expr), select, negated: false })
    }

    /// A parent that a foreign key holds is always there, so that its row joins as a required one, which PostgreSQL can lock.
    pub(super) fn hold_locked(&self, clauses: &mut Clauses, model: &ModelDef) -> Result<()> {
        let of: Vec<Alias> = clauses.lock.iter().flat_map(|lock| lock.of.clone()).collect();
        for include in clauses.includes.iter_mut().filter(|include| of.contains(&Alias::Named(include.relation.clone()))) {
            let Some(def) = model.relation(&include.relation).filter(|def| def.kind == RelationKind::BelongsTo && def.constraints) else {
                continue;
            };
            let link = def.link(model, self.models)?;
            let asked = super::scope::scoped(&link.target, include.clauses.clone(), self.models);
            let held = link.source.iter().all(|position| !model.columns[*position].nullable);
            include.required |=
                held && include.on.is_none() && asked.filters.is_empty() && asked.includes.iter().all(|inner| !inner.required);
        }
        Ok(())
    }

    /// The sources that a lock names: the query's own rows, and those of the relations it says.
    pub(super) fn locked(&self, relations: &[Alias], scope: &Scope) -> Result<Vec<Alias>> {
        let mut aliases = vec![scope.alias.clone()];
        for relation in relations {
            aliases.push(match relation {
                Alias::Named(name) => {
                    let joined = self.joined.iter().find(|((from, joined), _, _)| *from == scope.alias && joined == name);
                    let (_, alias, _) = joined.ok_or_else(|| {
                        super::refused(&format!("{}.{name} is to be locked and is not read: include it", scope.model.name))
                    })?;
                    alias.clone()
                }
                Alias::T(_) => relation.clone(),
            });
        }
        Ok(aliases)
    }
}

fn key_item(model: &ModelDef, position: usize) -> SelectItem {
    SelectItem::new(Expr::Field(super::field(model, position)))
}
