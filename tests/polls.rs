//! [`Polls`]: a future that is dropped after so many polls; [`cuts`]: after how many, for a sweep over all of them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// After how many polls a sweep drops its operation: after each `step`-th of the first hundred, then in steps that grow with the count. How often an operation is
/// polled depends on the machine (SQLite's caller looks for its answer between the runtime's tasks), so the end of a sweep is that of its operation.
pub fn cuts(step: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(1), move |polls| Some(polls + step.max(polls / 100 * 5))).take_while(|polls| *polls < 1_000_000)
}

/// Polls a future at most so often, then drops it: `None` when that came before its end.
pub struct Polls<F> {
    future: Option<Pin<Box<F>>>,
    left: u32,
}

impl<F: Future> Polls<F> {
    /// Polls this future at most so often.
    pub fn new(left: u32, future: F) -> Polls<F> {
        Polls { future: Some(Box::pin(future)), left }
    }
}

impl<F: Future> Future for Polls<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = self.future.as_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.future = None;
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}
