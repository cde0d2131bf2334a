//! Asks every contender for the same work, interleaved, and says what each took.
//!
//! Every round runs every contender once, in an order in which each comes behind every other equally often, so that a slow phase of the machine, and what
//! one leaves behind for the next, meets all of them alike. A contender's time is the minimum of its rounds; the report divides it by the first
//! contender's (the hand-written floor). The processor time of this process stands beside it: it hardly depends on what else the machine does. Before
//! anything is measured all contenders have to have seen the same rows and to leave the same behind; after it a few runs are counted by the allocator.

pub mod data;
pub mod hand;
mod memory;
mod order;
mod place;
pub mod plain;
mod process;
mod proxy;
pub mod report;
pub mod setup;
mod suite;
mod tasks;
pub mod work;

pub use memory::{Memory, counted};
pub use process::{Process, serve};
pub use proxy::delayed;
pub use suite::{Entry, Line, Suite, Tables, entry};
pub use tasks::Stage;
pub use work::{Ask, Tree, Work};

use cpu_time::ProcessTime;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What a contender says of a run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Seen {
    /// Seconds.
    pub time: f64,
    /// How many rows it has read or written.
    pub rows: u64,
    /// The sum of their keys, where it has read any.
    pub sum: i64,
    /// The median and the 99th percentile of single operations in microseconds.
    #[serde(default)]
    pub latency: Option<(f64, f64)>,
    /// What it cost another process.
    #[serde(default)]
    pub own: Option<Cost>,
}

/// What a run cost a process beside its time.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Seconds.
    pub processor: f64,
    pub memory: Option<Memory>,
}

/// One that does the work.
pub trait Contender {
    /// Its column in the report, and, behind a comma, its way.
    fn name(&self) -> String;

    /// Does the operations; `None` where this work is not its affair.
    fn run(&self, work: Work, ask: Ask) -> Option<Seen>;

    /// Tells one that is another process whether its next runs are counted.
    fn counting(&self, _on: bool) {}
}

/// A run with what it cost this process, or the one that did it.
pub(crate) fn watched(contender: &dyn Contender, work: Work, ask: Ask, count: bool) -> Option<(Seen, Cost)> {
    let start = ProcessTime::now();
    let (seen, memory) = if count {
        let (seen, memory) = counted(|| contender.run(work, ask));
        (seen?, Some(memory))
    } else {
        (contender.run(work, ask)?, None)
    };
    Some((seen, seen.own.unwrap_or(Cost { processor: start.elapsed().as_secs_f64(), memory })))
}

/// The time of work that does not wait for a runtime.
pub fn straight(work: impl FnOnce() -> (u64, i64)) -> Seen {
    memory::begin();
    let start = Instant::now();
    let (rows, sum) = work();
    Seen { time: start.elapsed().as_secs_f64(), rows, sum, latency: None, own: None }
}
