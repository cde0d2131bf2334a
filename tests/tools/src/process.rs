//! Child processes: each in a process group of its own, all of them stopped when this program is told to end.

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A result whose error is the text that a person reads.
pub type Result<T> = std::result::Result<T, String>;

/// What has to be stopped and removed when this program ends early.
#[derive(Default)]
struct Running {
    children: Vec<(u32, Signal)>,
    folders: Vec<PathBuf>,
    ending: bool,
}

static RUNNING: Mutex<Running> = Mutex::new(Running { children: Vec::new(), folders: Vec::new(), ending: false });

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops every child when this program is interrupted or told to end.
pub fn stop_on_signals() -> Result<()> {
    ctrlc::set_handler(|| {
        stop_all();
        std::process::exit(130);
    })
    .map_err(|error| format!("no signal handler: {error}"))
}

/// Whether a signal told this program to end; waits until everything has stopped.
pub fn is_ending() -> bool {
    running().ending
}

fn stop_all() {
    let mut running = running();
    running.ending = true;
    for (pid, signal) in &running.children {
        signal_group(*pid, *signal);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline && running.children.iter().any(|(pid, _)| is_alive(*pid)) {
        std::thread::sleep(Duration::from_millis(50));
    }
    for (pid, _) in &running.children {
        signal_group(*pid, Signal::SIGKILL);
    }
    for folder in &running.folders {
        let _ = std::fs::remove_dir_all(folder);
    }
}

fn signal_group(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = killpg(Pid::from_raw(pid), signal);
    }
}

/// A child that nobody waits for yet stays a zombie, which still answers `kill(0)`.
fn is_alive(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    match state {
        Ok(state) => !state.rsplit(") ").next().unwrap_or_default().starts_with('Z'),
        Err(_) => !Path::new("/proc/self").exists() && i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None).is_ok()),
    }
}

/// The children of a process; PostgreSQL's leave its process group.
fn children_of(pid: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// A child process that does not outlive this value.
pub struct Guarded {
    child: Child,
    signal: Signal,
}

impl Guarded {
    /// Starts a command in a process group of its own; `signal` asks it to stop.
    pub fn spawn(command: &mut Command, signal: Signal) -> Result<Guarded> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut running = running();
        if running.ending {
            return Err("interrupted".into());
        }
        // A group of its own, so that Ctrl-C reaches this program first, which then stops everything in order.
        let child = command.stdin(Stdio::null()).process_group(0).spawn().map_err(|error| format!("{name} does not start: {error}"))?;
        running.children.push((child.id(), signal));
        Ok(Guarded { child, signal })
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Kills the process and its children (`kill -9`), as a crash does, and waits until they are gone.
    pub fn kill(&mut self) {
        let all: Vec<u32> = std::iter::once(self.child.id()).chain(children_of(self.child.id())).collect();
        for pid in all.iter().filter_map(|pid| i32::try_from(*pid).ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let _ = self.child.wait();
        while all.iter().any(|pid| is_alive(*pid)) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Stops the process where it is (`SIGSTOP`), its children too, or lets them go on.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { Signal::SIGSTOP } else { Signal::SIGCONT };
        for pid in std::iter::once(self.child.id()).chain(children_of(self.child.id())).filter_map(|pid| i32::try_from(pid).ok()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Waits for the end; true when the process succeeded.
    pub fn wait(mut self) -> Result<bool> {
        self.child.wait().map(|status| status.success()).map_err(|error| error.to_string())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            signal_group(self.child.id(), self.signal);
            let deadline = Instant::now() + Duration::from_secs(10);
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let id = self.child.id();
        if matches!(self.child.try_wait(), Ok(None)) {
            signal_group(id, Signal::SIGKILL);
            let _ = self.child.wait();
        }
        running().children.retain(|(pid, _)| *pid != id);
    }
}

/// A temporary folder that is removed with this value.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes a folder that other users may enter, since servers run as their own users.
    pub fn new(name: &str) -> Result<Folder> {
        Folder::within(&shared_temporary(), name)
    }

    fn within(folder: &Path, name: &str) -> Result<Folder> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("sequor-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        running().folders.push(path.clone());
        Ok(Folder(path))
    }

    /// A folder in memory, where there is one.
    pub fn in_memory(name: &str) -> Result<Folder> {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Folder::within(memory, name) } else { Folder::new(name) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
        running().folders.retain(|path| *path != self.0);
    }
}

/// The temporary folder, or `/tmp` where that is closed to other users or too long for the name of a Unix socket.
fn shared_temporary() -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let given = std::env::temp_dir();
    let open = given.ancestors().all(|part| part.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0));
    if open && given.as_os_str().len() < 60 { given } else { PathBuf::from("/tmp") }
}

/// Runs a command to its end; its output is the error when it fails.
pub fn check(command: &mut Command, what: &str) -> Result<String> {
    let (mut reader, writer) = std::io::pipe().map_err(|error| format!("{what}: {error}"))?;
    let errors = writer.try_clone().map_err(|error| format!("{what}: {error}"))?;
    let child = Guarded::spawn(command.stdout(writer).stderr(errors), Signal::SIGTERM);
    // The command keeps the write ends of the pipe: without them in this process the reader sees the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let child = child?;
    let mut output = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut output).map_err(|error| format!("{what}: {error}"))?;
    let output = String::from_utf8_lossy(&output).into_owned();
    if child.wait()? { Ok(output) } else { Err(format!("{what} failed:\n{output}")) }
}

/// Runs a command to its end, with this program's own output.
pub fn must(command: &mut Command, what: &str) -> Result<()> {
    if Guarded::spawn(command, Signal::SIGTERM)?.wait()? { Ok(()) } else { Err(format!("{what} failed")) }
}

/// Finds a program in the given folders, then in PATH.
pub fn find(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.iter().cloned().chain(std::env::split_paths(&path)).map(|folder| folder.join(name)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::{check, find};
    use std::path::PathBuf;
    use std::process::Command;

    #[test]
    fn the_output_of_a_failure_is_its_error() {
        let error = check(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]), "the script").unwrap_err();
        assert_eq!(error, "the script failed:\nout\nerr\n");
        assert_eq!(check(Command::new("sh").args(["-c", "echo out"]), "it").unwrap(), "out\n");
        assert!(check(&mut Command::new("no-such-program"), "it").unwrap_err().contains("no-such-program does not start"));
    }

    #[test]
    fn programs_are_found_in_given_folders_and_in_the_path() {
        assert!(find("sh", &[]).is_some());
        assert_eq!(find("sh", &[PathBuf::from("/bin")]), Some(PathBuf::from("/bin/sh")));
        assert_eq!(find("no-such-program", &[]), None);
    }
}
