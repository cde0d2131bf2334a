//! Servers that refuse: they are asked seldom, those who come meanwhile are told what the server said last, and what the pool has goes round.
//!
//! After a long outage connections come back one after the other, so that all the programs of a server do not fall upon it in one moment.

use super::{ConnectionPool, Idle, jittered};
use sequor_core::driver::Connection;
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long a server that has no connection left is left alone.
const FULL: Duration = Duration::from_millis(500);
/// How long a server that cannot be reached is left alone.
const AWAY: Duration = Duration::from_millis(100);
/// How long those who come meanwhile wait to see whether it answers again.
const PATIENCE: Duration = Duration::from_millis(250);
/// After so many failures in a row a server counts as away: one line that breaks while it is opened says little.
const FAILURES: u32 = 3;
/// How often they look.
const LOOK: Duration = Duration::from_millis(10);
/// The pause between two connections after an outage.
const STEP: Duration = Duration::from_millis(250);
/// How long a server must have been away for that.
const OUTAGE: Duration = Duration::from_secs(2);

/// What is known of a server that refuses.
#[derive(Default)]
pub(super) struct Fullness {
    said: Mutex<Option<Said>>,
    /// Whether there is something in `said`.
    refuses: AtomicBool,
    /// Those who may have a connection and could not open one, in order.
    lacking: Mutex<VecDeque<oneshot::Sender<Idle>>>,
    lacks: AtomicUsize,
    open: Arc<AtomicUsize>,
}

/// What the server said last.
struct Said {
    /// Its refusal; `None` once it takes connections again, while they come back one after the other.
    refusal: Option<(ConnectionErrorKind, String)>,
    /// How often in a row it refused.
    failures: u32,
    /// When it began.
    since: Instant,
    /// When the server may be asked again.
    next: Instant,
    /// How many connections are still to come back slowly.
    steps: usize,
}

impl Said {
    /// Whether one failure more says nothing about the next attempt.
    fn is_vague(&self) -> bool {
        self.failures < FAILURES && self.refusal.as_ref().is_some_and(|(kind, _)| *kind != ConnectionErrorKind::ServerFull)
    }

    fn pause(&self) -> Duration {
        match &self.refusal {
            Some((ConnectionErrorKind::ServerFull, _)) => FULL,
            Some(_) => AWAY,
            None => STEP,
        }
    }
}

/// Counts a connection for as long as it is open.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Fullness {
    /// How many connections of the pool are open.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    pub(super) fn count(&self) -> Counted {
        self.open.fetch_add(1, Ordering::AcqRel);
        Counted(self.open.clone())
    }

    fn lock_said(&self) -> MutexGuard<'_, Option<Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_lacking(&self) -> MutexGuard<'_, VecDeque<oneshot::Sender<Idle>>> {
        self.lacking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long the server is not to be asked.
    pub(super) fn left(&self) -> Duration {
        if !self.refuses.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        self.lock_said().as_ref().map_or(Duration::ZERO, |said| said.next.saturating_duration_since(Instant::now()))
    }

    /// Whether connections come back one after the other, and none has yet.
    fn is_first_of_many(&self) -> bool {
        self.open() == 0 && self.lock_said().as_ref().is_some_and(|said| said.refusal.is_none())
    }

    /// Takes the turn to ask the server: one task has it when the pause is over. Others are told what the server said last.
    fn turn(&self) -> Result<()> {
        if !self.refuses.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut guard = self.lock_said();
        let Some(said) = guard.as_mut().filter(|said| !said.is_vague()) else { return Ok(()) };
        let left = said.next.saturating_duration_since(Instant::now());
        if left.is_zero() {
            said.next = Instant::now() + said.pause();
            if said.refusal.is_none() {
                said.steps = said.steps.saturating_sub(1);
                if said.steps == 0 {
                    *guard = None;
                    self.refuses.store(false, Ordering::Release);
                }
            }
            return Ok(());
        }
        let (kind, message) = match &said.refusal {
            Some((kind, message)) => (*kind, message.as_str()),
            None => (ConnectionErrorKind::ServerFull, "after an outage connections are opened one after the other"),
        };
        Err(Error::connection(kind, format!("{message}; the server is asked again in {:.1} s", left.as_secs_f64())))
    }

    /// Takes note of what an attempt says about the server.
    fn note<T>(&self, outcome: &Result<T>, size: usize) {
        match outcome {
            Err(Error::Connection(error)) if error.kind().is_transient() => {
                let now = Instant::now();
                let mut guard = self.lock_said();
                let (since, before) =
                    guard.as_ref().filter(|said| said.refusal.is_some()).map_or((now, 0), |said| (said.since, said.failures));
                let refusal = Some((error.kind(), error.message.clone()));
                let mut said = Said { refusal, failures: before.saturating_add(1), since, next: now, steps: 0 };
                said.next += said.pause() + jittered(said.pause() / 4);
                *guard = Some(said);
                self.refuses.store(true, Ordering::Release);
            }
            Ok(_) if self.refuses.load(Ordering::Acquire) => self.answers_again(size),
            _ => {}
        }
    }

    fn answers_again(&self, size: usize) {
        let now = Instant::now();
        let mut guard = self.lock_said();
        match guard.as_mut().filter(|said| said.refusal.is_some()) {
            Some(said) if now.saturating_duration_since(said.since) >= OUTAGE && size > 1 => {
                *said = Said { refusal: None, failures: 0, since: now, next: now + STEP, steps: size };
            }
            Some(_) => {
                *guard = None;
                self.refuses.store(false, Ordering::Release);
            }
            None => {}
        }
    }

    /// Gives a connection to whoever lacks one for longest, or back when nobody does. Under the lock of the idle ones.
    pub(super) fn hand(&self, mut slot: Idle) -> Option<Idle> {
        if self.lacks.load(Ordering::Acquire) == 0 {
            return Some(slot);
        }
        let mut lacking = self.lock_lacking();
        while let Some(taker) = lacking.pop_front() {
            self.lacks.store(lacking.len(), Ordering::Release);
            match taker.send(slot) {
                Ok(()) => return None,
                Err(back) => slot = back,
            }
        }
        Some(slot)
    }
}

impl ConnectionPool {
    /// Asks the server for a connection, unless it has just refused one.
    pub(super) async fn ask_for_one(&self) -> Result<(Box<dyn Connection>, Vec<String>)> {
        self.turn().await?;
        let outcome = self.open_one().await;
        self.full.note(&outcome, self.size);
        outcome
    }

    /// Waits for the turn to ask the server: not for long, since one that is away may be so for ever, and not at all for one that is full.
    async fn turn(&self) -> Result<()> {
        let start = Instant::now();
        loop {
            match self.full.turn() {
                Err(Error::Connection(error))
                    if start.elapsed() < PATIENCE && (error.kind() != ConnectionErrorKind::ServerFull || self.full.is_first_of_many()) =>
                {
                    tokio::time::sleep(LOOK).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// A new connection; where the server has none, the next one of the pool that comes back.
    pub(super) async fn opened(&self) -> Result<Idle> {
        loop {
            match self.connect().await {
                Err(Error::Connection(error)) if error.kind() == ConnectionErrorKind::ServerFull && self.full.open() > 0 => {}
                outcome => return outcome,
            }
            let pause = self.full.left().max(Duration::from_millis(1));
            match self.next_return() {
                Returned::Now(slot) => return Ok(*slot),
                Returned::Later(later) => {
                    if let Ok(Ok(slot)) = tokio::time::timeout(pause, later).await {
                        return Ok(slot);
                    }
                }
            }
        }
    }

    /// The next connection of the pool that comes back.
    fn next_return(&self) -> Returned {
        let mut idle = self.lock_idle();
        while let Some(mut slot) = idle.pop_back() {
            if slot.connection.is_alive(slot.since.elapsed()) {
                return Returned::Now(Box::new(slot));
            }
        }
        let (sender, later) = oneshot::channel();
        let mut lacking = self.full.lock_lacking();
        lacking.push_back(sender);
        self.full.lacks.store(lacking.len(), Ordering::Release);
        Returned::Later(later)
    }
}

/// A connection that came back.
enum Returned {
    /// It is there.
    Now(Box<Idle>),
    /// It will be handed over.
    Later(oneshot::Receiver<Idle>),
}
