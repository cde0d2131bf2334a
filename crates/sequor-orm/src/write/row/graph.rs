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

fn create_node<'a>(db: &'a Db, mut state: RowState, options: &'a WriteOptions) -> BoxFuture<'a, Result<RowState>> {
    Box::pin(async move {
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
        let mut stored_children: Vec<(usize, Vec<Child>)> = Vec::new();
        let below = options.below();
        let inner = below.as_ref().unwrap_or(options);
        for (position, children, _, link) in before {
            stored_children.push((position, create_parents(db, &mut state, children, &link, inner).await?));
        }
        let row = if fresh { insert_prepared(db, state, options).await? } else { state };
        for (position, children, def, link) in after {
            let stored = create_children(db, &row, children, &def, &link, inner).await?;
            stored_children.push((position, stored));
        }
        // The after-hooks of a parent come when its children are stored.
        let mut row = if fresh { after_create(db, row, options).await? } else { row };
        row.children = stored_children;
        Ok(row)
    })
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

async fn create_children(
    db: &Db,
    parent: &RowState,
    children: Vec<Child>,
    def: &RelationDef,
    link: &Link,
    options: &WriteOptions,
) -> Result<Vec<Child>> {
    let mut stored = Vec::with_capacity(children.len());
    let mut between = Vec::new();
    for mut child in children {
        let fresh = child.row.original.is_none();
        if fresh {
            for (name, value) in &def.scope {
                if let Some(position) = child.row.model.position(name) {
                    child.row.values[position] = Some(value.clone());
                }
            }
        }
        if def.kind == RelationKind::BelongsToMany {
            let side = Side { parent, def, link };
            let row = if fresh { create_node(db, child.row, options).await? } else { child.row };
            if fresh {
                let key: Vec<Value> = link.columns.iter().map(|position| row.values[*position].clone().unwrap_or_default()).collect();
                let linking = row_between(side, &key, &child.through)?;
                if crate::hook::needs_transaction(db, &linking.model, options) {
                    // As in Sequelize, the row between is created like any other row, with its hooks.
                    create_node(db, linking, options).await?;
                } else {
                    between.push(linking);
                }
            } else {
                add_links(db, side, std::slice::from_ref(&row), &child.through, options).await?;
            }
            stored.push(Child { row, through: child.through });
            continue;
        }
        let key: Vec<Value> = link.source.iter().map(|own| parent.values[*own].clone().unwrap_or_default()).collect();
        for (target, value) in link.columns.iter().zip(key) {
            child.row.values[*target] = Some(value);
        }
        let row = if fresh { create_node(db, child.row, options).await? } else { crate::write::save(db, child.row, options).await? };
        stored.push(Child { row, through: child.through });
    }
    add_rows_between(db, between, options).await?;
    Ok(stored)
}
