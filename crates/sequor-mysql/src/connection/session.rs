//! The session: its settings, its scripts, and the way back to a clean one.

use super::execute::Job;
use super::reply::{Ended, Reading};
use super::{Activity, MysqlConnection};
use crate::script::statements;
use crate::statements::first_word;
use crate::wire::Reply;
use mysql_common::constants::{Command, StatusFlags};
use sequor_core::driver::{Discard, Flow, Product, RowReader, RowSink};
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// The longest that a reset may take.
const RESET: Duration = Duration::from_secs(2);
/// How long answers may take to come before the server is asked to stop.
const PATIENCE: Duration = Duration::from_millis(50);
const GOODBYE: Duration = Duration::from_millis(250);

/// What every session has, whatever the server's defaults are.
const SETTINGS: &str = "autocommit = 1, \
    sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION', \
    time_zone = '+00:00', group_concat_max_len = 1073741824, session_track_state_change = 1";

/// The setting of how far generated keys lie apart.
const KEY_STEP: &str = "auto_increment_increment";

/// What the server says about itself.
#[derive(Default)]
struct Facts {
    longest_packet: i64,
    read_only: bool,
    isolation: String,
    key_step: i64,
}

impl RowSink for Facts {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.longest_packet = row.i64(0)?.unwrap_or_default();
        self.read_only = row.i64(1)? != Some(0);
        self.isolation = row.text(2)?.unwrap_or_default().to_owned();
        self.key_step = row.i64(3)?.unwrap_or(1);
        Ok(Flow::Continue)
    }
}

/// How far generated keys lie apart.
struct KeyStep(i64);

impl RowSink for KeyStep {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.0 = row.i64(0)?.unwrap_or(1);
        Ok(Flow::Continue)
    }
}

impl MysqlConnection {
    /// Sets a fresh session up and asks the server about itself.
    pub(super) async fn set_up(&mut self) -> Result<()> {
        match self.set_up_now().await {
            Err(error) if !matches!(error, Error::Connection(_)) => Err(Error::connection(
                ConnectionErrorKind::Protocol,
                format!("{}: the session cannot be set up, the server may be too old: {error}", self.options().target()),
            )),
            answer => answer,
        }
    }

    async fn set_up_now(&mut self) -> Result<()> {
        let start = Instant::now();
        self.queue_settings()?;
        let isolation = if self.server.product == Product::Mariadb { "tx_isolation" } else { "transaction_isolation" };
        let question = format!(
            "SELECT @@max_allowed_packet, @@global.read_only OR @@global.innodb_read_only, @@session.{isolation}, @@session.{KEY_STEP}"
        );
        self.command(Command::COM_QUERY, question.as_bytes(), Reply::Rows)?;
        self.flush().await?;
        self.expect_ok().await?;
        self.round_trip = Some(start.elapsed());
        let mut facts = Facts::default();
        self.read_reply(Reading::plain(), &mut facts).await?;
        self.longest_packet = usize::try_from(facts.longest_packet).unwrap_or(1 << 20);
        self.server.read_only = facts.read_only;
        (self.key_step, self.first_key_step) = (facts.key_step, facts.key_step);
        self.repeatable = matches!(facts.isolation.as_str(), "REPEATABLE-READ" | "SERIALIZABLE");
        self.forget_changes();
        Ok(())
    }

    fn queue_settings(&mut self) -> Result<()> {
        let names = match self.server.product {
            Product::Mariadb => "NAMES utf8mb4 COLLATE utf8mb4_general_ci",
            _ => "NAMES utf8mb4",
        };
        self.command(Command::COM_QUERY, format!("SET {names}, {SETTINGS}").as_bytes(), Reply::Ok)
    }

    pub(super) fn forget_changes(&mut self) {
        (self.dirty, self.moved) = (false, false);
        self.replies.clear_session_change();
    }

    /// Notes what a statement may change about the session; looked at once for each text.
    pub(super) fn watch(&mut self, text: &str) {
        const WORDS: [&str; 11] = ["call", "deallocate", "execute", "flush", "handler", "lock", "prepare", "set", "unlock", "use", "xa"];
        let word = first_word(text);
        self.moved |= word.eq_ignore_ascii_case("use");
        self.dirty |= word.is_empty()
            || WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
            || ["get_lock", "temporary", ":=", "into @", "last_insert_id("].iter().any(|part| contains(text, part));
    }

    /// One trivial round trip, measured.
    pub(super) async fn measure(&mut self) -> Result<()> {
        let start = Instant::now();
        self.ping_now().await?;
        self.round_trip = Some(start.elapsed());
        Ok(())
    }

    async fn ping_now(&mut self) -> Result<()> {
        self.command(Command::COM_PING, b"", Reply::Ok)?;
        self.flush().await?;
        self.expect_ok().await
    }

    /// Lets a kill that came too late meet a statement that nobody needs.
    #[cold]
    pub(super) async fn absorb_kill(&mut self) -> Result<()> {
        self.shared.wait_for_kills().await;
        self.command(Command::COM_QUERY, b"DO 0", Reply::Ok)?;
        self.flush().await?;
        let answer = self.expect_ok().await;
        if self.is_lost() { answer } else { Ok(()) }
    }

    /// Runs the statements of a script one by one.
    pub(super) async fn run_script(&mut self, script: &str) -> Result<()> {
        for statement in statements(script) {
            let text: Arc<str> = statement?.into();
            self.dirty = true;
            match self.query(&Job { text: &text, params: &[], keep: false, commit: false }, &mut Discard).await? {
                Ended::Finished(_) => {}
                Ended::Paused(_) => return Err(Error::bug("a script was paused")),
            }
        }
        if contains(script, KEY_STEP) { self.ask_key_step().await } else { Ok(()) }
    }

    async fn ask_key_step(&mut self) -> Result<()> {
        self.command(Command::COM_QUERY, format!("SELECT @@session.{KEY_STEP}").as_bytes(), Reply::Rows)?;
        self.flush().await?;
        let mut answer = KeyStep(self.key_step);
        self.read_reply(Reading::plain(), &mut answer).await?;
        self.key_step = answer.0;
        Ok(())
    }

    /// Proves the connection clean, or fails and is closed.
    pub(super) async fn clean(&mut self) -> Result<()> {
        if self.is_lost() {
            return Err(self.is_broken());
        }
        if matches!(self.activity, Activity::Settled) && !self.needs_cleaning() {
            return Ok(());
        }
        let was_cut = !matches!(self.activity, Activity::Settled);
        self.activity = Activity::Busy;
        let cleaned = timeout(RESET, self.clean_up(was_cut)).await;
        let result = match cleaned {
            Ok(Ok(())) if !self.is_lost() => {
                self.activity = Activity::Settled;
                Ok(())
            }
            Ok(Ok(())) => Err(self.is_broken()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::connection(
                ConnectionErrorKind::Broken,
                format!("{}: the connection could not be cleaned in {} s", self.options().target(), RESET.as_secs()),
            )),
        };
        if let Err(error) = &result {
            tracing::debug!(%error, "a connection could not be cleaned and is closed");
            self.activity = Activity::Broken;
        }
        self.shared.end_turn();
        result
    }

    fn needs_cleaning(&self) -> bool {
        self.begin.is_some() || self.manual || self.in_transaction() || self.is_dirty() || self.shared.is_struck()
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.dirty || self.is_reported_changed()
    }

    /// Whether the server has said that the session was changed.
    pub(super) fn is_reported_changed(&self) -> bool {
        self.replies.status().contains(StatusFlags::SERVER_SESSION_STATE_CHANGED)
    }

    async fn clean_up(&mut self, was_cut: bool) -> Result<()> {
        self.begin = None;
        if was_cut && timeout(PATIENCE, self.settle()).await.is_err() {
            // It goes on with where the first try stopped. A kill that fails leaves the waiting.
            let (_, settled) = tokio::join!(self.shared.clone().kill(), self.settle());
            settled?;
        } else {
            self.settle().await?;
        }
        if was_cut {
            // Definitions that nobody read are definitions that the server will not send again (MariaDB's metadata cache).
            self.statements.close_all();
        }
        if self.shared.is_struck() {
            self.absorb_kill().await?;
        }
        if was_cut || self.manual || self.in_transaction() {
            self.command(Command::COM_QUERY, b"ROLLBACK", Reply::Ok)?;
            self.flush().await?;
            self.expect_ok().await?;
        }
        if self.manual {
            self.end_manual().await?;
        }
        if self.is_dirty() {
            self.start_anew().await?;
        }
        Ok(())
    }

    /// The server forgets all of the session; so do we.
    async fn start_anew(&mut self) -> Result<()> {
        if self.moved {
            let Some(database) = self.options().database.clone() else {
                return Err(Error::connection(ConnectionErrorKind::Broken, "the session was moved to another database"));
            };
            self.command(Command::COM_INIT_DB, database.as_bytes(), Reply::Ok)?;
        }
        self.statements.clear();
        self.key_step = self.first_key_step;
        self.command(Command::COM_RESET_CONNECTION, b"", Reply::Ok)?;
        self.queue_settings()?;
        self.flush().await?;
        while self.replies.pending() > 0 {
            self.expect_ok().await?;
        }
        self.forget_changes();
        Ok(())
    }

    /// Says goodbye, if the server takes it at once.
    pub(super) async fn say_goodbye(mut self: Box<Self>) {
        if self.is_lost() || self.wire.has_output() {
            return;
        }
        let mark = self.wire.open();
        self.wire.output().push(Command::COM_QUIT as u8);
        self.wire.seal(mark, 0);
        // The server closes the line whether this arrives or not.
        let _ = timeout(GOODBYE, self.wire.flush()).await;
    }
}

/// Whether the text has this part, whatever the case of its letters.
fn contains(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}
