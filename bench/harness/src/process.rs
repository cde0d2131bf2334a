//! Contenders that are processes of their own: Sequelize on Node, and Toasty, whose SQLite library excludes that of others. Each reads lines
//! `<workload>\t<operations>\t<turn>\t<0 or 1: count allocations>` and answers with a [`Seen`] as JSON, or `null` for what it cannot do.

use crate::{Ask, Contender, Cost, Entry, Seen, Work, watched};
use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running one.
pub struct Process {
    name: &'static str,
    child: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
    counts: Cell<bool>,
}

impl Process {
    /// Starts a program that says `ready` when it has reached the database.
    pub fn start(name: &'static str, command: &mut Command) -> Process {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let input = child.stdin.take().expect("its input is a pipe");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let process = Process { name, child, pipes: RefCell::new((input, output)), counts: Cell::new(false) };
        assert_eq!(process.line(), "ready", "{name} cannot reach the database");
        process
    }

    /// Sequelize on Node, where `BENCH_NODE` names the folder of its program and its installed modules.
    pub fn node(url: String) -> Option<Entry> {
        let folder = std::env::var_os("BENCH_NODE")?;
        let program = move || {
            let mut node = Command::new("node");
            node.arg("peer.mjs").arg(&url).current_dir(&folder);
            node
        };
        Some(Entry::of("Sequelize 6 on Node", program))
    }

    /// Toasty, where `BENCH_TOASTY` names its program.
    pub fn toasty(url: String) -> Option<Entry> {
        let program = std::env::var_os("BENCH_TOASTY")?;
        let command = move || {
            let mut command = Command::new(&program);
            command.arg(&url);
            command
        };
        Some(Entry::of("Toasty", command))
    }

    fn line(&self) -> String {
        let mut line = String::new();
        self.pipes.borrow_mut().1.read_line(&mut line).expect("the peer answers");
        assert!(!line.is_empty(), "{} has ended: its last words are above", self.name);
        line.trim_end().to_owned()
    }
}

impl Contender for Process {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn run(&self, work: Work, ask: Ask) -> Option<Seen> {
        let count = u8::from(self.counts.get());
        writeln!(self.pipes.borrow_mut().0, "{}\t{}\t{}\t{count}", work.name(), ask.operations, ask.turn).expect("the peer reads");
        let line = self.line();
        let mut seen: Option<Seen> = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{}: {error}: {line}", self.name));
        if let Some(seen) = &mut seen {
            // What this process spent on asking is not its cost.
            seen.own.get_or_insert_default();
        }
        seen
    }

    fn counting(&self, on: bool) {
        self.counts.set(on);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other end, in Rust: answers until the input closes.
pub fn serve(contender: &dyn Contender) {
    println!("ready");
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let mut parts = line.split('\t');
        let work = parts.next().and_then(Work::of);
        let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok()).unwrap_or_default();
        let (ask, count) = (Ask { operations: number(), turn: number() }, number() == 1);
        let seen = work.and_then(|work| watched(contender, work, ask, count));
        let seen = seen.map(|(seen, cost): (Seen, Cost)| Seen { own: Some(cost), ..seen });
        println!("{}", serde_json::to_string(&seen).expect("plain data"));
    }
}
