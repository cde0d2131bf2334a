//! One step: its statement, its parameters, its rows.

use super::{Attempt, Exchange, words};
use crate::connection::LONG;
use crate::error::of_sqlite;
use crate::functions::before::Lent;
use crate::functions::new_statement;
use crate::params;
use crate::rows::{Cells, Columns, Gathered, Part};
use rusqlite::limits::Limit;
use rusqlite::{CachedStatement, Connection, ErrorCode, Statement, StatementStatus};
use sequor_core::driver::{Discard, Flow, Param, Params, RowReader, RowSink, Step, StepDone};
use sequor_core::error::{Error, Result};
use std::any::Any;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Few instructions can read long texts, or wait for a slow disk: what runs in place with a limit looks at the clock too, every so many rows.
const ROWS_BETWEEN_LOOKS: u64 = 4;
/// Runs one step and notes what it did. One that is alone can hand its rows over in parts: with an error of their reader nothing else has to be undone.
pub(super) fn run(connection: &Connection, exchange: &mut Exchange<'_>, step: Step, alone: bool) -> Result<()> {
    exchange.check()?;
    let Step { text, params, sink, cache } = step;
    let params = known(params, exchange)?;
    let in_parts = alone && exchange.may_pause() && !sink.never_pauses() && matches!(params, Params::Fixed(_));
    let mut task = Task::new(connection, exchange, sink);
    task.in_parts = in_parts;
    let lists = match &params {
        Params::Fixed(list) => std::slice::from_ref(list),
        Params::Many(lists) => lists,
        Params::Derived(_) => &[],
    };
    if !lists.is_empty() {
        task.execute(&text, lists, cache)?;
    }
    let (done, part) = task.finish(params);
    if let Some(part) = part {
        exchange.set_part(part);
    }
    exchange.push(done);
    Ok(())
}

/// The parameters of a step: none to run it with where what they are made of has no rows.
fn known(params: Params, exchange: &mut Exchange<'_>) -> Result<Params> {
    match params {
        Params::Derived(derive) => Ok(derive(exchange.earlier())?.map_or_else(|| Params::Many(Vec::new()), Params::Fixed)),
        known => Ok(known),
    }
}

/// Runs the next step of a batch in place, and notes what it did; gives it back when it is for the thread.
pub(super) fn attempt_next(connection: &Connection, exchange: &mut Exchange<'_>, step: Step) -> Result<Option<Step>> {
    exchange.check()?;
    let step = Step { params: known(step.params, exchange)?, ..step };
    if !matches!(step.params, Params::Fixed(_)) {
        return run(connection, exchange, step, false).map(|()| None);
    }
    match attempt(connection, exchange, step) {
        Attempt::Done(done) => exchange.push(done?),
        Attempt::ForTheThread(step) => return Ok(Some(step)),
    }
    Ok(None)
}

/// Runs one step of known parameters without waiting for locks; gives it back when a lock kept it from its first row, or when it took too long.
pub(super) fn attempt(connection: &Connection, exchange: &mut Exchange<'_>, step: Step) -> Attempt<StepDone, Step> {
    let Step { text, params: Params::Fixed(list), sink, cache } = step else { return Attempt::ForTheThread(step) };
    let mut task = Task::new(connection, exchange, sink);
    match task.execute(&text, std::slice::from_ref(&list), cache) {
        Ok(()) if !task.given_up => Attempt::Done(Ok(task.finish(Params::Fixed(list)).0)),
        Ok(()) => Attempt::ForTheThread(Step { text, params: Params::Fixed(list), sink: task.sink, cache }),
        Err(_) if task.exchange.is_for_the_thread() && task.begins_anew() => {
            Attempt::ForTheThread(Step { text, params: Params::Fixed(list), sink: task.sink, cache })
        }
        Err(error) => Attempt::Done(Err(error)),
    }
}

/// What a statement does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Insert,
    OtherWrite,
}

/// A step while it runs.
struct Task<'t, 'm> {
    connection: &'t Connection,
    exchange: &'t mut Exchange<'m>,
    sink: Box<dyn RowSink>,
    /// Nobody wants the rows; they are counted.
    silent: bool,
    /// The sink has seen enough.
    stopped: bool,
    /// Its rows go to the caller in parts, where it reads.
    in_parts: bool,
    /// The rows that are not handed over yet.
    part: Option<Box<Part>>,
    /// The caller asked for something else while the statement was paused; or it is not one for this place.
    given_up: bool,
    kind: Kind,
    /// Rows since the last answer.
    rows: u64,
    changed: u64,
}

impl<'t, 'm> Task<'t, 'm> {
    fn new(connection: &'t Connection, exchange: &'t mut Exchange<'m>, sink: Box<dyn RowSink>) -> Task<'t, 'm> {
        let silent = (&*sink as &dyn Any).is::<Discard>();
        let (stopped, in_parts, part, given_up, kind) = (false, false, None, false, Kind::Read);
        Task { connection, exchange, sink, silent, stopped, in_parts, part, given_up, kind, rows: 0, changed: 0 }
    }

    fn finish(self, params: Params) -> (StepDone, Option<Box<Part>>) {
        let last_insert_id = (self.kind == Kind::Insert && self.changed > 0).then(|| self.connection.last_insert_rowid());
        let affected = self.affected();
        (StepDone { sink: self.sink, affected, last_insert_id, key_step: 1, paused: false, params }, self.part)
    }

    fn affected(&self) -> u64 {
        if self.kind == Kind::Read { self.rows } else { self.changed }
    }

    fn execute(&mut self, text: &Arc<str>, lists: &[Vec<Param>], cache: bool) -> Result<()> {
        let seen = words::of(text)?;
        let mut prepared = prepare(self.connection, text, cache)?;
        self.kind = match prepared.readonly() {
            true => Kind::Read,
            false if seen.inserts => Kind::Insert,
            false => Kind::OtherWrite,
        };
        if self.exchange.gathers() && (self.kind != Kind::Read || seen.changes_session || seen.vacuums || prepared.column_count() == 0) {
            self.given_up = true;
            return Ok(());
        }
        if seen.changes_session {
            self.exchange.mark_dirty();
        }
        let _room = if seen.vacuums { Room::open(self.connection) } else { None };
        for (number, list) in lists.iter().enumerate() {
            if number > 0 {
                self.exchange.check()?;
            }
            params::bind(&mut prepared, list).map_err(|error| error.in_statement(text))?;
            new_statement();
            let before = self.connection.total_changes();
            let lent = (seen.tells && self.kind == Kind::OtherWrite && !self.silent).then(|| Lent::new(&mut self.sink));
            if self.in_parts && self.kind == Kind::Read {
                self.rows_in_parts(&mut prepared, text)?;
            } else if self.exchange.gathers() && !self.sink.forget() {
                self.rows_gathered(&mut prepared, text)?;
            } else {
                self.rows(&mut prepared, text, lent)?;
            }
            // Statements other than INSERT, UPDATE and DELETE leave the count of the statement before.
            if self.kind != Kind::Read && self.connection.total_changes() != before {
                self.changed += self.connection.changes();
            }
            if self.given_up || (self.stopped && self.kind == Kind::Read) {
                break;
            }
        }
        if !self.in_parts {
            self.exchange.spend(prepared.reset_status(StatementStatus::VmStep), self.kind != Kind::Read);
        }
        Ok(())
    }

    /// Whether so many rows have taken long by now, at every few of them.
    fn takes_long(&self, rows: u64) -> bool {
        rows.is_multiple_of(ROWS_BETWEEN_LOOKS) && self.exchange.lasts_longer_than(LONG)
    }

    /// Whether nobody has seen a row any more.
    fn begins_anew(&mut self) -> bool {
        self.rows == 0 || (self.exchange.gathers() && self.sink.forget())
    }

    /// The sink is back: what it was told counts as rows, and its error is why the statement failed.
    fn take_back(&mut self, lent: Option<Lent>) -> Result<()> {
        let Some(lent) = lent else { return Ok(()) };
        let (told, refused) = lent.end(&mut self.sink);
        self.rows += told;
        refused.map_or(Ok(()), Err)
    }

    fn rows(&mut self, statement: &mut Statement<'_>, text: &str, mut lent: Option<Lent>) -> Result<()> {
        let mut rows = statement.raw_query();
        let mut named = self.silent || self.stopped || lent.is_some() || !self.sink.wants_names();
        loop {
            let next = rows.next();
            // What a statement gives back comes when all rows are changed, and told.
            self.take_back(lent.take())?;
            let Some(row) = next.map_err(|error| of_sqlite(error, Some(text)))? else { break };
            self.rows += 1;
            if self.silent || self.stopped {
                continue;
            }
            if self.exchange.gathers() && self.takes_long(self.rows) && self.sink.forget() {
                self.given_up = true;
                return Ok(());
            }
            if !named {
                announce(row.as_ref(), &mut *self.sink)?;
                named = true;
            }
            self.give(&mut Cells::new(row))?;
            if self.stopped {
                break;
            }
        }
        drop(rows);
        if named || statement.column_count() == 0 { Ok(()) } else { announce(statement, &mut *self.sink) }
    }

    /// Gathers the rows for a sink that cannot forget any, and hands them over when there are no more: it has seen none of a statement that took too long.
    fn rows_gathered(&mut self, statement: &mut Statement<'_>, text: &str) -> Result<()> {
        let mut room = self.exchange.take_room();
        room.begin(0);
        let (mut rows, mut gathered) = (statement.raw_query(), 0);
        while let Some(row) = rows.next().map_err(|error| of_sqlite(error, Some(text)))? {
            if gathered == 0 {
                room.begin(row.as_ref().column_count());
            }
            room.push(row).map_err(|error| of_sqlite(error, Some(text)))?;
            gathered += 1;
            if room.is_heavy() || self.takes_long(gathered) {
                self.given_up = true;
                break;
            }
        }
        drop(rows);
        if self.given_up {
            self.exchange.give_room(room);
            return Ok(());
        }
        if self.sink.wants_names() {
            announce(statement, &mut *self.sink)?;
        }
        for row in room.from(0) {
            self.rows += 1;
            self.give(&mut Cells::new(&Gathered { row, statement }))?;
            if self.stopped {
                break;
            }
        }
        self.exchange.give_room(room);
        Ok(())
    }

    /// Gives the sink a row.
    fn give(&mut self, row: &mut dyn RowReader) -> Result<()> {
        match self.sink.row(row)? {
            Flow::Continue => {}
            Flow::Stop => self.stopped = true,
            Flow::Pause => return Err(self.no_pause()),
        }
        Ok(())
    }

    #[cold]
    fn no_pause(&self) -> Error {
        if self.sink.never_pauses() {
            return Error::bug("a sink that never pauses paused");
        }
        Error::usage("only a statement that reads, and that is alone in its batch, can be paused")
    }

    /// Hands the rows over as they are; the caller reads them.
    fn rows_in_parts(&mut self, statement: &mut Statement<'_>, text: &str) -> Result<()> {
        let mut part: Box<Part> = Box::default();
        let (mut rows, mut columns, mut first) = (statement.raw_query(), None, true);
        while let Some(row) = rows.next().map_err(|error| of_sqlite(error, Some(text)))? {
            // With its first row a statement knows what has become of the schema.
            let columns = columns.get_or_insert_with(|| {
                let columns = Columns::of(row.as_ref());
                part.clear(&columns);
                columns
            });
            if part.is_full() {
                let step = std::mem::take(&mut first).then(|| self.paused());
                let Some(next) = self.exchange.pause(step, part, self.connection.is_autocommit()) else {
                    self.given_up = true;
                    return Ok(());
                };
                part = next;
                part.clear(columns);
            }
            part.push(row).map_err(|error| of_sqlite(error, Some(text)))?;
        }
        drop(rows);
        if columns.is_none() {
            part.clear(&Columns::of(statement));
        }
        self.part = Some(part);
        Ok(())
    }

    /// The step, for those who get its first rows.
    fn paused(&mut self) -> StepDone {
        let sink = std::mem::replace(&mut self.sink, Box::new(Discard));
        StepDone { sink, affected: 0, last_insert_id: None, key_step: 1, paused: true, params: Params::default() }
    }
}

/// A prepared statement, to be kept or not.
enum Prepared<'c> {
    Kept(CachedStatement<'c>),
    Once(Statement<'c>),
}

impl<'c> Deref for Prepared<'c> {
    type Target = Statement<'c>;

    fn deref(&self) -> &Statement<'c> {
        match self {
            Prepared::Kept(statement) => statement,
            Prepared::Once(statement) => statement,
        }
    }
}

impl<'c> DerefMut for Prepared<'c> {
    fn deref_mut(&mut self) -> &mut Statement<'c> {
        match self {
            Prepared::Kept(statement) => statement,
            Prepared::Once(statement) => statement,
        }
    }
}

fn prepare<'c>(connection: &'c Connection, text: &str, cache: bool) -> Result<Prepared<'c>> {
    let once = || if cache { connection.prepare_cached(text).map(Prepared::Kept) } else { connection.prepare(text).map(Prepared::Once) };
    let prepared = once().or_else(|error| {
        let code = match &error {
            rusqlite::Error::SqlInputError { error, .. } | rusqlite::Error::SqliteFailure(error, _) => error.code,
            _ => return Err(error),
        };
        if code != ErrorCode::Unknown {
            return Err(error);
        }
        read_schema_again(connection);
        once()
    });
    prepared.map_err(|error| of_sqlite(error, Some(text)))
}

/// Lets a connection see what others have made of the schema. SQLite looks when a statement runs; but whether ALTER TABLE fits is found out while it is prepared, by
/// what this connection saw last.
pub(super) fn read_schema_again(connection: &Connection) {
    let _ = connection.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(()));
}

/// Tells the sink the names of the columns, without memory of its own for all but very wide results.
fn announce(statement: &Statement<'_>, sink: &mut dyn RowSink) -> Result<()> {
    const USUAL: usize = 64;
    let count = statement.column_count();
    let name = |index| statement.column_name(index).map_err(|error| of_sqlite(error, None));
    if count > USUAL {
        let names = (0..count).map(name).collect::<Result<Vec<&str>>>()?;
        return sink.columns(&names);
    }
    let mut names = [""; USUAL];
    for (index, place) in names.iter_mut().enumerate().take(count) {
        *place = name(index)?;
    }
    sink.columns(&names[..count])
}

/// Room for the one database that VACUUM attaches for itself; otherwise nothing may be attached.
pub(super) struct Room<'c>(&'c Connection);

impl<'c> Room<'c> {
    /// For a single statement. `VACUUM INTO` writes a file of the statement's choice and gets no room.
    pub(super) fn for_vacuum(connection: &'c Connection, text: &str) -> Option<Room<'c>> {
        if words::vacuums(text) { Room::open(connection) } else { None }
    }

    fn open(connection: &'c Connection) -> Option<Room<'c>> {
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1).ok()?;
        Some(Room(connection))
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let _ = self.0.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0);
    }
}
