//! SELECT.

use crate::Dialect;
use crate::writer::{Shared, SqlWriter};
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Nulls, SortDirection};
use sequor_core::statement::{
    Alias, BinaryOp, Cte, Distinct, Expr, Func, Join, JoinKind, Lock, LockMode, LockWait, OrderBy, Select, SelectItem, SetOp, Source,
    SourceKind, Window, walk,
};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::{Name, Value};

/// PostgreSQL's own DISTINCT ON asks for an order that begins with its expressions.
fn begins_with(order: &[OrderBy], on: &[Expr]) -> bool {
    let first = &order[..on.len().min(order.len())];
    order.is_empty() || (first.len() == on.len() && on.iter().all(|expr| first.iter().any(|by| by.expr.unranked() == expr)))
}

/// DISTINCT ON where there is none, or none for this order: rows are numbered in each group, and the first are kept.
fn first_of_each(select: &Select, on: &[Expr]) -> Result<Select> {
    if !select.compound.is_empty() {
        return Err(Error::unsupported("distinct_on over a union: name the union with with_cte(..) and select from it"));
    }
    let alias = Alias::Named(Name::Borrowed("first"));
    let inner_column = |name: String| Expr::column(alias.clone(), name);
    // A window cannot name what is selected beside it.
    let resolved = |by: &OrderBy| match &by.expr {
        Expr::Alias(name) => {
            select.columns.iter().find(|item| item.alias.as_ref() == Some(name)).map_or(by.expr.clone(), |item| item.expr.clone())
        }
        other => other.clone(),
    };
    let order: Vec<OrderBy> = select.order_by.iter().map(|by| OrderBy { expr: resolved(by), ..by.clone() }).collect();
    let named = |(number, item): (usize, &SelectItem)| SelectItem::named(item.expr.clone(), format!("c{number}"));
    let mut columns: Vec<SelectItem> = select.columns.iter().enumerate().map(named).collect();
    columns.extend(order.iter().enumerate().map(|(number, by)| SelectItem::named(by.expr.clone(), format!("o{number}"))));
    let window = Window { call: Expr::call(Func::RowNumber, Vec::new()), partition: on.to_vec(), order: order.clone(), frame: None };
    columns.push(SelectItem::named(Expr::Over(Box::new(window)), "rn"));
    let inner = Select {
        with: Vec::new(),
        distinct: Distinct::No,
        columns,
        order_by: Vec::new(),
        limit: None,
        offset: None,
        lock: None,
        tags: Vec::new(),
        ..select.clone()
    };
    let one = Expr::Value(Value::I64(1), BindType::one(ScalarType::I64));
    let place = |(number, item): (usize, &SelectItem)| SelectItem { expr: inner_column(format!("c{number}")), alias: item.alias.clone() };
    Ok(Select {
        with: select.with.clone(),
        columns: select.columns.iter().enumerate().map(place).collect(),
        from: Some(Source::select(inner, alias.clone())),
        filter: Some(inner_column("rn".to_owned()).binary(BinaryOp::Equal, one)),
        order_by: order.into_iter().enumerate().map(|(number, by)| OrderBy { expr: inner_column(format!("o{number}")), ..by }).collect(),
        limit: select.limit,
        offset: select.offset,
        tags: select.tags.clone(),
        ..Select::default()
    })
}

/// Writes what is grouped by as the least of its group, which has one value: the HAVING of MySQL and MariaDB knows no columns behind the expressions
/// that were grouped by.
fn by_group(expr: &mut Expr, groups: &[Expr]) {
    if groups.contains(expr) {
        if !matches!(expr, Expr::Column { .. }) {
            let inner = std::mem::replace(expr, Expr::Default);
            *expr = Expr::call(Func::Min, vec![inner]);
        }
    } else if !matches!(expr, Expr::Call { func, .. } if func.is_aggregate()) {
        let _ = walk(expr, &mut |child| {
            by_group(child, groups);
            Ok::<(), ()>(())
        });
    }
}

impl SqlWriter {
    pub(crate) fn select(&mut self, select: &Select) -> Result<()> {
        if let Distinct::On(exprs) = &select.distinct
            && !(self.dialect == Dialect::Postgres && begins_with(&select.order_by, exprs))
        {
            let select = first_of_each(select, exprs)?;
            return self.select(&select);
        }
        let repeated = self.repeated(select);
        let around = std::mem::replace(&mut self.shared, repeated);
        self.whole(select)?;
        self.shared = around;
        Ok(())
    }

    /// What the parts of a select have to say alike.
    fn repeated(&self, select: &Select) -> Vec<Shared> {
        match (&select.distinct, self.dialect) {
            (_, Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite) => Vec::new(),
            (Distinct::On(exprs), _) => Shared::of(exprs),
            (Distinct::Yes, _) if !select.order_by.is_empty() => Shared::of(select.columns.iter().map(|item| &item.expr)),
            _ => Shared::of(&select.group_by),
        }
    }

    fn whole(&mut self, select: &Select) -> Result<()> {
        self.with(&select.with)?;
        self.select_core(select)?;
        for (op, other) in &select.compound {
            self.push(match op {
                SetOp::Union => " UNION ",
                SetOp::UnionAll => " UNION ALL ",
                SetOp::Intersect => " INTERSECT ",
                SetOp::Except => " EXCEPT ",
            });
            self.select_core(other)?;
        }
        self.order(&select.order_by)?;
        self.order_of_groups(select)?;
        self.limit(select.limit, select.offset)?;
        if let Some(lock) = &select.lock {
            let optional =
                |join: &Join| join.kind == JoinKind::Left && join.source.alias.as_ref().is_some_and(|alias| lock.of.contains(alias));
            if self.dialect == Dialect::Postgres && select.joins.iter().any(optional) {
                return Err(Error::unsupported("PostgreSQL cannot lock a related row that may be missing: make its include `required()`"));
            }
            self.lock(lock)?;
        }
        self.tags(&select.tags);
        Ok(())
    }

    fn with(&mut self, ctes: &[Cte]) -> Result<()> {
        if ctes.is_empty() {
            return Ok(());
        }
        self.push(if ctes.iter().any(|cte| cte.recursive) { "WITH RECURSIVE " } else { "WITH " });
        self.list(ctes, |writer, cte| {
            writer.name(&cte.name)?;
            if !cte.columns.is_empty() {
                writer.push(" (");
                writer.list(&cte.columns, |writer, column| writer.name(column))?;
                writer.push(")");
            }
            writer.push(" AS (");
            writer.select(&cte.select)?;
            writer.push(")");
            Ok(())
        })?;
        self.push(" ");
        Ok(())
    }

    fn select_core(&mut self, select: &Select) -> Result<()> {
        self.push("SELECT ");
        match &select.distinct {
            Distinct::No => {}
            Distinct::Yes => self.push("DISTINCT "),
            Distinct::On(exprs) => {
                self.push("DISTINCT ON (");
                self.list(exprs, |writer, expr| writer.expr(expr))?;
                self.push(") ");
            }
        }
        if select.columns.is_empty() {
            self.push("1");
        }
        self.items(&select.columns)?;
        if let Some(from) = &select.from {
            self.push(" FROM ");
            self.source(from)?;
        }
        for join in &select.joins {
            self.push(match join.kind {
                JoinKind::Inner => " INNER JOIN ",
                JoinKind::Left => " LEFT JOIN ",
                JoinKind::Cross => " CROSS JOIN ",
                JoinKind::Right => " RIGHT JOIN ",
                JoinKind::Lateral => " CROSS JOIN LATERAL ",
            });
            self.source(&join.source)?;
            if let Some(on) = &join.on {
                self.push(" ON ");
                self.expr(on)?;
            }
        }
        if let Some(filter) = &select.filter {
            self.push(" WHERE ");
            self.expr(filter)?;
        }
        if !select.group_by.is_empty() {
            self.push(" GROUP BY ");
            self.list(&select.group_by, |writer, expr| writer.expr(expr))?;
        }
        let Some(having) = &select.having else { return Ok(()) };
        self.push(" HAVING ");
        if !self.dialect.is_mysql() {
            return self.expr(having);
        }
        let mut having = having.clone();
        by_group(&mut having, &select.group_by);
        self.expr(&having)
    }

    /// MariaDB 10.11 takes groups that an index leads for sorted, and forgets that its windows sort them anew: a window as the last order reminds it.
    fn order_of_groups(&mut self, select: &Select) -> Result<()> {
        if !self.dialect.is_mysql() || select.group_by.is_empty() || select.order_by.is_empty() {
            return Ok(());
        }
        let over = |expr: &Expr| match expr {
            Expr::Call { func: Func::Exact(_), args, .. } => args.iter().any(|arg| matches!(arg, Expr::Over(_))),
            other => matches!(other, Expr::Over(_)),
        };
        if let Some(window) = select.columns.iter().find(|item| over(&item.expr)) {
            self.push(", ");
            self.expr(&window.expr)?;
        }
        Ok(())
    }

    pub(crate) fn items(&mut self, items: &[SelectItem]) -> Result<()> {
        self.list(items, |writer, item| {
            writer.expr(&item.expr)?;
            if let Some(alias) = &item.alias {
                writer.push(" AS ");
                writer.name(alias)?;
            }
            Ok(())
        })
    }

    fn source(&mut self, source: &Source) -> Result<()> {
        match &source.kind {
            SourceKind::Table(table) => self.table(table)?,
            SourceKind::Cte(name) => self.name(name)?,
            SourceKind::Select(select) => {
                self.push("(");
                self.select(select)?;
                self.push(")");
            }
        }
        if let Some(alias) = &source.alias {
            self.push(" AS ");
            self.alias(alias)?;
        }
        if self.dialect.is_mysql() {
            for hint in &source.hints {
                self.push(match hint.kind {
                    "FORCE" => " FORCE INDEX (",
                    "IGNORE" => " IGNORE INDEX (",
                    _ => " USE INDEX (",
                });
                self.list(&hint.indexes, |writer, index| writer.name(index))?;
                self.push(")");
            }
        }
        Ok(())
    }

    pub(crate) fn order(&mut self, order: &[OrderBy]) -> Result<()> {
        if order.is_empty() {
            return Ok(());
        }
        self.push(" ORDER BY ");
        self.list(order, |writer, by| {
            // MySQL sorts the columns of enums by place, and compares them as text.
            let expr = match by.expr.unranked() {
                column @ Expr::Column { .. } if writer.dialect.is_mysql() => column,
                _ => &by.expr,
            };
            // What the database does by itself is not said: its indexes have that order.
            let nulls = by.nulls.filter(|nulls| *nulls != writer.dialect.nulls(by.direction));
            // MySQL has no NULLS FIRST; whether a value is NULL is sorted by first.
            if let (Some(nulls), true) = (nulls, writer.dialect.is_mysql()) {
                writer.push("(");
                writer.expr(expr)?;
                writer.push(if nulls == Nulls::First { ") IS NULL DESC, " } else { ") IS NULL, " });
            }
            writer.expr(expr)?;
            if by.direction == SortDirection::Descending {
                writer.push(" DESC");
            }
            if !writer.dialect.is_mysql() {
                match nulls {
                    Some(Nulls::First) => writer.push(" NULLS FIRST"),
                    Some(Nulls::Last) => writer.push(" NULLS LAST"),
                    None => {}
                }
            }
            Ok(())
        })
    }

    /// The number of a LIMIT. PostgreSQL plans a limit that it does not know for a tenth of the table, finds that plan bad, and plans each execution
    /// anew; SQLite compiles a statement anew whenever the parameter of its limit is bound.
    pub(crate) fn most(&mut self, limit: u64) -> Result<()> {
        match self.dialect {
            Dialect::Postgres | Dialect::Sqlite if i64::try_from(limit).is_ok() => {
                self.number(limit);
                Ok(())
            }
            _ => self.bind_number(limit),
        }
    }

    fn limit(&mut self, limit: Option<u64>, offset: Option<u64>) -> Result<()> {
        match (limit, offset) {
            (None, None) => return Ok(()),
            (Some(limit), _) => {
                self.push(" LIMIT ");
                self.most(limit)?;
            }
            (None, Some(_)) => match self.dialect {
                // An offset without a limit needs one that is never reached.
                Dialect::Postgres => {}
                Dialect::Mysql | Dialect::Mariadb => self.push(" LIMIT 18446744073709551615"),
                Dialect::Sqlite => self.push(" LIMIT -1"),
            },
        }
        if let Some(offset) = offset {
            self.push(" OFFSET ");
            self.bind_number(offset)?;
        }
        Ok(())
    }

    fn lock(&mut self, lock: &Lock) -> Result<()> {
        // SQLite: a transaction that may write holds the lock on the whole database already.
        if !self.dialect.row_locks() {
            return Ok(());
        }
        self.push(match (self.dialect, lock.mode) {
            (Dialect::Mariadb, LockMode::Share | LockMode::KeyShare) => " LOCK IN SHARE MODE",
            (Dialect::Postgres, LockMode::KeyShare) => " FOR KEY SHARE",
            (Dialect::Postgres, LockMode::NoKeyUpdate) => " FOR NO KEY UPDATE",
            (_, LockMode::Share | LockMode::KeyShare) => " FOR SHARE",
            (_, LockMode::Update | LockMode::NoKeyUpdate) => " FOR UPDATE",
        });
        // MariaDB has no OF: it locks the rows of all sources.
        if !lock.of.is_empty() && self.dialect != Dialect::Mariadb {
            self.push(" OF ");
            self.list(&lock.of, |writer, alias| writer.alias(alias))?;
        }
        self.push(match lock.wait {
            LockWait::Block => "",
            LockWait::NoWait => " NOWAIT",
            LockWait::SkipLocked => " SKIP LOCKED",
        });
        Ok(())
    }
}
