//! A PostgreSQL cluster that trusts its own machine and forgets what it wrote.

use super::install::{postgres_folders, program};
use super::{Account, Keeps, Recipe, Server, launch, make, with_port};
use crate::process::{Folder, Result};
use nix::sys::signal::Signal;
use std::path::Path;

/// Nothing here is flushed to a disk.
const SETTINGS: [&str; 6] =
    ["fsync=off", "full_page_writes=off", "max_connections=300", "shared_buffers=128MB", "logging_collector=off", "lc_messages=C"];

/// Starts it.
pub fn start(keeps: Keeps) -> Result<Server> {
    with_port(|port| {
        let initdb = program(&["initdb"], &postgres_folders())?;
        // Debian's wrappers stand in other folders than the server: the link tells where it is.
        let initdb = initdb.canonicalize().unwrap_or(initdb);
        let server = initdb.parent().unwrap_or(Path::new("/usr/bin")).join("postgres");
        let folder = Folder::new("postgres")?;
        let account = Account::named("postgres")?;
        account.own(folder.path())?;
        let data = folder.path().join("data");
        let mut init = account.command(&initdb);
        init.args(["--no-sync", "-A", "trust", "-U", "sequor", "-E", "UTF8", "--locale=C.UTF-8", "-D"]).arg(&data);
        make(&mut init, &folder, "initdb")?;
        let mut command = account.command(&server);
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k"]).arg(folder.path());
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(["-c", if keeps == Keeps::Nothing { "synchronous_commit=off" } else { "synchronous_commit=on" }]);
        let url = format!("postgres://sequor@127.0.0.1:{port}/postgres");
        launch(folder, Recipe { command, port, url, stop: Signal::SIGINT, ready: "ready to accept connections" })
    })
}
