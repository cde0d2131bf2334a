//! `verify.sql`: questions about the database that have to be answered with yes when a migration has run.

use super::Migrator;
use super::history::Known;
use super::runner::{Runner, unreadable};
use super::session::Session;
use super::source::Migration;
use super::steps::said;
use crate::db::Db;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_sql::migration::{History, Piece, split};
use sequor_sql::{Dialect, Sql};

/// Asks after a migration has run; `left` says what becomes of it when an answer is no.
pub(super) async fn ask(runner: &mut Runner<'_>, migration: &Migration, left: &str) -> Result<()> {
    each(&mut runner.session, migration, runner.dialect, left).await.map(drop)
}

async fn each(session: &mut Session, migration: &Migration, dialect: Dialect, left: &str) -> Result<usize> {
    let Some((file, script)) = migration.verify(dialect) else { return Ok(0) };
    let pieces = split(script, dialect).map_err(|error| unreadable(migration, file, &error))?;
    for (number, piece) in pieces.iter().enumerate() {
        let place = format!("{}/{file}:{}:{}: question {} of {}", migration.name(), piece.line, piece.column, number + 1, pieces.len());
        let rows = session.rows(Sql { text: piece.text.clone(), params: Vec::new() }).await;
        let rows = rows.map_err(|error| Error::migration(format!("{place}: {}; {left}", said(&error))))?;
        let answer = rows.first().and_then(|row| row.first());
        if !answer.is_some_and(is_true) {
            return Err(Error::migration(format!("{place} is answered with {}: {}; {left}", shown(answer), first_line(piece))));
        }
    }
    Ok(pieces.len())
}

/// True, or a number that is not 0.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(answer) => *answer,
        other => {
            let text = super::text(Some(other));
            text.parse::<f64>().map_or(matches!(text.as_str(), "t" | "true"), |number| number != 0.0)
        }
    }
}

/// The answer in a word; not its value, which may be anybody's.
fn shown(answer: Option<&Value>) -> &'static str {
    match answer {
        None => "no row",
        Some(Value::Null) => "NULL",
        Some(_) => "no",
    }
}

fn first_line(piece: &Piece) -> &str {
    piece.text.lines().next().unwrap_or_default().trim()
}

impl Migrator {
    /// Asks the questions of `verify.sql` of every migration that has run, or of one, and answers how many there were. Writes nothing.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/pets.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, _) = pets().await?;
    /// let up = Migration::new("01-pets").with("up.sql", "CREATE TABLE pets (name text)");
    /// let migrator = Migrator::new([up.with("verify.sql", "SELECT count(*) = 0 FROM pets")]);
    /// migrator.up(&db).await?;
    /// assert_eq!(migrator.verify(None, &db).await?, 1, "one question, answered with yes");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Migration`, naming file, line and question that is answered with no.
    pub async fn verify(&self, name: Option<&str>, db: &Db) -> Result<usize> {
        let mut session = Session::open(db).await?;
        let asked = self.verified(name, db.dialect(), &mut session).await;
        session.close().await;
        asked
    }

    async fn verified(&self, name: Option<&str>, dialect: Dialect, session: &mut Session) -> Result<usize> {
        let known = Known::read(session, History::new(dialect)).await?;
        let mut asked = 0;
        if let Some(name) = name {
            self.place(name)?;
        }
        for migration in self.migrations.iter().filter(|one| known.is_applied(one.name())) {
            if name.is_none_or(|name| super::source::key(name) == migration.key()) {
                // What a question changes is undone.
                session.begin().await?;
                let answer = each(session, migration, dialect, "the migration has run").await;
                session.rollback().await;
                asked += answer?;
            }
        }
        Ok(asked)
    }
}
