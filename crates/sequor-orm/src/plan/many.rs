//! The statement of a to-many include: the rows of many parents at once, also with a limit for each.

use super::include::Many;
use super::rewrite::{Scope, pairs, scope_condition};
use super::{Node, Plan, Planner, field, scope};
use crate::load::is_small_integer;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{IndexDef, Link, ModelDef, Models, SortDirection, ThroughLink};
use sequor_core::statement::{
    Alias, BinaryOp, CastType, Distinct, Expr, Func, Join, JoinKind, OrderBy, Quantifier, Select, SelectItem, Source, Window,
};
use sequor_core::types::{BindType, ColumnType, ScalarType};
use sequor_core::{Name, Value};
use sequor_sql::Dialect;

/// The parents whose children are read.
#[derive(Debug)]
pub enum Parents {
    /// Those with these keys.
    Keys(Vec<Vec<Value>>),
    /// Those that a query finds; it selects their keys.
    Found(Box<Select>),
}

impl Parents {
    /// The parents that a statement reads, by the keys in these cells.
    pub(crate) fn of(select: &Select, cells: &[usize]) -> Option<Parents> {
        let columns = cells.iter().map(|cell| select.columns.get(*cell).map(|item| SelectItem::new(item.expr.clone())));
        let mut found = Select { columns: columns.collect::<Option<_>>()?, tags: Vec::new(), ..select.clone() };
        if found.limit.is_none() && found.offset.is_none() {
            found.order_by.clear();
        }
        Some(Parents::Found(Box::new(found)))
    }

    /// The keys of the parents, each once, in a column `k`.
    fn listed(self, ty: &ColumnType) -> Select {
        let list = match self {
            Parents::Keys(rows) => {
                let values = rows.into_iter().map(|row| row.into_iter().next().unwrap_or_default()).collect();
                let list = Expr::Value(Value::Array(values), BindType::list(ty.bind().scalar));
                Expr::Cast(Box::new(list), CastType::Column(ColumnType::Array(Box::new(ty.clone()))))
            }
            Parents::Found(select) => Expr::call(Func::Named(Name::Borrowed("ARRAY")), vec![Expr::Select(select)]),
        };
        let member = Expr::call(Func::Named(Name::Borrowed("unnest")), vec![list]);
        Select { distinct: Distinct::Yes, columns: vec![SelectItem::named(member, "k")], ..Select::default() }
    }

    /// The condition that these columns hold the key of a parent; `scanned` where no index begins with them.
    fn condition(self, mut linking: Vec<Expr>, binds: Vec<BindType>, scanned: bool) -> Expr {
        match self {
            Parents::Keys(rows) => Expr::InValues { exprs: linking, rows, binds, negated: false, scanned },
            // An array is made once; with IN the server may repeat the query.
            Parents::Found(select) if linking.len() == 1 => Expr::Quantified {
                op: BinaryOp::Equal,
                left: Box::new(linking.remove(0)),
                quantifier: Quantifier::Any,
                right: Box::new(Expr::call(Func::Named(Name::Borrowed("ARRAY")), vec![Expr::Select(select)])),
            },
            Parents::Found(select) => Expr::InSelect { expr: Box::new(Expr::Tuple(linking)), select, negated: false },
        }
    }
}

/// Where the link of a row of a to-many include to its parents stands.
#[derive(Clone, Debug)]
pub struct LinkAt {
    /// The first cell of the row between (many-to-many).
    pub between: usize,
    /// The cells of the linking columns, where there is no row between.
    pub cells: Vec<usize>,
    /// The linking column, where it is one that the rows themselves hold.
    pub own: Option<usize>,
}

/// Who brings the rows of an include without an order into that of their key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sorting {
    /// The database.
    Database,
    /// Whoever reads them, where the key is an integer: they nearly always come in order, and looking costs less than a sort.
    Reader,
}

/// The primary key, where it is one integer.
fn integer_key(model: &ModelDef) -> Option<usize> {
    match model.primary_key.as_slice() {
        [key] if is_small_integer(&model.columns[*key].ty) => Some(*key),
        _ => None,
    }
}

/// How the rows of an include with a limit for each parent are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cutting {
    /// All of them are numbered.
    Numbered,
    /// Parent by parent, where an index finds those of one: no more are read than the limit where it has their order too.
    Apart,
}

impl Cutting {
    /// What a database does best.
    pub(crate) fn of(dialect: Dialect) -> Cutting {
        if dialect.reads_for_each() { Cutting::Apart } else { Cutting::Numbered }
    }
}

/// Plans the rows of a to-many include for these parents. The rows of a model between stand behind those of the target.
///
/// # Errors
/// As [`super::plan`].
pub fn plan_many(many: &Many, parents: Parents, (sorting, cutting): (Sorting, Cutting), models: &dyn Models) -> Result<(Plan, LinkAt)> {
    Planner::new(models).many(many, parents, (sorting, cutting))
}

/// Whether an index that the model knows begins with this column. The parts of a longer key are compared as a whole.
fn leads_an_index(model: &ModelDef, columns: &[usize]) -> bool {
    let [position] = columns else { return true };
    let column = &model.columns[*position];
    let leads = |index: &IndexDef| {
        matches!(index.method.as_deref(), None | Some("btree" | "hash"))
            && index.parts.first().is_some_and(|part| part.column.as_ref() == Some(&column.name))
    };
    model.primary_key.first() == Some(position) || column.unique.is_some() || model.indexes.iter().any(leads)
}

/// The type of the one linking column by which an index finds the rows of a parent; a list is compared with it as it is.
fn found_apart<'a>(model: &'a ModelDef, columns: &[usize]) -> Option<&'a ColumnType> {
    let [position] = columns else { return None };
    let column = &model.columns[*position];
    let is_same = column.db_type.is_none() && (column.ty.is_integer() || column.ty == ColumnType::Uuid);
    (is_same && leads_an_index(model, columns)).then_some(&column.ty)
}

/// Whether every row that could belong to a parent is compared with the keys, because no index answers for them.
pub(crate) fn scanned(link: &Link) -> bool {
    match &link.through {
        None => !leads_an_index(&link.target, &link.columns),
        Some(through) => !leads_an_index(&through.model, &through.to_source),
    }
}

/// Selects the rows between, which hold the link.
fn link_between(select: &mut Select, through: &ThroughLink, between: &Alias) -> LinkAt {
    let at = LinkAt { between: select.columns.len(), cells: Vec::new(), own: None };
    let columns = through.model.columns.iter().map(|column| SelectItem::new(Expr::column(between.clone(), column.column.clone())));
    select.columns.extend(columns);
    at
}

/// Where the link stands in rows that hold it, as most do; it is selected where they do not.
fn link_of_rows(select: &mut Select, node: &Node, linking: &[Expr], columns: &[usize], is_own: bool) -> LinkAt {
    let mut at = LinkAt { between: select.columns.len(), cells: Vec::new(), own: None };
    if let ([column], true) = (columns, is_own) {
        at.own = node.cell(*column).map(|_| *column);
    }
    for (position, column) in columns.iter().zip(linking) {
        at.cells.push(node.cell(*position).unwrap_or(select.columns.len()));
        if node.cell(*position).is_none() {
            select.columns.push(SelectItem::new(column.clone()));
        }
    }
    at
}

impl Planner<'_> {
    fn many(mut self, many: &Many, parents: Parents, (sorting, cutting): (Sorting, Cutting)) -> Result<(Plan, LinkAt)> {
        let link = &many.link;
        let mut clauses = scope::scoped(&link.target, many.include.clauses.clone(), self.models);
        let (limit, offset) = (clauses.limit.take(), clauses.offset.take());
        let alias = self.alias();
        let target = Scope::new(link.target.clone(), alias.clone());
        let mut select = Select { from: Some(self.source(&link.target, &alias, &clauses)?), ..Select::default() };
        // The linking columns must be readable from the rows, whatever is selected.
        let mut filters = Vec::new();
        let parent = self.parent(many, &target)?;
        let (owner, owner_alias, owner_columns): (&ModelDef, Alias, &[usize]) = match &link.through {
            // A condition of its own links the rows to their parents, which are part of the statement then.
            None if many.include.on.is_some() => match &parent {
                Some(parent) => (&parent.model, parent.alias.clone(), &link.source),
                None => (&link.target, alias.clone(), &link.columns),
            },
            None => (&link.target, alias.clone(), &link.columns),
            Some(through) => (&through.model, self.between(through, link, &alias), &through.to_source),
        };
        let linking: Vec<Expr> =
            owner_columns.iter().map(|position| Expr::column(owner_alias.clone(), owner.columns[*position].column.clone())).collect();
        let binds = owner_columns.iter().map(|position| owner.columns[*position].ty.bind()).collect();
        // Where rows are cut, which ones is never left to chance; others come in the order of their key too.
        let cut = limit.is_some() || offset.is_some();
        let apart = if cut && cutting == Cutting::Apart && parent.is_none() { found_apart(owner, owner_columns) } else { None };
        let mut listed = None;
        if let Some(ty) = apart {
            let alias = self.alias();
            let member = || Expr::column(alias.clone(), "k");
            filters.extend(linking.iter().map(|column| column.clone().binary(BinaryOp::Equal, member())));
            listed = Some(Source::select(parents.listed(ty), alias));
        } else {
            filters.push(parents.condition(linking.clone(), binds, !leads_an_index(owner, owner_columns)));
        }
        self.between_filters(many, &owner_alias, &mut filters)?;
        for (name, value) in &many.def.scope {
            filters.push(self.rewrite(scope_condition(&link.target, name, value), &target)?);
        }
        let (mut node, conditions) = self.node(&target, &clauses, &mut select.columns, true, 0)?;
        filters.extend(conditions);
        super::joined::restrict(&mut node, &link.target, &clauses.filters, &clauses.includes, self.models);
        super::joined::carry(&mut node, &many.within);
        let own = std::mem::take(&mut clauses.filters);
        filters.extend(match &parent {
            Some(parent) => self.below(parent, |planner| planner.conditions(&own, &target, &clauses.includes))?,
            None => self.conditions(&own, &target, &clauses.includes)?,
        });
        for within in &many.within {
            filters.push(self.within(within, &target, &linking, link)?);
        }
        let at = match &link.through {
            Some(through) => link_between(&mut select, through, &owner_alias),
            None => link_of_rows(&mut select, &node, &linking, owner_columns, owner_alias == alias),
        };
        if sorting == Sorting::Reader && clauses.order.is_empty() && !cut {
            node.by_key = integer_key(&link.target).filter(|key| node.cell(*key).is_some());
        }
        if cut || (clauses.order.is_empty() && node.by_key.is_none()) {
            clauses.order.extend(link.target.primary_key.iter().map(|position| OrderBy {
                expr: Expr::Field(field(&link.target, *position)),
                direction: SortDirection::Ascending,
                nulls: None,
            }));
        }
        self.fill(&mut select, &link.target, clauses, filters, &target)?;
        select.joins = std::mem::take(&mut self.joins);
        if let Some(listed) = listed {
            select = self.limited_apart(select, listed, limit, offset);
        } else if cut {
            select = self.limited(select, linking, limit, offset.unwrap_or(0));
        }
        Ok((Plan { select, node }, at))
    }

    /// Joins the model between.
    fn between(&mut self, through: &ThroughLink, link: &Link, target: &Alias) -> Alias {
        let between = self.alias();
        let on = pairs(&through.model, &through.to_target, &between, &link.target, &link.columns, target);
        let source = Source::table(self.table(&through.model), between.clone());
        self.joins.push(Join { kind: JoinKind::Inner, source, on: super::all(on) });
        between
    }

    /// The parents as a source of the statement, where its conditions name them.
    fn parent(&mut self, many: &Many, target: &Scope) -> Result<Option<Scope>> {
        let include = &many.include;
        let named = super::joined::names_parent(&include.clauses.filters);
        if many.link.through.is_some() || (include.on.is_none() && !named) {
            return Ok(None);
        }
        let Some(model) = &many.source else { return Err(Error::bug("the model of the parents is not known")) };
        let parent = Scope { model: model.clone(), alias: self.alias(), joins: false };
        let on = match &include.on {
            Some(on) => vec![self.below(&parent, |planner| planner.rewrite(on.clone(), &Scope { joins: false, ..target.clone() }))?],
            None => pairs(model, &many.link.source, &parent.alias, &many.link.target, &many.link.columns, &target.alias),
        };
        let source = Source::table(self.table(model), parent.alias.clone());
        self.joins.push(Join { kind: JoinKind::Inner, source, on: super::all(on) });
        Ok(Some(parent))
    }

    fn between_filters(&mut self, many: &Many, alias: &Alias, filters: &mut Vec<Expr>) -> Result<()> {
        let Some(through) = &many.link.through else { return Ok(()) };
        let between = Scope { model: through.model.clone(), alias: alias.clone(), joins: false };
        if let Some(live) = scope::deletion_filter(&through.model, many.include.between()) {
            filters.push(self.rewrite(live, &between)?);
        }
        if let Some(def) = &many.def.through {
            for (name, value) in &def.scope {
                filters.push(self.rewrite(scope_condition(&through.model, name, value), &between)?);
            }
        }
        if let Some(filter) = &many.include.through {
            filters.push(self.rewrite(filter.clone(), &between)?);
        }
        Ok(())
    }

    /// So many rows for each parent of a list, read one parent after the other.
    fn limited_apart(&mut self, mut inner: Select, parents: Source, limit: Option<u64>, offset: Option<u64>) -> Select {
        let (width, outer) = (inner.columns.len(), self.alias());
        for (number, item) in inner.columns.iter_mut().enumerate() {
            item.alias = Some(Name::Owned(format!("c{number}")));
        }
        let mut order = Vec::with_capacity(inner.order_by.len());
        for (number, by) in inner.order_by.iter_mut().enumerate() {
            let name = Name::Owned(format!("o{number}"));
            order.push(OrderBy { expr: Expr::column(outer.clone(), name.clone()), ..by.clone() });
            // By its name, so that the values in it are bound once.
            let own = std::mem::replace(&mut by.expr, Expr::Column { table: None, name: name.clone() });
            inner.columns.push(SelectItem::named(own, name));
        }
        (inner.limit, inner.offset) = (limit, offset.filter(|offset| *offset > 0));
        Select {
            columns: (0..width).map(|number| SelectItem::new(Expr::column(outer.clone(), format!("c{number}")))).collect(),
            from: Some(parents),
            joins: vec![Join { kind: JoinKind::Lateral, source: Source::select(inner, outer), on: None }],
            order_by: order,
            ..Select::default()
        }
    }

    /// So many rows for each parent: numbered by a window, cut outside.
    fn limited(&mut self, mut inner: Select, partition: Vec<Expr>, limit: Option<u64>, offset: u64) -> Select {
        let order = std::mem::take(&mut inner.order_by);
        for (number, item) in inner.columns.iter_mut().enumerate() {
            item.alias = Some(Name::Owned(format!("c{number}")));
        }
        let width = inner.columns.len();
        let number = Expr::Over(Box::new(Window { call: Expr::call(Func::RowNumber, Vec::new()), partition, order, frame: None }));
        inner.columns.push(SelectItem::named(number, "rn"));
        let outer = self.alias();
        let rn = Expr::column(outer.clone(), "rn");
        let bound = |value: u64| Expr::Value(Value::from_u64(value), BindType::one(ScalarType::I64));
        let mut filters = Vec::new();
        if offset > 0 {
            filters.push(rn.clone().binary(BinaryOp::Greater, bound(offset)));
        }
        if let Some(limit) = limit {
            filters.push(rn.clone().binary(BinaryOp::LessEqual, bound(offset.saturating_add(limit))));
        }
        Select {
            columns: (0..width).map(|number| SelectItem::new(Expr::column(outer.clone(), format!("c{number}")))).collect(),
            from: Some(Source::select(inner, outer)),
            filter: super::all(filters),
            order_by: vec![OrderBy { expr: rn, direction: SortDirection::Ascending, nulls: None }],
            ..Select::default()
        }
    }
}
