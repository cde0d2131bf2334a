//! Relation methods: add, set, remove, has, count, create, each in one transaction.

mod handle;
mod linked;
mod parent;

pub use handle::{RelationHandle, RelationOps};
pub use linked::Linked;

use super::bulk::{BulkOptions, OnDuplicate};
use super::delete::DestroyOptions;
use super::insert::bound;
use super::update::UpdateOptions;
use super::{RowState, WriteOptions, bulk_create, destroy_all, save, update_all};
use crate::Value;
use crate::db::Db;
use crate::load::{self, find_rows_hooked};
use crate::plan;
use crate::query::QueryState;
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Link, RelationDef, RelationKind};
use sequor_core::statement::{BinaryOp, Expr, LogicalQuery, QueryUse};
use std::collections::HashSet;
use std::sync::Arc;

fn key_of(row: &RowState, positions: &[usize]) -> Vec<Value> {
    positions.iter().map(|position| row.values[*position].clone().unwrap_or_default()).collect()
}

/// Each key once: a row may be named twice.
fn different(keys: impl IntoIterator<Item = Vec<Value>>) -> Vec<Vec<Value>> {
    let mut seen = HashSet::new();
    keys.into_iter().filter(|key| seen.insert(load::KeyHash::new(key))).collect()
}

/// `field = value` for each position.
fn equals(model: &Arc<sequor_core::schema::ModelDef>, positions: &[usize], key: &[Value]) -> Vec<Expr> {
    let equal = |(position, value): (&usize, &Value)| {
        Expr::Field(plan::field(model, *position)).binary(BinaryOp::Equal, bound(model, *position, value))
    };
    positions.iter().zip(key).map(equal).collect()
}

/// `(fields) IN (keys)`.
fn within(model: &Arc<sequor_core::schema::ModelDef>, positions: &[usize], keys: Vec<Vec<Value>>, negated: bool) -> Expr {
    let exprs = positions.iter().map(|position| Expr::Field(plan::field(model, *position))).collect();
    let binds = positions.iter().map(|position| model.columns[*position].ty.bind()).collect();
    Expr::InValues { exprs, rows: keys, binds, negated, scanned: false }
}

/// One side of a relation: a row, the relation, and the columns that link it.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) parent: &'a RowState,
    pub(crate) def: &'a RelationDef,
    pub(crate) link: &'a Link,
}

/// The rows that are linked now: of the through model, or of the target.
fn linked(parent: &RowState, def: &RelationDef, link: &Link) -> QueryState {
    let own = key_of(parent, &link.source);
    let (model, columns, scope) = match (&link.through, &def.through) {
        (Some(through), Some(through_def)) => (through.model.clone(), through.to_source.clone(), &through_def.scope),
        _ => (link.target.clone(), link.columns.clone(), &def.scope),
    };
    let mut query = QueryState::new(model.clone());
    query.clauses.filters = equals(&model, &columns, &own);
    for (name, value) in scope {
        if let Some(position) = model.position(name) {
            query.clauses.filters.extend(equals(&model, &[position], std::slice::from_ref(value)));
        }
    }
    query
}

/// Links rows to a parent. For many-to-many an existing pair gets the new values of its row between.
pub(crate) async fn add_links(
    db: &Db,
    Side { parent, def, link }: Side<'_>,
    rows: &[RowState],
    through: &[(Name, Value)],
    options: &WriteOptions,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let Some(between) = &link.through else {
        let mut query = QueryState::new(link.target.clone());
        query.clauses.unscoped = true;
        let keys = rows.iter().map(RowState::stored_key).collect::<Result<Vec<_>>>()?;
        query.clauses.filters.push(within(&link.target, &link.target.primary_key, keys, false));
        let own = key_of(parent, &link.source);
        let mut set: Vec<(usize, Expr)> =
            link.columns.iter().zip(&own).map(|(position, value)| (*position, bound(&link.target, *position, value))).collect();
        for (name, value) in &def.scope {
            if let Some(position) = link.target.position(name) {
                set.push((position, bound(&link.target, position, value)));
            }
        }
        return set_columns(db, query, set, options).await;
    };
    let targets = different(rows.iter().map(|row| key_of(row, &link.columns)));
    let mut query = linked(parent, def, link);
    query.clauses.filters.push(within(&between.model, &between.to_target, targets.clone(), false));
    let known = find_rows_hooked(db, query, options.hooks, options.site).await?;
    add_between(db, Side { parent, def, link }, &targets, &known, through, options).await
}

/// The rows between of these targets: those that are there get the new values, the others are made.
async fn add_between(
    db: &Db,
    Side { parent, def, link }: Side<'_>,
    targets: &[Vec<Value>],
    known: &[RowState],
    through: &[(Name, Value)],
    options: &WriteOptions,
) -> Result<()> {
    let Some(between) = &link.through else { return Err(Error::bug("a link without a model between")) };
    let model = &between.model;
    let is_known = |key: &&Vec<Value>| known.iter().any(|row| key_of(row, &between.to_target) == **key);
    let there: Vec<Vec<Value>> = targets.iter().filter(is_known).cloned().collect();
    if !there.is_empty() && !through.is_empty() {
        let mut query = linked(parent, def, link);
        query.clauses.filters.push(within(model, &between.to_target, there, false));
        let set = between_values(model, through)?.into_iter().map(|(position, value)| (position, bound(model, position, &value))).collect();
        set_columns(db, query, set, options).await?;
    }
    let mut fresh = Vec::new();
    for key in targets.iter().filter(|key| !is_known(key)) {
        fresh.push(row_between(Side { parent, def, link }, key, through)?);
    }
    add_rows_between(db, fresh, options).await
}

fn between_values(model: &sequor_core::schema::ModelDef, through: &[(Name, Value)]) -> Result<Vec<(usize, Value)>> {
    let position = |name: &Name| model.position(name).ok_or_else(|| model.unknown(name));
    through.iter().map(|(name, value)| Ok((position(name)?, value.clone()))).collect()
}

/// A new row between a row and the target of this key.
pub(crate) fn row_between(Side { parent, def, link }: Side<'_>, target: &[Value], through: &[(Name, Value)]) -> Result<RowState> {
    let Some(between) = &link.through else { return Err(Error::bug("a link without a model between")) };
    let model = &between.model;
    let mut row = RowState::new(model.clone());
    let own = key_of(parent, &link.source);
    for (position, value) in between.to_source.iter().zip(&own).chain(between.to_target.iter().zip(target)) {
        row.values[*position] = Some(value.clone());
    }
    for (name, value) in def.through.iter().flat_map(|through| &through.scope) {
        if let Some(position) = model.position(name) {
            row.values[position] = Some(value.clone());
        }
    }
    for (position, value) in between_values(model, through)? {
        row.values[position] = Some(value);
    }
    Ok(row)
}

/// Links a row that was made just now: nothing links it yet.
pub(crate) async fn add_fresh(db: &Db, side: Side<'_>, row: &RowState, through: &[(Name, Value)], options: &WriteOptions) -> Result<()> {
    let between = row_between(side, &key_of(row, &side.link.columns), through)?;
    add_rows_between(db, vec![between], options).await
}

/// Stores rows between that are not there yet.
pub(crate) async fn add_rows_between(db: &Db, rows: Vec<RowState>, options: &WriteOptions) -> Result<()> {
    let bulk =
        BulkOptions { write: options.clone(), duplicates: OnDuplicate::Fail, individual_hooks: false, returning: false, records: false };
    bulk_create(db, rows, &bulk).await?;
    Ok(())
}

async fn set_columns(db: &Db, query: QueryState, set: Vec<(usize, Expr)>, options: &WriteOptions) -> Result<()> {
    let options = UpdateOptions { write: options.clone(), every_row: false, returning: false, individual_hooks: false };
    update_all(db, query, set, &options).await?;
    Ok(())
}

/// Unlinks rows: the key becomes NULL, the row between is deleted; never the target.
pub(crate) async fn remove_links(db: &Db, Side { parent, def, link }: Side<'_>, rows: &[RowState], options: &WriteOptions) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut query = linked(parent, def, link);
    match &link.through {
        None => {
            let keys = rows.iter().map(RowState::stored_key).collect::<Result<Vec<_>>>()?;
            query.clauses.filters.push(within(&link.target, &link.target.primary_key, keys, false));
            query.clauses.unscoped = true;
        }
        Some(through) => {
            let keys = rows.iter().map(|row| key_of(row, &link.columns)).collect();
            query.clauses.filters.push(within(&through.model, &through.to_target, keys, false));
        }
    }
    unlink(db, query, link, options).await
}

async fn unlink(db: &Db, query: QueryState, link: &Link, options: &WriteOptions) -> Result<()> {
    if link.through.is_some() {
        let options = DestroyOptions { write: options.clone(), every_row: false, returning: false, individual_hooks: false };
        destroy_all(db, query, &options).await?;
        return Ok(());
    }
    let set = link.columns.iter().map(|position| (*position, bound(&link.target, *position, &Value::Null))).collect();
    set_columns(db, query, set, options).await
}

/// Makes the linked rows exactly these.
pub(crate) async fn set_links(
    db: &Db,
    Side { parent, def, link }: Side<'_>,
    rows: &[RowState],
    through: &[(Name, Value)],
    options: &WriteOptions,
) -> Result<()> {
    let (columns, keys) = match &link.through {
        None => (link.target.primary_key.clone(), rows.iter().map(RowState::stored_key).collect::<Result<Vec<_>>>()?),
        Some(between) => (between.to_target.clone(), different(rows.iter().map(|row| key_of(row, &link.columns)))),
    };
    let mut others = linked(parent, def, link);
    // What the target's default scope hides is linked all the same.
    others.clauses.unscoped = link.through.is_none();
    let model = others.model.clone();
    let now = find_rows_hooked(db, others.clone(), options.hooks, options.site).await?;
    if def.kind == RelationKind::HasOne {
        return set_one(db, link, &now, (key_of(parent, &link.source), rows), options).await;
    }
    if now.iter().any(|row| !keys.contains(&key_of(row, &columns))) {
        if !keys.is_empty() {
            others.clauses.filters.push(within(&model, &columns, keys.clone(), true));
        }
        unlink(db, others, link, options).await?;
    }
    let is_known = |key: &Vec<Value>| now.iter().any(|known| key_of(known, &columns) == *key);
    if link.through.is_some() {
        return add_between(db, Side { parent, def, link }, &keys, &now, through, options).await;
    }
    let missing: Vec<RowState> = rows.iter().zip(&keys).filter(|(_, key)| !is_known(key)).map(|(row, _)| row.clone()).collect();
    add_links(db, Side { parent, def, link }, &missing, through, options).await
}

/// Saves the key of one row: that of its parent, or none.
async fn set_key(db: &Db, mut row: RowState, link: &Link, key: &[Value], options: &WriteOptions) -> Result<()> {
    let mut options = WriteOptions { changed_only: true, ..options.clone() };
    options.fields = Some(link.columns.iter().map(|position| link.target.columns[*position].name.clone()).collect());
    for (place, position) in link.columns.iter().enumerate() {
        row.values[*position] = Some(key.get(place).cloned().unwrap_or_default());
    }
    save(db, row, &options).await?;
    Ok(())
}

/// Makes one row the only one that hangs on its parent. A row is saved with its hooks; several that nobody asks about go in one statement.
async fn set_one(db: &Db, link: &Link, now: &[RowState], (own, rows): (Vec<Value>, &[RowState]), options: &WriteOptions) -> Result<()> {
    let keys = rows.iter().take(1).map(RowState::stored_key).collect::<Result<Vec<_>>>()?;
    let held = now.iter().map(RowState::stored_key).collect::<Result<Vec<_>>>()?;
    let (others, linked): (Vec<_>, Vec<_>) = now.iter().zip(held).partition(|(_, key)| !keys.contains(key));
    if others.len() > 1 && !crate::hook::needs_transaction(db, &link.target, options) {
        let mut query = QueryState::new(link.target.clone());
        query.clauses.unscoped = true;
        query.clauses.filters.push(within(&link.target, &link.target.primary_key, others.into_iter().map(|(_, key)| key).collect(), false));
        unlink(db, query, link, options).await?;
    } else {
        for (row, _) in others {
            set_key(db, row.clone(), link, &[], options).await?;
        }
    }
    match rows.first() {
        Some(row) if linked.is_empty() => set_key(db, row.clone(), link, &own, options).await,
        _ => Ok(()),
    }
}

/// Whether all of these rows are linked.
pub(crate) async fn has_links(db: &Db, Side { parent, def, link }: Side<'_>, rows: &[RowState], options: &WriteOptions) -> Result<bool> {
    let mut query = related(parent, def, link)?;
    // What the target's default scope hides is linked all the same.
    query.clauses.unscoped = true;
    let keys = different(rows.iter().map(RowState::stored_key).collect::<Result<Vec<_>>>()?);
    let wanted = keys.len();
    query.clauses.filters.push(within(&link.target, &link.target.primary_key, keys, false));
    Ok(load::count_found(db, query, options.hooks, options.site).await? >= u64::try_from(wanted).unwrap_or(u64::MAX))
}

/// How many rows are linked.
pub(crate) async fn count_links(db: &Db, parent: &RowState, def: &RelationDef, link: &Link, options: &WriteOptions) -> Result<u64> {
    count_related(db, Side { parent, def, link }, related(parent, def, link)?, options).await
}

/// How many of the linked rows a query finds. Where a pair may occur twice, each time counts, as each time is a row of the list.
pub(crate) async fn count_related(db: &Db, side: Side<'_>, mut query: QueryState, options: &WriteOptions) -> Result<u64> {
    let Side { parent, def, link } = side;
    let twice = def.through.as_ref().is_some_and(|through| !through.unique);
    let Some(between) = link.through.as_ref().filter(|_| twice) else {
        return load::count_found(db, query, options.hooks, options.site).await;
    };
    query.clauses.without_hooks |= !options.hooks;
    load::tell_count(db, &mut query, options.site).await?;
    for (own, theirs) in between.to_target.iter().zip(&link.columns) {
        let outer = Expr::Outer(Box::new(Expr::Field(plan::field(&between.model, *own))));
        query.clauses.filters.push(Expr::Field(plan::field(&link.target, *theirs)).binary(BinaryOp::Equal, outer));
    }
    let mut pairs = linked(parent, def, link);
    let is_there = LogicalQuery { state: Arc::new(query), usage: QueryUse::Exists { negated: false } };
    pairs.clauses.filters.push(Expr::Query(is_there));
    load::count_found(db, pairs, false, options.site).await
}

/// The linked rows as a query over the target.
pub(crate) fn related(parent: &RowState, def: &RelationDef, link: &Link) -> Result<QueryState> {
    let own = key_of(parent, &link.source);
    let mut query = QueryState::new(link.target.clone());
    match &link.through {
        None => query.clauses.filters = equals(&link.target, &link.columns, &own),
        Some(through) => {
            let mut select = sequor_core::statement::Select::default();
            let alias = sequor_core::statement::Alias::Named("between".into());
            let column = |position: &usize| Expr::column(alias.clone(), through.model.columns[*position].column.clone());
            select.columns = through.to_target.iter().map(|position| sequor_core::statement::SelectItem::new(column(position))).collect();
            select.from = Some(sequor_core::statement::Source::table(through.model.table.clone(), alias.clone()));
            let mut filters: Vec<Expr> = through
                .to_source
                .iter()
                .zip(&own)
                .map(|(position, value)| column(position).binary(BinaryOp::Equal, bound(&through.model, *position, value)))
                .collect();
            for (name, value) in def.through.iter().flat_map(|through| &through.scope) {
                if let Some(position) = through.model.position(name) {
                    filters.push(column(&position).binary(BinaryOp::Equal, bound(&through.model, position, value)));
                }
            }
            if let Some(sequor_core::schema::SoftDelete::Timestamp { column: position }) = &through.model.soft_delete {
                filters.push(match through.model.live_moment(*position) {
                    Value::Null => Expr::IsNull { expr: Box::new(column(position)), negated: false },
                    live => column(position).binary(BinaryOp::Equal, bound(&through.model, *position, &live)),
                });
            }
            select.filter = plan::all(filters);
            let mut exprs: Vec<Expr> = link.columns.iter().map(|position| Expr::Field(plan::field(&link.target, *position))).collect();
            let expr = if exprs.len() == 1 { exprs.remove(0) } else { Expr::Tuple(exprs) };
            query.clauses.filters.push(Expr::InSelect { expr: Box::new(expr), select: Box::new(select), negated: false });
        }
    }
    for (name, value) in &def.scope {
        if let Some(position) = link.target.position(name) {
            query.clauses.filters.extend(equals(&link.target, &[position], std::slice::from_ref(value)));
        }
    }
    Ok(query)
}
