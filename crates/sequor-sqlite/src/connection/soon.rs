//! Looking a few times before sleeping: a short statement takes less time than waking a thread that sleeps.
//!
//! Both sides do it. The thread looks for the next request after it has answered one, so that statement after statement finds it awake; the caller looks
//! for the answer, so that nobody has to wake its task: some microseconds without pause, and where answers have lately come a little later, now and then
//! between the runtime's other tasks. Whoever has looked long enough sleeps as usual. On a machine of one processor, where looking keeps the other side from
//! working, neither looks at all; for the same reason no more callers look at once than leave a processor to the threads.

use std::hint::spin_loop;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::{RecvError, TryRecvError as TryRecv};

/// How often either side looks without pause: ten to twenty microseconds. With five to ten a statement of four, with the way there and back, was missed now and then, and
/// cost twenty.
const LOOKS: u32 = 600;
/// How often a caller looks at most: about as long as it takes to be woken.
const MOST: u32 = 3_600;
/// So many looks without pause take as long as a round of the runtime.
const ROUND: u32 = 20;
/// Every so many answers a caller looks for longer than answers have lately been worth.
const PROBE: u32 = 16;

/// How many callers may look at once.
static PLACES: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from) / 2);
/// How many do.
static LOOKING: AtomicUsize = AtomicUsize::new(0);

/// The next request; `None` when nobody can send one any more.
pub(super) fn request<T>(inbox: &Receiver<T>) -> Option<T> {
    let looks = if *PLACES > 0 { LOOKS } else { 0 };
    for _ in 0..looks {
        match inbox.try_recv() {
            Ok(request) => return Some(request),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => spin_loop(),
        }
    }
    inbox.recv().ok()
}

/// How long a caller looks for an answer before it sleeps: as long as answers have lately taken, where that is shorter than being woken.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// In looks; what was not seen within [`MOST`] counts as that.
    usual: u32,
    /// Answers since the last long look.
    since: u32,
}

impl Patience {
    /// How often to look for the next answer.
    fn looks(&mut self) -> u32 {
        self.since += 1;
        if self.usual < MOST - MOST / 4 || self.since >= PROBE {
            self.since = 0;
            return (self.usual * 2).clamp(LOOKS, MOST);
        }
        LOOKS
    }

    /// Takes note of when an answer was seen.
    fn learn(&mut self, seen: u32) {
        self.usual = (self.usual * 3 + seen) / 4;
    }
}

/// A caller's place among those that look.
struct Place;

impl Place {
    fn take() -> Option<Place> {
        if LOOKING.fetch_add(1, Ordering::Relaxed) < *PLACES {
            return Some(Place);
        }
        LOOKING.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        LOOKING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The answer to a request.
pub(super) async fn answer<T>(mut answer: oneshot::Receiver<T>, patience: &mut Patience) -> Result<T, RecvError> {
    if let Some(place) = Place::take() {
        let (mut seen, looks) = (0, patience.looks());
        while seen < looks {
            match answer.try_recv() {
                Ok(answer) => {
                    patience.learn(seen);
                    return Ok(answer);
                }
                // Whoever was to answer is gone: awaiting says so.
                Err(TryRecv::Closed) => break,
                Err(TryRecv::Empty) if seen < LOOKS => {
                    seen += 1;
                    spin_loop();
                }
                Err(TryRecv::Empty) => {
                    seen += ROUND;
                    tokio::task::yield_now().await;
                }
            }
        }
        patience.learn(MOST);
        drop(place);
    }
    answer.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_follows_the_answers() {
        let mut patience = Patience::default();
        assert_eq!(patience.looks(), LOOKS, "at first as long as a short statement takes");
        (0..20).for_each(|_| patience.learn(900));
        assert!((1_600..=1_800).contains(&patience.looks()), "twice as long as answers take");
        // Now and then a long one does not make it give up.
        patience.learn(MOST);
        assert!(patience.looks() > LOOKS);
        (0..20).for_each(|_| patience.learn(MOST));
        let looks: Vec<u32> = (0..32).map(|_| patience.looks()).collect();
        assert_eq!(looks.iter().filter(|looks| **looks == MOST).count(), 2, "long ones are looked for now and then");
        assert_eq!(looks.iter().filter(|looks| **looks == LOOKS).count(), 30);
    }
}
