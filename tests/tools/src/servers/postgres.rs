//! A PostgreSQL cluster that trusts its own machine and forgets what it wrote.

use super::install::{postgres_folders, program};
use super::{Account, Keeps, Recipe, Server, launch, make, with_port};
use crate::process::{Folder, Result};
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};

/// Nothing here is flushed to a disk.
const SETTINGS: [&str; 6] =
    ["fsync=off", "full_page_writes=off", "max_connections=300", "shared_buffers=128MB", "logging_collector=off", "lc_messages=C"];

/// For measurements: more room, nothing done behind their back, and no plans that are compiled.
const MEASURED: [&str; 4] = ["shared_buffers=512MB", "max_wal_size=4GB", "autovacuum=off", "jit=off"];

/// Starts it.
pub fn start(keeps: Keeps) -> Result<Server> {
    with_port(|port| {
        let folder = keeps.folder("postgres")?;
        let account = Account::named("postgres")?;
        account.own(folder.path())?;
        let mut init = account.command(&beside_initdb("initdb")?);
        init.args(["--no-sync", "-A", "trust", "-U", "sequor", "-E", "UTF8", "--locale=C.UTF-8", "-D"]).arg(folder.path().join("data"));
        make(&mut init, &folder, "initdb")?;
        serve(folder, &account, port, keeps)
    })
}

/// Starts a copy of a running server that follows it and answers reads.
pub fn start_standby(primary: &Server) -> Result<Server> {
    with_port(|port| {
        let folder = Folder::new("standby")?;
        let account = Account::named("postgres")?;
        account.own(folder.path())?;
        let mut copy = account.command(&beside_initdb("pg_basebackup")?);
        copy.args(["-h", "127.0.0.1", "-p", &primary.port().to_string(), "-U", "sequor", "--checkpoint=fast", "--no-sync", "-R", "-D"]);
        make(copy.arg(folder.path().join("data")), &folder, "pg_basebackup")?;
        serve(folder, &account, port, Keeps::Acknowledged)
    })
}

/// One of the server's own programs. Debian's wrappers stand in other folders than the server: the link tells where it is.
fn beside_initdb(name: &str) -> Result<PathBuf> {
    let initdb = program(&["initdb"], &postgres_folders())?;
    let initdb = initdb.canonicalize().unwrap_or(initdb);
    Ok(initdb.parent().unwrap_or(Path::new("/usr/bin")).join(name))
}

fn serve(folder: Folder, account: &Account, port: u16, keeps: Keeps) -> Result<Server> {
    let mut command = account.command(&beside_initdb("postgres")?);
    command.arg("-D").arg(folder.path().join("data")).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k"]).arg(folder.path());
    for setting in SETTINGS.iter().chain(if keeps == Keeps::Measured { &MEASURED[..] } else { &[] }) {
        command.args(["-c", setting]);
    }
    command.args(["-c", if keeps == Keeps::Acknowledged { "synchronous_commit=on" } else { "synchronous_commit=off" }]);
    let url = format!("postgres://sequor@127.0.0.1:{port}/postgres");
    launch(folder, Recipe { command, port, url, stop: Signal::SIGINT, ready: "ready to accept" })
}
