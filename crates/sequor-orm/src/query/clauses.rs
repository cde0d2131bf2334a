//! [`Clauses`]: everything that a query can say, without types. [`QueryState`] is a model and its clauses.

mod shown;
mod together;
mod wanted;

pub(crate) use shown::{ShownExpr, ShownInclude, ShownQuery};
pub(crate) use together::{by_keys, taken_apart};
pub use wanted::Wanted;

use sequor_core::Name;
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, Cte, Distinct, Expr, Hint, Lock, OrderBy, QueryTree, SelectItem, SetOp, walk};
use std::sync::Arc;
use std::time::Duration;

/// A query: a model and what is asked of it.
#[derive(Clone, Debug)]
pub struct QueryState {
    /// The model.
    pub model: Arc<ModelDef>,
    /// What is asked.
    pub clauses: Wanted,
}

/// What a query, an include or a scope says. Expressions are logical: fields, not columns.
#[derive(Clone, Debug, Default)]
pub struct Clauses {
    /// The conditions; all must hold.
    pub filters: Vec<Expr>,
    /// The order.
    pub order: Vec<OrderBy>,
    /// At most so many rows.
    pub limit: Option<u64>,
    /// Leave out so many rows first.
    pub offset: Option<u64>,
    /// The relations to load.
    pub includes: Vec<IncludeState>,
    /// What is selected instead of whole rows.
    pub select: Option<Vec<SelectItem>>,
    /// What fills a field of the projection that is selected.
    pub fields: Option<fn(&str) -> Option<Expr>>,
    /// GROUP BY.
    pub group: Vec<Expr>,
    /// HAVING; all must hold.
    pub having: Vec<Expr>,
    /// DISTINCT.
    pub distinct: Distinct,
    /// The row lock.
    pub lock: Option<Lock>,
    /// Which rows of a paranoid model.
    pub deleted: Deleted,
    /// Without the default scope.
    pub unscoped: bool,
    /// Without the order that a limit brings (decision 13).
    pub unordered: bool,
    /// Without hooks.
    pub without_hooks: bool,
    /// How include trees are read.
    pub strategy: Option<Strategy>,
    /// Whether lazy loads of its rows are errors.
    pub strict_loading: Option<bool>,
    /// Key-values for the comment behind the statement.
    pub tags: Vec<(String, String)>,
    /// A deadline for the statement.
    pub timeout: Option<Duration>,
    /// Common table expressions, planned.
    pub with: Vec<Cte>,
    /// Queries under names, which this one and those inside it may read.
    pub named: Vec<NamedQuery>,
    /// The named query whose rows are read instead of the table's.
    pub from_named: Option<Name>,
    /// Queries whose rows are added to, kept in or taken from these: UNION and the like.
    pub compound: Vec<(SetOp, Arc<QueryState>)>,
    /// The first of those queries, as it was when they were united.
    pub first: Option<Arc<QueryState>>,
    /// Whether it reads from the primary server, not from a replica.
    pub primary: bool,
    /// Index hints (MySQL).
    pub hints: Vec<Hint>,
    /// Names of hooks that are left out.
    pub skipped_hooks: Vec<Name>,
    /// Typed extras for hooks.
    pub extras: crate::db::TypeMap,
}

/// Which rows of a paranoid model a query sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// Those that live.
    #[default]
    Hidden,
    /// All.
    Included,
    /// Those that are deleted.
    Only,
}

/// How the levels of an include tree are read.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::Strategy;
/// let users = User::find_all().include(User::POSTS).include_strategy(Strategy::Sequential).exec(&db).await?;
/// assert_eq!(users[0].id, ann.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Chosen by the measured round trip and the query.
    #[default]
    Auto,
    /// All levels in one flush, each finding its parents by itself (PostgreSQL).
    OneFlush,
    /// Level after level, by the keys of the parents.
    Sequential,
}

/// A query under a name: a common table expression.
#[derive(Clone, Debug)]
pub struct NamedQuery {
    /// The name.
    pub name: Name,
    /// Its rows, or the first of them.
    pub query: Arc<QueryState>,
    /// How further rows follow from a row that is there: a condition on them, in which `outer(..)` is that row.
    pub next: Option<Expr>,
}

/// One relation to load, and what is asked of its rows.
#[derive(Clone, Debug)]
pub struct IncludeState {
    /// The relation.
    pub relation: Name,
    /// What is asked of its rows, in terms of the target model.
    pub clauses: Clauses,
    /// Whether parents without a row are left out.
    pub required: bool,
    /// The condition on the rows between (many-to-many).
    pub through: Option<Expr>,
    /// Whether deleted rows between link as well (Sequelize's `through: { paranoid: false }`).
    pub through_deleted: bool,
    /// A condition instead of the relation's keys, besides which it stands (Sequelize's `on`).
    pub on: Option<Expr>,
    /// The name under which the rows appear, where it is not the relation's.
    pub alias: Option<Name>,
    /// Only joined, for aggregates over its rows: nothing is loaded, and a to-many relation multiplies the rows before they are grouped.
    pub joined: bool,
    /// The fields of the rows between that are shown; `None` is all, the empty list none.
    pub through_attributes: Option<Vec<Name>>,
    /// The name under which the row between hangs on each row.
    pub through_alias: Option<Name>,
}

impl QueryTree for QueryState {}

impl QueryState {
    /// The handle that the query runs on.
    pub(crate) fn server(&self, db: &crate::db::Db) -> crate::db::Db {
        if self.clauses.only_key().is_none() && self.clauses.primary { db.primary() } else { db.clone() }
    }

    /// The deadline of the query, and the model that its error names.
    pub(crate) fn timeout(&self) -> Option<(Duration, Arc<ModelDef>)> {
        if self.clauses.only_key().is_some() {
            return None;
        }
        self.clauses.timeout.map(|limit| (limit, self.model.clone()))
    }

    /// Whether the conditions give the whole primary key, so that at most one row answers.
    pub(crate) fn is_of_one_key(&self) -> bool {
        let clauses = &*self.clauses;
        let rows = clauses.single() && clauses.from_named.is_none() && !clauses.includes.iter().any(|include| include.joined);
        let given = |position: &usize| clauses.filters.iter().any(|filter| gives(filter, *position));
        rows && !self.model.primary_key.is_empty() && self.model.primary_key.iter().all(given)
    }

    /// All rows of a model.
    pub fn new(model: Arc<ModelDef>) -> QueryState {
        QueryState { model, clauses: Wanted::default() }
    }
}

/// Whether a condition says what a column of the query's own model is.
fn gives(filter: &Expr, position: usize) -> bool {
    match filter {
        Expr::And(parts) => parts.iter().any(|part| gives(part, position)),
        Expr::Binary(BinaryOp::Equal, left, right) => match (&**left, &**right) {
            (Expr::Field(field), Expr::Value(..)) => field.path.is_empty() && field.position.map(usize::from) == Some(position),
            _ => false,
        },
        _ => false,
    }
}

impl IncludeState {
    /// Which of the rows between link.
    pub(crate) fn between(&self) -> Deleted {
        if self.through_deleted { Deleted::Included } else { Deleted::Hidden }
    }

    /// A relation without clauses.
    pub fn new(relation: impl Into<Name>) -> IncludeState {
        IncludeState {
            relation: relation.into(),
            clauses: Clauses::default(),
            required: false,
            through: None,
            through_deleted: false,
            on: None,
            alias: None,
            joined: false,
            through_attributes: None,
            through_alias: None,
        }
    }
}

impl Clauses {
    /// Adds an include; one of the same relation and name is merged into the first.
    pub fn add_include(&mut self, include: IncludeState) {
        let same = |known: &&mut IncludeState| known.relation == include.relation && known.alias == include.alias;
        match self.includes.iter_mut().find(same) {
            None => {
                // Most queries have one: room for the usual four is a kilobyte and more, and goes to the allocator's slow end.
                self.includes.reserve_exact(usize::from(self.includes.is_empty()));
                self.includes.push(include);
            }
            Some(known) => {
                known.required |= include.required;
                known.through = match (known.through.take(), include.through) {
                    (Some(a), Some(b)) => Some(a.and(b)),
                    (a, b) => a.or(b),
                };
                let mut select = known.clauses.select.take();
                if let (Some(items), Some(more)) = (&mut select, &include.clauses.select) {
                    // What either shows is shown.
                    let new: Vec<SelectItem> = more.iter().filter(|item| !items.contains(item)).cloned().collect();
                    items.extend(new);
                }
                known.clauses.merge(include.clauses);
                // One that says nothing of attributes leaves them as they are, as in Sequelize.
                if select.is_some() {
                    known.clauses.select = select;
                }
            }
        }
    }

    /// Whether each row of the answer is one row of the model.
    pub(crate) fn single(&self) -> bool {
        self.group.is_empty() && matches!(self.distinct, Distinct::No) && self.compound.is_empty()
    }

    /// Whether an expression reaches over a relation: it means the row that an include of that relation joins, as Sequelize's `$user.role$` does.
    pub(crate) fn reaches(&self, relation: &str) -> bool {
        let orders = self.order.iter().map(|by| &by.expr);
        let selected = self.select.iter().flatten().map(|item| &item.expr);
        let exprs = self.filters.iter().chain(&self.having).chain(&self.group).chain(orders).chain(selected);
        exprs.into_iter().any(|expr| reaches(expr, relation))
    }

    /// Adds the clauses of a scope: filters AND, orders append, the rest is replaced where it is given.
    pub fn merge(&mut self, other: Clauses) {
        self.filters.extend(other.filters);
        self.order.extend(other.order);
        self.limit = other.limit.or(self.limit);
        self.offset = other.offset.or(self.offset);
        for include in other.includes {
            self.add_include(include);
        }
        if other.select.is_some() {
            (self.select, self.fields) = (other.select, other.fields);
        }
        self.group.extend(other.group);
        self.having.extend(other.having);
        if !matches!(other.distinct, Distinct::No) {
            self.distinct = other.distinct;
        }
        self.lock = other.lock.or(self.lock.take());
        if other.deleted != Deleted::Hidden {
            self.deleted = other.deleted;
        }
        self.unordered |= other.unordered;
        self.without_hooks |= other.without_hooks;
        self.tags.extend(other.tags);
        self.timeout = other.timeout.or(self.timeout);
        self.with.extend(other.with);
        self.named.extend(other.named);
        self.from_named = other.from_named.or(self.from_named.take());
        self.compound.extend(other.compound);
        self.first = other.first.or(self.first.take());
        self.primary |= other.primary;
        self.hints.extend(other.hints);
    }
}

fn reaches(expr: &Expr, relation: &str) -> bool {
    match expr {
        Expr::Field(field) => field.path.first().is_some_and(|first| first == relation),
        other => {
            let mut copy = other.clone();
            walk(&mut copy, &mut |child| if reaches(child, relation) { Err(()) } else { Ok(()) }).is_err()
        }
    }
}
