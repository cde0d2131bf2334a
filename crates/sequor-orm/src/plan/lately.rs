//! [`Lately`]: how many rows a statement gave when it ran last, so that the next ones find their room made.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The numbers of rows of the last two runs of a statement. Queries of one shape mostly get alike many.
#[derive(Debug, Default)]
pub struct Lately {
    last: AtomicUsize,
    before: AtomicUsize,
}

impl Lately {
    /// How many rows are to be expected: the smaller of two numbers, so that a single large result makes no room for those after it.
    pub(crate) fn rows(&self) -> usize {
        self.last.load(Ordering::Relaxed).min(self.before.load(Ordering::Relaxed))
    }

    /// Notes how many there were. Runs at the same time may mix their numbers, which costs nothing but a worse guess.
    pub(crate) fn note(&self, rows: usize) {
        let before = self.last.load(Ordering::Relaxed);
        if before != rows {
            self.last.store(rows, Ordering::Relaxed);
        }
        if self.before.load(Ordering::Relaxed) != before {
            self.before.store(before, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_large_result_makes_no_room() {
        let lately = Lately::default();
        assert_eq!(lately.rows(), 0);
        for (rows, expected) in [(10_000, 0), (9_000, 9_000), (3, 3), (10_000, 3), (10_000, 10_000)] {
            lately.note(rows);
            assert_eq!(lately.rows(), expected);
        }
    }
}
