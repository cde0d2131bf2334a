//! Includes: to-one relations join into the statement, to-many relations become statements of their own.

use super::rewrite::{Scope, link_condition, pairs, scope_condition};
use super::{DEEPEST, Lately, Planner, scope, too_deep};
use crate::model::RowShape;
use crate::query::{Clauses, Deleted, IncludeState};
use sequor_core::Name;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{Link, ModelDef, RelationDef};
use sequor_core::statement::{Expr, Join, JoinKind, Quantifier, RelationExpr, Select, SelectItem, Source};
use std::sync::Arc;

/// The rows of one model in a statement.
#[derive(Clone, Debug)]
pub struct Node {
    /// The model.
    pub model: Arc<ModelDef>,
    /// Which cells a row has.
    pub shape: RowShape,
    /// The first cell.
    pub at: usize,
    /// The position of the relation in the parent's model; 0 for the root.
    pub relation: usize,
    /// The name under which the rows hang on the parent.
    pub name: Name,
    /// A cell that is NULL when there is no row (the key of a joined row).
    pub presence: Option<usize>,
    /// The integer key by which the reader sorts the rows of each parent, so that the database need not.
    pub by_key: Option<usize>,
    /// The to-one relations in the same row.
    pub ones: Vec<Node>,
    /// The to-many relations, read by statements of their own.
    pub many: Vec<Many>,
    /// How many rows there were lately.
    pub lately: Arc<Lately>,
}

/// A to-many relation that is to be read once its parents are known.
#[derive(Clone, Debug)]
pub struct Many {
    /// The position of the relation in the parent's model.
    pub relation: usize,
    /// The name under which the rows hang on the parent.
    pub name: Name,
    /// The model of the parents, where conditions may name them.
    pub source: Option<Arc<ModelDef>>,
    /// The relation's models and columns.
    pub link: Arc<Link>,
    /// The relation.
    pub def: Arc<RelationDef>,
    /// What is asked of its rows.
    pub include: IncludeState,
    /// Which of its rows belong to combinations that match.
    pub within: Vec<super::Within>,
}

impl Node {
    /// Whether anything is read by statements of its own.
    pub(crate) fn has_many(&self) -> bool {
        !self.many.is_empty() || self.ones.iter().any(Node::has_many)
    }

    /// The cell of a column that is read.
    pub(crate) fn cell(&self, column: usize) -> Option<usize> {
        match &self.shape.items {
            None => Some(self.at + column),
            Some(items) => self.shape.hidden.iter().position(|hidden| *hidden == column).map(|place| self.at + items.len() + place),
        }
    }
}

/// An include of a relation that the model does not have.
#[cold]
pub(super) fn unknown_relation(model: &ModelDef, name: &str) -> Error {
    let known: Vec<&str> = model.relations.iter().map(|relation| relation.name.as_ref()).collect();
    let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
    Error::of_usage(UsageErrorKind::Include, format!("{} has no association {}: {known}", model.name, name.escape_debug()))
}

impl Planner<'_> {
    /// The columns and to-one includes of one model's rows, and the conditions that required includes put on them.
    pub(super) fn node(
        &mut self,
        scope: &Scope,
        clauses: &Clauses,
        list: &mut Vec<SelectItem>,
        root: bool,
        depth: usize,
    ) -> Result<(Node, Vec<Expr>)> {
        if depth > DEEPEST {
            return Err(too_deep());
        }
        let mut hidden = self.link_columns(scope, clauses)?;
        if !root {
            hidden.extend(scope.model.primary_key.iter().copied());
        }
        hidden.sort_unstable();
        hidden.dedup();
        // Joins for aggregates come first: the columns refer to them.
        for include in clauses.includes.iter().filter(|include| include.joined) {
            self.join_only(scope, include, depth)?;
        }
        let at = list.len();
        let shape = self.columns(scope, clauses, hidden, list)?;
        let presence = match (&shape.items, scope.model.primary_key.first()) {
            (None, Some(key)) => Some(at + key),
            (Some(items), Some(key)) => shape.hidden.iter().position(|hidden| hidden == key).map(|place| at + items.len() + place),
            (_, None) => None,
        };
        let mut node = Node {
            model: scope.model.clone(),
            shape,
            at,
            relation: 0,
            name: Name::Borrowed(""),
            presence,
            by_key: None,
            ones: Vec::new(),
            many: Vec::new(),
            lately: Arc::default(),
        };
        let mut conditions = Vec::new();
        for include in clauses.includes.iter().filter(|include| !include.joined) {
            conditions.extend(self.include(scope, include, &mut node, list, depth)?);
        }
        Ok((node, conditions))
    }

    /// The columns that to-many includes need of their parents.
    fn link_columns(&self, scope: &Scope, clauses: &Clauses) -> Result<Vec<usize>> {
        let mut columns = Vec::new();
        for include in &clauses.includes {
            let def = scope.model.relation(&include.relation).ok_or_else(|| unknown_relation(&scope.model, &include.relation))?;
            if def.kind.is_many() && !include.joined {
                columns.extend(def.link(&scope.model, self.models)?.source);
            }
        }
        Ok(columns)
    }

    /// Adds an included relation to a node; the condition that a required one puts on the parents.
    fn include(
        &mut self,
        scope: &Scope,
        include: &IncludeState,
        node: &mut Node,
        list: &mut Vec<SelectItem>,
        depth: usize,
    ) -> Result<Option<Expr>> {
        let position = scope.model.relations.iter().position(|relation| relation.name == include.relation);
        let position = position.ok_or_else(|| unknown_relation(&scope.model, &include.relation))?;
        let def = scope.model.relations[position].clone();
        let link = def.link(&scope.model, self.models)?;
        let name = include.alias.clone().unwrap_or_else(|| def.name.clone());
        if def.kind.is_many() {
            let condition = include.required.then(|| self.exists(scope, include)).transpose()?;
            node.many.push(Many {
                relation: position,
                name,
                source: Some(scope.model.clone()),
                link: Arc::new(link),
                def: Arc::new(def),
                include: include.clone(),
                within: Vec::new(),
            });
            return Ok(condition);
        }
        let mut one = self.join_one(scope, include, (&def, &link), list, depth)?;
        one.relation = position;
        one.name = name;
        node.ones.push(one);
        Ok(None)
    }

    /// Joins the row of a to-one relation.
    fn join_one(
        &mut self,
        scope: &Scope,
        include: &IncludeState,
        (def, link): (&RelationDef, &Link),
        list: &mut Vec<SelectItem>,
        depth: usize,
    ) -> Result<Node> {
        let alias = self.alias();
        let target = Scope { model: link.target.clone(), alias: alias.clone(), joins: true };
        let clauses = scope::scoped(&link.target, include.clauses.clone(), self.models);
        let place = self.joins.len();
        // The join's place is kept before those of nested includes, which refer to it.
        self.joins.push(Join { kind: JoinKind::Left, source: Source::table(self.table(&link.target), alias.clone()), on: None });
        self.remember_join(&scope.alias, &def.name, &alias, &link.target);
        let mut on = match &include.on {
            Some(on) => vec![self.below(scope, |planner| planner.rewrite(on.clone(), &Scope { joins: false, ..target.clone() }))?],
            None => link_condition(link, &scope.model, &scope.alias, &link.target, &alias),
        };
        // Conditions in ON must not add joins behind the one they belong to.
        let inner = Scope { joins: false, ..target.clone() };
        for (name, value) in &def.scope {
            on.push(self.rewrite(scope_condition(&link.target, name, value), &inner)?);
        }
        on.extend(self.below(scope, |planner| planner.conditions(&clauses.filters, &inner, &clauses.includes))?);
        if def.kind == sequor_core::schema::RelationKind::HasOne && !is_unique(&link.target, &link.columns) {
            on.push(self.first_only(link, &clauses, &def.scope, &target)?);
        }
        for nested in clauses.includes.iter().filter(|nested| nested.required && !include.required) {
            on.push(self.exists(&inner, nested)?);
        }
        let nested = if include.required { clauses.clone() } else { without_required(&clauses) };
        let (node, conditions) = self.node(&target, &nested, list, false, depth + 1)?;
        on.extend(conditions);
        if let Some(join) = self.joins.get_mut(place) {
            join.kind = if include.required { JoinKind::Inner } else { JoinKind::Left };
            join.on = super::all(on);
        }
        Ok(node)
    }

    /// A has-one whose key is not unique in the database still gives one row: the first by primary key.
    pub(super) fn first_only(&mut self, link: &Link, clauses: &Clauses, fixed: &[(Name, crate::Value)], target: &Scope) -> Result<Expr> {
        let other = Scope { model: link.target.clone(), alias: self.alias(), joins: false };
        let mut filters = pairs(&link.target, &link.columns, &other.alias, &link.target, &link.columns, &target.alias);
        for filter in &clauses.filters {
            filters.push(self.rewrite(filter.clone(), &other)?);
        }
        for (name, value) in fixed {
            filters.push(self.rewrite(scope_condition(&link.target, name, value), &other)?);
        }
        let mut smaller = Vec::new();
        for (count, key) in link.target.primary_key.iter().enumerate() {
            let column = |scope: &Scope, position: usize| Expr::column(scope.alias.clone(), link.target.columns[position].column.clone());
            let mut parts: Vec<Expr> = link.target.primary_key[..count]
                .iter()
                .map(|before| column(&other, *before).binary(sequor_core::statement::BinaryOp::Equal, column(target, *before)))
                .collect();
            parts.push(column(&other, *key).binary(sequor_core::statement::BinaryOp::Less, column(target, *key)));
            smaller.push(Expr::And(parts));
        }
        filters.push(Expr::Or(smaller));
        let select =
            Select { from: Some(Source::table(self.table(&link.target), other.alias)), filter: super::all(filters), ..Select::default() };
        Ok(Expr::Exists { select: Box::new(select), negated: true })
    }

    /// "Has a row that this include would load", also over its own required includes.
    pub(super) fn exists(&mut self, scope: &Scope, include: &IncludeState) -> Result<Expr> {
        if include.on.is_some() {
            return self.exists_on(scope, include);
        }
        let expr = self.exists_of(&scope.model, include)?;
        self.rewrite(expr, scope)
    }

    /// A logical "has a row" with the include's filters and its nested required includes.
    fn exists_of(&self, model: &ModelDef, include: &IncludeState) -> Result<Expr> {
        let def = model.relation(&include.relation).ok_or_else(|| unknown_relation(model, &include.relation))?;
        let target = def.link(model, self.models)?.target;
        let mut filters = include.clauses.filters.clone();
        for nested in include.clauses.includes.iter().filter(|nested| nested.required) {
            filters.push(self.exists_of(&target, nested)?);
        }
        if include.clauses.deleted == Deleted::Only {
            filters.extend(scope::deletion_filter(&target, Deleted::Only));
        }
        Ok(Expr::Relation(Box::new(RelationExpr {
            relation: include.relation.clone(),
            quantifier: Quantifier::Any,
            filter: super::all(filters),
            through: include.through.clone(),
            aggregate: None,
            with_deleted: include.clauses.deleted != Deleted::Hidden,
        })))
    }

    fn is_many(&self, scope: &Scope, include: &IncludeState) -> Result<bool> {
        let def = scope.model.relation(&include.relation).ok_or_else(|| unknown_relation(&scope.model, &include.relation))?;
        Ok(def.kind.is_many())
    }

    /// The conditions that required includes put on the rows, when nothing of them is loaded.
    pub(super) fn required(&mut self, scope: &Scope, clauses: &Clauses, depth: usize) -> Result<Vec<Expr>> {
        let mut conditions = Vec::new();
        for include in &clauses.includes {
            if include.joined {
                self.join_only(scope, include, depth)?;
            } else if scope.joins && clauses.reaches(&include.relation) && !self.is_many(scope, include)? {
                let def = scope.model.relation(&include.relation).ok_or_else(|| unknown_relation(&scope.model, &include.relation))?.clone();
                let link = def.link(&scope.model, self.models)?;
                self.join_one(scope, include, (&def, &link), &mut Vec::new(), depth)?;
            } else if include.required {
                conditions.push(self.exists(scope, include)?);
            }
        }
        Ok(conditions)
    }
}

/// The nested includes of an optional parent: what they require is asked in the parent's own condition, so they join as optional.
fn without_required(clauses: &Clauses) -> Clauses {
    let mut clauses = clauses.clone();
    for include in &mut clauses.includes {
        include.required = false;
    }
    clauses
}

/// Whether these columns hold a unique key.
pub(super) fn is_unique(model: &ModelDef, columns: &[usize]) -> bool {
    model.unique_keys().iter().any(|key| key.iter().all(|position| columns.contains(position)))
}
