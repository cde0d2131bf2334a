//! [`Short`]: the statements of a connection that were short when they ran last.

use crate::statements::Cost;
use sequor_core::driver::Step;
use std::time::Duration;

/// Marks of statements, each in the one place that it can have; what comes later takes the place over.
pub(super) struct Short {
    marks: Box<[u64; 1 << BITS]>,
}

/// More places than a program has statements that it runs all the time: four kilobytes.
const BITS: u32 = 9;

/// What a runtime can do without a thread for, in instructions of SQLite's virtual machine: some 20 to 40 us, a page of a list or a hundred rows.
const INSTRUCTIONS: u64 = 2_000;
/// Few instructions take long where their pages come from a slow disk, or where they are long texts.
const TIME: Duration = Duration::from_micros(500);

impl Default for Short {
    fn default() -> Short {
        Short { marks: Box::new([0; 1 << BITS]) }
    }
}

impl Short {
    /// The mark of a batch, made of its texts. Of two with the same mark one is now and then run as if it were short, which its limit then ends.
    pub(super) fn mark(steps: &[Step]) -> u64 {
        // No place holds an odd number before a mark has come.
        steps.iter().fold(0, |mark, step| hash(mark, step.text.as_bytes())) | 1
    }

    /// The highest bits of a product are those that all others had a part in.
    fn place(mark: u64) -> usize {
        usize::try_from(mark >> (u64::BITS - BITS)).unwrap_or_default()
    }

    pub(super) fn contains(&self, mark: u64) -> bool {
        self.marks.get(Short::place(mark)) == Some(&mark)
    }

    /// Takes note of what a run took; nothing is known of one that failed. Whatever writes may wait for the disk.
    pub(super) fn note(&mut self, mark: u64, cost: Option<Cost>) {
        let short = cost.is_some_and(|cost| !cost.writes && cost.instructions <= INSTRUCTIONS && cost.time <= TIME);
        let Some(place) = self.marks.get_mut(Short::place(mark)) else { return };
        if short {
            *place = mark;
        } else if *place == mark {
            *place = 0;
        }
    }
}

/// Firefox's hash of a text behind another: eight bytes at a time, a few nanoseconds for a statement.
fn hash(before: u64, text: &[u8]) -> u64 {
    let add = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let words = text.chunks_exact(8);
    let rest =
        words.remainder().iter().fold(add(before, u64::try_from(text.len()).unwrap_or_default()), |hash, byte| add(hash, u64::from(*byte)));
    words.fold(rest, |hash, word| add(hash, word.try_into().map_or(0, u64::from_le_bytes)))
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
        let step = |text: &str| Step::execute(text, vec![]);
        assert_eq!(Short::mark(&[step("SELECT 1")]), Short::mark(&[step("SELECT 1")]));
        assert_ne!(Short::mark(&[step("SELECT 1")]), Short::mark(&[step("SELECT 2")]));
        assert_ne!(Short::mark(&[step("SELECT 12, 3")]), Short::mark(&[step("SELECT 13, 2")]));
        assert_ne!(Short::mark(&[step("SELECT 1"), step("SELECT 2")]), Short::mark(&[step("SELECT 2"), step("SELECT 1")]));
    }

    #[test]
    fn the_statements_of_a_program_find_places() {
        let text = |number: u32| format!("SELECT t0.\"id\", t0.\"name\" FROM \"table_{number}\" AS t0 WHERE t0.\"id\" = ?");
        let mut short = Short::default();
        let marks: Vec<u64> = (0..100).map(|number| Short::mark(&[Step::execute(text(number), vec![])])).collect();
        marks.iter().for_each(|mark| short.note(*mark, FEW));
        let kept = marks.iter().filter(|mark| short.contains(**mark)).count();
        assert!(kept > 80, "{kept}");
    }
}
