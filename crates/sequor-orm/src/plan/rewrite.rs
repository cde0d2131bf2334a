//! Logical expressions become expressions over columns: fields find their source, relations become sub-queries.

use super::{Planner, scope};
use crate::query::{Clauses, Deleted};
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Link, ModelDef, RelationKind};
use sequor_core::statement::{
    Alias, BinaryOp, CaseArm, Expr, Field, Join, JoinKind, Quantifier, RelationExpr, Select, SelectItem, Source, walk,
};
use sequor_core::types::{BindType, ScalarType};
use std::sync::Arc;

/// In whose terms an expression is written: a model and the source of its rows.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) model: Arc<ModelDef>,
    pub(crate) alias: Alias,
    /// Whether to-one paths may add joins to the statement; sub-selects otherwise.
    pub(crate) joins: bool,
}

impl Scope {
    pub(crate) fn new(model: Arc<ModelDef>, alias: Alias) -> Scope {
        Scope { model, alias, joins: true }
    }
}

/// Puts a path of relations before all fields of an expression.
pub fn prefixed(mut expr: Expr, path: &[Name]) -> Expr {
    if path.is_empty() {
        return expr;
    }
    match &mut expr {
        // Its terms are those of another row.
        Expr::Parent(_) => {}
        Expr::Field(field) => {
            field.path.splice(0..0, path.iter().cloned());
        }
        Expr::Relation(_) => {
            // Its relation is one of the row at the end of the path: a sub-query in that row's terms, and so on outwards.
            for relation in path.iter().rev() {
                let inner = std::mem::replace(&mut expr, Expr::Default);
                expr = Expr::Relation(Box::new(RelationExpr {
                    relation: relation.clone(),
                    quantifier: Quantifier::Aggregate,
                    filter: None,
                    through: None,
                    aggregate: Some(inner),
                    with_deleted: false,
                }));
            }
        }
        other => {
            let _: Result<(), ()> = walk(other, &mut |child| {
                *child = prefixed(std::mem::replace(child, Expr::Default), path);
                Ok(())
            });
        }
    }
    expr
}

impl Planner<'_> {
    /// Rewrites one expression.
    pub(crate) fn rewrite(&mut self, mut expr: Expr, scope: &Scope) -> Result<Expr> {
        self.rewrite_in_place(&mut expr, scope)?;
        Ok(expr)
    }

    fn rewrite_in_place(&mut self, expr: &mut Expr, scope: &Scope) -> Result<()> {
        let (exact, ranks) = (self.is_exact(expr, scope), self.ranks(expr, scope));
        self.rewrite_node(expr, scope)?;
        if exact {
            super::exact::mark_exact(expr);
        }
        if let Some(ranking) = ranks {
            super::ranked::mark_ranked(expr, ranking);
        }
        Ok(())
    }

    fn rewrite_node(&mut self, expr: &mut Expr, scope: &Scope) -> Result<()> {
        match expr {
            Expr::Field(field) => {
                *expr =
                    self.field(std::mem::replace(field, Field { path: Vec::new(), name: Name::Borrowed(""), position: None }), scope)?;
                Ok(())
            }
            Expr::Relation(_) => {
                if let Expr::Relation(relation) = std::mem::replace(expr, Expr::Default) {
                    *expr = self.relation(*relation, scope)?;
                }
                Ok(())
            }
            Expr::Query(_) | Expr::Outer(_) => {
                *expr = self.logical(std::mem::replace(expr, Expr::Default), scope)?;
                Ok(())
            }
            Expr::Parent(inner) => {
                *expr = self.of_parent(std::mem::replace(&mut **inner, Expr::Default))?;
                Ok(())
            }
            Expr::Invalid(message) => Err(Error::usage(message.to_string())),
            Expr::Binary(BinaryOp::Match, left, right) if matches!(**right, Expr::Value(crate::Value::Text(_), _)) => {
                let take = |part: &mut Expr| std::mem::replace(part, Expr::Default);
                if let Some(search) = super::search::of_match(take(left), take(right)) {
                    *expr = self.search(search, scope)?;
                }
                Ok(())
            }
            Expr::Search(_) => {
                if let Expr::Search(search) = std::mem::replace(expr, Expr::Default) {
                    *expr = self.search(*search, scope)?;
                }
                Ok(())
            }
            Expr::Over(window) => {
                self.rewrite_in_place(&mut window.call, scope)?;
                window.partition.iter_mut().try_for_each(|part| self.rewrite_in_place(part, scope))?;
                window.order.iter_mut().try_for_each(|by| {
                    by.expr = self.rewrite_order(std::mem::replace(&mut by.expr, Expr::Default), scope)?;
                    Ok(())
                })
            }
            other => walk(other, &mut |child| self.rewrite_in_place(child, scope)),
        }
    }

    /// The column of a field.
    fn field(&mut self, field: Field, scope: &Scope) -> Result<Expr> {
        if field.path.is_empty() {
            let position = match field.position {
                Some(position) => Some(usize::from(position)),
                None => scope.model.position(&field.name),
            };
            return match position.and_then(|position| scope.model.columns.get(position)) {
                Some(column) => Ok(Expr::Column { table: Some(scope.alias.clone()), name: column.column.clone() }),
                None => Err(scope.model.unknown(&field.name)),
            };
        }
        if !scope.joins {
            return self.scalar_field(field, scope);
        }
        let mut at = scope.clone();
        let mut path = field.path.into_iter();
        for relation in path.by_ref() {
            at = self.join_path(&at, &relation)?;
        }
        self.field(Field { path: Vec::new(), name: field.name, position: field.position }, &at)
    }

    /// The source of a to-one relation's rows; joined once, however often it is named.
    fn join_path(&mut self, from: &Scope, relation: &Name) -> Result<Scope> {
        let key = (from.alias.clone(), relation.clone());
        if let Some((_, alias, model)) = self.joined.iter().find(|(known, _, _)| *known == key) {
            return Ok(Scope { model: model.clone(), alias: alias.clone(), joins: from.joins });
        }
        let def = from.model.relation(relation).ok_or_else(|| super::include::unknown_relation(&from.model, relation))?;
        if def.kind.is_many() {
            return Err(Error::usage(format!(
                "{}.{relation} leads to many rows: use any(..), none(..) or all(..), or include it",
                from.model.name
            )));
        }
        let link = def.link(&from.model, self.models)?;
        let alias = self.alias();
        let mut on = link_condition(&link, &from.model, &from.alias, &link.target, &alias);
        let target = Scope { model: link.target.clone(), alias: alias.clone(), joins: from.joins };
        if let Some(live) = scope::deletion_filter(&link.target, Deleted::Hidden) {
            on.push(self.rewrite(live, &target)?);
        }
        for (name, value) in &def.scope {
            on.push(self.rewrite(scope_condition(&link.target, name, value), &target)?);
        }
        let fixed = def.scope.clone();
        if def.kind == RelationKind::HasOne && !super::include::is_unique(&link.target, &link.columns) {
            let live = scope::deletion_filter(&link.target, Deleted::Hidden).into_iter().collect();
            on.push(self.first_only(&link, &Clauses { filters: live, ..Clauses::default() }, &fixed, &target)?);
        }
        self.joins.push(Join { kind: JoinKind::Left, source: Source::table(self.table(&link.target), alias.clone()), on: super::all(on) });
        self.joined.push((key, alias, link.target));
        Ok(target)
    }

    pub(crate) fn remember_join(&mut self, from: &Alias, relation: &Name, alias: &Alias, model: &Arc<ModelDef>) {
        self.joined.push(((from.clone(), relation.clone()), alias.clone(), model.clone()));
    }

    /// A field over to-one relations where no join can be added: a scalar sub-query.
    fn scalar_field(&mut self, field: Field, scope: &Scope) -> Result<Expr> {
        let mut path = field.path.into_iter();
        let Some(first) = path.next() else { return Err(Error::bug("a path without relations")) };
        let inner = Expr::Field(Field { path: path.collect(), name: field.name, position: field.position });
        let relation = RelationExpr {
            relation: first,
            quantifier: Quantifier::Aggregate,
            filter: None,
            through: None,
            aggregate: Some(inner),
            with_deleted: false,
        };
        self.relation(relation, scope)
    }

    /// A condition or aggregate over a relation: a correlated sub-query.
    fn relation(&mut self, relation: RelationExpr, scope: &Scope) -> Result<Expr> {
        let def = scope
            .model
            .relation(&relation.relation)
            .ok_or_else(|| super::include::unknown_relation(&scope.model, &relation.relation))?
            .clone();
        let link = def.link(&scope.model, self.models)?;
        let alias = self.alias();
        let inner = Scope { model: link.target.clone(), alias: alias.clone(), joins: true };
        // Joins that the inner expressions need belong to the sub-query.
        let outer_joins = std::mem::take(&mut self.joins);
        let mut filters = Vec::new();
        let mut clauses = Clauses::default();
        if relation.with_deleted {
            clauses.deleted = Deleted::Included;
        }
        for filter in scope::scoped(&link.target, clauses, self.models).filters {
            filters.push(self.rewrite(filter, &inner)?);
        }
        for (name, value) in &def.scope {
            filters.push(self.rewrite(scope_condition(&link.target, name, value), &inner)?);
        }
        let mut join = None;
        match &link.through {
            None => filters.extend(link_condition(&link, &scope.model, &scope.alias, &link.target, &alias)),
            Some(through) => {
                let between = self.alias();
                let between_scope = Scope { model: through.model.clone(), alias: between.clone(), joins: true };
                let on = pairs(&through.model, &through.to_target, &between, &link.target, &link.columns, &alias);
                filters.extend(pairs(&scope.model, &link.source, &scope.alias, &through.model, &through.to_source, &between));
                if let Some(live) = scope::deletion_filter(&through.model, Deleted::Hidden) {
                    filters.push(self.rewrite(live, &between_scope)?);
                }
                if let Some(def) = &def.through {
                    for (name, value) in &def.scope {
                        filters.push(self.rewrite(scope_condition(&through.model, name, value), &between_scope)?);
                    }
                }
                if let Some(filter) = relation.through {
                    filters.push(self.rewrite(filter, &between_scope)?);
                }
                join = Some(Join { kind: JoinKind::Inner, source: Source::table(self.table(&through.model), between), on: super::all(on) });
            }
        }
        if let Some(filter) = relation.filter {
            let filter = self.below(scope, |planner| planner.rewrite(filter, &inner))?;
            filters.push(if relation.quantifier == Quantifier::All { is_not_true(filter) } else { filter });
        }
        let item = match relation.aggregate {
            Some(aggregate) => Some(self.rewrite(aggregate, &inner)?),
            None => None,
        };
        let limit = item.as_ref().filter(|item| relation.quantifier == Quantifier::Aggregate && !super::is_aggregate(item)).map(|_| 1);
        let mut joins: Vec<Join> = join.into_iter().collect();
        joins.extend(std::mem::replace(&mut self.joins, outer_joins));
        let select = Box::new(Select {
            columns: item.map(SelectItem::new).into_iter().collect(),
            from: Some(Source::table(self.table(&link.target), alias)),
            joins,
            filter: super::all(filters),
            limit,
            ..Select::default()
        });
        Ok(match relation.quantifier {
            Quantifier::Any => Expr::Exists { select, negated: false },
            Quantifier::None | Quantifier::All => Expr::Exists { select, negated: true },
            Quantifier::Aggregate => Expr::Select(select),
        })
    }
}

/// False or NULL.
fn is_not_true(filter: Expr) -> Expr {
    let number = |value: i64| Box::new(Expr::Value(crate::Value::I64(value), BindType::one(ScalarType::I32)));
    let arms = vec![CaseArm { when: filter, then: *number(0) }];
    Expr::Case { arms, otherwise: Some(number(1)) }.binary(BinaryOp::Equal, *number(1))
}

/// `relation.scope`: a fixed value of the target.
pub(crate) fn scope_condition(target: &ModelDef, name: &Name, value: &crate::Value) -> Expr {
    let bind = target.column(name).map(|column| column.ty.bind()).unwrap_or_default();
    crate::model::compare(BinaryOp::Equal, Expr::field(name.clone()), Expr::Value(value.clone(), bind))
}

/// The join condition of a relation without a model between.
pub(crate) fn link_condition(link: &Link, source: &ModelDef, source_alias: &Alias, target: &ModelDef, target_alias: &Alias) -> Vec<Expr> {
    pairs(source, &link.source, source_alias, target, &link.columns, target_alias)
}

/// Pairwise equality of columns of two sources.
pub(crate) fn pairs(
    left: &ModelDef,
    lefts: &[usize],
    left_alias: &Alias,
    right: &ModelDef,
    rights: &[usize],
    right_alias: &Alias,
) -> Vec<Expr> {
    let column = |model: &ModelDef, position: usize, alias: &Alias| Expr::column(alias.clone(), model.columns[position].column.clone());
    lefts.iter().zip(rights).map(|(l, r)| column(left, *l, left_alias).binary(BinaryOp::Equal, column(right, *r, right_alias))).collect()
}
