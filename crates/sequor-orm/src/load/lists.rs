//! Projections with lists: one statement for the rows, one for each list in the tree, level by level or in one flush.

use super::key::KeyHash;
use super::{hooked, reading, step, unsink};
use crate::db::{Db, Run};
use crate::hook;
use crate::plan::{self, Many, Parents};
use crate::query::{IncludeState, ListRows, ProjectionList, QueryState, lists_of};
use sequor_core::driver::{Batch, BatchMode, Flow, RowReader, RowSink, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Expr, Field, Select, SelectItem};
use sequor_core::types::ColumnType;
use sequor_core::{Name, Value};
use std::any::Any;
use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;

/// Cells of a row, read by their types.
#[derive(Clone, Default)]
struct Cells(Vec<(usize, ColumnType)>);

/// A list below some rows: its relation, and where the rows have its key.
struct Below {
    many: Many,
    key: Cells,
    list: ProjectionList,
}

/// The rows of one statement.
struct Level {
    rows: Box<dyn ListRows>,
    model: Arc<ModelDef>,
    below: Vec<Below>,
    /// For each list the keys of all rows.
    keys: Vec<Vec<Vec<Value>>>,
    /// Where the row has the key of its parent, and that of every row.
    link: (Cells, Vec<Vec<Value>>),
    /// Where the row has its own key, if reads are told, and that of every row.
    own: (Cells, Vec<Vec<Value>>),
    /// Where the row has the columns that the caller asked for, and their values in every row.
    marks: (Cells, Vec<Vec<Value>>),
    children: Vec<Option<Level>>,
}

impl Cells {
    fn read(&self, row: &mut dyn RowReader) -> Result<Vec<Value>> {
        self.0.iter().map(|(cell, ty)| row.value(*cell, ty)).collect()
    }
}

impl RowSink for Level {
    fn wants_names(&self) -> bool {
        false
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.rows.push(row)?;
        for (below, keys) in self.below.iter().zip(&mut self.keys) {
            keys.push(below.key.read(row)?);
        }
        for (cells, read) in [&mut self.link, &mut self.own, &mut self.marks] {
            if !cells.0.is_empty() {
                read.push(cells.read(row)?);
            }
        }
        Ok(Flow::Continue)
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

/// The rows of a projection with its lists, for each row the values of the columns that were asked for, and the statement beside it.
type Listed = (Box<dyn Any + Send>, Vec<Vec<Value>>, Option<StepDone>);

/// Reads the rows of a projection with its lists, some columns of the model beside them, and a statement that travels with it.
pub(crate) async fn find_projected(
    db: Db,
    mut state: QueryState,
    list: ProjectionList,
    columns: Vec<usize>,
    beside: Option<Step>,
    site: &'static Location<'static>,
) -> Result<Listed> {
    super::before_find(&db, &mut state, site).await?;
    let (run, options) = (reading(&state, "find", site), hooked(&state, site));
    if !state.clauses.single() {
        return Err(Error::usage(
            "a projection with lists needs single rows: leave out group_by, distinct and set operations, or the lists",
        ));
    }
    // What is selected does not say which rows there are.
    let select = state.clauses.select.take();
    let flushed = super::flush::wanted_below(&db, &mut state, &run)?;
    state.clauses.select = select;
    super::keep_narrowing(&mut state);
    let (below, own) = open(&db, &state.model, &list, &mut state.clauses.select)?;
    let mut root = Level::new((list.rows)(), state.model.clone(), below, own);
    root.marks.0 = fields(&state.model, &[], &columns, state.clauses.select.get_or_insert_default());
    let plan = plan::plan(&state, &db.models())?;
    let mut levels = Levels { db: &db, steps: Vec::new(), parents: Vec::new(), flushed };
    levels.add(root, &plan.select, None)?;
    let (mut root, beside) = levels.run(beside, run).await?;
    let mut reads = Vec::new();
    root.tell(&mut reads);
    hook::tell_reads(&db, reads, &options).await?;
    super::after_find(&db, &mut state, site).await?;
    root.attach()?;
    let all: Vec<usize> = (0..root.rows.len()).collect();
    Ok((root.rows.take(&all, false), root.marks.1, beside))
}

/// Adds to a selection what the lists of a projection need: their keys, and the row's own key where reads are told.
fn open(db: &Db, model: &Arc<ModelDef>, list: &ProjectionList, select: &mut Option<Vec<SelectItem>>) -> Result<(Vec<Below>, Cells)> {
    let select = select.get_or_insert_default();
    let mut lists = Vec::new();
    lists_of((list.items)(), &[], &mut lists);
    let mut below = Vec::with_capacity(lists.len());
    for (path, list) in lists {
        let owner = owner_of(db, model.clone(), &path)?;
        let many = many_of(db, &owner, list.include.clone())?;
        let key = fields(&owner, &path, &many.link.source, select);
        below.push(Below { many, key, list });
    }
    let own = if hook::reads_are_told(db) { fields(model, &[], &model.primary_key, select) } else { Cells::default() };
    Ok((below, own))
}

/// Selects fields; gives the cells where they will stand.
fn fields(model: &ModelDef, path: &[Name], positions: &[usize], select: &mut Vec<SelectItem>) -> Cells {
    let mut cells = Cells::default();
    for position in positions {
        let Field { name, position: place, .. } = plan::field(model, *position);
        let known = select.iter().position(|item| matches!(&item.expr, Expr::Field(field) if field.path == path && field.name == name));
        cells.0.push((known.unwrap_or(select.len()), model.columns[*position].ty.clone()));
        if known.is_none() {
            select.push(SelectItem::new(Expr::Field(Field { path: path.to_vec(), name, position: place })));
        }
    }
    cells
}

/// The model at the end of a path of to-one relations.
fn owner_of(db: &Db, mut model: Arc<ModelDef>, path: &[Name]) -> Result<Arc<ModelDef>> {
    for relation in path {
        let def = model.relation(relation).ok_or_else(|| Error::bug("a projection of an unknown relation"))?;
        model = def.link(&model, &db.models())?.target;
    }
    Ok(model)
}

fn many_of(db: &Db, owner: &ModelDef, mut include: IncludeState) -> Result<Many> {
    let found = owner.relations.iter().enumerate().find(|(_, def)| def.name == include.relation);
    let (relation, def) = found.ok_or_else(|| Error::bug("a list of an unknown relation"))?;
    // Whole rows have no place in a projection: what is included can only narrow its rows.
    include.clauses.includes.retain(|inner| inner.required);
    let (link, def) = (Arc::new(def.link(owner, &db.models())?), Arc::new(def.clone()));
    Ok(Many { relation, name: def.name.clone(), source: None, link, def, include, within: Vec::new() })
}

/// The statements of a tree, parents before children.
struct Levels<'a> {
    db: &'a Db,
    steps: Vec<Step>,
    /// For each step the step of its parents, and the number of its list among theirs.
    parents: Vec<Option<(usize, usize)>>,
    flushed: bool,
}

impl Levels<'_> {
    /// Adds a statement, and those below it when all travel together.
    fn add(&mut self, level: Level, select: &Select, parent: Option<(usize, usize)>) -> Result<()> {
        let number = self.steps.len();
        let mut children = Vec::new();
        if self.flushed {
            for below in &level.below {
                let cells: Vec<usize> = below.key.0.iter().map(|(cell, _)| *cell).collect();
                let parents = Parents::of(select, &cells).ok_or_else(|| Error::bug("a parent's key is not read"))?;
                children.push(planned(self.db, below, parents)?);
            }
        }
        let sql = self.db.render_select(select)?;
        self.steps.push(step(sql, Box::new(level)));
        self.parents.push(parent);
        for (list, (level, select)) in children.into_iter().enumerate() {
            self.add(level, &select, Some((number, list)))?;
        }
        Ok(())
    }

    /// Runs the statements, then level by level those that wait for keys.
    async fn run(self, beside: Option<Step>, run: Run) -> Result<(Level, Option<StepDone>)> {
        let mode = if self.flushed { BatchMode::Snapshot } else { BatchMode::Plain };
        let (done, beside) = super::run_beside(self.db, Batch { steps: self.steps, mode }, beside, run.clone()).await?;
        let mut levels = done.into_iter().map(unsink::<Level>).collect::<Result<Vec<_>>>()?;
        for parent in self.parents.into_iter().rev().map_while(|parent| parent) {
            let (Some(level), Some(above)) = (levels.pop(), levels.get_mut(parent.0)) else {
                return Err(Error::bug("a list has no parents"));
            };
            if let Some(place) = above.children.get_mut(parent.1) {
                *place = Some(level);
            }
        }
        let mut root = levels.pop().ok_or_else(|| Error::bug("a projection has no answer"))?;
        if !self.flushed {
            below(self.db, &mut [&mut root], run).await?;
        }
        Ok((root, beside))
    }
}

/// The statement of a list and the level that takes its rows.
fn planned(db: &Db, below: &Below, parents: Parents) -> Result<(Level, Select)> {
    let mut many = below.many.clone();
    let target = many.link.target.clone();
    let mut select = Vec::new();
    crate::query::spread((below.list.items)(), &[], true, &mut select);
    let mut select = Some(select);
    let (inner, own) = open(db, &target, &below.list, &mut select)?;
    many.include.clauses.select = select;
    let (plan, link) = plan::plan_many(&many, parents, (plan::Sorting::Database, plan::Cutting::of(db.dialect())), &db.models())?;
    let mut level = Level::new((below.list.rows)(), target.clone(), inner, own);
    let cell = |at: usize, model: &ModelDef, column: usize| (at, model.columns[column].ty.clone());
    level.link.0.0 = match &many.link.through {
        // All columns of the rows between stand there.
        Some(through) => through.to_source.iter().map(|column| cell(link.between + column, &through.model, *column)).collect(),
        None => many.link.columns.iter().zip(&link.cells).map(|(column, at)| cell(*at, &target, *column)).collect(),
    };
    Ok((level, plan.select))
}

/// Reads the lists of some levels, all in one batch, then those below them.
async fn below(db: &Db, levels: &mut [&mut Level], run: Run) -> Result<()> {
    let mut batch = Batch { steps: Vec::new(), mode: BatchMode::Plain };
    let mut places = Vec::new();
    for (number, level) in levels.iter_mut().enumerate() {
        for (list, below) in level.below.iter().enumerate() {
            let keys = distinct(&level.keys[list]);
            if keys.is_empty() {
                continue;
            }
            let (inner, select) = planned(db, below, Parents::Keys(keys))?;
            batch.steps.push(step(db.render_select(&select)?, Box::new(inner)));
            places.push((number, list));
        }
    }
    if batch.steps.is_empty() {
        return Ok(());
    }
    let done = db.run(batch, run.clone()).await?;
    for ((number, list), done) in places.into_iter().zip(done) {
        levels[number].children[list] = Some(unsink::<Level>(done)?);
    }
    let mut inner: Vec<&mut Level> = levels.iter_mut().flat_map(|level| level.children.iter_mut().flatten()).collect();
    Box::pin(self::below(db, &mut inner, run)).await
}

/// Each key once; NULL points to nothing.
fn distinct(keys: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let mut seen = std::collections::HashSet::new();
    keys.iter().filter(|key| !key.iter().any(Value::is_null) && seen.insert(KeyHash::new(key))).cloned().collect()
}

impl Level {
    fn new(rows: Box<dyn ListRows>, model: Arc<ModelDef>, below: Vec<Below>, own: Cells) -> Level {
        let count = below.len();
        Level {
            rows,
            model,
            below,
            keys: vec![Vec::new(); count],
            link: (Cells::default(), Vec::new()),
            own: (own, Vec::new()),
            marks: (Cells::default(), Vec::new()),
            children: std::iter::repeat_with(|| None).take(count).collect(),
        }
    }

    /// Puts the rows of all lists into their parents, deepest first.
    fn attach(&mut self) -> Result<()> {
        for (list, child) in std::mem::take(&mut self.children).into_iter().enumerate() {
            let Some(mut child) = child else { continue };
            child.attach()?;
            let mut groups: HashMap<KeyHash, Vec<usize>> = HashMap::new();
            for (row, key) in child.link.1.iter().enumerate() {
                groups.entry(KeyHash::new(key)).or_default().push(row);
            }
            let keys = &self.keys[list];
            let shared = distinct(keys).len() < keys.len();
            for (row, key) in keys.iter().enumerate() {
                if let Some(picks) = groups.get(&KeyHash::new(key)) {
                    self.rows.fill(row, list, child.rows.take(picks, shared))?;
                }
            }
        }
        Ok(())
    }

    /// Which rows leave the engine.
    fn tell(&self, reads: &mut Vec<hook::ReadRows>) {
        if !self.own.1.is_empty() {
            reads.push(hook::ReadRows { model: self.model.clone(), keys: self.own.1.clone() });
        }
        self.children.iter().flatten().for_each(|child| child.tell(reads));
    }
}
