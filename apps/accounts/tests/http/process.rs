//! The program itself: its commands, and the server as a process that can be killed.

use crate::start::{Place, SECRET};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a command wrote.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub error: String,
}

fn command(folder: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_accounts"));
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["SEQUOR_ENV", "APP_ENV", "NODE_ENV", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.env("DATABASE_URL", url).env("PORT", "0").env("APP_SECRET", SECRET).env("NO_COLOR", "1");
    command
}

/// Runs `accounts <line>` to its end.
pub fn run(place: &Place, line: &str) -> Ran {
    ran(command(place.folder.path(), &place.url).args(line.split_whitespace()))
}

/// Starts the server, and waits for its end: it cannot start.
pub fn fail(folder: &Path, url: &str, variables: &[(&str, &str)]) -> Ran {
    let ran = ran(command(folder, url).envs(variables.iter().copied()));
    assert_ne!(ran.status, 0, "{ran:?}");
    ran
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { status: output.status.code().unwrap_or(-1), out: text(output.stdout), error: text(output.stderr) }
}

impl Ran {
    /// The output of a command that succeeded.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.status, 0, "{self:?}");
        self.out
    }

    /// The complaint of a command that failed.
    #[track_caller]
    pub fn bad(self) -> String {
        assert_eq!(self.status, 1, "{self:?}");
        self.error
    }
}

/// A server as a process; it is killed when it is dropped.
pub struct Server {
    child: Child,
    /// Where it listens, once [`Server::wait`] has seen it.
    pub url: String,
}

impl Server {
    /// Starts it, and waits until it serves.
    pub fn start(place: &Place, variables: &[(&str, &str)]) -> Server {
        let mut server = Server::begin(place.folder.path(), &place.url, variables);
        server.wait();
        server
    }

    /// Starts it without waiting.
    pub fn begin(folder: &Path, url: &str, variables: &[(&str, &str)]) -> Server {
        let child = command(folder, url).envs(variables.iter().copied()).spawn().unwrap();
        Server { child, url: String::new() }
    }

    /// Reads its log until a line holds this text.
    pub fn wait_for_log(&mut self, text: &str) {
        let log = self.child.stderr.as_mut().unwrap();
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while !String::from_utf8_lossy(&seen).contains(text) {
            assert_ne!(log.read(&mut byte).unwrap(), 0, "it ended: {}", String::from_utf8_lossy(&seen));
            seen.push(byte[0]);
        }
    }

    /// Waits until it prints its URL; everything that it prints until then.
    pub fn wait(&mut self) -> String {
        let mut lines = BufReader::new(self.child.stdout.take().unwrap());
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap() == 0 {
                let mut log = String::new();
                self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
                panic!("it ended: {printed}{log}");
            }
            printed.push_str(&line);
            if let Some(url) = line.trim_end().strip_prefix("Accounts: ") {
                self.url = url.trim_end_matches('/').to_owned();
                // The log is read on, so that the server never waits for a reader.
                if let Some(mut log) = self.child.stderr.take() {
                    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
                }
                return printed;
            }
        }
    }

    /// Kills it at once, as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
