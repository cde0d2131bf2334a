//! [`MysqlConnection`]: one logged-in line. What a call does is in the folder; the contract's methods are here.

mod batch;
mod cancel;
mod exchange;
mod execute;
mod many;
mod quick;
mod reply;
mod session;
mod transaction;

use crate::options::MysqlOptions;
use crate::statements::Statements;
use crate::wire::{Replies, Wire};
use batch::Paused;
use cancel::{Canceller, Shared};
use sequor_core::driver::{Batch, Begin, BoxFuture, Cancel, Connection, RowSink, ServerInfo, Status, Step, StepDone};
use sequor_core::{Error, Result};
use std::sync::Arc;
use std::time::Duration;
use transaction::Opening;

/// One connection.
pub(crate) struct MysqlConnection {
    wire: Wire,
    replies: Replies,
    statements: Statements,
    server: ServerInfo,
    shared: Arc<Shared>,
    activity: Activity,
    /// A transaction that was asked for and whose first statement has not come.
    begin: Option<Opening>,
    /// Whether autocommit is off, or may be.
    manual: bool,
    /// How many answers to the beginning of a transaction come first.
    opening: usize,
    /// Whether a lost answer would leave it open what is stored.
    at_stake: bool,
    /// The number of the last error that the server sent, since the call began.
    refusal: Option<u16>,
    /// Whether the last statement was not sent, because it has to be prepared anew first.
    unsent: bool,
    /// A statement whose definitions are being read.
    preparing: Option<u32>,
    /// Whether the session was changed beyond what the server reports.
    dirty: bool,
    /// Whether another database was chosen.
    moved: bool,
    /// Kept from row to row.
    starts: Vec<usize>,
    longest_packet: usize,
    /// How far generated keys lie apart, and how far they did when the session began.
    key_step: i64,
    first_key_step: i64,
    /// Whether transactions see one state of the data unless they ask otherwise.
    repeatable: bool,
    round_trip: Option<Duration>,
    /// How often what is queued was sent.
    round_trips: u64,
}

/// What the connection is doing.
enum Activity {
    /// Nothing: every answer was read.
    Settled,
    /// A call, or one that was dropped.
    Busy,
    /// A statement whose sink wanted a pause.
    Paused(Box<Paused>),
    /// Nothing any more.
    Broken,
}

impl MysqlConnection {
    /// Opens the line, logs in and sets the session up.
    pub(crate) async fn open(options: Arc<MysqlOptions>) -> Result<MysqlConnection> {
        let greeted = crate::connect::open(&options).await?;
        let mut connection = MysqlConnection {
            wire: greeted.wire,
            replies: Replies::new(greeted.layout, 0),
            statements: Statements::new(options.statements),
            server: greeted.server,
            shared: Shared::new(options, greeted.id),
            activity: Activity::Busy,
            begin: None,
            manual: false,
            opening: 0,
            at_stake: false,
            refusal: None,
            unsent: false,
            preparing: None,
            dirty: false,
            moved: false,
            starts: Vec::with_capacity(16),
            longest_packet: 1 << 20,
            key_step: 1,
            first_key_step: 1,
            repeatable: false,
            round_trip: None,
            round_trips: 0,
        };
        connection.set_up().await?;
        connection.activity = Activity::Settled;
        Ok(connection)
    }

    fn options(&self) -> &MysqlOptions {
        self.shared.options()
    }
}

impl Connection for MysqlConnection {
    fn server(&self) -> &ServerInfo {
        &self.server
    }

    fn run(&mut self, batch: Batch) -> BoxFuture<'_, Result<Vec<StepDone>>> {
        match self.quick_batch(batch) {
            Ok(quick) => Box::pin(async move { Ok(vec![self.run_quick(quick).await?]) }),
            Err(batch) => Box::pin(async move {
                self.enter().await?;
                let result = self.run_batch(batch).await;
                self.leave(result).await
            }),
        }
    }

    fn run_step(&mut self, step: Step) -> BoxFuture<'_, Result<StepDone>> {
        match self.quick(step) {
            Ok(quick) => Box::pin(self.run_quick(quick)),
            Err(step) => {
                Box::pin(
                    async move { self.run(Batch::one(step)).await?.pop().ok_or_else(|| Error::bug("a batch of one step has no answer")) },
                )
            }
        }
    }

    fn resume(&mut self, sink: Box<dyn RowSink>) -> BoxFuture<'_, Result<StepDone>> {
        Box::pin(async move {
            let paused = self.enter_paused()?;
            let result = self.resume_step(paused, sink).await;
            self.leave(result).await
        })
    }

    fn execute_script(&mut self, sql: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.enter().await?;
            let result = self.run_script(&sql).await;
            self.leave(result).await
        })
    }

    fn begin(&mut self, begin: Begin) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.enter().await?;
            let result = self.begin_later(begin);
            self.leave(result).await
        })
    }

    fn commit(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.enter().await?;
            let result = self.commit_now().await;
            self.leave(result).await
        })
    }

    fn rollback(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.enter().await?;
            let result = self.rollback_now().await;
            self.leave(result).await
        })
    }

    fn savepoint(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        self.in_transaction_run(vec![format!("SAVEPOINT `s{number}`")])
    }

    fn release(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        self.in_transaction_run(vec![format!("RELEASE SAVEPOINT `s{number}`")])
    }

    fn rollback_to(&mut self, number: u32) -> BoxFuture<'_, Result<()>> {
        self.in_transaction_run(vec![format!("ROLLBACK TO SAVEPOINT `s{number}`"), format!("RELEASE SAVEPOINT `s{number}`")])
    }

    fn status(&self) -> Status {
        match self.activity {
            Activity::Broken => Status::Broken,
            Activity::Busy => Status::Unknown,
            Activity::Settled | Activity::Paused(_) if self.begin.is_some() || self.in_transaction() => Status::InTransaction,
            // Only a reset makes a changed session clean.
            Activity::Settled if self.is_dirty() || self.manual => Status::Unknown,
            Activity::Settled | Activity::Paused(_) => Status::Idle,
        }
    }

    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.clean())
    }

    fn keep_session(&mut self) {
        self.forget_changes();
    }

    fn is_alive(&mut self, idle: Duration) -> bool {
        match self.activity {
            Activity::Broken => false,
            Activity::Settled => !self.wire.has_input() && self.wire.stream().is_quiet(idle),
            Activity::Busy | Activity::Paused(_) => true,
        }
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.enter().await?;
            let result = self.measure().await;
            self.leave(result).await
        })
    }

    fn round_trips(&self) -> u64 {
        self.round_trips
    }

    fn canceller(&self) -> Option<Box<dyn Cancel>> {
        Some(Box::new(Canceller::new(self.shared.clone())))
    }

    fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.say_goodbye())
    }
}
