//! Looking a few times before sleeping: a short statement takes less time than waking a thread that sleeps.
//!
//! Both sides do it. The thread looks for the next request after it has answered one, so that statement after statement finds it awake; the caller looks
//! for the answer, so that nobody has to wake its task. Either stops after some microseconds and sleeps as usual, and on a machine of one processor, where
//! looking keeps the other side from working, neither looks at all.

use std::hint::spin_loop;
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, TryRecvError};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::RecvError;

/// How often either side looks: ten to twenty microseconds. With five to ten a statement of four, with the way there and back, was missed now and then, and cost
/// twenty.
static LOOKS: LazyLock<u32> = LazyLock::new(|| match std::thread::available_parallelism() {
    Ok(count) if count.get() > 1 => 600,
    _ => 0,
});

/// The next request; `None` when nobody can send one any more.
pub(super) fn request<T>(inbox: &Receiver<T>) -> Option<T> {
    for _ in 0..*LOOKS {
        match inbox.try_recv() {
            Ok(request) => return Some(request),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => spin_loop(),
        }
    }
    inbox.recv().ok()
}

/// The answer to a request.
pub(super) async fn answer<T>(mut answer: oneshot::Receiver<T>) -> Result<T, RecvError> {
    for _ in 0..*LOOKS {
        match answer.try_recv() {
            Ok(answer) => return Ok(answer),
            // Whoever was to answer is gone: awaiting says so.
            Err(oneshot::error::TryRecvError::Closed) => break,
            Err(oneshot::error::TryRecvError::Empty) => spin_loop(),
        }
    }
    answer.await
}
