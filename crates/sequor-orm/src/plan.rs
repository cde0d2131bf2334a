//! [`plan`]: a query becomes statements. Scopes, soft deletion, includes and limits are applied here and nowhere else.

mod exact;
mod include;
mod joined;
mod lately;
mod many;
mod prepared;
mod query;
mod ranked;
mod repeat;
mod rewrite;
mod scope;
mod search;
mod shape;
mod union;
mod with;
mod write;

pub(crate) use exact::mark_exact;
pub use include::{Many, Node};
pub use joined::Within;
pub use lately::Lately;
pub use many::{Cutting, LinkAt, Parents, Sorting, plan_many};
pub(crate) use prepared::{
    KeyParams, Prepared, Statements, prepare, prepare_count, prepare_key, prepare_later, prepare_many, prepare_write, write,
};
pub(crate) use repeat::{concerns_single_rows, repeatable};
pub use rewrite::prefixed;
pub(crate) use scope::{is_grouped, of_write};
pub(crate) use search::is_integer;
pub(crate) use shape::{insert_key, may_be_scoped, update_key};
pub use write::{write_expr, write_filter, write_order, write_query};

use crate::model::{RowShape, ShapeItem};
use crate::query::{Clauses, QueryState};
use rewrite::Scope;
use sequor_core::Name;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{ModelDef, Models, SortDirection, TableName};
use sequor_core::statement::{Alias, Distinct, Expr, Field, Func, Join, JsonAs, OrderBy, Select, SelectItem, Source, walk};
use std::sync::Arc;

/// The deepest include tree: deeper ones are a mistake, and would overflow a stack somewhere.
const DEEPEST: usize = 32;

/// A statement and how its rows are read.
#[derive(Debug)]
pub struct Plan {
    /// The statement.
    pub select: Select,
    /// The rows of it.
    pub node: Node,
}

/// Makes the statements of one query; hands out aliases.
pub struct Planner<'a> {
    models: &'a dyn Models,
    next: u16,
    joins: Vec<Join>,
    /// Which alias a to-one path already has: (alias of the parent, relation) → alias.
    joined: Vec<((Alias, Name), Alias, Arc<ModelDef>)>,
    schema: Option<Name>,
    /// The queries around the one that is planned, outermost first.
    around: Vec<Scope>,
    /// The rows that those of the relation being planned hang on, outermost first.
    parents: Vec<Scope>,
    /// The queries that have names, and the models of their rows.
    named: Vec<(Name, Arc<ModelDef>)>,
}

/// Plans a read of rows.
///
/// # Errors
/// `Usage` for a field, relation or expression that the model does not have.
pub fn plan(state: &QueryState, models: &dyn Models) -> Result<Plan> {
    check_depth(&state.clauses, 0)?;
    Planner::new(models).rows(state)
}

/// Refuses a tree before its first level is read.
fn check_depth(clauses: &Clauses, depth: usize) -> Result<()> {
    if depth > DEEPEST {
        return Err(too_deep());
    }
    clauses.includes.iter().try_for_each(|include| check_depth(&include.clauses, depth + 1))
}

/// Plans the number of rows, without limit, offset and order.
///
/// # Errors
/// As [`plan`].
pub fn plan_count(state: &QueryState, models: &dyn Models) -> Result<Select> {
    check_depth(&state.clauses, 0)?;
    Planner::new(models).count(state)
}

/// The positions of a model's key; of a model without one, a position that no field has.
fn key_set(model: &ModelDef) -> Vec<usize> {
    if model.primary_key.is_empty() { vec![usize::MAX] } else { model.primary_key.clone() }
}

impl<'a> Planner<'a> {
    /// A planner for one statement.
    pub fn new(models: &'a dyn Models) -> Planner<'a> {
        Planner {
            models,
            next: 0,
            joins: Vec::new(),
            joined: Vec::new(),
            schema: None,
            around: Vec::new(),
            parents: Vec::new(),
            named: Vec::new(),
        }
    }

    fn alias(&mut self) -> Alias {
        let alias = Alias::T(self.next);
        self.next = self.next.saturating_add(1);
        alias
    }

    fn table(&self, model: &ModelDef) -> TableName {
        let mut table = model.table.clone();
        if table.schema.is_none() {
            table.schema.clone_from(&self.schema);
        }
        table
    }

    /// The rows of a query with their to-one includes.
    fn rows(mut self, state: &QueryState) -> Result<Plan> {
        self.plan_rows(state)
    }

    /// The rows of a query or sub-query.
    fn plan_rows(&mut self, state: &QueryState) -> Result<Plan> {
        if !state.clauses.compound.is_empty() {
            return self.compound(state);
        }
        let mut clauses = scope::scoped(&state.model, (*state.clauses).clone(), self.models);
        self.with(&mut clauses)?;
        if clauses.lock.as_ref().is_some_and(|lock| !lock.of.is_empty()) {
            self.hold_locked(&mut clauses, &state.model)?;
        }
        let alias = self.alias();
        let scope = Scope::new(state.model.clone(), alias.clone());
        let mut select = Select { from: Some(self.source(&state.model, &alias, &clauses)?), ..Select::default() };
        let (mut node, mut filters) = self.node(&scope, &clauses, &mut select.columns, true, 0)?;
        joined::restrict(&mut node, &state.model, &clauses.filters, &clauses.includes, self.models);
        filters.extend(self.conditions(&clauses.filters, &scope, &clauses.includes)?);
        filters.extend(self.page(&mut clauses, &scope)?);
        self.fill(&mut select, &state.model, clauses, filters, &scope)?;
        select.joins = std::mem::take(&mut self.joins);
        Ok(Plan { select, node })
    }

    fn source(&self, model: &ModelDef, alias: &Alias, clauses: &Clauses) -> Result<Source> {
        if let Some(name) = &clauses.from_named {
            return self.named_source(name, model, alias);
        }
        let mut source = Source::table(self.table(model), alias.clone());
        source.hints.clone_from(&clauses.hints);
        Ok(source)
    }

    /// Everything of a select but its columns and joins.
    fn fill(&mut self, select: &mut Select, model: &ModelDef, clauses: Clauses, filters: Vec<Expr>, scope: &Scope) -> Result<()> {
        select.filter = all(filters);
        for group in clauses.group {
            select.group_by.push(self.rewrite(group, scope)?);
        }
        let having = clauses.having.into_iter().map(|having| self.rewrite(having, scope)).collect::<Result<Vec<_>>>()?;
        select.having = all(having);
        let limited = clauses.limit.is_some() || clauses.offset.is_some();
        let plain =
            select.group_by.is_empty() && clauses.select.as_ref().is_none_or(|items| !items.iter().any(|item| is_aggregate(&item.expr)));
        let mut order = clauses.order;
        if !plain && select.group_by.is_empty() {
            // The one row of aggregates has no order, and PostgreSQL refuses one by a column.
            order.clear();
        }
        if order.is_empty() && limited && !clauses.unordered && plain && matches!(clauses.distinct, Distinct::No) {
            order.extend(model.primary_key.iter().map(|position| by_column(model, *position)));
        }
        if order.is_empty()
            && !clauses.unordered
            && let Distinct::On(exprs) = &clauses.distinct
        {
            // The first row of each group is the one with the smallest key.
            order.extend(exprs.iter().map(|expr| OrderBy { expr: expr.clone(), direction: SortDirection::Ascending, nulls: None }));
            order.extend(model.primary_key.iter().map(|position| by_column(model, *position)));
        }
        // Others bring names of their own along.
        let names_known = clauses.with.is_empty() && clauses.from_named.is_none();
        let mut total = key_set(model);
        for mut by in order {
            if let (Expr::Alias(name), Some(fields)) = (&by.expr, clauses.fields)
                && let Some(expr) = fields(name)
            {
                by.expr = expr;
            }
            let is_named =
                |name: &Name| select.columns.iter().any(|item| item.alias.as_ref() == Some(name)) || model.position(name).is_some();
            if let Expr::Alias(name) = &by.expr
                && names_known
                && !is_named(name)
            {
                return Err(unknown_alias(model, name, &select.columns));
            }
            if self.leads_to_many(&mut by.expr.clone(), scope) {
                // The first of a parent's rows sorts it; a page is cut before its rows are joined, and a key leaves nothing to sort.
                if !limited && !total.is_empty() {
                    let expr = self.first_of_many(&by, scope, &clauses.includes)?;
                    select.order_by.push(OrderBy { expr, ..by });
                }
                continue;
            }
            if let Expr::Field(field) = &by.expr
                && field.path.is_empty()
            {
                total.retain(|position| Some(*position) != model.position(&field.name));
            }
            select.order_by.push(OrderBy { expr: self.rewrite_order(by.expr, scope)?, ..by });
        }
        select.distinct = match clauses.distinct {
            Distinct::On(exprs) => Distinct::On(exprs.into_iter().map(|expr| self.rewrite(expr, scope)).collect::<Result<_>>()?),
            other => other,
        };
        select.limit = clauses.limit;
        select.offset = clauses.offset;
        select.lock = clauses.lock;
        if let Some(lock) = &mut select.lock {
            // The rows of the query itself: PostgreSQL refuses to lock the nullable side of an outer join.
            if !self.joins.is_empty() || !lock.of.is_empty() {
                lock.of = self.locked(&lock.of, scope)?;
            }
        }
        one_row_each(select, plain)?;
        select.tags = clauses.tags;
        select.with = clauses.with;
        Ok(())
    }

    /// `SELECT count(*)`; over a sub-query where rows are grouped or distinct.
    fn count(mut self, state: &QueryState) -> Result<Select> {
        if !state.clauses.compound.is_empty() {
            return self.count_compound(state);
        }
        let mut clauses = scope::scoped(&state.model, (*state.clauses).clone(), self.models);
        clauses.order.clear();
        clauses.limit = None;
        clauses.offset = None;
        clauses.lock = None;
        clauses.unordered = true;
        self.with(&mut clauses)?;
        let alias = self.alias();
        let scope = Scope::new(state.model.clone(), alias.clone());
        let mut filters = self.required(&scope, &clauses, 0)?;
        filters.extend(self.conditions(&clauses.filters, &scope, &clauses.includes)?);
        let counted = SelectItem::named(Expr::call(Func::Count, vec![Expr::Star]), "count");
        let nested = !clauses.group.is_empty() || !matches!(clauses.distinct, Distinct::No);
        let mut select = Select { from: Some(self.source(&state.model, &alias, &clauses)?), ..Select::default() };
        if nested {
            let items = clauses.select.clone().unwrap_or_else(|| vec![SelectItem::new(Expr::Field(field(&state.model, 0)))]);
            for (number, item) in items.into_iter().enumerate() {
                select.columns.push(SelectItem::named(self.rewrite(item.expr, &scope)?, format!("c{number}")));
            }
        } else {
            select.columns.push(counted.clone());
        }
        self.fill(&mut select, &state.model, clauses, filters, &scope)?;
        select.joins = std::mem::take(&mut self.joins);
        if nested {
            let outer = self.alias();
            select = Select { columns: vec![counted], from: Some(Source::select(select, outer)), ..Select::default() };
        }
        Ok(select)
    }

    /// The columns of one model's rows, appended to a select list.
    fn columns(&mut self, scope: &Scope, clauses: &Clauses, hidden: Vec<usize>, list: &mut Vec<SelectItem>) -> Result<RowShape> {
        let column = |position: usize| SelectItem::new(Expr::column(scope.alias.clone(), scope.model.columns[position].column.clone()));
        let Some(items) = &clauses.select else {
            list.extend((0..scope.model.columns.len()).map(column));
            return Ok(RowShape { items: None, hidden: Vec::new() });
        };
        let mut shape = Vec::with_capacity(items.len());
        for item in items {
            let position = match &item.expr {
                Expr::Field(Field { path, name, position }) if path.is_empty() => {
                    position.map(usize::from).or_else(|| scope.model.position(name))
                }
                _ => None,
            };
            let name = match (&item.alias, position) {
                (Some(alias), _) => alias.clone(),
                (None, Some(position)) => scope.model.columns[position].name.clone(),
                (None, None) => Name::Borrowed(""),
            };
            let document = matches!(item.expr, Expr::Json { take: JsonAs::Json, .. });
            shape.push(ShapeItem { name, column: position, document });
            list.push(SelectItem { expr: self.rewrite(item.expr.clone(), scope)?, alias: item.alias.clone() });
        }
        list.extend(hidden.iter().copied().map(column));
        Ok(RowShape { items: Some(shape), hidden })
    }
}

/// Refuses what needs one row of the table for each row of the answer, where there is none.
fn one_row_each(select: &Select, plain: bool) -> Result<()> {
    if select.lock.is_some() && (!plain || !matches!(select.distinct, Distinct::No)) {
        return Err(refused("rows that are grouped, aggregated or distinct cannot be locked: lock them by a query of their own"));
    }
    let shown = |expr: &Expr| matches!(expr, Expr::Alias(_)) || select.columns.iter().any(|item| item.expr == *expr.unranked());
    if matches!(select.distinct, Distinct::Yes) && !select.order_by.iter().all(|by| shown(&by.expr)) {
        return Err(refused("distinct rows are sorted by what they select: select it too, or take the first row of each by `distinct_on`"));
    }
    Ok(())
}

/// What the databases would refuse, each in its own words.
#[cold]
#[track_caller]
pub(crate) fn refused(message: &str) -> Error {
    Error::of_usage(UsageErrorKind::Refused, message)
}

/// An order by an alias that nothing selected has: servers would say that the table lacks a column.
#[cold]
fn unknown_alias(model: &ModelDef, name: &Name, columns: &[SelectItem]) -> Error {
    let known: Vec<&str> = columns.iter().filter_map(|item| item.alias.as_deref()).collect();
    let known = if known.is_empty() { "nothing selected has an alias".to_owned() } else { format!("there are {}", known.join(", ")) };
    let (model, name) = (&model.name, name.escape_debug());
    Error::of_usage(
        UsageErrorKind::Query,
        format!("{model}: no alias \"{name}\" to sort by: {known}; name what is selected by .alias(\"{name}\")"),
    )
}

/// A field of a model by position.
pub(crate) fn field(model: &ModelDef, position: usize) -> Field {
    let name = model.columns.get(position).map_or(Name::Borrowed(""), |column| column.name.clone());
    Field { path: Vec::new(), name, position: u16::try_from(position).ok() }
}

fn by_column(model: &ModelDef, position: usize) -> OrderBy {
    OrderBy { expr: Expr::Field(field(model, position)), direction: SortDirection::Ascending, nulls: None }
}

/// All of these conditions, or none at all.
pub(crate) fn all(mut filters: Vec<Expr>) -> Option<Expr> {
    match filters.len() {
        0 => None,
        1 => filters.pop(),
        _ => Some(Expr::And(filters)),
    }
}

/// Whether an expression is, or holds, an aggregate of its own query.
pub(crate) fn is_aggregate(expr: &Expr) -> bool {
    holds_aggregate(&mut expr.clone())
}

/// The same without a copy, which may be one of thousands of values; nothing is changed.
fn holds_aggregate(expr: &mut Expr) -> bool {
    let own = matches!(expr, Expr::Call { func, .. } if func.is_aggregate());
    // A function over a window has a value for each row.
    own || !matches!(expr, Expr::Over(_)) && walk(expr, &mut |child| if holds_aggregate(child) { Err(()) } else { Ok(()) }).is_err()
}

/// Conditions are asked of single rows, before they are grouped and before windows look at them.
pub(crate) fn refuse_groups(filter: &mut Expr) -> Result<()> {
    if holds_aggregate(filter) {
        return Err(refused("a filter cannot hold an aggregate: say it in `having(..)`, or compare with `scalar(..)` of a query"));
    }
    if holds_window(filter) {
        return Err(refused("a filter cannot hold a function over a window: select it with the key, and filter what comes back"));
    }
    Ok(())
}

/// Whether an expression is, or holds, a function over a window.
pub(crate) fn is_window(expr: &Expr) -> bool {
    holds_window(&mut expr.clone())
}

fn holds_window(expr: &mut Expr) -> bool {
    matches!(expr, Expr::Over(_)) || walk(expr, &mut |child| if holds_window(child) { Err(()) } else { Ok(()) }).is_err()
}

/// An include tree that is too deep.
#[cold]
fn too_deep() -> Error {
    Error::usage(format!("the include tree is deeper than {DEEPEST} levels"))
}
