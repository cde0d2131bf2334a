//! Creating one row, with all that hangs on it.

use super::fill::{Moment, fill_new, run_setters};
use super::insert::insert_lent;
use super::{RowState, WriteOptions, graph};
use crate::db::Db;
use crate::hook::{self, HookKind};
use crate::validate;
use sequor_core::driver::BoxFuture;
use sequor_core::error::Result;

/// Creates a row and what hangs on it. The answer is the row as stored, its children stored below it.
pub(crate) async fn create(db: &Db, state: RowState, options: &WriteOptions) -> Result<RowState> {
    let mut row = create_forgetful(db, state, options).await?;
    if row.original.is_none() {
        remember(&mut row);
    }
    Ok(row)
}

/// What a row holds is what is stored.
pub(crate) fn remember(row: &mut RowState) {
    let same = |original: &Vec<sequor_core::Value>| {
        row.values.len() == original.len() && row.values.iter().zip(original).all(|(new, old)| new.as_ref() == Some(old))
    };
    if row.original.as_ref().is_some_and(same) {
        return;
    }
    row.original = Some(row.values.iter().map(|value| value.clone().unwrap_or_default()).collect());
}

/// [`create`] for those who make an instance of the row at once: where no hook looks on, it does not remember what is stored.
pub(crate) fn create_forgetful<'a>(db: &'a Db, mut state: RowState, options: &'a WriteOptions) -> BoxFuture<'a, Result<RowState>> {
    Box::pin(async move {
        prepare(&mut state, db, options)?;
        if state.children.is_empty() && !hook::needs_transaction(db, &state.model, options) {
            if hook::captures(db, &state.model) {
                return Box::pin(create_one(db, state, options, &[])).await;
            }
            validate::run(db, &mut state, options, &[]).await?;
            let values = insert_lent(db, &mut state, options).await?;
            return Ok(RowState { values: values.into_iter().map(Some).collect(), computed: Vec::new(), ..state });
        }
        let options = options.clone();
        // Apart, so that the commonest creates carry none of it.
        let work = db.in_transaction(async move |tx| {
            if state.children.is_empty() {
                Box::pin(create_one(tx, state, &options, &[])).await
            } else {
                graph::create_graph(tx, state, &options).await
            }
        });
        Box::pin(work).await
    })
}

/// Setters and defaults, for the row and all that hangs on it.
pub(crate) fn prepare(state: &mut RowState, db: &Db, options: &WriteOptions) -> Result<()> {
    prepare_at(state, &Moment::of(db), options)
}

/// [`prepare`] for one of several rows that are created at the same moment.
pub(crate) fn prepare_at(state: &mut RowState, moment: &Moment<'_>, options: &WriteOptions) -> Result<()> {
    if state.original.is_some() {
        return Ok(());
    }
    run_setters(state)?;
    if let Some(fields) = &options.fields {
        let model = state.model.clone();
        for (column, slot) in model.columns.iter().zip(&mut state.values) {
            if !fields.contains(&column.name) && !column.primary_key {
                *slot = None;
            }
        }
        fill_listed(state, moment, options)?;
    } else {
        fill_new(state, moment, options)?;
    }
    if state.children.is_empty() {
        return Ok(());
    }
    let below = options.below();
    let options = below.as_ref().unwrap_or(options);
    for (_, children) in &mut state.children {
        for child in children {
            prepare_at(&mut child.row, moment, options)?;
        }
    }
    Ok(())
}

/// With `fields`, defaults of other attributes are not sent; keys and timestamps are.
fn fill_listed(state: &mut RowState, moment: &Moment<'_>, options: &WriteOptions) -> Result<()> {
    let given: Vec<bool> = state.values.iter().map(Option::is_some).collect();
    fill_new(state, moment, options)?;
    let model = state.model.clone();
    for (position, column) in model.columns.iter().enumerate() {
        if !given[position] && !column.managed && !column.primary_key && !options.writes(&column.name) {
            state.values[position] = None;
        }
    }
    Ok(())
}

/// One row in the order of a create: validate → before → INSERT → after. `implied`: fields that the graph will fill.
pub(crate) async fn create_one(db: &Db, state: RowState, options: &WriteOptions, implied: &[usize]) -> Result<RowState> {
    let stored = insert_new(db, state, options, implied).await?;
    after_create(db, stored, options).await
}

/// The first half of a create, up to the row that is stored.
async fn insert_new(db: &Db, mut state: RowState, options: &WriteOptions, implied: &[usize]) -> Result<RowState> {
    before_create(db, &mut state, options, implied).await?;
    insert_prepared(db, state, options).await
}

/// The rules and the hooks before the statement.
pub(crate) async fn before_create(db: &Db, state: &mut RowState, options: &WriteOptions, implied: &[usize]) -> Result<()> {
    validate::run(db, state, options, implied).await?;
    if !hook::any_before(db, &state.model, options) {
        keep_listed(state, options, implied);
        return Ok(());
    }
    let checked = state.values.clone();
    hook::fire_saving(db, &mut [state], [HookKind::BeforeCreate, HookKind::BeforeSave], None, options).await?;
    validate::recheck(state, &checked, options)?;
    keep_listed(state, options, implied);
    Ok(())
}

/// With `fields`, what hooks set beside them is not stored, as in Sequelize.
fn keep_listed(state: &mut RowState, options: &WriteOptions, implied: &[usize]) {
    if options.fields.is_none() {
        return;
    }
    let model = state.model.clone();
    for (position, column) in model.columns.iter().enumerate() {
        if !options.writes(&column.name) && !column.managed && !column.primary_key && !implied.contains(&position) {
            state.values[position] = None;
            state.computed.retain(|(known, _)| *known != position);
        }
    }
}

/// The statement.
pub(crate) async fn insert_prepared(db: &Db, mut state: RowState, options: &WriteOptions) -> Result<RowState> {
    super::parents::reserve(db, std::slice::from_ref(&state), options).await?;
    let values = insert_lent(db, &mut state, options).await?;
    let children = std::mem::take(&mut state.children);
    let mut stored = RowState::stored(state.model.clone(), values);
    stored.children = children;
    Ok(stored)
}

/// The second half: the hooks of a row that is stored, its children with it.
pub(crate) async fn after_create(db: &Db, mut stored: RowState, options: &WriteOptions) -> Result<RowState> {
    let told = hook::captures(db, &stored.model).then(|| stored.as_it_is());
    hook::fire_created(db, &mut stored, options).await?;
    if told.is_some() {
        Box::pin(hook::changed(db, hook::Operation::Create, None, told.as_ref(), options)).await?;
    }
    remember(&mut stored);
    Ok(stored)
}
