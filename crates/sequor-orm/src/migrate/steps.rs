//! One migration, statement by statement: in one transaction, or with a journal where there can be none.

use super::history::Known;
use super::runner::{Runner, statements_checksum, unreadable};
use super::session::text;
use super::source::{Migration, is_code};
use super::{MigrationEvent, Migrator, code, proof, verify};
use crate::sync::{Triggers, refuse_losses};
use sequor_core::error::{Error, Result};
use sequor_sql::Sql;
use sequor_sql::migration::{Entry, History, Piece, advice, asks_for, needs_no_transaction, split, stands_alone};
use std::time::{Duration, Instant};

/// How often a statement is tried that waited too long for the locks of others.
const ATTEMPTS: u32 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

/// A migration that is about to run.
struct Work<'m> {
    migration: &'m Migration,
    direction: Direction,
    file: &'m str,
    script: &'m str,
    pieces: Vec<Piece>,
    /// Foreign keys are looked at when it ends, not while it runs.
    unchecked: bool,
}

/// Runs a migration; false when another program was faster.
pub(crate) async fn run(runner: &mut Runner<'_>, migration: &Migration, direction: Direction) -> Result<bool> {
    let found = match direction {
        Direction::Up => migration.up(runner.dialect)?,
        Direction::Down => migration
            .down(runner.dialect)
            .ok_or_else(|| Error::migration(format!("{}/down.sql is missing, so it cannot be undone", migration.name())))?,
    };
    let (file, script) = found;
    if is_code(file) {
        return code::run(runner, migration, direction, file, script).await;
    }
    let pieces = split(script, runner.dialect).map_err(|error| unreadable(migration, file, &error))?;
    let stepwise = needs_no_transaction(script, &pieces, runner.dialect);
    let work = Work { migration, direction, file, script, pieces, unchecked: asks_for(script, "foreign-keys-off") };
    if stepwise {
        return journaled(runner, &work).await;
    }
    let mut attempt = 1;
    loop {
        match whole(runner, &work).await {
            Err(error) if is_worth_another(attempt, &error) => pause(&mut attempt).await,
            result => return result,
        }
    }
}

/// Whether a statement that waited too long for the locks of others is tried again.
pub(super) fn is_worth_another(attempt: u32, error: &Error) -> bool {
    attempt < ATTEMPTS && waited_too_long(error)
}

fn waited_too_long(error: &Error) -> bool {
    use std::error::Error as _;
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>()).unwrap_or(error);
    inner.is_retryable() || matches!(inner, Error::Timeout { .. })
}

/// Waits longer each time, and not as long as others who wait for the same.
pub(super) async fn pause(attempt: &mut u32) {
    let jitter = u64::from(std::process::id() % 50);
    tokio::time::sleep(Duration::from_millis((100 + jitter) << *attempt)).await;
    *attempt += 1;
}

/// All statements and the line in the history in one transaction.
async fn whole(runner: &mut Runner<'_>, work: &Work<'_>) -> Result<bool> {
    let Some((off, on)) = runner.history.foreign_keys(false).zip(runner.history.foreign_keys(true)).filter(|_| work.unchecked) else {
        return checked(runner, work).await;
    };
    // Inside of a transaction SQLite ignores it.
    runner.session.script(off).await?;
    let result = checked(runner, work).await;
    runner.session.script(on).await?;
    result
}

async fn checked(runner: &mut Runner<'_>, work: &Work<'_>) -> Result<bool> {
    let mut patience = WriteLock::default();
    while let Err(error) = runner.session.begin().await {
        patience.wait(runner.migrator, runner.history, error).await?;
    }
    let result = in_transaction(runner, work).await;
    match result {
        Ok(true) => {
            runner.session.commit().await?;
            Ok(true)
        }
        other => {
            runner.session.rollback().await;
            other
        }
    }
}

/// Waits for who has SQLite's write lock, which is the lock of migrators there, as long as others wait for theirs.
#[derive(Default)]
pub(super) struct WriteLock(Option<Instant>);

impl WriteLock {
    pub(super) async fn wait(&mut self, migrator: &Migrator, history: History, error: Error) -> Result<()> {
        if history.lock().is_some() || !waited_too_long(&error) {
            return Err(error);
        }
        if self.0.is_none() {
            migrator.tell(&MigrationEvent::Waiting);
        }
        let start = *self.0.get_or_insert_with(Instant::now);
        if start.elapsed() >= migrator.options.lock_wait {
            return Err(Error::migration(
                "another program holds SQLite's write lock: wait for it or end it, and run this again (--lock-wait says for how long to wait)",
            ));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(())
    }
}

async fn in_transaction(runner: &mut Runner<'_>, work: &Work<'_>) -> Result<bool> {
    // Read under the lock of this transaction: SQLite has no other.
    let known = Known::read(&mut runner.session, runner.history).await?;
    if known.is_done(work.migration, work.direction, runner.dialect)? {
        return Ok(false);
    }
    if work.unchecked {
        let said: Vec<&str> = work.pieces.iter().map(|piece| piece.text.as_str()).collect();
        let told = |error| Error::migration(format!("{}/{}: {}", work.migration.name(), work.file, self::said(&error)));
        refuse_losses(&mut runner.session, runner.dialect, &said).await.map_err(told)?;
    }
    let triggers = if work.unchecked { Some(Triggers::read(&mut runner.session, runner.dialect).await?) } else { None };
    for number in 0..work.pieces.len() {
        announce(runner, work, number);
        statement(runner, work, number).await?;
        done(runner, work, number);
    }
    if let Some(triggers) = triggers {
        let said: Vec<&str> = work.pieces.iter().map(|piece| piece.text.as_str()).collect();
        triggers.restore(&mut runner.session, &said).await?;
    }
    if let Some(query) = runner.history.dangling().filter(|_| work.unchecked) {
        let rows = runner.session.rows(Sql { text: query.to_owned(), params: Vec::new() }).await?;
        if let Some(row) = rows.first() {
            return Err(Error::migration(format!(
                "{}/{}: rows of {} would point nowhere afterwards: keep or move what they point to; nothing was changed",
                work.migration.name(),
                work.file,
                text(row.first())
            )));
        }
    }
    if work.direction == Direction::Up {
        verify::ask(runner, work.migration, "nothing was changed").await?;
    }
    finish(runner, work.migration, work.direction, &known).await?;
    Ok(true)
}

/// Tells that a statement is about to run, before anything of it is written down.
fn announce(runner: &Runner<'_>, work: &Work<'_>, number: usize) {
    let (name, of) = (work.migration.name(), work.pieces.len());
    runner.migrator.tell(&MigrationEvent::Statement { name, number: number + 1, of, sql: &work.pieces[number].text });
}

/// Tells that a statement has run and is written down.
fn done(runner: &Runner<'_>, work: &Work<'_>, number: usize) {
    runner.migrator.tell(&MigrationEvent::StatementDone { name: work.migration.name(), number: number + 1, of: work.pieces.len() });
}

/// Runs one statement, and says where it stands when the database refuses it.
async fn statement(runner: &mut Runner<'_>, work: &Work<'_>, number: usize) -> Result<()> {
    runner.session.script(&work.pieces[number].text).await.map_err(|error| refused(work, number, error))
}

#[cold]
fn refused(work: &Work<'_>, number: usize, error: Error) -> Error {
    let word = said(&error);
    let piece = &work.pieces[number];
    let (line, column) = piece.place(place_of(&piece.text, &word).unwrap_or(0));
    let (of, code) = (work.pieces.len(), error.detail().and_then(|inner| inner.code.as_deref()));
    let next = code.and_then(|code| advice(code, work.script, piece.line)).map(|next| format!("; {next}")).unwrap_or_default();
    let mut wrapped = Error::migration(format!(
        "{}/{}:{line}:{column}: statement {} of {of}: {word}{next}",
        work.migration.name(),
        work.file,
        number + 1
    ));
    if let Some(detail) = wrapped.detail_mut() {
        detail.code = error.detail().and_then(|inner| inner.code.clone());
        detail.source = Some(Box::new(error));
    }
    wrapped
}

/// The server's own sentence.
pub(super) fn said(error: &Error) -> String {
    match error.detail() {
        // That the tables come with migrations is known here.
        Some(detail) if !detail.message.is_empty() => match detail.hint.as_ref().filter(|hint| !hint.contains("run the migrations")) {
            Some(hint) => format!("{}; {hint}", detail.message),
            None => detail.message.clone(),
        },
        _ => error.to_string(),
    }
}

/// Where the text stands that the database quotes: `near "FRM"`, `near 'FRM x' at line 1`.
fn place_of(statement: &str, word: &str) -> Option<usize> {
    let near = word.split_once("near ")?.1;
    let quote = near.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    let quoted = near.get(1..)?;
    let end = if quote == '"' { quoted.find('"')? } else { quoted.rfind("' at line").or_else(|| quoted.rfind('\''))? };
    let shown: String = quoted.get(..end)?.lines().next()?.chars().take(40).collect();
    if shown.is_empty() { Some(statement.len()) } else { statement.find(&shown) }
}

/// Writes the end of a migration into the history.
pub(super) async fn finish(runner: &mut Runner<'_>, migration: &Migration, direction: Direction, known: &Known) -> Result<()> {
    let name = migration.name();
    let history = runner.history;
    let stored = known.entry(name).map(|entry| entry.name.clone());
    match (direction, stored) {
        (Direction::Up, Some(stored)) => {
            let entry = Entry { name: stored, ..runner.applied(migration)? };
            runner.session.execute(history.update(&entry)?).await?;
        }
        (Direction::Up, None) => {
            let entry = runner.applied(migration)?;
            runner.session.execute(history.insert(&entry)?).await?;
        }
        (Direction::Down, Some(stored)) => runner.session.execute(history.delete(&stored)?).await?,
        (Direction::Down, None) => {}
    }
    // sequelize-cli would look for its file.
    let Some(names) = known.sequelize.as_ref().filter(|_| !migration.is_repeatable()) else { return Ok(()) };
    let same: Vec<&String> = names.iter().filter(|known| super::source::key(known) == migration.key()).collect();
    match direction {
        Direction::Up if same.is_empty() => runner.session.execute(history.tell_sequelize(&known.sequelize_name(name), true)?).await,
        Direction::Up => Ok(()),
        Direction::Down => {
            for name in same {
                runner.session.execute(history.tell_sequelize(name, false)?).await?;
            }
            Ok(())
        }
    }
}

/// The checksum of the first statements.
pub(crate) fn done_checksum(pieces: &[Piece], done: usize) -> String {
    statements_checksum(pieces.iter().take(done).map(|piece| piece.text.as_str()))
}

/// Each statement by itself, written down before and after.
async fn journaled(runner: &mut Runner<'_>, work: &Work<'_>) -> Result<bool> {
    let known = Known::read(&mut runner.session, runner.history).await?;
    let mut entry = begin_journal(runner, work.migration, work.direction, &known).await?;
    proof::settle(runner, &work.pieces, &mut entry).await?;
    let done = usize::try_from(entry.done).unwrap_or(0);
    if done > work.pieces.len() || entry.done_checksum != done_checksum(&work.pieces, done) {
        return Err(Error::migration(format!(
            "the first {done} statements of {}/{} are done, but the file now says something else there: put them back, only what follows may change",
            work.migration.name(),
            work.file
        )));
    }
    for number in done..work.pieces.len() {
        runner.lock.probe(runner.history).await?;
        announce(runner, work, number);
        journaled_statement(runner, work, &mut entry, number).await?;
        self::done(runner, work, number);
    }
    if work.direction == Direction::Up
        && let Err(error) = verify::ask(runner, work.migration, "its statements are done; mend what is wrong and run it again").await
    {
        entry.message = error.to_string().chars().take(2000).collect();
        let update = runner.history.update(&entry)?;
        runner.session.execute(update).await?;
        return Err(error);
    }
    let known = Known::read(&mut runner.session, runner.history).await?;
    runner.session.begin().await?;
    match finish(runner, work.migration, work.direction, &known).await {
        Ok(()) => runner.session.commit().await.map(|()| true),
        Err(error) => {
            runner.session.rollback().await;
            Err(error)
        }
    }
}

/// The line of a migration that runs without a transaction around it, as it stands or new.
pub(super) async fn begin_journal(runner: &mut Runner<'_>, migration: &Migration, direction: Direction, known: &Known) -> Result<Entry> {
    let state = if direction == Direction::Up { "up" } else { "down" };
    if let Some(entry) = known.entry(migration.name()) {
        let mut entry = entry.clone();
        if entry.state != state {
            entry = Entry {
                state: state.to_owned(),
                started: 0,
                done: 0,
                done_checksum: done_checksum(&[], 0),
                message: String::new(),
                ..entry
            };
            runner.session.execute(runner.history.update(&entry)?).await?;
        }
        return Ok(entry);
    }
    let entry = Entry { state: state.to_owned(), done_checksum: done_checksum(&[], 0), ..runner.applied(migration)? };
    runner.session.execute(runner.history.insert(&entry)?).await?;
    Ok(entry)
}

async fn journaled_statement(runner: &mut Runner<'_>, work: &Work<'_>, entry: &mut Entry, number: usize) -> Result<()> {
    let alone = stands_alone(&work.pieces[number].text, runner.dialect);
    let step = i64::try_from(number).unwrap_or(i64::MAX) + 1;
    let checksum = done_checksum(&work.pieces, number + 1);
    let mut attempt = 1;
    loop {
        let after = Entry { started: step, done: step, done_checksum: checksum.clone(), message: String::new(), ..entry.clone() };
        let result = if alone {
            let message = proof::before(runner, &work.pieces[number]).await?;
            *entry = Entry { started: step, message, ..entry.clone() };
            drop_invalid(runner, &work.pieces[number]).await?;
            runner.session.execute(runner.history.update(entry)?).await?;
            statement(runner, work, number).await
        } else {
            together(runner, work, &after, number).await
        };
        match result {
            Ok(()) => {
                *entry = after;
                return if alone { runner.session.execute(runner.history.update(entry)?).await } else { Ok(()) };
            }
            Err(error) if is_worth_another(attempt, &error) => pause(&mut attempt).await,
            Err(error) => {
                let message: String = said(&error).chars().take(2000).collect();
                *entry = Entry { started: step, message, ..entry.clone() };
                // A connection that is gone leaves the journal at `started`: the statement's end is unknown.
                let _ = runner.session.execute(runner.history.update(entry)?).await;
                return Err(error);
            }
        }
    }
}

/// A statement that a transaction can hold is one with its line in the journal.
async fn together(runner: &mut Runner<'_>, work: &Work<'_>, after: &Entry, number: usize) -> Result<()> {
    runner.session.begin().await?;
    let result = match statement(runner, work, number).await {
        Ok(()) => runner.session.execute(runner.history.update(after)?).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => runner.session.commit().await,
        Err(error) => {
            runner.session.rollback().await;
            Err(error)
        }
    }
}

/// A concurrent index that failed stays behind, invalid; it is dropped before it is built again.
async fn drop_invalid(runner: &mut Runner<'_>, piece: &Piece) -> Result<()> {
    let Some(query) = runner.history.invalid_indexes() else { return Ok(()) };
    if !piece.text.to_ascii_lowercase().contains("concurrently") {
        return Ok(());
    }
    let rows = runner.session.rows(Sql { text: query.to_owned(), params: Vec::new() }).await?;
    for name in rows.iter().map(|row| text(row.first())).filter(|name| piece.text.contains(name.as_str())) {
        runner.session.script(&runner.history.drop_invalid_index(&name)?).await?;
    }
    Ok(())
}
