//! Migrations written in Rust: a function for each direction, in one transaction or batch by batch.

use super::history::Known;
use super::runner::Runner;
use super::session::Session;
use super::source::Migration;
use super::steps::{self, Direction};
use super::{MigrationEvent, Observer, verify};
use crate::db::Db;
use crate::model::{EmbeddedCode, Model};
use crate::query::{Cursor, Find};
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_sql::migration::{Entry, History, asks_for};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The function of one direction.
#[derive(Clone)]
pub(crate) struct Code(Arc<dyn Fn(MigrationStep) -> BoxFuture<'static, Result<()>> + Send + Sync>);

/// The functions of a migration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Codes {
    pub(crate) up: Option<Code>,
    pub(crate) down: Option<Code>,
}

impl Code {
    pub(crate) fn embedded(code: EmbeddedCode) -> Code {
        Code(Arc::new(code))
    }

    fn of<F, Fut>(code: F) -> Code
    where
        F: Fn(MigrationStep) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        Code(Arc::new(move |step| Box::pin(code(step))))
    }
}

/// Functions cannot be compared: the texts of their files can.
impl PartialEq for Codes {
    fn eq(&self, _: &Codes) -> bool {
        true
    }
}

impl Eq for Codes {}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

impl Migration {
    /// A migration that is written in Rust, for data that SQL cannot bring along. In a project the file `migrations/NAME/up.rs` with
    /// `pub async fn up(step: MigrationStep) -> Result<()>` is the same.
    ///
    /// ```
    /// use sequor::prelude::*;
    /// use sequor::{Migration, MigrationStep, Migrator};
    ///
    /// // As the table was when this was written: later changes of the real model do not change it.
    /// #[derive(Model, Clone, Debug, PartialEq)]
    /// #[model(table = "users", register = false)]
    /// struct User {
    ///     #[field(primary_key, auto_increment)]
    ///     id: i64,
    ///     name: String,
    /// }
    ///
    /// async fn trim_names(step: MigrationStep) -> sequor::Result<()> {
    ///     let users = User::find_all();
    ///     let trim = |db: Db, users: Vec<User>| async move {
    ///         for user in users {
    ///             let mut user = user.edit();
    ///             user.name = user.name.trim().to_owned();
    ///             user.save(&db).await?;
    ///         }
    ///         Ok(())
    ///     };
    ///     step.batches(users, 500, trim).await.map(drop)
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.execute_sql_script("CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL); INSERT INTO users VALUES (1, ' Ann ')").await?;
    /// Migrator::new([Migration::rust("20240101000000-trim-names", trim_names)]).up(&db).await?;
    /// assert_eq!(User::find_by_pk(1).or_fail().exec(&db).await?.name, "Ann");
    /// # Ok(())
    /// # }
    /// ```
    pub fn rust<F, Fut>(name: impl Into<String>, up: F) -> Migration
    where
        F: Fn(MigrationStep) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        Migration::new(name).with_code(false, Code::of(up))
    }

    /// Adds what undoes it, written in Rust.
    #[must_use]
    pub fn rust_down<F, Fut>(self, down: F) -> Migration
    where
        F: Fn(MigrationStep) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.with_code(true, Code::of(down))
    }

    /// Runs without a transaction around the whole: each batch of [`MigrationStep::batches`] is one, and a run that was cut short goes on behind the last one. In a file the
    /// line `// sequor: no-transaction` says the same.
    #[must_use]
    pub fn no_transaction(self) -> Migration {
        let file = if self.code(false).is_some() { "up.rs" } else { "up.sql" };
        let said = self.files().find(|(name, _)| *name == file).map_or("", |(_, text)| text);
        let text = format!("-- sequor: no-transaction\n{said}");
        self.with(file, text)
    }
}

/// What a migration in Rust works with.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// use sequor::{Migration, MigrationStep};
///
/// async fn fill_in(step: MigrationStep) -> sequor::Result<()> {
///     step.db().execute(sql!("UPDATE pets SET age = 0 WHERE age IS NULL")).await?;
///     step.progress(1, 1);
///     Ok(())
/// }
///
/// async fn nothing(_step: MigrationStep) -> sequor::Result<()> {
///     Ok(())
/// }
///
/// let db = Db::connect("sqlite::memory:").await?;
/// db.execute_sql_script("CREATE TABLE pets (age integer); INSERT INTO pets VALUES (NULL)").await?;
/// let migration = Migration::rust("01-ages", fill_in).rust_down(nothing).no_transaction();
/// assert!(migration.has_code() && !migration.is_repeatable());
/// Migrator::new([migration]).up(&db).await?;
/// assert_eq!(db.query_as::<(i64,)>(sql!("SELECT age FROM pets")).await?, [(0,)]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MigrationStep {
    db: Db,
    name: Arc<str>,
    observer: Option<Observer>,
    /// Where batches are written down that are done; nowhere inside of a transaction.
    journal: Option<History>,
    calls: Arc<AtomicU64>,
}

impl MigrationStep {
    /// The database: inside of the migration's transaction, unless it runs without one.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Tells how much is done, for progress bars; [`MigrationStep::batches`] does it by itself.
    pub fn progress(&self, done: u64, of: u64) {
        if let Some(observer) = &self.observer {
            observer(&MigrationEvent::Progress { name: &self.name, done, of });
        }
    }

    /// Gives the rows of a query to a closure, `size` at a time, in the order of their keys; answers how many there were. The closure's `Db` is the transaction of its
    /// batch. Rows that the closure changes may leave the query: none is met twice and none left out, as long as keys stay.
    ///
    /// Without a transaction around the migration each batch is one, together with its line in the history: when the program is cut short, the next run goes on behind
    /// the last whole batch. What stands outside of `batches` runs again.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// use sequor::{Migration, MigrationStep};
    ///
    /// #[derive(Model, Clone, Debug, PartialEq)]
    /// #[model(table = "pets", register = false)]
    /// struct Pet {
    ///     #[field(primary_key, auto_increment)]
    ///     id: i64,
    ///     name: String,
    /// }
    ///
    /// async fn shout(step: MigrationStep) -> sequor::Result<()> {
    ///     let done = step.batches(Pet::find_all(), 500, |db: Db, pets: Vec<Pet>| async move {
    ///         let mut edits: Vec<_> = pets.into_iter().map(|pet| pet.edit()).collect();
    ///         edits.iter_mut().for_each(|pet| pet.name = pet.name.to_uppercase());
    ///         edits.save(&db).await.map(drop)
    ///     }).await?;
    ///     assert_eq!(done, 2);
    ///     Ok(())
    /// }
    ///
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.sync::<Pet>(SyncMode::Create).await?;
    /// Pet::bulk_create([draft!(Pet { name: "Rex" }), draft!(Pet { name: "Tom" })]).exec(&db).await?;
    /// Migrator::new([Migration::rust("01-shout", shout)]).up(&db).await?;
    /// assert_eq!(Pet::find_all().pluck(Pet::NAME).exec(&db).await?, ["REX", "TOM"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the query and of the closure; the batch is rolled back.
    pub async fn batches<M, F, Fut>(&self, rows: Find<M>, size: u64, mut each: F) -> Result<u64>
    where
        M: Model,
        F: FnMut(Db, Vec<M>) -> Fut + Send,
        Fut: Future<Output = Result<()>> + Send,
    {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let of = rows.clone().count().exec(&self.db).await?;
        let mut place = Place { call, of, ..Place::default() };
        while !place.ended {
            let Some(history) = self.journal else {
                let page = rows.clone().cursor(place.cursor.take(), size).exec(&self.db).await?;
                place.pass(page.rows.len(), page.next);
                each(self.db.clone(), page.rows).await?;
                self.progress(place.done, place.of.max(place.done));
                continue;
            };
            let tx = self.db.begin().await?;
            let mut session = Session::In((*tx).clone());
            let Some((entry, known)) = reached(&mut session, history, &self.name).await? else {
                return tx.rollback().await.map(|()| place.done);
            };
            match known.call.cmp(&call) {
                std::cmp::Ordering::Greater => return tx.rollback().await.map(|()| 0),
                std::cmp::Ordering::Equal => place = known,
                std::cmp::Ordering::Less => {}
            }
            if place.ended {
                tx.rollback().await?;
                break;
            }
            let page = rows.clone().cursor(place.cursor.take(), size).exec(&tx).await?;
            place.pass(page.rows.len(), page.next);
            each((*tx).clone(), page.rows).await?;
            session.execute(history.update(&Entry { message: place.to_string(), ..entry })?).await?;
            tx.commit().await?;
            self.progress(place.done, place.of.max(place.done));
        }
        Ok(place.done)
    }
}

impl fmt::Debug for MigrationStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigrationStep").field("name", &self.name).finish_non_exhaustive()
    }
}

const MARK: &str = "rows:";

/// How far the batches of a migration are, as its line in the history has it: `rows:1 500 2000 CURSOR`, and what made it stop on the next line.
#[derive(Default)]
struct Place {
    /// Which of the migration's calls of `batches` it is, from 1.
    call: u64,
    done: u64,
    of: u64,
    cursor: Option<Cursor>,
    ended: bool,
}

impl Place {
    fn pass(&mut self, rows: usize, next: Option<Cursor>) {
        self.done += u64::try_from(rows).unwrap_or(u64::MAX);
        self.ended = next.is_none();
        self.cursor = next;
    }

    fn parse(message: &str) -> Option<Place> {
        let mut words = message.strip_prefix(MARK)?.lines().next()?.split(' ');
        let mut number = || words.next()?.parse().ok();
        let (call, done, of) = (number()?, number()?, number()?);
        let cursor = words.next().unwrap_or_default();
        let ended = cursor == "-";
        Some(Place { call, done, of, ended, cursor: (!ended && !cursor.is_empty()).then(|| Cursor::from(cursor)) })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{} {} {} ", self.call, self.done, self.of)?;
        match &self.cursor {
            Some(cursor) => write!(f, "{cursor}"),
            None => f.write_str(if self.ended { "-" } else { "" }),
        }
    }
}

/// What a line of the history says about batches, for people; `None` where it is about statements.
pub(crate) fn shown(message: &str) -> Option<String> {
    let place = Place::parse(message)?;
    let why = message.split_once('\n').map(|(_, why)| format!("{why}; ")).unwrap_or_default();
    Some(format!("{why}{} rows are done, and the next run goes on behind them", place.done))
}

/// The line of a migration that is on its way, read in the transaction that changes it; `None` when another program ended it meanwhile.
async fn reached(session: &mut Session, history: History, name: &str) -> Result<Option<(Entry, Place)>> {
    let known = Known::read(session, history).await?;
    let entry = known.entry(name).filter(|entry| entry.state != "applied").cloned();
    Ok(entry.map(|entry| {
        let place = Place::parse(&entry.message).unwrap_or_default();
        (entry, place)
    }))
}

/// Runs a direction that is written in Rust; false when another program was faster.
pub(crate) async fn run(runner: &mut Runner<'_>, migration: &Migration, direction: Direction, file: &str, text: &str) -> Result<bool> {
    let Some(code) = migration.code(direction == Direction::Down).cloned() else { return Err(not_linked(migration, file)) };
    // The migrator's own connection may be the only one that there is.
    runner.leave().await;
    let result = if asks_for(text, "no-transaction") {
        batchwise(runner, migration, direction, &code).await
    } else {
        patiently(runner, migration, direction, &code).await
    };
    runner.enter().await?;
    result.map_err(|error| placed(migration, file, error))
}

#[cold]
fn not_linked(migration: &Migration, file: &str) -> Error {
    Error::migration(format!(
        "{}/{file} is written in Rust, and this program was built without it: run the project's own command line, whose src/bin/db.rs says \
         `App::new::<All>().migrations(migrations!(\"migrations\")).run()`",
        migration.name()
    ))
}

#[cold]
fn placed(migration: &Migration, file: &str, error: Error) -> Error {
    if matches!(error, Error::Migration { .. }) {
        return error;
    }
    let mut wrapped = Error::migration(format!("{}/{file}: {error}", migration.name()));
    if let Some(detail) = wrapped.detail_mut() {
        detail.code = error.detail().and_then(|inner| inner.code.clone());
        detail.source = Some(Box::new(error));
    }
    wrapped
}

fn step(runner: &Runner<'_>, migration: &Migration, db: Db, journal: Option<History>) -> MigrationStep {
    let observer = runner.migrator.options.observer.clone();
    MigrationStep { db, name: migration.name().into(), observer, journal, calls: Arc::default() }
}

async fn patiently(runner: &mut Runner<'_>, migration: &Migration, direction: Direction, code: &Code) -> Result<bool> {
    let mut attempt = 1;
    loop {
        match whole(runner, migration, direction, code).await {
            Err(error) if steps::is_worth_another(attempt, &error) => steps::pause(&mut attempt).await,
            result => return result,
        }
    }
}

/// The function and the line in the history in one transaction.
async fn whole(runner: &mut Runner<'_>, migration: &Migration, direction: Direction, code: &Code) -> Result<bool> {
    let mut patience = steps::WriteLock::default();
    let tx = loop {
        match runner.db.begin().await {
            Ok(tx) => break tx,
            Err(error) => patience.wait(runner.migrator, runner.history, error).await?,
        }
    };
    runner.session = Session::In((*tx).clone());
    let done = in_transaction(runner, migration, direction, code, &tx).await;
    runner.session = Session::In(runner.db.clone());
    match done {
        Ok(true) => tx.commit().await.map(|()| true),
        other => {
            let _ = tx.rollback().await;
            other
        }
    }
}

async fn in_transaction(runner: &mut Runner<'_>, migration: &Migration, direction: Direction, code: &Code, tx: &Db) -> Result<bool> {
    if let Some(sql) = runner.history.lock_timeout_of_transaction(runner.lock_timeout()) {
        runner.session.script(&sql).await?;
    }
    let known = Known::read(&mut runner.session, runner.history).await?;
    if known.is_done(migration, direction, runner.dialect)? {
        return Ok(false);
    }
    (code.0)(step(runner, migration, tx.clone(), None)).await?;
    if direction == Direction::Up {
        verify::ask(runner, migration, "nothing was changed").await?;
    }
    steps::finish(runner, migration, direction, &known).await?;
    Ok(true)
}

/// The function without a transaction; its batches are written down.
async fn batchwise(runner: &mut Runner<'_>, migration: &Migration, direction: Direction, code: &Code) -> Result<bool> {
    let known = Known::read(&mut runner.session, runner.history).await?;
    let entry = steps::begin_journal(runner, migration, direction, &known).await?;
    let place = Place::parse(&entry.message).unwrap_or_default();
    let begun = Entry { message: place.to_string(), ..entry };
    let update = runner.history.update(&begun)?;
    runner.session.execute(update).await?;
    let history = runner.history;
    let mut result = (code.0)(step(runner, migration, runner.db.clone(), Some(history))).await;
    if result.is_ok() && direction == Direction::Up {
        result = verify::ask(runner, migration, "what it did stays").await;
    }
    if let Err(error) = result {
        // A connection that is gone leaves the place of the last batch.
        let _ = note(runner, migration, &error).await;
        return Err(error);
    }
    let tx = runner.db.begin().await?;
    runner.session = Session::In((*tx).clone());
    let known = Known::read(&mut runner.session, runner.history).await;
    let finished = match known {
        // On SQLite another program may have done the rest meanwhile.
        Ok(known) if known.is_done(migration, direction, runner.dialect)? => Ok(false),
        Ok(known) => steps::finish(runner, migration, direction, &known).await.map(|()| true),
        Err(error) => Err(error),
    };
    runner.session = Session::In(runner.db.clone());
    let finished = finished?;
    tx.commit().await.map(|()| finished)
}

/// Writes down why it stopped, below the place of the last batch.
async fn note(runner: &mut Runner<'_>, migration: &Migration, error: &Error) -> Result<()> {
    let known = Known::read(&mut runner.session, runner.history).await?;
    let Some(entry) = known.entry(migration.name()) else { return Ok(()) };
    let place = entry.message.lines().next().unwrap_or_default();
    let why: String = error.to_string().chars().take(2000).collect();
    let update = runner.history.update(&Entry { message: format!("{place}\n{why}"), ..entry.clone() })?;
    runner.session.execute(update).await
}

#[cfg(test)]
mod tests {
    use super::{Place, shown};

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for text in ["rows:1 500 2000 eyJhIjoxfQ", "rows:2 2000 2000 -", "rows:0 0 0 "] {
            assert_eq!(Place::parse(text).unwrap().to_string(), text);
        }
        assert!(Place::parse("tables:abc").is_none());
        assert_eq!(shown("rows:1 7 9 x\nno phone").unwrap(), "no phone; 7 rows are done, and the next run goes on behind them");
    }
}
