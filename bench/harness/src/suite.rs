//! [`Suite`]: the rounds of a workload.

use crate::order::order;
use crate::place::Place;
use crate::work::all;
use crate::{Ask, Contender, Cost, Process, Seen, Work, watched};
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;
use std::process::{Command, Stdio};
use std::time::Instant;

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
    /// Rows of an operation.
    pub rows: f64,
    /// Of single operations among many tasks: the median and the 99th percentile, each the median of the rounds.
    pub latency: Option<(f64, f64)>,
    pub allocations: Option<f64>,
    pub allocated_bytes: Option<f64>,
    /// The most that a run held at once, in bytes.
    pub peak: Option<f64>,
}

/// The workloads of one database. `ONLY=find;rows` chooses by the beginnings of names, `CONTENDERS=Sequor$` likewise (for a profiler; with `$` behind it a
/// name is a whole one), `ROUNDS=0.2` multiplies the rounds; with `ROUNDS=0` the contenders are compared and nothing is measured.
pub struct Suite {
    database: &'static str,
    only: Vec<String>,
    contenders: Vec<String>,
    rounds: f64,
    place: OnceCell<Place>,
}

/// A table's state as text, for comparing what contenders leave behind; and emptying the table `inserted`.
pub trait Tables {
    fn state(&self, table: &str) -> String;
    fn empty(&self);
}

/// A contender's name, and how to make it: none is made that a run does not want.
pub struct Entry {
    name: &'static str,
    make: Box<dyn Fn() -> Box<dyn Contender>>,
    /// Its program, where it is not this one.
    program: Option<Box<dyn Fn() -> Command>>,
}

/// An [`Entry`].
pub fn entry(name: &'static str, make: impl Fn() -> Box<dyn Contender> + 'static) -> Entry {
    Entry { name, make: Box::new(make), program: None }
}

impl Entry {
    /// One whose program is another.
    pub(crate) fn of(name: &'static str, program: impl Fn() -> Command + Clone + 'static) -> Entry {
        let again = program.clone();
        Entry { name, make: Box::new(move || Box::new(Process::start(name, &mut program()))), program: Some(Box::new(again)) }
    }

    /// How long a process takes for its first row, from its start to its end; `None` where finding a row is not its affair.
    fn cold(&self) -> Option<Seen> {
        let own = || Command::new(std::env::current_exe().expect("this program"));
        let mut command = self.program.as_ref().map_or_else(own, |program| program());
        command.args([COLD, self.name]).stdout(Stdio::null());
        let start = Instant::now();
        let status = command.status().expect("a process");
        let time = start.elapsed().as_secs_f64();
        assert!(status.success() || status.code() == Some(UNABLE), "{}", self.name);
        status.success().then_some(Seen { time, rows: 1, sum: 0, latency: None, own: None })
    }
}

/// The argument that makes of the program one that finds a row by one contender, and ends.
const COLD: &str = "--cold";
/// How such a program ends whose contender finds no single rows.
const UNABLE: i32 = 3;

impl Suite {
    /// A suite whose lines carry the name of `database`.
    pub fn new(database: &'static str) -> Self {
        let rounds = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1.0);
        Self { database, only: list("ONLY"), contenders: list("CONTENDERS"), rounds, place: OnceCell::new() }
    }

    /// Whether this process was started to find one row by one contender; it has done so then.
    pub fn serves(&self, entries: &dyn Fn() -> Vec<Entry>) -> bool {
        let mut arguments = std::env::args().skip(1);
        if arguments.next().as_deref() != Some(COLD) {
            return false;
        }
        let name = arguments.next().expect("a contender");
        let entry = entries().into_iter().find(|entry| entry.name == name).expect("a contender of this name");
        if (entry.make)().run(Work::Find, Ask { operations: 1, turn: 0 }).is_none() {
            std::process::exit(UNABLE);
        }
        true
    }

    /// Runs everything: next to the database, and a millisecond away where there are entries for that.
    pub fn all(&self, entries: Vec<Entry>, far: Option<Vec<Entry>>, tables: &dyn Tables) {
        let make = |entries: &[Entry]| -> Vec<Box<dyn Contender>> {
            entries.iter().filter(|entry| self.invites(entry.name)).map(|entry| (entry.make)()).collect()
        };
        let near = make(&entries);
        for work in all() {
            self.run(work, false, &near, tables);
        }
        drop(near);
        if let Some(far) = far.filter(|_| crate::work::far().iter().any(|work| self.wants(&format!("{}, 1 ms away", work.name())))) {
            let far = make(&far);
            for work in crate::work::far() {
                self.run(work, true, &far, tables);
            }
        }
        self.cold(&entries);
    }

    /// A process of its own for each contender that connects, finds a row, and ends.
    fn cold(&self, entries: &[Entry]) {
        const NAME: &str = "cold start to the first row";
        if !self.wants(NAME) {
            return;
        }
        let wanted = |entry: &&Entry| self.invites(entry.name) && !crate::report::is_a_share(entry.name) && entry.cold().is_some();
        let able: Vec<&Entry> = entries.iter().filter(wanted).collect();
        let rounds = if self.rounds == 0.0 { 0 } else { ((15.0 * self.rounds).ceil() as usize).max(5) };
        let mut taken = vec![Sample::default(); able.len()];
        for round in 0..rounds {
            for index in order(able.len(), round) {
                let seen = able[index].cold().expect("it could a moment ago");
                taken[index].time(seen, seen.own.unwrap_or_default(), 1);
            }
        }
        if rounds == 0 {
            return;
        }
        self.print(NAME, able.iter().map(|entry| entry.name.to_owned()).zip(taken));
    }

    /// Whether this run wants one of these.
    pub fn wants_any(&self, works: &[Work]) -> bool {
        works.iter().any(|work| self.wants(&work.name()))
    }

    /// Whether this run wants a workload.
    pub fn wants(&self, workload: &str) -> bool {
        begins(workload, &self.only)
    }

    /// Whether this run wants a contender.
    pub fn invites(&self, contender: &str) -> bool {
        begins(contender, &self.contenders)
    }

    /// Runs the work by all contenders that can do it, prints one JSON line for each; a table for people goes to standard error.
    pub fn run(&self, work: Work, away: bool, contenders: &[Box<dyn Contender>], tables: &dyn Tables) {
        let name = if away { format!("{}, 1 ms away", work.name()) } else { work.name() };
        if !self.wants(&name) {
            return;
        }
        self.place.get_or_init(Place::new).together(!matches!(work, Work::Tasks(_)));
        let operations = if away { work.operations_far() } else { work.operations() };
        let rounds = if away { work.rounds().min(10) } else { work.rounds() };
        let rounds = ((rounds as f64 * self.rounds).ceil() as usize).max(5);
        if work.begins_empty() {
            tables.empty();
        }
        let able = self.compare(&name, work, operations, contenders, tables);
        if self.rounds == 0.0 {
            let names: Vec<String> = able.iter().map(|contender| contender.name()).collect();
            return eprintln!("{} · {name}: the same from {}", self.database, names.join(", "));
        }
        let mut turn = 0;
        let mut once = |contender: &dyn Contender, count: bool| {
            turn += 1;
            if work.empties() {
                tables.empty();
            }
            watched(contender, work, Ask { operations, turn }, count).expect("it could a moment ago")
        };
        for contender in &able {
            once(*contender, false);
        }
        let mut taken = vec![Sample::default(); able.len()];
        for round in 0..rounds {
            for index in order(able.len(), round) {
                let (seen, cost) = once(able[index], false);
                taken[index].time(seen, cost, operations);
            }
        }
        for (contender, sample) in able.iter().zip(&mut taken) {
            contender.counting(true);
            for _ in 0..if matches!(work, Work::Stream) { 1 } else { 3 } {
                let (_, cost) = once(*contender, true);
                sample.count(cost, operations);
            }
            contender.counting(false);
        }
        self.print(&name, able.iter().map(|contender| contender.name()).zip(taken));
    }

    fn print(&self, name: &str, samples: impl Iterator<Item = (String, Sample)>) {
        let lines: Vec<Line> = samples.map(|(contender, sample)| sample.line(self.database, name, &contender)).collect();
        eprintln!("\n{} · {name} ({} rounds)", self.database, lines.first().map_or(0, |line| line.rounds));
        for line in &lines {
            tell(line, &lines[0]);
            println!("{}", serde_json::to_string(line).expect("a line is plain data"));
        }
    }

    /// Those that can do the work, after all of them have seen the same and left the same behind.
    fn compare<'a>(
        &self,
        name: &str,
        work: Work,
        operations: u32,
        contenders: &'a [Box<dyn Contender>],
        tables: &dyn Tables,
    ) -> Vec<&'a dyn Contender> {
        let mut able: Vec<&dyn Contender> = Vec::new();
        let mut first: Option<(String, (u64, i64, String))> = None;
        for contender in contenders.iter().map(|contender| &**contender).filter(|contender| self.invites(&contender.name())) {
            if work.empties() || work == Work::Create {
                tables.empty();
            }
            let Some(seen) = contender.run(work, Ask { operations, turn: 0 }) else { continue };
            let left = work.writes().map(|table| tables.state(table)).unwrap_or_default();
            let outcome = (seen.rows, seen.sum, left);
            match &first {
                Some((other, expected)) => assert_eq!(*expected, outcome, "{name}: {other} and {} differ", contender.name()),
                None => first = Some((contender.name(), outcome)),
            }
            able.push(contender);
        }
        able
    }
}

fn tell(line: &Line, floor: &Line) {
    let latency = line.latency.map(|(half, most)| format!("   p50 {half:.0} µs, p99 {most:.0} µs")).unwrap_or_default();
    let memory = |count: f64| {
        let (bytes, peak) = (line.allocated_bytes.unwrap_or(0.0), line.peak.unwrap_or(0.0));
        format!("   {count:.1} allocations, {bytes:.0} bytes, peak {peak:.0}")
    };
    eprintln!(
        "  {:<34} {:>11.2} µs  {:>6.2}×   processor {:>10.2} µs {:>6.2}×{latency}{}",
        line.contender,
        line.min,
        line.min / floor.min,
        line.processor,
        line.processor / floor.processor,
        line.allocations.map(memory).unwrap_or_default()
    );
}

#[derive(Default, Clone)]
struct Sample {
    rows: f64,
    times: Vec<f64>,
    processor: Vec<f64>,
    half: Vec<f64>,
    most: Vec<f64>,
    allocations: Vec<f64>,
    bytes: Vec<f64>,
    peak: Vec<f64>,
}

impl Sample {
    fn time(&mut self, seen: Seen, cost: Cost, operations: u32) {
        let per = f64::from(operations);
        self.rows = seen.rows as f64 / per;
        self.times.push(seen.time * 1e6 / per);
        self.processor.push(cost.processor * 1e6 / per);
        if let Some((half, most)) = seen.latency {
            self.half.push(half);
            self.most.push(most);
        }
    }

    fn count(&mut self, cost: Cost, operations: u32) {
        let per = f64::from(operations);
        if let Some(memory) = cost.memory {
            self.allocations.push(memory.allocations as f64 / per);
            self.bytes.push(memory.bytes as f64 / per);
            self.peak.push(memory.peak as f64);
        }
    }

    fn line(mut self, database: &str, workload: &str, contender: &str) -> Line {
        let least = |values: &mut Vec<f64>| (!values.is_empty()).then(|| at(values, 0.0));
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
            rows: self.rows,
            latency: (!self.half.is_empty()).then(|| (at(&mut self.half, 0.5), at(&mut self.most, 0.5))),
            allocations: least(&mut self.allocations),
            allocated_bytes: least(&mut self.bytes),
            peak: least(&mut self.peak),
        }
    }
}

fn list(variable: &str) -> Vec<String> {
    std::env::var(variable).unwrap_or_default().split(';').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn begins(name: &str, with: &[String]) -> bool {
    let chosen = |with: &String| with.strip_suffix('$').map_or_else(|| name.starts_with(with.as_str()), |whole| name == whole);
    with.is_empty() || with.iter().any(chosen)
}

/// The value below which `part` of the values lie.
fn at(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}
