//! A MariaDB server with an account `sequor` that may do everything, and forgets what it wrote.

use super::install::{maria_folders, program};
use super::{Account, Keeps, Recipe, Server, launch, make, with_port};
use crate::process::Result;
use nix::sys::signal::Signal;

pub(super) const ACCOUNTS: &str = "\
CREATE USER IF NOT EXISTS sequor@'127.0.0.1' IDENTIFIED BY 'sequor';
GRANT ALL ON *.* TO sequor@'127.0.0.1' WITH GRANT OPTION;
CREATE USER IF NOT EXISTS sequor@'localhost' IDENTIFIED BY 'sequor';
GRANT ALL ON *.* TO sequor@'localhost' WITH GRANT OPTION;
ALTER USER root@'localhost' IDENTIFIED BY 'sequor';
CREATE DATABASE IF NOT EXISTS sequor;
";

/// Nothing here is flushed to a disk.
const SETTINGS: [&str; 8] = [
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-size=128M",
    "--skip-log-bin",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--max-connections=400",
    "--bind-address=127.0.0.1",
];

/// Starts it, with settings beside the usual ones.
pub fn start(keeps: Keeps, settings: &[&str]) -> Result<Server> {
    with_port(|port| {
        let server = program(&["mariadbd", "mysqld"], &maria_folders())?;
        let install = program(&["mariadb-install-db", "mysql_install_db"], &maria_folders())?;
        let folder = keeps.folder("mariadb")?;
        let account = Account::named("mysql")?;
        account.own(folder.path())?;
        // A server that starts removes every temporary table in its folder for them: in one that is shared, those of servers that run, which crash or say
        // "Error on delete of ..".
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).map_err(|error| error.to_string())?;
        account.own(&temporary)?;
        let data = folder.path().join("data");
        let option = |name: &str, path: &str| format!("--{name}={}", folder.path().join(path).display());
        let mut init = account.command(&install);
        init.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", data.display()))
            .arg(option("tmpdir", "tmp"));
        // MariaDB's own installer has been seen to crash (signal 11 in its bootstrap); once more from nothing, it works.
        if let Err(first) = make(&mut init, &folder, "mariadb-install-db") {
            let _ = std::fs::remove_dir_all(&data);
            make(&mut init, &folder, "mariadb-install-db").map_err(|second| format!("{first}\n\nand again: {second}"))?;
        }
        std::fs::write(folder.path().join("accounts.sql"), ACCOUNTS).map_err(|error| error.to_string())?;
        let mut command = account.command(&server);
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--port={port}"))
            .args(SETTINGS)
            .args(settings);
        command.arg(match keeps {
            Keeps::Nothing | Keeps::Measured => "--innodb-flush-log-at-trx-commit=0",
            // Written to the file at every commit: the system has it when the process is gone.
            Keeps::Acknowledged => "--innodb-flush-log-at-trx-commit=2",
        });
        if keeps == Keeps::Measured {
            command.args(["--innodb-doublewrite=0", "--innodb-buffer-pool-size=512M"]);
        }
        command.args([option("tmpdir", "tmp"), option("socket", "socket"), option("pid-file", "pid"), option("init-file", "accounts.sql")]);
        let url = format!("mysql://sequor:sequor@127.0.0.1:{port}/sequor");
        launch(folder, Recipe { command, port, url, stop: Signal::SIGTERM, ready: "ready for connections" })
    })
}
