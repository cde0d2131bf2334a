//! A server of MySQL itself, for whoever asks for one: `SEQUOR_MYSQLD` names its program. The usual run tests on MariaDB.

use super::mariadb::ACCOUNTS;
use super::{Account, Keeps, Recipe, Server, launch, make, with_port};
use crate::process::Result;
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};

/// The program that was asked for.
pub fn program() -> Option<PathBuf> {
    std::env::var_os("SEQUOR_MYSQLD").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Character set, collation and mode are the server's own defaults, as most of its users have them. Nothing is flushed to a disk.
const SETTINGS: [&str; 7] = [
    "--innodb-buffer-pool-size=128M",
    "--innodb-doublewrite=OFF",
    "--skip-log-bin",
    "--skip-name-resolve",
    "--max-connections=400",
    "--bind-address=127.0.0.1",
    "--mysqlx=OFF",
];

/// Starts it.
pub fn start(server: &Path, keeps: Keeps) -> Result<Server> {
    with_port(|port| {
        let folder = keeps.folder("mysql")?;
        let account = Account::named("mysql")?;
        account.own(folder.path())?;
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).map_err(|error| error.to_string())?;
        account.own(&temporary)?;
        let option = |name: &str, path: &str| format!("--{name}={}", folder.path().join(path).display());
        let own = |command: &mut std::process::Command| {
            command.arg("--no-defaults").args([option("datadir", "data"), option("tmpdir", "tmp"), "--secure-file-priv=".into()]);
        };
        let mut init = account.command(server);
        own(&mut init);
        make(init.arg("--initialize-insecure"), &folder, "mysqld --initialize-insecure")?;
        std::fs::write(folder.path().join("accounts.sql"), ACCOUNTS).map_err(|error| error.to_string())?;
        let mut command = account.command(server);
        own(&mut command);
        command.arg(format!("--port={port}")).args(SETTINGS).arg(match keeps {
            Keeps::Nothing | Keeps::Measured => "--innodb-flush-log-at-trx-commit=0",
            // Written to the file at every commit: the system has it when the process is gone.
            Keeps::Acknowledged => "--innodb-flush-log-at-trx-commit=2",
        });
        command.args([option("socket", "socket"), option("pid-file", "pid"), option("init-file", "accounts.sql")]);
        let url = format!("mysql://sequor:sequor@127.0.0.1:{port}/sequor");
        launch(folder, Recipe { command, port, url, stop: Signal::SIGTERM, ready: "ready for connections" })
    })
}
