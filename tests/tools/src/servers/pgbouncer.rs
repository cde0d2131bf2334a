//! A PgBouncer before a PostgreSQL server.

use super::install::{install_missing, program};
use super::{Account, Recipe, Server, launch, with_port};
use crate::process::{Folder, Result};
use nix::sys::signal::Signal;
use std::path::PathBuf;

/// How PgBouncer lends the server's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// For as long as the client is connected.
    Session,
    /// For one transaction.
    Transaction,
    /// For one statement.
    Statement,
}

/// Starts it; its account is that of the server.
///
/// # Errors
/// What is missing on this machine, or its log.
pub fn start(server: &Server, mode: PoolMode) -> Result<Server> {
    install_missing(&["pgbouncer"])?;
    with_port(|port| {
        let program = program(&["pgbouncer"], &[PathBuf::from("/usr/sbin")])?;
        let folder = Folder::new("pgbouncer")?;
        let account = Account::named("postgres")?;
        account.own(folder.path())?;
        let users = folder.path().join("users.txt");
        std::fs::write(&users, "\"sequor\" \"\"\n").map_err(|error| error.to_string())?;
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n\
             auth_file = {}\npool_mode = {}\nmax_client_conn = 1000\ndefault_pool_size = 40\nserver_idle_timeout = 5\nserver_login_retry = 0\n\
             ignore_startup_parameters = IntervalStyle\n",
            server.port(),
            users.display(),
            match mode {
                PoolMode::Session => "session",
                PoolMode::Transaction => "transaction",
                PoolMode::Statement => "statement",
            },
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).map_err(|error| error.to_string())?;
        let mut command = account.command(&program);
        command.arg(&file);
        let url = format!("postgres://sequor@127.0.0.1:{port}/postgres");
        launch(folder, Recipe { command, port, url, stop: Signal::SIGTERM, ready: "process up" })
    })
}
