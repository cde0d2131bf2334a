//! [`Short`]: the statements of a connection that were short when they ran last.

use crate::statements::Cost;
use sequor_core::driver::Step;
use std::sync::Arc;
use std::time::Duration;

/// Marks of statements, each in the one place that it can have; what comes later takes the place over.
pub(super) struct Short {
    marks: [usize; PLACES],
}

const PLACES: usize = 64;

/// What a runtime can do without a thread for, in instructions of SQLite's virtual machine: some 20 to 40 us, a page of a list or a hundred rows.
const INSTRUCTIONS: u64 = 2_000;
/// Few instructions take long where their pages come from a slow disk, or where they are long texts.
const TIME: Duration = Duration::from_micros(500);

impl Default for Short {
    fn default() -> Short {
        Short { marks: [0; PLACES] }
    }
}

impl Short {
    /// The mark of a batch: where its texts lie, which is where they lay the last time if their statements are kept. Of two with the same mark at most one is run as if it
    /// were short, once.
    pub(super) fn mark(steps: &[Step]) -> usize {
        steps.iter().fold(0, |mark, step| mark.rotate_left(9) ^ Arc::as_ptr(&step.text).cast::<u8>().addr())
    }

    /// Texts lie at multiples of eight.
    fn place(mark: usize) -> usize {
        ((mark >> 4) ^ (mark >> 12)) % PLACES
    }

    pub(super) fn contains(&self, mark: usize) -> bool {
        self.marks[Short::place(mark)] == mark
    }

    /// Takes note of what a run took; nothing is known of one that failed. Whatever writes may wait for the disk.
    pub(super) fn note(&mut self, mark: usize, cost: Option<Cost>) {
        let short = cost.is_some_and(|cost| !cost.writes && cost.instructions <= INSTRUCTIONS && cost.time <= TIME);
        let place = &mut self.marks[Short::place(mark)];
        if short {
            *place = mark;
        } else if *place == mark {
            *place = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: Option<Cost> = Some(Cost { instructions: 20, writes: false, time: Duration::ZERO });

    #[test]
    fn what_reads_little_is_short_until_it_takes_more_or_fails() {
        let mut short = Short::default();
        let mark = Short::mark(&[Step::execute("SELECT 1", vec![])]);
        assert!(!short.contains(mark));
        short.note(mark, FEW);
        assert!(short.contains(mark));
        short.note(mark, FEW.map(|few| Cost { instructions: INSTRUCTIONS + 1, ..few }));
        assert!(!short.contains(mark));
        short.note(mark, FEW);
        short.note(mark, None);
        assert!(!short.contains(mark));
        short.note(mark, FEW.map(|few| Cost { writes: true, ..few }));
        assert!(!short.contains(mark));
        short.note(mark, FEW.map(|few| Cost { time: TIME * 2, ..few }));
        assert!(!short.contains(mark));
    }

    #[test]
    fn the_same_text_has_the_same_mark_and_another_order_of_texts_another() {
        let (first, second) = (Step::execute("SELECT 1", vec![]), Step::execute("SELECT 2", vec![]));
        let again = || Step::execute(Arc::clone(&first.text), vec![]);
        assert_eq!(Short::mark(std::slice::from_ref(&first)), Short::mark(&[again()]));
        let other = Step::execute(Arc::clone(&second.text), vec![]);
        assert_ne!(Short::mark(&[again(), other]), Short::mark(&[second, again()]));
    }
}
