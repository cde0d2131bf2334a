//! An update of many rows whose every change is told: read and locked first, and their values kept in one list.

use super::super::insert::{ValuesSink, is_exact};
use super::super::save::moves;
use super::{UpdateOptions, Updated, completed, locking, statement_of, with_keys};
use crate::db::Db;
use crate::hook::{self, AnyChange, Changes, Image, Operation};
use crate::load::{KeyHash, find_rows, step, unsink};
use crate::plan;
use crate::query::QueryState;
use crate::write::{RowState, WriteOptions, named};
use sequor_core::Value;
use sequor_core::driver::{Batch, BatchMode, Discard, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Expr, RawPart, SelectItem};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Whether nothing is asked for but to tell each change.
pub(super) fn is_enough(db: &Db, query: &QueryState, positions: &[usize], options: &UpdateOptions) -> bool {
    let model = &query.model;
    !options.returning
        && !model.primary_key.is_empty()
        && !positions.iter().any(|position| model.primary_key.contains(position))
        && hook::only_changes_are_heard(db, model, &options.write)
        && !moves::is_heard(db, model, positions)
}

/// What an update makes of every row that it changes, known before it runs: values that come back as they are sent.
struct Foreseen {
    set: Vec<(usize, Value)>,
    /// The version, which goes up by one.
    raised: Option<usize>,
}

/// One update on its way.
struct Work<'a> {
    db: &'a Db,
    query: &'a QueryState,
    set: Vec<(usize, Expr)>,
    write: &'a WriteOptions,
    foreseen: Option<Foreseen>,
}

/// The cells of rows, one row after another.
type Cells = Vec<Value>;

/// How many rows were written, and the rows where the statement gave them back.
type Written = (u64, Option<Cells>);

/// Updates the rows and tells the listeners of changes of each.
pub(super) async fn update(db: &Db, query: &QueryState, set: Vec<(usize, Expr)>, options: &UpdateOptions) -> Result<Updated> {
    let write = &options.write;
    let set = completed(db, &query.model, set, write)?;
    let foreseen = foreseen(&query.model, &set).filter(|_| !db.dialect().update_returns_stored());
    let work = Work { db, query, set, write, foreseen };
    let (before, (count, after)) = work.run().await?;
    if before.is_empty() {
        return Ok((0, Vec::new()));
    }
    work.tell(before, count, after).await?;
    Ok((count, Vec::new()))
}

impl Work<'_> {
    fn width(&self) -> usize {
        self.query.model.columns.len()
    }

    /// The rows as they were, and what was written.
    async fn run(&self) -> Result<(Cells, Written)> {
        let clauses = &self.query.clauses;
        let same = clauses.limit.is_none() && clauses.offset.is_none() && plan::concerns_single_rows(self.query, &self.db.models());
        if same && !self.db.dialect().row_locks() {
            return self.at_once().await;
        }
        let before = unsink::<ValuesSink>(self.send(self.reading()?).await?)?.into_cells().1.collect::<Cells>();
        if before.is_empty() {
            return Ok((before, (0, None)));
        }
        let written = match self.db.dialect().locked_here() {
            _ if !same => self.by_keys(self.keys(&before)).await?,
            Some(mark) => self.by_mark(&before, mark).await?,
            None => self.by_condition(&before).await?,
        };
        Ok((before, written))
    }

    /// Both statements in one go: nobody else writes in between, so both find the same rows.
    async fn at_once(&self) -> Result<(Cells, Written)> {
        let steps = vec![self.reading()?, self.writing(self.query, None)?];
        let run = self.write.run("update_all", &self.query.model.name);
        let done = self.db.run(Batch { steps, mode: BatchMode::Plain }, run).await.map_err(|error| named(error, &self.query.model))?;
        let Ok([read, wrote]) = <[StepDone; 2]>::try_from(done) else { return Err(Error::bug("two steps have two answers")) };
        Ok((unsink::<ValuesSink>(read)?.into_cells().1.collect(), self.written(wrote)?))
    }

    /// By the condition and the mark of this transaction's locks. A row that somebody else holds too, as one that points to it does, has a mark of both.
    async fn by_mark(&self, before: &Cells, mark: &'static str) -> Result<Written> {
        let mut step = self.writing(self.query, Some(Expr::Raw(vec![RawPart::Text(mark.into())])))?;
        let (mut count, mut after) = self.written(self.send(step).await?)?;
        if count < self.count(before) {
            let done: HashSet<KeyHash> = after.iter().flat_map(|after| self.keys(after)).map(|key| KeyHash::new(&key)).collect();
            let left = self.keys(before).into_iter().filter(|key| !done.contains(&KeyHash::new(key)));
            step = self.writing(&with_keys(self.query, left.collect())?, None)?;
            let (more, rest) = self.written(self.send(step).await?)?;
            count += more;
            after = after.zip(rest).map(|(mut after, rest)| {
                after.extend(rest);
                after
            });
        }
        Ok((count, after))
    }

    /// By the condition itself; by keys where others added rows meanwhile that match too.
    async fn by_condition(&self, before: &Cells) -> Result<Written> {
        let (count, mut grown) = (self.count(before), false);
        let tried = self.db.in_savepoint(async |sp| {
            let done = crate::load::run_one(sp, self.writing(self.query, None)?, self.write.run("update_all", &self.query.model.name));
            let written = self.written(done.await.map_err(|error| named(error, &self.query.model))?)?;
            grown = written.0 > count;
            if grown { Err(Error::bug("more rows than were locked")) } else { Ok(written) }
        });
        match tried.await {
            Err(_) if grown => self.by_keys(self.keys(before)).await,
            tried => tried,
        }
    }

    async fn by_keys(&self, keys: Vec<Vec<Value>>) -> Result<Written> {
        let rows = with_keys(self.query, keys)?;
        let done = self.send(self.writing(&rows, None)?).await?;
        self.written(done)
    }

    fn count(&self, cells: &Cells) -> u64 {
        u64::try_from(cells.len() / self.width()).unwrap_or(u64::MAX)
    }

    fn keys(&self, cells: &Cells) -> Vec<Vec<Value>> {
        let key = |row: &[Value]| self.query.model.primary_key.iter().map(|position| row[*position].clone()).collect();
        cells.chunks(self.width()).map(key).collect()
    }

    async fn send(&self, step: Step) -> Result<StepDone> {
        let run = self.write.run("update_all", &self.query.model.name);
        crate::load::run_one(self.db, step, run).await.map_err(|error| named(error, &self.query.model))
    }

    /// The statement that reads and locks the rows.
    fn reading(&self) -> Result<Step> {
        let model = &self.query.model;
        let positions: Vec<usize> = self.set.iter().map(|(position, _)| *position).collect();
        let mut state = locking(self.query, self.write.keeps_version || !moves::may_be_pointed_to(model, &positions));
        let whole = |position| SelectItem::new(Expr::Field(plan::field(model, position)));
        state.clauses.select = Some((0..model.columns.len()).map(whole).collect());
        let plan = plan::plan(&state, &self.db.models())?;
        Ok(step(self.db.render_select(&plan.select)?, Box::new(ValuesSink::new(model))))
    }

    /// The statement that writes, these rows or some of them.
    fn writing(&self, query: &QueryState, only: Option<Expr>) -> Result<Step> {
        let returning = self.foreseen.is_none();
        let mut update = statement_of(self.db, query, self.set.clone(), returning, self.write)?;
        update.filter = match (update.filter, only) {
            (Some(filter), Some(only)) => Some(filter.and(only)),
            (filter, only) => filter.or(only),
        };
        let returns = !update.returning.is_empty() && self.db.dialect().update_returning();
        let sql = self.db.render(&sequor_core::statement::Statement::Update(Box::new(update)))?;
        Ok(if returns { step(sql, Box::new(ValuesSink::new(&self.query.model))) } else { step(sql, Box::new(Discard)) })
    }

    fn written(&self, done: StepDone) -> Result<Written> {
        if self.foreseen.is_some() || !self.db.dialect().update_returning() {
            return Ok((done.affected, None));
        }
        let (count, cells) = unsink::<ValuesSink>(done)?.into_cells();
        Ok((u64::try_from(count).unwrap_or(u64::MAX), Some(cells.collect())))
    }

    /// Tells what became of each row.
    async fn tell(&self, before: Cells, count: u64, after: Option<Cells>) -> Result<()> {
        let model = &self.query.model;
        let all = count == self.count(&before);
        let after = match (after, &self.foreseen) {
            (Some(after), _) if all && self.same_order(&before, &after) => After::Rows(after),
            (Some(after), _) => return self.tell_listed(before, after).await,
            (None, Some(foreseen)) if all => foreseen.after(&before, self.width()),
            (None, _) => {
                let rows = find_rows(self.db, with_keys(self.query, self.keys(&before))?, self.write.site).await?;
                let after = rows.into_iter().flat_map(|row| row.values).map(Option::unwrap_or_default).collect();
                return self.tell_listed(before, after).await;
            }
        };
        let rows = before.len() / self.width();
        let before = Arc::new(before);
        let after = match after {
            After::Rows(cells) => Image::first(Arc::new(cells), None),
            After::Set(set) => Image::first(before.clone(), Some(Arc::new(set))),
        };
        let before = Some(Image::first(before, None));
        let (model, operation) = (model.clone(), Operation::Update);
        let first = AnyChange { model: model.clone(), operation, before, after: Some(after), actor: None, transaction: None };
        hook::tell_changes(self.db, &model, Changes::Alike(first, rows), self.write).await
    }

    fn same_order(&self, one: &Cells, other: &Cells) -> bool {
        let key = &self.query.model.primary_key;
        let same = |(one, other): (&[Value], &[Value])| key.iter().all(|position| one[*position] == other[*position]);
        one.len() == other.len() && one.chunks(self.width()).zip(other.chunks(self.width())).all(same)
    }

    /// Row by row, where some were left out or came in another order.
    async fn tell_listed(&self, before: Cells, after: Cells) -> Result<()> {
        let rows = |cells: Cells| -> Vec<RowState> {
            cells.chunks(self.width()).map(|row| RowState::stored(self.query.model.clone(), row.to_vec())).collect()
        };
        let (before, after) = (rows(before), rows(after));
        let mut by_key = HashMap::with_capacity(after.len());
        for row in &after {
            by_key.insert(KeyHash::new(&row.stored_key()?), row);
        }
        let mut pairs = Vec::with_capacity(before.len());
        for row in &before {
            pairs.push((Some(row), by_key.get(&KeyHash::new(&row.stored_key()?)).copied()));
        }
        hook::tell_all(self.db, Operation::Update, &pairs, self.write).await
    }
}

/// The rows afterwards.
enum After {
    Rows(Cells),
    /// As before, but for these values.
    Set(Vec<(usize, Value)>),
}

impl Foreseen {
    fn after(&self, before: &Cells, width: usize) -> After {
        let Some(raised) = self.raised else { return After::Set(self.set.clone()) };
        let mut cells = before.clone();
        for row in cells.chunks_mut(width) {
            for (position, value) in &self.set {
                row[*position].clone_from(value);
            }
            if let Value::I64(version) = &mut row[raised] {
                *version += 1;
            }
        }
        After::Rows(cells)
    }
}

/// What will be stored, where an update sets nothing but values that come back as they are sent. As after a create, what a trigger makes of it is not seen.
fn foreseen(model: &ModelDef, set: &[(usize, Expr)]) -> Option<Foreseen> {
    if model.columns.iter().any(|column| column.generated.is_some()) {
        return None;
    }
    let exact = |(position, expr): &(usize, Expr)| match expr {
        Expr::Value(value, _) if is_exact(&model.columns[*position].ty, value) => Some((*position, value.clone())),
        _ => None,
    };
    let raised = model.version.filter(|version| set.iter().any(|(position, _)| position == version));
    let set = set.iter().filter(|(position, _)| raised != Some(*position)).map(exact).collect::<Option<_>>()?;
    Some(Foreseen { set, raised })
}
