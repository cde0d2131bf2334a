//! Private, throw-away servers on free ports and Unix sockets, stopped and removed when they are dropped; or the servers that the environment names.

pub mod disk;
mod install;
mod mariadb;
mod mysql;
pub mod pgbouncer;
mod postgres;
mod sequelize;

use crate::process::{Folder, Guarded, Result, check};
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The variables that name the servers, as tests read them.
pub const VARIABLES: [(&str, &str); 2] = [("postgres", "SEQUOR_POSTGRES_URL"), ("mysql", "SEQUOR_MYSQL_URL")];

/// A running server.
pub struct Server {
    // The order matters: fields are dropped from top to bottom, the process before its folder.
    process: Guarded,
    folder: Folder,
    recipe: Recipe,
}

impl Server {
    /// Where it is, with an account that may do everything.
    pub fn url(&self) -> &str {
        &self.recipe.url
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.recipe.port
    }

    /// The number of its (first) process.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// The folder of its data, log and socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills it (`kill -9`) with all its processes. What it had not handed to the system is lost, as in a crash.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after [`Server::kill`], on the same data and port, and waits until it takes connections.
    ///
    /// # Errors
    /// The server's log, when it does not come up.
    pub fn start_again(&mut self) -> Result<()> {
        self.process = run(&self.folder, &mut self.recipe)?;
        Ok(())
    }

    /// Holds all its processes (`SIGSTOP`), or lets them go on: to its clients it is a peer that says nothing.
    pub fn freeze(&self, frozen: bool) {
        self.process.freeze(frozen);
    }
}

/// Whether a server has to keep what it acknowledged when its process is killed. None of them survives a loss of power: nothing is flushed to the disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keeps {
    /// The quickest: for tests that do not kill it.
    Nothing,
    /// What was acknowledged is with the system.
    Acknowledged,
    /// As [`Keeps::Nothing`], for measurements: the data lies in memory, and the server does nothing by itself meanwhile that it need not.
    Measured,
}

impl Keeps {
    fn folder(self, name: &str) -> Result<Folder> {
        if self == Keeps::Measured { Folder::in_memory(name) } else { Folder::new(name) }
    }
}

/// Starts one server of one's own, `postgres`, `mysql`, or `mariadb` where MySQL itself will not do, that keeps what it acknowledged when it is killed.
///
/// # Errors
/// What is missing on this machine, or the server's log.
pub fn lasting(database: &str) -> Result<Server> {
    let _ = crate::process::stop_on_signals();
    start_one(database, Keeps::Acknowledged)
}

/// Starts one server; for `mysql` MariaDB, or MySQL itself where `SEQUOR_MYSQLD` names its program.
fn start_one(database: &str, keeps: Keeps) -> Result<Server> {
    match (database, mysql::program()) {
        ("postgres", _) => {
            install::install_missing(&["postgres"])?;
            postgres::start(keeps)
        }
        ("mysql", Some(program)) => mysql::start(&program, keeps),
        _ => {
            install::install_missing(&["mysql"])?;
            mariadb::start(keeps, &[])
        }
    }
}

/// Starts a MariaDB server of one's own with settings that it reads at its start only, such as `--innodb-rollback-on-timeout=ON`.
///
/// # Errors
/// What is missing on this machine, or the server's log.
pub fn mariadb_with(settings: &[&str]) -> Result<Server> {
    let _ = crate::process::stop_on_signals();
    install::install_missing(&["mysql"])?;
    mariadb::start(Keeps::Nothing, settings)
}

/// The servers of a run.
#[derive(Default)]
pub struct Servers {
    running: Vec<(&'static str, Server)>,
    /// The variables that tell tests where the servers are.
    pub variables: Vec<(&'static str, String)>,
}

impl Servers {
    /// The number of the (first) process of a database's server, where it was started here.
    pub fn process(&self, database: &str) -> Option<u32> {
        self.running.iter().find(|(name, _)| *name == database).map(|(_, server)| server.process())
    }
}

/// Starts what the chosen databases need, both servers at once; given URLs are used as they are.
///
/// # Errors
/// What is missing on this machine, or the log of a server.
pub fn start(databases: &[String]) -> Result<Servers> {
    start_all(databases, Keeps::Nothing)
}

/// As [`start`], for measurements.
///
/// # Errors
/// As of [`start`].
pub fn start_measured(databases: &[String]) -> Result<Servers> {
    start_all(databases, Keeps::Measured)
}

fn start_all(databases: &[String], keeps: Keeps) -> Result<Servers> {
    let mut servers = Servers::default();
    let mut missing = Vec::new();
    for (database, variable) in VARIABLES.iter().filter(|(database, _)| databases.iter().any(|chosen| chosen == database)) {
        match std::env::var(variable) {
            Ok(url) if !url.is_empty() => servers.variables.push((variable, url)),
            _ => missing.push((*database, *variable)),
        }
    }
    // The applications' pages are tested in a browser, whatever the databases are; node runs the real sequelize-cli.
    let given = mysql::program().is_some();
    let servers_needed = missing.iter().map(|(database, _)| *database).filter(|database| !given || *database != "mysql");
    let needed: Vec<&str> = servers_needed.chain(["browser", "node"]).collect();
    install::install_missing(&needed)?;
    let started: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = missing.iter().map(|known| (known, scope.spawn(move || start_one(known.0, keeps)))).collect();
        threads
            .into_iter()
            .map(|(known, thread)| (*known, thread.join().unwrap_or_else(|_| Err("starting a server panicked".into()))))
            .collect()
    });
    for ((database, variable), server) in started {
        let server = server?;
        servers.variables.push((variable, server.url().to_owned()));
        servers.running.push((database, server));
    }
    match sequelize::folder() {
        Ok(path) => servers.variables.push(("SEQUOR_SEQUELIZE_CLI", path.to_string_lossy().into_owned())),
        Err(error) => println!("without sequelize-cli the tests that need it fail: {error}"),
    }
    if let Some(path) = install::browser() {
        servers.variables.push(("SEQUOR_WEBDRIVER", path.to_string_lossy().into_owned()));
    }
    Ok(servers)
}

/// Starts both servers, prints their URLs and waits until standard input closes.
///
/// # Errors
/// What is missing on this machine, or the log of a server.
pub fn serve() -> Result<()> {
    let servers = start(&["postgres".to_owned(), "mysql".to_owned()])?;
    for (name, value) in &servers.variables {
        println!("export {name}={value}");
    }
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).is_ok_and(|count| count > 0) {
        line.clear();
    }
    Ok(())
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

/// The account that a server runs as: its package's, when we are root, because servers refuse to run as root.
struct Account(Option<User>);

impl Account {
    fn named(name: &str) -> Result<Account> {
        if !geteuid().is_root() {
            return Ok(Account(None));
        }
        let user = User::from_name(name).map_err(|error| error.to_string())?;
        user.map(|user| Account(Some(user))).ok_or_else(|| format!("there is no user {name}, which the server needs to run as"))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Account(Some(user)) = self {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).env("HOME", "/nonexistent");
        }
        command
    }

    fn own(&self, path: &Path) -> Result<()> {
        match self {
            Account(Some(user)) => std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .map_err(|error| format!("{}: {error}", path.display())),
            Account(None) => Ok(()),
        }
    }
}

/// Starts a standby of a running PostgreSQL server: a copy that follows it and answers reads.
///
/// # Errors
/// What is missing on this machine, or the standby's log.
pub fn standby(primary: &Server) -> Result<Server> {
    postgres::start_standby(primary)
}

/// How a server is started and recognized.
struct Recipe {
    command: Command,
    port: u16,
    url: String,
    /// The signal for a fast, clean stop.
    stop: Signal,
    /// What its log says once it takes connections.
    ready: &'static str,
}

fn launch(folder: Folder, mut recipe: Recipe) -> Result<Server> {
    let process = run(&folder, &mut recipe)?;
    Ok(Server { process, folder, recipe })
}

/// Starts the process and waits until it takes connections.
fn run(folder: &Folder, recipe: &mut Recipe) -> Result<Guarded> {
    let path = folder.path().join("log");
    let log = std::fs::File::create(&path).map_err(|error| error.to_string())?;
    let errors = log.try_clone().map_err(|error| error.to_string())?;
    let mut process = Guarded::spawn(recipe.command.stdout(log).stderr(errors).current_dir(folder.path()), recipe.stop)?;
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let said = std::fs::read_to_string(&path).unwrap_or_default();
        if let Ok(Some(status)) = process.child().try_wait() {
            return Err(format!("the server for {} ended at once ({status}):\n{said}", recipe.url));
        }
        if said.contains(recipe.ready) && TcpStream::connect(("127.0.0.1", recipe.port)).is_ok() {
            return Ok(process);
        }
        if Instant::now() > deadline {
            return Err(format!("{} did not answer within 90 s:\n{said}", recipe.url));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Another program may take a free port before the server does.
fn with_port(attempt: impl Fn(u16) -> Result<Server>) -> Result<Server> {
    let mut result = attempt(free_port()?);
    for _ in 0..2 {
        match &result {
            Err(error) if error.contains("in use") => result = attempt(free_port()?),
            _ => break,
        }
    }
    result
}

fn make(command: &mut Command, folder: &Folder, what: &str) -> Result<()> {
    check(command.current_dir(folder.path()), what).map(drop)
}
