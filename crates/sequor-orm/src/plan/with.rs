//! Queries under names: common table expressions, also those whose rows follow from each other.

use super::rewrite::Scope;
use super::{Planner, scope};
use crate::query::{Clauses, NamedQuery};
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Alias, Cte, Expr, Join, JoinKind, Select, SelectItem, SetOp, Source, SourceKind};
use std::sync::Arc;

impl Planner<'_> {
    /// Plans the named queries of a query, each of which may read those before it.
    pub(super) fn with(&mut self, clauses: &mut Clauses) -> Result<()> {
        for named in std::mem::take(&mut clauses.named) {
            if named.name.is_empty() || self.named.iter().any(|(known, _)| *known == named.name) {
                return Err(Error::usage(format!("{} names two queries, or none: give each a name of its own", named.name.escape_debug())));
            }
            let cte = self.named_query(&named)?;
            clauses.with.push(cte);
            self.named.push((named.name, named.query.model.clone()));
        }
        Ok(())
    }

    /// The rows of a query that has a name.
    pub(super) fn named_source(&self, name: &Name, model: &ModelDef, alias: &Alias) -> Result<Source> {
        let Some((_, known)) = self.named.iter().find(|(known, _)| known == name) else {
            return Err(Error::usage(format!("no query is named {}: name one by with_cte(..) on the query around", name.escape_debug())));
        };
        if known.name != model.name {
            return Err(Error::usage(format!("{} are rows of {}, not of {}", name.escape_debug(), known.name, model.name)));
        }
        Ok(Source { kind: SourceKind::Cte(name.clone()), alias: Some(alias.clone()), hints: Vec::new() })
    }

    fn named_query(&mut self, named: &NamedQuery) -> Result<Cte> {
        let (model, clauses) = (&named.query.model, &named.query.clauses);
        if !clauses.includes.is_empty() || clauses.lock.is_some() {
            return Err(Error::usage("a query with a name can neither include relations nor lock rows: the query that reads it can"));
        }
        // It stands before the statement, whose rows it cannot see.
        let (joins, around) = (std::mem::take(&mut self.joins), std::mem::take(&mut self.around));
        let select = self.plan_rows(&named.query).map(|plan| plan.select);
        self.joins = joins;
        let select = select.and_then(|select| match &named.next {
            None => Ok(select),
            Some(next) => self.recursive(select, named, next),
        });
        self.around = around;
        let columns = model.columns.iter().map(|column| column.column.clone()).collect();
        Ok(Cte { name: named.name.clone(), columns, select: Box::new(select?), recursive: named.next.is_some() })
    }

    /// The first rows, and those that follow from rows that are there.
    fn recursive(&mut self, first: Select, named: &NamedQuery, next: &Expr) -> Result<Select> {
        let model = &named.query.model;
        let (tree, child) = (self.alias(), self.alias());
        let there = Scope { model: Arc::clone(model), alias: tree.clone(), joins: false };
        let follows = Scope { model: Arc::clone(model), alias: child.clone(), joins: false };
        let given = &named.query.clauses;
        let hidden = Clauses { deleted: given.deleted, unscoped: given.unscoped, ..Clauses::default() };
        let mut filters = Vec::new();
        for filter in scope::scoped(model, hidden, self.models).filters {
            filters.push(self.rewrite(filter, &follows)?);
        }
        self.around.push(there);
        let on = self.rewrite(next.clone(), &follows);
        self.around.pop();
        let step = Select {
            columns: model.columns.iter().map(|column| SelectItem::new(Expr::column(child.clone(), column.column.clone()))).collect(),
            from: Some(Source { kind: SourceKind::Cte(named.name.clone()), alias: Some(tree), hints: Vec::new() }),
            joins: vec![Join { kind: JoinKind::Inner, source: Source::table(self.table(model), child), on: Some(on?) }],
            filter: super::all(filters),
            ..Select::default()
        };
        let cut = first.limit.is_some() || first.offset.is_some() || !first.compound.is_empty();
        let first = if cut { self.wrapped(first) } else { Select { order_by: Vec::new(), ..first } };
        Ok(Select { compound: vec![(SetOp::Union, step)], ..first })
    }
}
