//! Runs the contenders of one workload interleaved and says what each cost.
//!
//! Every round runs every contender once, in an order that rotates, so that a slow phase of the machine meets all of them alike. A contender's time is
//! the minimum of its rounds; the report divides it by the first contender's (the hand-written floor). The processor time of this process stands beside
//! it: it hardly depends on what else the machine does.

mod node;
mod proxy;

pub use proxy::delayed;

use cpu_time::ProcessTime;
use node::Node;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::time::{Duration, Instant};

#[cfg(feature = "allocations")]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

/// One contender of one workload: `run` does `operations` of them and says how long they took.
pub struct Case<'a> {
    contender: &'static str,
    operations: u32,
    run: Box<dyn FnMut() -> Duration + 'a>,
}

/// A case whose preparation is not measured: `run` measures itself, with [`timed`].
pub fn case<'a>(contender: &'static str, operations: u32, run: impl FnMut() -> Duration + 'a) -> Case<'a> {
    Case { contender, operations, run: Box::new(run) }
}

/// How long `work` takes.
pub fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// What one contender cost in one workload; times in microseconds per operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    pub database: String,
    pub workload: String,
    pub contender: String,
    pub rounds: usize,
    pub min: f64,
    pub quarter: f64,
    pub median: f64,
    pub three_quarters: f64,
    /// Processor time of this process, median.
    pub processor: f64,
    pub allocations: Option<f64>,
    pub allocated_bytes: Option<f64>,
}

/// The workloads of one database. `ONLY=find;rows` chooses by the beginnings of names, `CONTENDERS=Sequor` likewise (for a profiler), `ROUNDS=0.2`
/// multiplies the rounds.
pub struct Suite {
    database: &'static str,
    only: Vec<String>,
    contenders: Vec<String>,
    rounds: f64,
    node: RefCell<Option<Node>>,
}

impl Suite {
    /// A suite whose lines carry the name of `database`.
    pub fn new(database: &'static str) -> Self {
        let rounds = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1.0);
        Self { database, only: list("ONLY"), contenders: list("CONTENDERS"), rounds, node: RefCell::new(None) }
    }

    /// With Sequelize on Node beside the contenders, on this database, where `BENCH_NODE` names the folder of its program.
    pub fn with_node(self, url: &str) -> Self {
        self.node.replace(Node::start(url));
        self
    }

    /// Whether this run wants `workload`.
    pub fn wants(&self, workload: &str) -> bool {
        begins(workload, &self.only)
    }

    /// The same with each case run so many times in a row: what a single short run takes is mostly what the contender before it left in the caches.
    pub fn run_in_a_row(&self, workload: &str, rounds: usize, times: u32, cases: Vec<Case<'_>>) {
        let in_a_row = |Case { contender, operations, mut run }| Case {
            contender,
            operations: operations * times,
            run: Box::new(move || (0..times).map(|_| run()).sum()),
        };
        self.run(workload, rounds, cases.into_iter().map(in_a_row).collect());
    }

    /// Runs the cases interleaved and prints one JSON line for each; a table for people goes to standard error.
    pub fn run(&self, workload: &str, rounds: usize, cases: Vec<Case<'_>>) {
        if !self.wants(workload) {
            return;
        }
        let rounds = ((rounds as f64 * self.rounds).ceil() as usize).max(5);
        let mut node = self.node.borrow_mut();
        let mut cases = cases;
        if let (Some(node), Some(first)) = (node.as_mut(), cases.first().map(|case| case.operations))
            && node.knows(workload)
        {
            cases.push(case("Sequelize 6 on Node", first, move || node.run(workload, first)));
        }
        cases.retain(|case| begins(case.contender, &self.contenders));
        let count = cases.len();
        let mut taken = vec![Sample::default(); count];
        for case in &mut cases {
            (case.run)();
            (case.run)();
        }
        for round in 0..rounds {
            for place in 0..count {
                let index = (place + round) % count;
                taken[index].take(&mut cases[index]);
            }
        }
        eprintln!("\n{} · {workload} ({rounds} rounds)", self.database);
        let mut floor = None;
        for (case, sample) in cases.iter().zip(taken) {
            let line = sample.line(self.database, workload, case.contender);
            let (time, processor) = *floor.get_or_insert((line.min, line.processor));
            eprintln!(
                "  {:<34} {:>11.2} µs  {:>6.2}×   processor {:>10.2} µs {:>6.2}×{}",
                line.contender,
                line.min,
                line.min / time,
                line.processor,
                line.processor / processor,
                line.allocations
                    .map(|n| format!("   {n:.1} allocations, {:.0} bytes", line.allocated_bytes.unwrap_or(0.0)))
                    .unwrap_or_default()
            );
            println!("{}", serde_json::to_string(&line).expect("a line is plain data"));
        }
    }
}

#[derive(Default, Clone)]
struct Sample {
    times: Vec<f64>,
    processor: Vec<f64>,
    allocations: Vec<f64>,
    bytes: Vec<f64>,
}

impl Sample {
    fn take(&mut self, case: &mut Case<'_>) {
        let per = f64::from(case.operations);
        let start = ProcessTime::now();
        #[cfg(feature = "allocations")]
        let before = ALLOCATOR.stats();
        let time = (case.run)();
        #[cfg(feature = "allocations")]
        {
            let after = ALLOCATOR.stats();
            self.allocations.push(((after.allocations + after.reallocations) - (before.allocations + before.reallocations)) as f64 / per);
            self.bytes.push((after.bytes_allocated - before.bytes_allocated) as f64 / per);
        }
        self.processor.push(start.elapsed().as_secs_f64() * 1e6 / per);
        self.times.push(time.as_secs_f64() * 1e6 / per);
    }

    fn line(mut self, database: &str, workload: &str, contender: &str) -> Line {
        let counted = |values: &mut Vec<f64>| (!values.is_empty()).then(|| at(values, 0.5));
        Line {
            database: database.to_owned(),
            workload: workload.to_owned(),
            contender: contender.to_owned(),
            rounds: self.times.len(),
            min: at(&mut self.times, 0.0),
            quarter: at(&mut self.times, 0.25),
            median: at(&mut self.times, 0.5),
            three_quarters: at(&mut self.times, 0.75),
            processor: at(&mut self.processor, 0.5),
            allocations: counted(&mut self.allocations),
            allocated_bytes: counted(&mut self.bytes),
        }
    }
}

fn list(variable: &str) -> Vec<String> {
    std::env::var(variable).unwrap_or_default().split(';').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn begins(name: &str, with: &[String]) -> bool {
    with.is_empty() || with.iter().any(|with| name.starts_with(with.as_str()))
}

/// The value below which `part` of the values lie.
fn at(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}
