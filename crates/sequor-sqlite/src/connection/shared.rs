//! [`Shared`]: what the caller's side and the thread of a connection both see: its state, and what was cancelled.

use rusqlite::InterruptHandle;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// The state of a connection. Requests are numbered, so that a late cancel never hits the request after the one it was meant for.
pub(crate) struct Shared {
    interrupt: InterruptHandle,
    busy_timeout: Duration,
    sent: AtomicU64,
    running: AtomicU64,
    cancelled: AtomicU64,
    autocommit: AtomicBool,
    paused: AtomicBool,
    dirty: AtomicBool,
    not_begun: AtomicBool,
    /// How often what runs may still look whether it must stop, before it must.
    looks: AtomicU32,
    /// When it looked first, in nanoseconds of the process; 0 before that.
    first_look: AtomicU64,
}

const UNLIMITED: u32 = u32::MAX;

/// What has run in place for so long, and may have to run for longer, is for the thread.
pub(crate) const LONG: Duration = Duration::from_millis(5);

/// What the clock of looks counts from.
static PROCESS: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The number of a request that cannot be cancelled: the end of a transaction, a reset.
const NEVER: u64 = u64::MAX;

thread_local! {
    /// The connection that this thread works for, for SQLite's call-back while it waits for a lock.
    static CURRENT: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
    static WAITING_SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    /// A statement that ran in place met a lock and did not wait for it.
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

impl Shared {
    pub(crate) fn new(interrupt: InterruptHandle, busy_timeout: Duration) -> Shared {
        Shared {
            interrupt,
            busy_timeout,
            sent: AtomicU64::new(0),
            running: AtomicU64::new(NEVER),
            cancelled: AtomicU64::new(0),
            autocommit: AtomicBool::new(true),
            paused: AtomicBool::new(false),
            dirty: AtomicBool::new(false),
            not_begun: AtomicBool::new(false),
            looks: AtomicU32::new(UNLIMITED),
            first_look: AtomicU64::new(0),
        }
    }

    /// Numbers the next request.
    pub(super) fn number(&self) -> u64 {
        self.sent.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// How many requests were sent.
    pub(super) fn requests(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }

    /// The thread begins a request.
    pub(super) fn begin(&self, number: u64, cancellable: bool) {
        self.running.store(if cancellable { number } else { NEVER }, Ordering::Release);
    }

    /// Stops the request of this number, and only it. Its statement ends with an error of its own.
    pub(super) fn cancel(&self, number: u64) {
        self.cancelled.fetch_max(number, Ordering::AcqRel);
    }

    /// Stops whatever was sent last.
    pub(super) fn cancel_last(&self) {
        self.cancel(self.sent.load(Ordering::Acquire));
    }

    /// As [`Shared::cancel`], reaching into the longest steps too. Only for a caller that sends nothing more before this returns.
    pub(super) fn interrupt(&self, number: u64) {
        self.cancel(number);
        self.interrupt.interrupt();
    }

    /// Whether the running request was cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire) >= self.running.load(Ordering::Relaxed)
    }

    /// What runs until the limit is lifted must stop after so many looks.
    pub(super) fn limit(&self, looks: u32) {
        self.looks.store(looks, Ordering::Relaxed);
        self.first_look.store(0, Ordering::Relaxed);
    }

    pub(super) fn lift(&self) {
        self.limit(UNLIMITED);
    }

    /// Whether what ran had to stop for its limit.
    pub(crate) fn took_too_long(&self) -> bool {
        self.looks.load(Ordering::Relaxed) == 0 && !self.is_cancelled()
    }

    /// A look of what runs, every so many steps: whether it must stop.
    pub(crate) fn must_stop(&self) -> bool {
        match self.looks.load(Ordering::Relaxed) {
            UNLIMITED => {}
            0 => return true,
            left => self.looks.store(if self.looks_for_long() { 0 } else { left - 1 }, Ordering::Relaxed),
        }
        self.is_cancelled() || self.looks.load(Ordering::Relaxed) == 0
    }

    /// Whether the first look was long ago: a function of a row can take longer than a thousand instructions.
    fn looks_for_long(&self) -> bool {
        let now = u64::try_from(PROCESS.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1);
        match self.first_look.load(Ordering::Relaxed) {
            0 => {
                self.first_look.store(now, Ordering::Relaxed);
                false
            }
            first => Duration::from_nanos(now.saturating_sub(first)) >= LONG,
        }
    }

    /// The thread says how the transaction stands, before it answers.
    pub(crate) fn set_autocommit(&self, autocommit: bool) {
        self.autocommit.store(autocommit, Ordering::Release);
    }

    pub(super) fn autocommit(&self) -> bool {
        self.autocommit.load(Ordering::Acquire)
    }

    /// A statement is kept open for more rows.
    pub(crate) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
    }

    pub(super) fn paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    /// The thread could not begin the transaction that a request was to run in, and has not run the request.
    pub(super) fn set_not_begun(&self) {
        self.not_begun.store(true, Ordering::Release);
    }

    /// Whether that was the answer.
    pub(super) fn take_not_begun(&self) -> bool {
        self.not_begun.load(Ordering::Acquire) && self.not_begun.swap(false, Ordering::AcqRel)
    }

    /// The session was changed, or may have been.
    pub(crate) fn set_dirty(&self, dirty: bool) {
        self.dirty.store(dirty, Ordering::Release);
    }

    pub(super) fn dirty(&self) -> bool {
        self.dirty.load(Ordering::Acquire)
    }

    /// Makes [`Shared::wait`] on this thread wait for this connection.
    pub(crate) fn wait_for_locks(self: &Arc<Shared>) {
        CURRENT.with(|current| *current.borrow_mut() = Some(Arc::clone(self)));
    }

    /// Whether what ran on this thread since the last call met a lock. Only a connection's own thread ever waits for one.
    pub(crate) fn take_refused() -> bool {
        REFUSED.take()
    }

    /// SQLite's busy call-back: sleeps a little and says whether to try again. Unlike the one built in, it ends when the request is cancelled.
    pub(crate) fn wait(attempt: i32) -> bool {
        CURRENT.with(|current| {
            let current = current.borrow();
            let Some(shared) = current.as_ref() else {
                REFUSED.set(true);
                return false;
            };
            if attempt == 0 {
                WAITING_SINCE.set(Some(Instant::now()));
            }
            let waited = WAITING_SINCE.get().map_or(Duration::ZERO, |since| since.elapsed());
            if waited >= shared.busy_timeout || shared.is_cancelled() {
                return false;
            }
            let pause = Duration::from_millis(if attempt < 4 {
                1
            } else if attempt < 16 {
                5
            } else {
                20
            });
            std::thread::sleep(pause.min(shared.busy_timeout - waited));
            !shared.is_cancelled()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_of_looks_and_of_time() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let shared = Shared::new(connection.get_interrupt_handle(), Duration::ZERO);
        assert!((0..100).all(|_| !shared.must_stop()), "without a limit it never stops");
        shared.limit(3);
        let looks: Vec<bool> = (0..4).map(|_| shared.must_stop()).collect();
        assert!(looks[2..] == [true, true] && !looks[0] && shared.took_too_long());
        shared.limit(1_000_000);
        assert!(!shared.must_stop() && !shared.took_too_long());
        let start = Instant::now();
        while start.elapsed() <= LONG {
            std::hint::spin_loop();
        }
        assert!(shared.must_stop() && shared.took_too_long());
        shared.lift();
        assert!(!shared.must_stop() && !shared.took_too_long());
    }
}
