//! [`Node`]: Sequelize on Node as a contender. It is a process of its own that does so many operations of a workload when it is asked to and says how
//! long they took; what it costs this process is not measured.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The folder with `peer.mjs` and its installed modules.
const FOLDER: &str = "BENCH_NODE";

/// A running peer.
pub(crate) struct Node {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Node {
    /// Starts the peer on a database; `None` where `BENCH_NODE` names no folder.
    pub(crate) fn start(url: &str) -> Option<Node> {
        let folder = std::env::var_os(FOLDER)?;
        let mut command = Command::new("node");
        command.arg("peer.mjs").arg(url).current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("BENCH_NODE is set, so node is there");
        let input = child.stdin.take().expect("its input is a pipe");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let mut node = Node { child, input, output };
        assert_eq!(node.line(), "ready", "Sequelize cannot reach the database");
        Some(node)
    }

    /// Whether it can do a workload.
    pub(crate) fn knows(&mut self, workload: &str) -> bool {
        self.ask(workload) == "known"
    }

    /// Does so many operations.
    pub(crate) fn run(&mut self, workload: &str, operations: u32) -> Duration {
        let answer = self.ask(&format!("{workload}\t{operations}"));
        Duration::from_secs_f64(answer.parse().expect("seconds"))
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("the peer reads");
        self.line()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the peer answers");
        assert!(!line.is_empty(), "Sequelize's process has ended: its last words are above");
        line.trim_end().to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
