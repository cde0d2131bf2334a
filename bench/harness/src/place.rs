//! [`Place`]: on which processors the server and its clients run, and how they are scheduled.
//!
//! On two processors a statement is a question to another processor, whose answer takes as long as waking it takes, and that changes from minute to minute with whatever else the machine
//! does. All that is measured one task at a time therefore runs on one processor, server and clients, before everything else that wants it. Many tasks have all processors, and so has SQLite,
//! which has no server.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::cell::Cell;
use std::process::Command;

/// Where the processes of a run are.
pub struct Place {
    /// The server's first process; nothing is moved where there is none.
    server: Option<i32>,
    all: CpuSet,
    one: CpuSet,
    together: Cell<Option<bool>>,
}

impl Place {
    /// Of this process and of the server whose first process `BENCH_SERVER` names; says on standard error what it cannot have.
    pub fn new() -> Place {
        let server = std::env::var("BENCH_SERVER").ok().and_then(|text| text.parse().ok());
        let me = Pid::from_raw(0);
        let all = sched_getaffinity(me).expect("the processors of this process");
        let mut one = CpuSet::new();
        let last = (0..CpuSet::count()).rev().find(|cpu| all.is_set(*cpu).unwrap_or(false)).unwrap_or_default();
        one.set(last).expect("a processor");
        let threads = threads(server).into_iter().map(|thread| thread.to_string());
        let first = Command::new("renice").args(["-n", "-20", "-p"]).args(threads).output();
        if !first.is_ok_and(|output| output.status.success()) {
            eprintln!("This run has no right to go first (it needs root and renice): other work on the machine shows in its figures.");
        }
        Place { server, all, one, together: Cell::new(None) }
    }

    /// Moves the server and its clients together on one processor, or lets them have all.
    pub fn together(&self, together: bool) {
        if self.server.is_none() {
            return;
        }
        if self.together.replace(Some(together)) == Some(together) {
            return;
        }
        let wanted = if together { &self.one } else { &self.all };
        for thread in threads(self.server) {
            // One that has ended meanwhile needs no place.
            let _ = sched_setaffinity(Pid::from_raw(thread), wanted);
        }
    }
}

/// The threads of a server, of this process, and of all below them.
fn threads(server: Option<i32>) -> Vec<i32> {
    let processes = server.into_iter().chain([std::process::id().cast_signed()]).flat_map(tree);
    processes.flat_map(|process| numbers(&format!("/proc/{process}/task"))).collect()
}

/// A process and all below it.
fn tree(process: i32) -> Vec<i32> {
    let mut tree = vec![process];
    let mut next = 0;
    while let Some(process) = tree.get(next).copied() {
        next += 1;
        for thread in numbers(&format!("/proc/{process}/task")) {
            let children = std::fs::read_to_string(format!("/proc/{process}/task/{thread}/children")).unwrap_or_default();
            tree.extend(children.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
        }
    }
    tree
}

fn numbers(folder: &str) -> Vec<i32> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}
