//! [`Polls`]: a future that is dropped after so many polls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

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
