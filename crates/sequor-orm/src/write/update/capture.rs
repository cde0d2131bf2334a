//! An update of many rows whose every change is told: read and locked first, and their values kept in one list.

use super::super::insert::is_exact;
use super::super::save::moves;
use super::{UpdateOptions, Updated, completed, locking, statement_of, with_keys};
use crate::db::Db;
use crate::hook::{self, AnyChange, Cells, Changes, Image, Operation, Set};
use crate::load::{KeyHash, find_rows, step, unsink};
use crate::plan;
use crate::query::QueryState;
use crate::write::{RowState, WriteOptions, named};
use sequor_core::Value;
use sequor_core::driver::{Batch, BatchMode, Discard, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{Expr, RawPart, SelectItem, Statement, Update};
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

/// One update on its way.
struct Work<'a> {
    db: &'a Db,
    query: &'a QueryState,
    set: Vec<(usize, Expr)>,
    write: &'a WriteOptions,
    /// What it makes of every row that it changes, known before it runs: values that come back as they are sent.
    foreseen: Option<Set>,
}

/// How many rows were written, and the rows where the statement gave them back.
type Written = (u64, Option<Cells>);

/// Updates the rows and tells the listeners of changes of each.
pub(super) async fn update(db: &Db, query: &QueryState, set: Vec<(usize, Expr)>, options: &UpdateOptions) -> Result<Updated> {
    let write = &options.write;
    let set = completed(db, &query.model, set, write)?;
    let foreseen = foreseen(&query.model, &set).filter(|_| !db.dialect().update_returns_stored());
    let work = Work { db, query, set, write, foreseen };
    let (before, (count, after)) = work.run().await?;
    if before.rows() == 0 {
        return Ok((0, Vec::new()));
    }
    work.tell(before, count, after).await?;
    Ok((count, Vec::new()))
}

impl Work<'_> {
    fn cells(&self) -> Box<Cells> {
        Box::new(Cells::new(self.query.model.clone()))
    }

    /// The rows as they were, and what was written.
    async fn run(&self) -> Result<(Cells, Written)> {
        if self.db.dialect().update_tells(self.query.model.columns.len()) {
            return self.telling().await;
        }
        let clauses = &self.query.clauses;
        let same = clauses.limit.is_none() && clauses.offset.is_none() && plan::concerns_single_rows(self.query, &self.db.models());
        if same && !self.db.dialect().row_locks() {
            return self.at_once(None).await;
        }
        if let (true, Some(mark)) = (same, self.db.dialect().locked_here()) {
            let (before, written) = self.at_once(Some(Expr::Raw(vec![RawPart::Text(mark.into())]))).await?;
            let written = self.and_the_rest(&before, written).await?;
            return Ok((before, written));
        }
        let before = unsink::<Cells>(self.send(self.reading()?).await?)?;
        let written = match before.rows() {
            0 => (0, None),
            _ if same => self.by_condition(&before).await?,
            _ => self.by_keys(before.keys().collect()).await?,
        };
        Ok((before, written))
    }

    /// The statement tells the rows as they were while it changes them.
    async fn telling(&self) -> Result<(Cells, Written)> {
        let mut update = self.update(self.query, None)?;
        update.before = self.query.model.columns.iter().map(|column| column.column.clone()).collect();
        let done = self.send(step(self.db.render(&Statement::Update(Box::new(update)))?, self.cells())).await?;
        let count = done.affected;
        let mut before = unsink::<Cells>(done)?;
        let after = match &self.foreseen {
            Some(_) => None,
            None => Some(before.split_off(before.rows().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX)))),
        };
        Ok((before, (count, after)))
    }

    /// Both statements in one go, the second for rows that this transaction holds: nobody else writes in between, or it is seen by the mark.
    async fn at_once(&self, mark: Option<Expr>) -> Result<(Cells, Written)> {
        let steps = vec![self.reading()?, self.writing(self.query, mark)?];
        let run = self.write.run("update_all", &self.query.model.name);
        let done = self.db.run(Batch { steps, mode: BatchMode::Plain }, run).await.map_err(|error| named(error, &self.query.model))?;
        let Ok([read, wrote]) = <[StepDone; 2]>::try_from(done) else { return Err(Error::bug("two steps have two answers")) };
        Ok((unsink::<Cells>(read)?, self.written(wrote)?))
    }

    /// A row that somebody else holds too, as one that points to it does, has a mark of both: it is written by its key.
    async fn and_the_rest(&self, before: &Cells, (mut count, mut after): Written) -> Result<Written> {
        if count < self.count(before) {
            let done: HashSet<KeyHash> = after.iter().flat_map(Cells::keys).map(|key| KeyHash::new(&key)).collect();
            let left = before.keys().filter(|key| !done.contains(&KeyHash::new(key)));
            let (more, rest) = self.by_keys(left.collect()).await?;
            count += more;
            if let (Some(after), Some(rest)) = (&mut after, rest) {
                after.append(rest);
            }
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
            Err(_) if grown => self.by_keys(before.keys().collect()).await,
            tried => tried,
        }
    }

    async fn by_keys(&self, keys: Vec<Vec<Value>>) -> Result<Written> {
        let rows = with_keys(self.query, keys)?;
        let done = self.send(self.writing(&rows, None)?).await?;
        self.written(done)
    }

    fn count(&self, cells: &Cells) -> u64 {
        u64::try_from(cells.rows()).unwrap_or(u64::MAX)
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
        Ok(step(self.db.render_select(&plan.select)?, self.cells()))
    }

    fn update(&self, query: &QueryState, only: Option<Expr>) -> Result<Update> {
        let mut update = statement_of(self.db, query, self.set.clone(), self.foreseen.is_none(), self.write)?;
        update.filter = match (update.filter, only) {
            (Some(filter), Some(only)) => Some(filter.and(only)),
            (filter, only) => filter.or(only),
        };
        Ok(update)
    }

    /// The statement that writes, these rows or some of them.
    fn writing(&self, query: &QueryState, only: Option<Expr>) -> Result<Step> {
        let update = self.update(query, only)?;
        let returns = !update.returning.is_empty() && self.db.dialect().update_returning();
        let sql = self.db.render(&Statement::Update(Box::new(update)))?;
        Ok(if returns { step(sql, self.cells()) } else { step(sql, Box::new(Discard)) })
    }

    fn written(&self, done: StepDone) -> Result<Written> {
        if self.foreseen.is_some() || !self.db.dialect().update_returning() {
            return Ok((done.affected, None));
        }
        let cells = unsink::<Cells>(done)?;
        Ok((self.count(&cells), Some(cells)))
    }

    /// Tells what became of each row.
    async fn tell(&self, before: Cells, count: u64, after: Option<Cells>) -> Result<()> {
        let model = &self.query.model;
        let all = count == self.count(&before);
        let rows = before.rows();
        let (before, after) = match (after, &self.foreseen) {
            (Some(after), _) if all && before.has_keys_of(&after) => (Arc::new(before), Image::first(Arc::new(after), None)),
            (Some(after), _) => return self.tell_listed(&before, (0..after.rows()).map(|row| after.values(row)).collect(), true).await,
            (None, Some(foreseen)) if all => {
                let before = Arc::new(before);
                (before.clone(), Image::first(before, Some(Arc::new(foreseen.clone()))))
            }
            (None, _) => {
                let rows = find_rows(self.db, with_keys(self.query, before.keys().collect())?, self.write.site).await?;
                let values = |row: RowState| row.values.into_iter().map(Option::unwrap_or_default).collect();
                return self.tell_listed(&before, rows.into_iter().map(values).collect(), false).await;
            }
        };
        let (before, after) = (Some(Image::first(before, None)), Some(after));
        let first = AnyChange { model: model.clone(), operation: Operation::Update, before, after, actor: None, transaction: None };
        hook::tell_changes(self.db, model, Changes::Alike(first, rows), self.write).await
    }

    /// Row by row, where some were left out or came in another order: from the statement itself, or found afterwards.
    async fn tell_listed(&self, before: &Cells, after: Vec<Vec<Value>>, came_back: bool) -> Result<()> {
        let stored = |values| RowState::stored(self.query.model.clone(), values);
        let before: Vec<RowState> = (0..before.rows()).map(|row| stored(before.values(row))).collect();
        let after: Vec<RowState> = after.into_iter().map(stored).collect();
        let mut by_key = HashMap::with_capacity(after.len());
        for row in &after {
            by_key.insert(KeyHash::new(&row.stored_key()?), row);
        }
        let mut pairs = Vec::with_capacity(before.len());
        for row in &before {
            // What a trigger left out of the update did not come back, or is found as it was.
            let after = by_key.get(&KeyHash::new(&row.stored_key()?)).copied();
            if after.is_some_and(|after| came_back || after.values != row.values) {
                pairs.push((Some(row), after));
            }
        }
        hook::tell_all(self.db, Operation::Update, &pairs, self.write).await
    }
}

/// What will be stored, where an update sets nothing but values that come back as they are sent. As after a create, what a trigger makes of it is not seen.
fn foreseen(model: &ModelDef, set: &[(usize, Expr)]) -> Option<Set> {
    if model.columns.iter().any(|column| column.generated.is_some()) {
        return None;
    }
    let exact = |(position, expr): &(usize, Expr)| match expr {
        Expr::Value(value, _) if is_exact(&model.columns[*position].ty, value) => Some((*position, value.clone())),
        _ => None,
    };
    let raised = model.version.filter(|version| set.iter().any(|(position, _)| position == version));
    let values = set.iter().filter(|(position, _)| raised != Some(*position)).map(exact).collect::<Option<_>>()?;
    Some(Set { values, raised })
}
