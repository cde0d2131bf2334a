//! Rows, pushed by the driver, become instances; children are hung on their parents level by level.

mod assemble;
mod chain;
mod explain;
mod flush;
mod key;
mod lazy;
mod lists;
mod marked;
mod reader;
mod runs;
mod siblings;
mod sink;
mod stream;
mod whole;

pub use assemble::LoadedTree;

pub(crate) use explain::explain;
pub use explain::{PlanNode, QueryPlan};
pub(crate) use key::{KeyHash, Keys, is_small_integer};
pub use lazy::{LoadSlice, load_into};
pub(crate) use lists::find_projected;
pub(crate) use marked::find_marked;
pub(crate) use stream::{CHUNK, Chunk, open};
pub(crate) use whole::{find_model, find_models, find_models_beside, find_records, find_records_beside};

use crate::db::{Db, Run};
use crate::hook::{self, HookKind, HookSubject};
use crate::model::{Loader, RowBatch};
use crate::plan;
use crate::query::{QueryState, RawSql};
use crate::write::{RowState, WriteOptions};
use sequor_core::driver::{Batch, BoxFuture, Param, Params, RowReader, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, Models};
use sequor_core::statement::{Distinct, Expr, RawPart, Select, SelectItem};
use sequor_core::{Name, Value};
use sequor_sql::{Dialect, Sql};
use sink::{DecodeSink, NamedSink, ScalarSink};
use std::any::Any;
use std::panic::Location;
use std::sync::Arc;

/// A step that reads into a sink.
pub(crate) fn step(sql: Sql, sink: Box<dyn sequor_core::driver::RowSink>) -> Step {
    Step { text: Arc::from(sql.text), params: Params::Fixed(sql.params), sink, cache: true }
}

/// Runs one step and gives it back.
pub(crate) async fn run_one(db: &Db, step: Step, run: Run) -> Result<StepDone> {
    db.run_step(step, &run).await
}

/// Runs a batch and, in the same round trip where the database can, a statement that travels with it.
async fn run_beside(db: &Db, mut batch: Batch, beside: Option<Step>, run: Run) -> Result<(Vec<StepDone>, Option<StepDone>)> {
    let accompanied = beside.is_some();
    batch.steps.extend(beside);
    let mut done = db.run(batch, run).await?;
    let beside = if accompanied { done.pop() } else { None };
    Ok((done, beside))
}

/// Takes a sink back as its own type.
pub(crate) fn unsink<S: 'static>(done: StepDone) -> Result<S> {
    unsink_boxed(done).map(|sink| *sink)
}

fn unsink_boxed<S: 'static>(done: StepDone) -> Result<Box<S>> {
    let sink: Box<dyn Any> = done.sink;
    sink.downcast::<S>().map_err(|_| Error::bug("a sink came back as another"))
}

fn reading(state: &QueryState, operation: &'static str, site: &'static Location<'static>) -> Run {
    Run { operation, model: Some(state.model.name.clone()), site, write: state.clauses.lock.is_some() }
}

/// Plans a query and reads its rows with their includes.
async fn read_planned(db: &Db, state: &QueryState, loader: Box<dyn Loader>, run: Run) -> Result<LoadedTree> {
    let prepared = plan::prepare(db, state)?;
    Ok(assemble::read_tree(db, assemble::reading(prepared, loader, None)?, None, run).await?.0.tree)
}

fn hooked(state: &QueryState, site: &'static Location<'static>) -> WriteOptions {
    let mut hooked = WriteOptions::at(site);
    hooked.hooks = !state.clauses.without_hooks;
    hooked.extras = state.clauses.extras.clone();
    hooked
}

/// Tells `after_read` which rows leave the engine; its error withholds them.
fn told<'a>(db: &'a Db, tree: &LoadedTree, options: &'a WriteOptions) -> impl Future<Output = Result<()>> + Send + 'a {
    let reads = reads(db, tree);
    async move { hook::tell_reads(db, reads, options).await }
}

/// Model and keys of the rows of a tree, if somebody wants to know.
fn reads(db: &Db, tree: &LoadedTree) -> Vec<hook::ReadRows> {
    let mut reads = Vec::new();
    if hook::reads_are_told(db) {
        tree.each_batch(&mut |batch, model| reads.extend(reads_of(db, batch, model)));
    }
    reads
}

/// Model and keys of the rows of a batch, where it has any.
fn reads_of(db: &Db, batch: &dyn RowBatch, model: &ModelDef) -> Option<hook::ReadRows> {
    let model = db.models().by_name(&model.name).filter(|_| !batch.is_empty())?;
    let key = |row: usize| model.primary_key.iter().map(|column| batch.value(row, *column)).collect();
    let keys = (0..batch.len()).map(key).collect();
    Some(hook::ReadRows { model, keys })
}

/// Whether hooks of finds are to run.
fn heard(db: &Db, state: &QueryState) -> bool {
    !state.clauses.without_hooks && hook::hears_finds(db, &state.model)
}

/// Runs the hooks that may change a query.
pub(crate) async fn before_find(db: &Db, state: &mut QueryState, site: &'static Location<'static>) -> Result<()> {
    if !heard(db, state) {
        return Ok(());
    }
    Box::pin(tell_before_find(db, state, site)).await
}

async fn tell_before_find(db: &Db, state: &mut QueryState, site: &'static Location<'static>) -> Result<()> {
    let (model, options) = (state.model.clone(), hooked(state, site));
    for kind in [HookKind::BeforeFind, HookKind::BeforeFindAfterExpandIncludeAll, HookKind::BeforeFindAfterOptions] {
        hook::fire(db, &model, kind, HookSubject::Query(state), &options).await?;
    }
    Ok(())
}

/// The hooks behind a find whose rows were read in another way.
// A hook is shown the list itself, as what it is.
#[allow(clippy::ptr_arg)]
pub(crate) async fn after_found<R: Send + 'static>(
    db: &Db,
    state: &QueryState,
    rows: &mut Vec<R>,
    site: &'static Location<'static>,
) -> Result<()> {
    if !heard(db, state) {
        return Ok(());
    }
    hook::fire(db, &state.model, HookKind::AfterFind, HookSubject::Found(rows), &hooked(state, site)).await
}

async fn after_find(db: &Db, state: &mut QueryState, site: &'static Location<'static>) -> Result<()> {
    if !heard(db, state) {
        return Ok(());
    }
    let (model, options) = (state.model.clone(), hooked(state, site));
    hook::fire(db, &model, HookKind::AfterFind, HookSubject::Query(state), &options).await
}

/// Reads the rows of a query as untyped, stored rows, with the hooks of a find.
pub(crate) async fn find_rows_hooked(
    db: &Db,
    mut state: QueryState,
    hooks: bool,
    site: &'static Location<'static>,
) -> Result<Vec<RowState>> {
    state.clauses.without_hooks |= !hooks;
    before_find(db, &mut state, site).await?;
    let rows = find_rows(db, state.clone(), site).await?;
    after_find(db, &mut state, site).await?;
    Ok(rows)
}

/// Reads the rows of a query as untyped, stored rows. On the heap: most writes may read rows and few do, so they carry no room for it.
pub(crate) fn find_rows<'a>(db: &'a Db, state: QueryState, site: &'static Location<'static>) -> BoxFuture<'a, Result<Vec<RowState>>> {
    Box::pin(read_rows(db, state, site))
}

async fn read_rows(db: &Db, mut state: QueryState, site: &'static Location<'static>) -> Result<Vec<RowState>> {
    let run = reading(&state, "find", site);
    let model = state.model.clone();
    if state.clauses.select.is_some() || !state.clauses.unscoped && hook::behaviors(&model).is_some() {
        // Whatever a scope selects: the row is read whole.
        let whole = |position| SelectItem::new(Expr::Field(plan::field(&model, position)));
        state.clauses.select = Some((0..model.columns.len()).map(whole).collect());
    }
    let plan = plan::plan(&state, &db.models())?;
    let sql = db.render_select(&plan.select)?;
    let types: Arc<[_]> = model.columns.iter().map(|column| column.ty.clone()).collect();
    let decode =
        move |row: &mut dyn RowReader| -> Result<Vec<Value>> { types.iter().enumerate().map(|(index, ty)| row.value(index, ty)).collect() };
    let rows = run_decoded(db, sql, decode, run).await?;
    Ok(rows.into_iter().map(|values| RowState::stored(model.clone(), values)).collect())
}

/// Reads what a query selects as values of these types.
pub(crate) async fn find_values(
    db: &Db,
    state: QueryState,
    types: Vec<sequor_core::types::ColumnType>,
    site: &'static Location<'static>,
) -> Result<Vec<Vec<Value>>> {
    let run = reading(&state, "find", site);
    let plan = plan::plan(&state, &db.models())?;
    let sql = db.render_select(&plan.select)?;
    let decode =
        move |row: &mut dyn RowReader| -> Result<Vec<Value>> { types.iter().enumerate().map(|(index, ty)| row.value(index, ty)).collect() };
    run_decoded(db, sql, decode, run).await
}

async fn run_decoded<R: Send + 'static, F>(db: &Db, sql: Sql, decode: F, run: Run) -> Result<Vec<R>>
where
    F: Fn(&mut dyn RowReader) -> Result<R> + Clone + Send + 'static,
{
    Ok(run_decoded_beside(db, sql, decode, None, run).await?.0)
}

/// Reads rows; once more when their line broke and nothing travelled beside them.
async fn run_decoded_beside<R: Send + 'static, F>(
    db: &Db,
    sql: Sql,
    decode: F,
    beside: Option<Step>,
    run: Run,
) -> Result<(Vec<R>, Option<StepDone>)>
where
    F: Fn(&mut dyn RowReader) -> Result<R> + Clone + Send + 'static,
{
    let text: Arc<str> = Arc::from(sql.text);
    let batch = |params| {
        let sink = Box::new(DecodeSink::new(decode.clone()));
        Batch::one(Step { text: text.clone(), params: Params::Fixed(params), sink, cache: true })
    };
    let spare = beside.is_none().then(|| sql.params.clone());
    let read = run_beside(db, batch(sql.params), beside, run.clone()).await;
    let (mut done, beside) = match (read, spare) {
        (Err(error), Some(params)) if db.may_read_again(&run, &error) => run_beside(db, batch(params), None, run).await?,
        (read, _) => read?,
    };
    let done = done.pop().ok_or_else(|| Error::bug("a batch of one step has no answer"))?;
    Ok((unsink::<DecodeSink<R, F>>(done)?.rows, beside))
}

/// Keeps the includes that decide which rows there are.
fn keep_narrowing(state: &mut QueryState) {
    let mut includes = std::mem::take(&mut state.clauses.includes);
    includes.retain(|include| include.required || include.joined || state.clauses.reaches(&include.relation));
    state.clauses.includes = includes;
}

/// Reads selected columns and expressions, and a statement that travels with them.
pub(crate) async fn find_decoded<R: Send + 'static, F>(
    db: Db,
    mut state: QueryState,
    decode: F,
    beside: Option<Step>,
    site: &'static Location<'static>,
) -> Result<(Vec<R>, Option<StepDone>)>
where
    F: Fn(&mut dyn RowReader) -> Result<R> + Clone + Send + 'static,
{
    let options = hooked(&state, site);
    before_find(&db, &mut state, site).await?;
    let run = reading(&state, "find", site);
    let keys = if hook::reads_are_told(&db) { select_keys(&mut state) } else { 0 };
    // A selection holds no relations; includes of scopes only narrow the rows.
    keep_narrowing(&mut state);
    let mut plan = plan::plan(&state, &db.models())?;
    let width = plan.node.shape.items.as_ref().map_or(plan.select.columns.len(), Vec::len);
    plan.select.columns.truncate(width);
    let sql = db.render_select(&plan.select)?;
    if !hook::reads_are_told(&db) {
        let read = run_decoded_beside(&db, sql, decode, beside, run).await.map_err(|error| error.at(&state.model.name, None))?;
        after_find(&db, &mut state, site).await?;
        return Ok(read);
    }
    let read = move |row: &mut dyn RowReader| -> Result<(R, Vec<Value>)> {
        let key = (width - keys..width).map(|cell| row.any(cell)).collect::<Result<_>>()?;
        Ok((decode(row)?, key))
    };
    let (rows, beside) = run_decoded_beside(&db, sql, read, beside, run).await.map_err(|error| error.at(&state.model.name, None))?;
    let (rows, keys): (Vec<R>, Vec<Vec<Value>>) = rows.into_iter().unzip();
    let keys = keys.into_iter().filter(|key| !key.is_empty()).collect();
    hook::tell_reads(&db, vec![hook::ReadRows { model: state.model.clone(), keys }], &options).await?;
    after_find(&db, &mut state, site).await?;
    Ok((rows, beside))
}

/// Adds the primary key to a selection of single rows; gives how many cells that are. Groups, aggregates and distinct values have no key.
fn select_keys(state: &mut QueryState) -> usize {
    let clauses = &mut *state.clauses;
    let Some(select) = clauses.select.as_mut().filter(|_| clauses.group.is_empty() && matches!(clauses.distinct, Distinct::No)) else {
        return 0;
    };
    if select.iter().any(|item| plan::is_aggregate(&item.expr)) {
        return 0;
    }
    select.extend(state.model.primary_key.iter().map(|position| SelectItem::new(Expr::Field(plan::field(&state.model, *position)))));
    state.model.primary_key.len()
}

/// Counts rows.
pub(crate) async fn count(db: &Db, state: QueryState, site: &'static Location<'static>) -> Result<u64> {
    let run = reading(&state, "count", site);
    let sql = count_sql(db, state, site).await?;
    number(&read_scalar(db, sql, run).await?)
}

/// Counts rows as a find that selects their number, with its hooks: so an association counts its rows.
pub(crate) async fn count_found(db: &Db, mut state: QueryState, hooks: bool, site: &'static Location<'static>) -> Result<u64> {
    state.clauses.without_hooks |= !hooks;
    before_find(db, &mut state, site).await?;
    let run = reading(&state, "count", site);
    let count = number(&read_scalar(db, plan::prepare_count(db, &state)?, run).await?)?;
    after_find(db, &mut state, site).await?;
    Ok(count)
}

/// Runs the hooks of a count that is read in another way.
pub(crate) async fn tell_count(db: &Db, state: &mut QueryState, site: &'static Location<'static>) -> Result<()> {
    let hooked = hooked(state, site);
    hook::fire(db, &state.model.clone(), HookKind::BeforeCount, HookSubject::Query(state), &hooked).await
}

/// The statement that counts rows, once the hooks have seen it.
pub(crate) async fn count_step(db: &Db, state: QueryState, site: &'static Location<'static>) -> Result<Step> {
    let (text, params) = count_sql(db, state, site).await?;
    Ok(Step { text, params: Params::Fixed(params), sink: Box::new(ScalarSink::default()), cache: true })
}

async fn count_sql(db: &Db, mut state: QueryState, site: &'static Location<'static>) -> Result<(Arc<str>, Vec<Param>)> {
    tell_count(db, &mut state, site).await?;
    plan::prepare_count(db, &state)
}

/// The number that a [`count_step`] has read.
pub(crate) fn counted(done: StepDone) -> Result<u64> {
    number(&unsink::<ScalarSink>(done)?.value.unwrap_or_default())
}

fn number(count: &Value) -> Result<u64> {
    match count {
        Value::I64(count) => u64::try_from(*count).map_err(|_| Error::bug("a count below zero")),
        _ => Err(Error::bug("a count that is not a number")),
    }
}

/// Reads one cell.
pub(crate) async fn scalar(db: &Db, select: Select, run: Run) -> Result<Value> {
    let sql = db.render_select(&select)?;
    read_scalar(db, (sql.text.into(), sql.params), run).await
}

async fn read_scalar(db: &Db, (text, params): (Arc<str>, Vec<Param>), run: Run) -> Result<Value> {
    let step = || Step { text: text.clone(), params: Params::Fixed(params.clone()), sink: Box::new(ScalarSink::default()), cache: true };
    let done = match db.run_step(step(), &run).await {
        Err(error) if db.may_read_again(&run, &error) => db.run_step(step(), &run).await?,
        done => done?,
    };
    Ok(unsink::<ScalarSink>(done)?.value.unwrap_or_default())
}

/// Reads the one cell of a statement.
pub(crate) async fn scalar_of(db: &Db, sql: Sql, run: Run) -> Result<Value> {
    let done = run_one(db, step(sql, Box::new(ScalarSink::default())), run).await?;
    Ok(unsink::<ScalarSink>(done)?.value.unwrap_or_default())
}

/// Whether any row matches.
pub(crate) async fn exists(db: Db, state: QueryState, site: &'static Location<'static>) -> Result<bool> {
    let run = reading(&state, "exists", site);
    let mut state = state;
    state.clauses.limit = Some(1);
    state.clauses.unordered = true;
    state.clauses.order.clear();
    keep_narrowing(&mut state);
    let mut plan = plan::plan(&state, &db.models())?;
    let one = Expr::Value(Value::I64(1), sequor_core::types::BindType::one(sequor_core::types::ScalarType::I32));
    plan.select.columns = vec![SelectItem::new(one)];
    let value = scalar(&db, plan.select, run).await?;
    Ok(!value.is_null())
}

/// The text and parameters of raw SQL.
pub(crate) fn raw_sql(sql: RawSql, dialect: Dialect) -> Result<Sql> {
    let mut text = String::new();
    let mut params = Vec::new();
    for part in sql.parts {
        match part {
            RawPart::Text(part) => text.push_str(&part),
            RawPart::Value(value, bind) => {
                params.push(sequor_core::driver::Param { value, bind });
                dialect.put_mark(params.len(), &mut text);
            }
            RawPart::NoneOf(ty) => text.push_str(&sequor_sql::typed_null(&ty, dialect)?),
            RawPart::Expr(_) => {
                return Err(Error::usage(
                    "a whole statement names its columns itself; `{User::AGE}` stands for a column in `raw_expr(sql!(..))` and `.filter(sql!(..).into())`",
                ));
            }
        }
    }
    Ok(Sql { text, params })
}

/// Runs a query of the developer and reads its rows by name or position.
pub(crate) async fn raw_rows<T: Send + 'static>(
    db: Db,
    sql: RawSql,
    columns: (Vec<Name>, usize),
    read: fn(&mut dyn RowReader) -> Result<T>,
    site: &'static Location<'static>,
) -> Result<Vec<T>> {
    let sql = raw_sql(sql, db.dialect())?;
    let sink = NamedSink::new(columns, read);
    // Raw text may write, so it goes to the primary.
    let run = Run { operation: "query", model: None, site, write: true };
    let done = run_one(&db, step(sql, Box::new(sink)), run).await?;
    Ok(unsink::<NamedSink<T>>(done)?.rows)
}

/// Runs a statement of the developer.
pub(crate) async fn raw_execute(db: Db, sql: RawSql, site: &'static Location<'static>) -> Result<u64> {
    let sql = raw_sql(sql, db.dialect())?;
    let run = Run { operation: "execute", model: None, site, write: true };
    let done = run_one(&db, step(sql, Box::new(sequor_core::driver::Discard)), run).await?;
    Ok(done.affected)
}
