//! Finds the programs of the servers and the browser, or installs Debian's packages.

use crate::process::{Result, check, find};
use nix::unistd::geteuid;
use std::path::PathBuf;
use std::process::Command;

/// PostgreSQL's own folders on Debian, newest version first.
pub fn postgres_folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))).collect()
}

/// Where MariaDB's programs are, also when PATH leaves out `sbin`.
pub fn maria_folders() -> Vec<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from).to_vec()
}

/// A program whose name is tried in turn.
pub fn program(names: &[&str], folders: &[PathBuf]) -> Result<PathBuf> {
    names.iter().find_map(|name| find(name, folders)).ok_or_else(|| format!("{} was not found", names.join(" or ")))
}

/// What drives a browser without a screen: the program that SEQUOR_WEBDRIVER names, or Debian's.
pub fn browser() -> Option<PathBuf> {
    let given = std::env::var_os("SEQUOR_WEBDRIVER").map(PathBuf::from);
    given.or_else(|| find("chromedriver", &[]))
}

fn is_there(database: &str) -> bool {
    match database {
        "postgres" => find("initdb", &postgres_folders()).is_some(),
        "browser" => browser().is_some(),
        "pgbouncer" => find("pgbouncer", &[PathBuf::from("/usr/sbin")]).is_some(),
        "node" => find("node", &[]).is_some() && find("npm", &[]).is_some(),
        _ => find("mariadbd", &maria_folders()).is_some() && find("mariadb-install-db", &maria_folders()).is_some(),
    }
}

fn advice(databases: &[&str]) -> String {
    let each = databases.iter().map(|database| match *database {
        "postgres" => "  PostgreSQL: install it (Debian: apt-get install postgresql), or set SEQUOR_POSTGRES_URL=postgres://user:password@host:5432/postgres",
        "pgbouncer" => "  PgBouncer: install it (Debian: apt-get install pgbouncer); tier 1 needs it",
        "browser" => "  a browser: install Chromium and its driver (Debian: apt-get install chromium-driver), or set SEQUOR_WEBDRIVER=/path/to/chromedriver",
        "node" => "  node: install it with npm (Debian: apt-get install nodejs npm); the real sequelize-cli runs in it",
        _ => "  MariaDB: install it (Debian: apt-get install mariadb-server), or set SEQUOR_MYSQL_URL=mysql://user:password@host:3306/database, or SEQUOR_MYSQLD=/path/to/mysqld",
    });
    let list: Vec<&str> = each.collect();
    format!(
        "the tests need programs that are not on this machine:\n{}\n  or start both servers in containers with `docker compose up -d` and the two lines at the top of compose.yaml;\n  or test without them: cargo xtask test --only sqlite",
        list.join("\n")
    )
}

/// Installs the packages of the databases whose programs are missing, where that can be done.
pub fn install_missing(databases: &[&str]) -> Result<()> {
    let missing: Vec<&str> = databases.iter().copied().filter(|database| !is_there(database)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let help = advice(&missing);
    if !geteuid().is_root() || find("apt-get", &[]).is_none() {
        return Err(help);
    }
    let package = |name: &&str| -> &[&str] {
        match *name {
            "postgres" => &["postgresql"],
            "browser" => &["chromium-driver"],
            "node" => &["nodejs", "npm"],
            "pgbouncer" => &["pgbouncer"],
            _ => &["mariadb-server"],
        }
    };
    let packages: Vec<&str> = missing.iter().flat_map(package).copied().collect();
    println!("installing {}", packages.join(", "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        check(&mut command, &format!("apt-get {}", arguments.join(" "))).map_err(|error| format!("{error}\n{help}"))
    };
    apt(&["update", "-q"])?;
    let mut install = vec!["install", "-y", "-q", "--no-install-recommends"];
    install.extend(&packages);
    apt(&install)?;
    if missing.iter().all(|database| is_there(database)) { Ok(()) } else { Err(help) }
}

#[cfg(test)]
mod tests {
    use super::{advice, program};

    #[test]
    fn a_missing_server_is_an_error_that_says_what_to_do() {
        let text = advice(&["postgres", "mysql"]);
        for part in [
            "apt-get install postgresql",
            "SEQUOR_POSTGRES_URL=",
            "apt-get install mariadb-server",
            "SEQUOR_MYSQL_URL=",
            "compose.yaml",
            "--only sqlite",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(!advice(&["mysql"]).contains("PostgreSQL"));
        assert_eq!(program(&["no-such", "nor-this"], &[]).unwrap_err(), "no-such or nor-this was not found");
    }
}
