//! Conditions over the joined rows of to-many relations: `$posts.likes$` as Sequelize has it. A parent is found when some combination of its joined rows
//! matches, and of an included relation those rows are loaded that are part of one.

use super::include::unknown_relation;
use super::rewrite::{Scope, link_condition, pairs, scope_condition};
use super::{DEEPEST, Node, Planner, scope, too_deep};
use crate::query::IncludeState;
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Link, ModelDef, Models, RelationDef};
use sequor_core::statement::{Alias, Expr, Join, JoinKind, OrderBy, Select, SelectItem, Source, walk};
use std::sync::Arc;

/// Which rows of a to-many relation are loaded: those in a combination of joined rows that matches.
#[derive(Clone, Debug)]
pub struct Within {
    /// The model whose rows were asked for.
    model: Arc<ModelDef>,
    /// The relations from it to the one that is loaded.
    path: Vec<Name>,
    /// Its includes, which say which rows are joined.
    includes: Vec<IncludeState>,
    /// The conditions over the joined rows.
    filters: Vec<Expr>,
}

/// The paths of an expression's fields.
fn paths(expr: &mut Expr, found: &mut Vec<Vec<Name>>) {
    match expr {
        Expr::Field(field) => {
            if !field.path.is_empty() && !found.contains(&field.path) {
                found.push(field.path.clone());
            }
        }
        Expr::Parent(_) => {}
        other => {
            let _: Result<(), ()> = walk(other, &mut |child| {
                paths(child, found);
                Ok(())
            });
        }
    }
}

fn paths_of(filters: &[Expr]) -> Vec<Vec<Name>> {
    let mut found = Vec::new();
    filters.iter().cloned().for_each(|mut filter| paths(&mut filter, &mut found));
    found
}

/// Whether expressions name the row that the model's rows hang on.
pub(super) fn names_parent(filters: &[Expr]) -> bool {
    fn named(expr: &mut Expr) -> Result<(), ()> {
        if matches!(expr, Expr::Parent(_)) { Err(()) } else { walk(expr, &mut named) }
    }
    filters.iter().cloned().any(|mut filter| named(&mut filter).is_err())
}

impl Planner<'_> {
    /// Rewrites conditions of a query; those that lead over to-many relations are asked of the joined rows.
    pub(super) fn conditions(&mut self, filters: &[Expr], scope: &Scope, includes: &[IncludeState]) -> Result<Vec<Expr>> {
        let mut conditions = Vec::with_capacity(filters.len());
        let mut joined = Vec::new();
        for mut filter in filters.iter().cloned() {
            super::refuse_groups(&mut filter)?;
            if self.leads_to_many(&mut filter, scope) {
                joined.push(filter);
            } else {
                conditions.push(self.rewrite(filter, scope)?);
            }
        }
        if !joined.is_empty() {
            let within = Within { model: scope.model.clone(), path: Vec::new(), includes: includes.to_vec(), filters: joined };
            let (select, inner, _) = self.combined(&within)?;
            let keys = &scope.model.primary_key;
            conditions.push(self.same_rows(&scope.model, keys, (&inner.alias, &scope.alias), select)?);
        }
        Ok(conditions)
    }

    /// What sorts a row by its joined rows: the value that comes first among them.
    pub(super) fn first_of_many(&mut self, by: &OrderBy, scope: &Scope, includes: &[IncludeState]) -> Result<Expr> {
        let mut found = Vec::new();
        paths(&mut by.expr.clone(), &mut found);
        let path = found.into_iter().max_by_key(Vec::len).unwrap_or_default();
        let within = Within { model: scope.model.clone(), path, includes: includes.to_vec(), filters: Vec::new() };
        let (mut select, inner, _) = self.combined(&within)?;
        let expr = self.rewrite_order(by.expr.clone(), &inner)?;
        let keys = &scope.model.primary_key;
        let mut filters = pairs(&scope.model, keys, &inner.alias, &scope.model, keys, &scope.alias);
        filters.extend(select.filter.take());
        select.filter = super::all(filters);
        select.columns = vec![SelectItem::new(expr.clone())];
        select.order_by = vec![OrderBy { expr, ..by.clone() }];
        select.limit = Some(1);
        Ok(Expr::Select(Box::new(select)))
    }

    /// Whether an expression names a column over a relation of many rows that is not joined.
    pub(super) fn leads_to_many(&self, expr: &mut Expr, scope: &Scope) -> bool {
        let mut found = Vec::new();
        paths(expr, &mut found);
        found.iter().any(|path| {
            // What is joined already is followed; of the rest the model tells.
            let (mut at, mut model, mut rest) = (&scope.alias, &scope.model, path.as_slice());
            while let Some((name, below)) = rest.split_first() {
                let known = self.joined.iter().find(|((from, relation), ..)| from == at && relation == name);
                let Some((_, alias, target)) = known else { break };
                (at, model, rest) = (alias, target, below);
            }
            leads_to_many(model, rest, self.models)
        })
    }

    /// `EXISTS (SELECT 1 ..)` with the keys of two sources equal.
    fn same_rows(&self, model: &ModelDef, keys: &[usize], (inner, outer): (&Alias, &Alias), mut select: Select) -> Result<Expr> {
        if keys.is_empty() {
            return Err(Error::usage(format!("{} has no primary key: no condition over its joined rows can be asked", model.name)));
        }
        let mut filters = pairs(model, keys, inner, model, keys, outer);
        filters.extend(select.filter.take());
        select.filter = super::all(filters);
        Ok(Expr::Exists { select: Box::new(select), negated: false })
    }

    /// The joined rows that match: a sub-query, the source of its root, and those on the way to what is loaded.
    fn combined(&mut self, within: &Within) -> Result<(Select, Scope, Vec<Scope>)> {
        let outer_joins = std::mem::take(&mut self.joins);
        let root = Scope { model: within.model.clone(), alias: self.alias(), joins: true };
        let mut needed = paths_of(&within.filters);
        needed.push(within.path.clone());
        let mut result = Ok(Vec::new());
        for path in &needed {
            result = self.join_way(&root, path, &within.includes);
            if result.is_err() {
                break;
            }
        }
        let filters = within.filters.iter().map(|filter| self.rewrite(filter.clone(), &root)).collect::<Result<Vec<_>>>();
        let joins = std::mem::replace(&mut self.joins, outer_joins);
        let select = Select {
            from: Some(Source::table(self.table(&within.model), root.alias.clone())),
            joins,
            filter: super::all(filters?),
            ..Select::default()
        };
        Ok((select, root, result?))
    }

    /// Joins each relation of a path; gives the sources on the way.
    fn join_way(&mut self, root: &Scope, path: &[Name], includes: &[IncludeState]) -> Result<Vec<Scope>> {
        let mut at = root.clone();
        let mut includes = includes;
        let mut optional = false;
        let mut way = Vec::with_capacity(path.len());
        for (place, name) in path.iter().enumerate() {
            let include = includes.iter().find(|include| include.relation == *name);
            let known = self.joined.iter().find(|((from, relation), ..)| *from == at.alias && relation == name);
            at = match known {
                Some((_, alias, model)) => Scope { model: model.clone(), alias: alias.clone(), joins: true },
                None => {
                    let unasked = IncludeState::new(name.clone());
                    let next = path.get(place + 1);
                    self.join_level(&at, include.unwrap_or(&unasked), optional, &|nested| Some(&nested.relation) == next)?
                }
            };
            optional |= include.is_none_or(|include| !include.required);
            way.push(at.clone());
            includes = include.map(|include| include.clauses.includes.as_slice()).unwrap_or_default();
        }
        Ok(way)
    }

    /// The condition that a row of a to-many statement is part of a combination that matches.
    pub(super) fn within(&mut self, within: &Within, target: &Scope, linking: &[Expr], link: &Link) -> Result<Expr> {
        let (mut select, root, way) = self.combined(within)?;
        let (Some(own), owner) = (way.last(), way.len().checked_sub(2).and_then(|place| way.get(place)).unwrap_or(&root)) else {
            return Err(Error::bug("a restricted include has no path"));
        };
        let mut filters: Vec<Expr> = link
            .source
            .iter()
            .zip(linking)
            .map(|(position, linking)| {
                let column = Expr::column(owner.alias.clone(), owner.model.columns[*position].column.clone());
                column.binary(sequor_core::statement::BinaryOp::Equal, linking.clone())
            })
            .collect();
        filters.extend(select.filter.take());
        select.filter = super::all(filters);
        let own = own.alias.clone();
        self.same_rows(&target.model, &target.model.primary_key, (&own, &target.alias), select)
    }

    /// Joins a relation of any kind for aggregates and conditions over its rows; nothing of it is loaded.
    pub(super) fn join_only(&mut self, scope: &Scope, include: &IncludeState, depth: usize) -> Result<()> {
        self.join_below(scope, include, false, depth)
    }

    fn join_below(&mut self, scope: &Scope, include: &IncludeState, optional: bool, depth: usize) -> Result<()> {
        if depth > DEEPEST {
            return Err(too_deep());
        }
        let target = self.join_level(scope, include, optional, &|_| true)?;
        for nested in &include.clauses.includes {
            self.join_below(&target, nested, optional || !include.required, depth + 1)?;
        }
        Ok(())
    }

    /// Joins the rows of an include. What nested includes require of them stands in the join's own condition where it is optional, or hangs below
    /// an optional one, and of those that are not joined behind it.
    fn join_level(
        &mut self,
        scope: &Scope,
        include: &IncludeState,
        optional: bool,
        goes_on: &dyn Fn(&IncludeState) -> bool,
    ) -> Result<Scope> {
        let def = scope.model.relation(&include.relation).ok_or_else(|| unknown_relation(&scope.model, &include.relation))?.clone();
        let link = def.link(&scope.model, self.models)?;
        let kind = if include.required && !optional { JoinKind::Inner } else { JoinKind::Left };
        let alias = self.alias();
        let target = Scope { model: link.target.clone(), alias: alias.clone(), joins: true };
        let mut on = self.join_between(scope, include, (&def, &link), (&alias, kind))?;
        on.extend(self.join_conditions(scope, include, &def, &target)?);
        on.extend(self.required_below(include, &target, |nested| kind == JoinKind::Left || !goes_on(nested))?);
        self.joins.push(Join { kind, source: Source::table(self.table(&link.target), alias.clone()), on: super::all(on) });
        self.remember_join(&scope.alias, &def.name, &alias, &link.target);
        Ok(target)
    }

    /// What links the rows: keys, the rows between, or the include's own condition.
    fn join_between(
        &mut self,
        scope: &Scope,
        include: &IncludeState,
        (def, link): (&RelationDef, &Link),
        (alias, kind): (&Alias, JoinKind),
    ) -> Result<Vec<Expr>> {
        let Some(through) = &link.through else {
            return match &include.on {
                Some(on) => {
                    let target = Scope { model: link.target.clone(), alias: alias.clone(), joins: false };
                    Ok(vec![self.below(scope, |planner| planner.rewrite(on.clone(), &target))?])
                }
                None => Ok(link_condition(link, &scope.model, &scope.alias, &link.target, alias)),
            };
        };
        let between = self.alias();
        let between_scope = Scope { model: through.model.clone(), alias: between.clone(), joins: false };
        let mut keys = pairs(&scope.model, &link.source, &scope.alias, &through.model, &through.to_source, &between);
        let live = scope::deletion_filter(&through.model, include.between());
        let fixed = def.through.iter().flat_map(|through| &through.scope).map(|(name, value)| scope_condition(&through.model, name, value));
        let filters: Vec<Expr> = live.into_iter().chain(fixed).chain(include.through.clone()).collect();
        for filter in filters {
            keys.push(self.rewrite(filter, &between_scope)?);
        }
        if kind == JoinKind::Left {
            keys.extend(self.leads_on(scope, include, (def, link), &between)?);
        }
        self.joins.push(Join { kind, source: Source::table(self.table(&through.model), between.clone()), on: super::all(keys) });
        // Conditions name the row between as a part of the target's.
        self.remember_join(alias, &through.model.name, &between, &through.model);
        Ok(pairs(&through.model, &through.to_target, &between, &link.target, &link.columns, alias))
    }

    /// Of the rows between, an optional include joins those alone whose target it would load: the others would be combinations without one.
    fn leads_on(
        &mut self,
        scope: &Scope,
        include: &IncludeState,
        (def, link): (&RelationDef, &Link),
        between: &Alias,
    ) -> Result<Option<Expr>> {
        let Some(through) = &link.through else { return Ok(None) };
        let target = Scope { model: link.target.clone(), alias: self.alias(), joins: false };
        let mut filters = self.join_conditions(scope, include, def, &target)?;
        filters.extend(self.required_below(include, &target, |_| true)?);
        if filters.is_empty() && def.constraints {
            return Ok(None);
        }
        filters.extend(pairs(&through.model, &through.to_target, between, &link.target, &link.columns, &target.alias));
        let select =
            Select { from: Some(Source::table(self.table(&link.target), target.alias)), filter: super::all(filters), ..Select::default() };
        Ok(Some(Expr::Exists { select: Box::new(select), negated: false }))
    }

    /// What the nested includes of these rows require of them.
    fn required_below(&mut self, include: &IncludeState, target: &Scope, asked: impl Fn(&IncludeState) -> bool) -> Result<Vec<Expr>> {
        let inner = Scope { joins: false, ..target.clone() };
        let nested = include.clauses.includes.iter().filter(|nested| nested.required && asked(nested));
        nested.map(|nested| self.exists(&inner, nested)).collect()
    }

    fn join_conditions(&mut self, scope: &Scope, include: &IncludeState, def: &RelationDef, target: &Scope) -> Result<Vec<Expr>> {
        let inner = Scope { joins: false, ..target.clone() };
        let clauses = scope::scoped(&target.model, include.clauses.clone(), self.models);
        let mut on = Vec::new();
        for (name, value) in &def.scope {
            on.push(self.rewrite(scope_condition(&target.model, name, value), &inner)?);
        }
        on.extend(self.below(scope, |planner| planner.conditions(&clauses.filters, &inner, &clauses.includes))?);
        Ok(on)
    }

    /// "Has a row that this include would load", by the include's own condition.
    pub(super) fn exists_on(&mut self, scope: &Scope, include: &IncludeState) -> Result<Expr> {
        let outer_joins = std::mem::take(&mut self.joins);
        let target = self.join_level(scope, include, false, &|_| false);
        let mut joins = std::mem::replace(&mut self.joins, outer_joins);
        let target = target?;
        // The sub-query starts at the last of them, so that its own joins are asked as conditions.
        let Some(last) = joins.pop() else { return Err(Error::bug("an include joins nothing")) };
        self.joined.retain(|(_, alias, _)| *alias != target.alias);
        let select = Select { from: Some(last.source), joins, filter: last.on, ..Select::default() };
        Ok(Expr::Exists { select: Box::new(select), negated: false })
    }

    /// Does something in terms of the rows of a relation, whose parent is `scope`.
    pub(super) fn below<T>(&mut self, scope: &Scope, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.parents.push(scope.clone());
        let result = work(self);
        self.parents.pop();
        result
    }

    /// An expression of the row that a relation's rows hang on.
    pub(super) fn of_parent(&mut self, inner: Expr) -> Result<Expr> {
        let Some(parent) = self.parents.pop() else {
            return Err(Error::usage("a column of the parent is named where there is no parent"));
        };
        // The join of a path would belong to the statement around.
        let result = self.rewrite(inner, &Scope { joins: false, ..parent.clone() });
        self.parents.push(parent);
        result
    }
}

/// Whether a path of relations leads over one of many rows.
fn leads_to_many(model: &Arc<ModelDef>, path: &[Name], models: &dyn Models) -> bool {
    let mut model = model.clone();
    for name in path {
        let Some(def) = model.relation(name) else { return false };
        if def.kind.is_many() {
            return true;
        }
        let Ok(target) = models.model(&def.target) else { return false };
        model = target;
    }
    false
}

/// Restricts the to-many includes that conditions of the query name to the rows that match.
pub(super) fn restrict(node: &mut Node, model: &Arc<ModelDef>, filters: &[Expr], includes: &[IncludeState], models: &dyn Models) {
    if node.many.is_empty() && node.ones.is_empty() {
        return;
    }
    let mut named = Vec::new();
    let mut over = Vec::new();
    for mut filter in filters.iter().cloned() {
        let mut found = Vec::new();
        paths(&mut filter, &mut found);
        if found.iter().any(|path| leads_to_many(model, path, models)) {
            named.extend(found);
            over.push(filter);
        }
    }
    if !over.is_empty() {
        let within = Within { model: model.clone(), path: Vec::new(), includes: includes.to_vec(), filters: over };
        pass_on(node, &within, &named);
    }
}

/// Hands a restriction to the includes whose path the conditions name.
fn pass_on(node: &mut Node, within: &Within, named: &[Vec<Name>]) {
    let model = node.model.clone();
    let further = |relation: usize| {
        let mut path = within.path.clone();
        path.extend(model.relations.get(relation).map(|def| def.name.clone()));
        named.iter().any(|known| known.starts_with(&path)).then(|| Within { path, ..within.clone() })
    };
    for many in &mut node.many {
        many.within.extend(further(many.relation));
    }
    for one in &mut node.ones {
        if let Some(within) = further(one.relation) {
            pass_on(one, &within, named);
        }
    }
}

/// The restrictions of a to-many statement go on to the includes below it.
pub(super) fn carry(node: &mut Node, restrictions: &[Within]) {
    for within in restrictions {
        pass_on(node, within, &paths_of(&within.filters));
    }
}
