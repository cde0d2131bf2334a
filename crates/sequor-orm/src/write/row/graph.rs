//! Creating a whole graph: parents first, then the row, then children and the rows between, in one transaction.

use crate::db::Db;
use crate::validate;
use crate::write::association::{add_rows_between, row_between};
use crate::write::create::{after_create, before_create, insert_prepared};
use crate::write::{Child, RowState, Side, WriteOptions, add_links};
use sequor_core::Value;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Link, RelationDef, RelationKind};

/// Creates a row and what hangs on it; everything is validated before the first statement.
pub(crate) async fn create_graph(db: &Db, state: RowState, options: &WriteOptions) -> Result<RowState> {
    if !is_heard(db, &state, options) {
        check(db, &state, &[], options)?;
    }
    create_node(db, state, options).await
}

/// Whether hooks of validation may still change a row of the graph; then each is checked behind its own.
fn is_heard(db: &Db, state: &RowState, options: &WriteOptions) -> bool {
    let own = options.below();
    let inner = own.as_ref().unwrap_or(options);
    let below = || state.children.iter().flat_map(|(_, children)| children).any(|child| is_heard(db, &child.row, inner));
    crate::hook::hears_validation(db, &state.model, options) || below()
}

/// The fields of a child that its parent will fill.
fn implied(def: &RelationDef, link: &Link) -> Vec<usize> {
    let mut filled = match def.kind {
        RelationKind::HasOne | RelationKind::HasMany => link.columns.clone(),
        RelationKind::BelongsTo | RelationKind::BelongsToMany => Vec::new(),
    };
    filled.extend(def.scope.iter().filter_map(|(name, _)| link.target.position(name)));
    filled
}

/// The fields of a row that the rows it belongs to will fill.
pub(crate) fn implied_by_parents(db: &Db, state: &RowState) -> Result<Vec<usize>> {
    let mut filled = Vec::new();
    for (position, _) in &state.children {
        let (def, link) = relation(state, *position, db)?;
        if def.kind == RelationKind::BelongsTo {
            filled.extend(link.source);
        }
    }
    Ok(filled)
}

pub(crate) fn relation(state: &RowState, position: usize, db: &Db) -> Result<(RelationDef, Link)> {
    let def = state.model.relations.get(position).ok_or_else(|| Error::bug("a child hangs on no relation"))?.clone();
    let link = def.link(&state.model, &db.models())?;
    Ok((def, link))
}

/// The rules that need no database, for the whole graph.
pub(crate) fn check(db: &Db, state: &RowState, given: &[usize], options: &WriteOptions) -> Result<()> {
    let filled = [given, &implied_by_parents(db, state)?].concat();
    if state.original.is_none() && options.validate {
        validate::check(state, options, &filled)?;
    }
    let below = options.below();
    let options = below.as_ref().unwrap_or(options);
    for (position, children) in &state.children {
        let (def, link) = relation(state, *position, db)?;
        let inner = implied(&def, &link);
        for child in children {
            check(db, &child.row, &inner, options)?;
        }
    }
    Ok(())
}

/// A group of rows that hang on another, and their relation.
type Group = (usize, Vec<Child>, RelationDef, Link);

fn create_node<'a>(db: &'a Db, state: RowState, options: &'a WriteOptions) -> BoxFuture<'a, Result<RowState>> {
    Box::pin(async move {
        let row = create_level(db, vec![state], options).await?.pop();
        row.ok_or_else(|| Error::bug("a row that was created is gone"))
    })
}

/// A row that is stored, and what still hangs on it.
struct Begun {
    row: RowState,
    fresh: bool,
    after: Vec<Group>,
    stored: Vec<(usize, Vec<Child>)>,
}

/// Creates rows of one level of the graph, then all that hang on them: a tree of one model is numbered level by level, as in Sequelize.
fn create_level<'a>(db: &'a Db, rows: Vec<RowState>, options: &'a WriteOptions) -> BoxFuture<'a, Result<Vec<RowState>>> {
    Box::pin(async move {
        let mut level = Vec::with_capacity(rows.len());
        for row in rows {
            level.push(begin(db, row, options).await?);
        }
        let below = options.below();
        let inner = below.as_ref().unwrap_or(options);
        let mut next = Vec::new();
        for node in &mut level {
            for (_, children, def, link) in &mut node.after {
                for child in children.iter_mut() {
                    hang(&node.row, child, def, link);
                    if child.row.original.is_none() {
                        next.push(child.row.take());
                    }
                }
            }
        }
        let mut made = if next.is_empty() { Vec::new() } else { create_level(db, next, inner).await? }.into_iter();
        let mut rows = Vec::with_capacity(level.len());
        for mut node in level {
            for (position, children, def, link) in std::mem::take(&mut node.after) {
                let side = Side { parent: &node.row, def: &def, link: &link };
                let stored = store_children(db, side, children, &mut made, inner).await?;
                node.stored.push((position, stored));
            }
            // The after-hooks of a parent come when its children are stored.
            let mut row = if node.fresh { after_create(db, node.row, options).await? } else { node.row };
            row.children = node.stored;
            rows.push(row);
        }
        Ok(rows)
    })
}

/// Creates the rows that a row belongs to, and the row.
async fn begin(db: &Db, mut state: RowState, options: &WriteOptions) -> Result<Begun> {
    let groups = std::mem::take(&mut state.children);
    let (mut before, mut after): (Vec<Group>, Vec<Group>) = (Vec::new(), Vec::new());
    for (position, children) in groups {
        let (def, link) = relation(&state, position, db)?;
        let parents = def.kind == RelationKind::BelongsTo;
        if parents { &mut before } else { &mut after }.push((position, children, def, link));
    }
    let fresh = state.original.is_none();
    if fresh {
        // The parents fill these.
        let implied: Vec<usize> = before.iter().flat_map(|(_, _, _, link)| link.source.clone()).collect();
        before_create(db, &mut state, options, &implied).await?;
    }
    let mut stored = Vec::new();
    let below = options.below();
    let inner = below.as_ref().unwrap_or(options);
    for (position, children, _, link) in before {
        stored.push((position, create_parents(db, &mut state, children, &link, inner).await?));
    }
    let row = if fresh { insert_prepared(db, state, options).await? } else { state };
    Ok(Begun { row, fresh, after, stored })
}

/// Gives a child what makes it one of this row: its keys and what the relation fixes.
pub(crate) fn hang(parent: &RowState, child: &mut Child, def: &RelationDef, link: &Link) {
    if child.row.original.is_none() {
        for (name, value) in &def.scope {
            if let Some(position) = child.row.model.position(name) {
                child.row.values[position] = Some(value.clone());
            }
        }
    }
    if def.kind != RelationKind::BelongsToMany {
        for (own, target) in link.source.iter().zip(&link.columns) {
            child.row.values[*target] = Some(parent.values[*own].clone().unwrap_or_default());
        }
    }
}

/// The rows that a row belongs to; it gets their keys.
async fn create_parents(db: &Db, state: &mut RowState, parents: Vec<Child>, link: &Link, options: &WriteOptions) -> Result<Vec<Child>> {
    let mut stored = Vec::with_capacity(parents.len());
    for parent in parents {
        let row = if parent.row.original.is_some() { parent.row } else { create_node(db, parent.row, options).await? };
        for (own, target) in link.source.iter().zip(&link.columns) {
            state.values[*own] = row.values[*target].clone();
        }
        stored.push(Child { row, through: parent.through });
    }
    Ok(stored)
}

/// The children as they are stored: new ones from those that were made, the others saved or linked.
async fn store_children(
    db: &Db,
    side: Side<'_>,
    children: Vec<Child>,
    made: &mut (impl Iterator<Item = RowState> + Send),
    options: &WriteOptions,
) -> Result<Vec<Child>> {
    let mut stored = Vec::with_capacity(children.len());
    let mut between = Vec::new();
    for child in children {
        let fresh = child.row.original.is_none();
        let many = side.def.kind == RelationKind::BelongsToMany;
        let row = match (fresh, many) {
            (true, _) => made.next().ok_or_else(|| Error::bug("a child was not created"))?,
            (false, true) => child.row,
            (false, false) => crate::write::save(db, child.row, options).await?,
        };
        if many && fresh {
            let key: Vec<Value> = side.link.columns.iter().map(|position| row.values[*position].clone().unwrap_or_default()).collect();
            let linking = row_between(side, &key, &child.through)?;
            if crate::hook::needs_transaction(db, &linking.model, options) {
                // As in Sequelize, the row between is created like any other row, with its hooks.
                create_node(db, linking, options).await?;
            } else {
                between.push(linking);
            }
        } else if many {
            add_links(db, side, std::slice::from_ref(&row), &child.through, options).await?;
        }
        stored.push(Child { row, through: child.through });
    }
    add_rows_between(db, between, options).await?;
    Ok(stored)
}
