//! Many rows with what hangs on them: a statement for each relation of each level, whatever the number of rows.

use super::{BulkOptions, OnDuplicate, create_prepared, rows::insert_rows};
use crate::db::Db;
use crate::write::association::{add_rows_between, row_between};
use crate::write::graph::{self, relation};
use crate::write::{Child, RowState, Side, WriteOptions, add_links, save};
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Link, RelationDef, RelationKind};

/// What hangs on a row, by the position of the relation.
type Hanging = Vec<(usize, Vec<Child>)>;

/// Inserts rows and what hangs on them: parents, the rows, children and the rows between. Rules and setters were run.
pub(super) fn insert_tree<'a>(db: &'a Db, rows: Vec<RowState>, options: &'a BulkOptions) -> BoxFuture<'a, Result<Vec<RowState>>> {
    Box::pin(insert_levels(db, rows, options))
}

async fn insert_levels(db: &Db, mut rows: Vec<RowState>, options: &BulkOptions) -> Result<Vec<RowState>> {
    let mut hanging: Vec<Hanging> = rows.iter_mut().map(|row| std::mem::take(&mut row.children)).collect();
    let Some(first) = rows.first().cloned() else { return Ok(rows) };
    let mut relations: Vec<usize> = hanging.iter().flatten().map(|(position, _)| *position).collect();
    relations.sort_unstable();
    relations.dedup();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for position in relations {
        let (def, link) = relation(&first, position, db)?;
        if def.kind == RelationKind::BelongsTo { &mut before } else { &mut after }.push((position, def, link));
    }
    for (position, _, link) in &before {
        let stored = store(db, take(&mut hanging, *position), options).await?;
        for (place, child) in stored {
            for (own, target) in link.source.iter().zip(&link.columns) {
                rows[place].values[*own].clone_from(&child.row.values[*target]);
            }
            give(&mut hanging[place], *position, child);
        }
    }
    let mut stored = insert_rows(db, rows, options).await?;
    for (position, def, link) in &after {
        let children = take(&mut hanging, *position);
        for (place, child) in hang(db, &stored, children, (def, link), options).await? {
            give(&mut hanging[place], *position, child);
        }
    }
    for (row, children) in stored.iter_mut().zip(hanging) {
        row.children = children;
    }
    Ok(stored)
}

/// All that hangs on the rows by one relation, each with the place of its row; an empty list stays where it was.
fn take(hanging: &mut [Hanging], position: usize) -> Vec<(usize, Child)> {
    let mut taken = Vec::new();
    for (place, lists) in hanging.iter_mut().enumerate() {
        for (_, children) in lists.iter_mut().filter(|(known, _)| *known == position) {
            taken.extend(children.drain(..).map(|child| (place, child)));
        }
    }
    taken
}

fn give(hanging: &mut Hanging, position: usize, child: Child) {
    if let Some((_, children)) = hanging.iter_mut().find(|(known, _)| *known == position) {
        children.push(child);
    }
}

/// Stores the new ones among some rows at once; the order stays.
async fn store(db: &Db, children: Vec<(usize, Child)>, options: &BulkOptions) -> Result<Vec<(usize, Child)>> {
    let fresh: Vec<RowState> =
        children.iter().filter(|(_, child)| child.row.original.is_none()).map(|(_, child)| child.row.clone()).collect();
    let bulk = BulkOptions {
        write: WriteOptions { validate: false, fields: None, ..options.write.below().unwrap_or_else(|| options.write.clone()) },
        duplicates: OnDuplicate::Fail,
        individual_hooks: false,
        returning: true,
        records: true,
    };
    let mut stored = create_prepared(db, fresh, &bulk).await?.into_iter();
    children
        .into_iter()
        .map(|(place, child)| {
            if child.row.original.is_some() {
                return Ok((place, child));
            }
            let row = stored.next().ok_or_else(|| Error::bug("a bulk create gave fewer rows back than it was given"))?;
            Ok((place, Child { row, through: child.through }))
        })
        .collect()
}

/// Stores the children of rows that are stored.
async fn hang(
    db: &Db,
    parents: &[RowState],
    mut children: Vec<(usize, Child)>,
    (def, link): (&RelationDef, &Link),
    options: &BulkOptions,
) -> Result<Vec<(usize, Child)>> {
    let fresh: Vec<bool> = children.iter().map(|(_, child)| child.row.original.is_none()).collect();
    for (place, child) in &mut children {
        graph::hang(&parents[*place], child, def, link);
    }
    let mut stored = store(db, children, options).await?;
    let mut between = Vec::new();
    for ((place, child), fresh) in stored.iter_mut().zip(fresh) {
        let side = Side { parent: &parents[*place], def, link };
        match (def.kind == RelationKind::BelongsToMany, fresh) {
            (true, true) => {
                let key: Vec<_> = link.columns.iter().map(|position| child.row.values[*position].clone().unwrap_or_default()).collect();
                between.push(row_between(side, &key, &child.through)?);
            }
            (true, false) => add_links(db, side, std::slice::from_ref(&child.row), &child.through, &options.write).await?,
            (false, true) => {}
            (false, false) => child.row = save(db, child.row.clone(), &options.write).await?,
        }
    }
    add_rows_between(db, between, &options.write).await?;
    Ok(stored)
}
