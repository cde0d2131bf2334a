//! Private, throw-away servers: PostgreSQL and MariaDB on free ports, stopped and removed when they are dropped.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub type Result<T> = std::result::Result<T, String>;

/// A running server.
pub struct Server {
    child: Child,
    folder: PathBuf,
    /// The URL that tests connect to.
    pub url: String,
}

/// The servers that run now, for the signal handler.
static RUNNING: Mutex<Vec<(u32, &'static str, PathBuf)>> = Mutex::new(Vec::new());

/// Stops the servers when this program is interrupted or told to end.
pub fn stop_on_signals() -> Result<()> {
    ctrlc::set_handler(|| {
        let running = RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (pid, signal, _) in running.iter() {
            let _ = Command::new("kill").arg(signal).arg(pid.to_string()).status();
        }
        std::thread::sleep(Duration::from_secs(2));
        for (_, _, folder) in running.iter() {
            let _ = std::fs::remove_dir_all(folder);
        }
        std::process::exit(130);
    })
    .map_err(|error| format!("no signal handler: {error}"))
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGINT is a fast, clean stop of PostgreSQL; SIGTERM one of MariaDB.
        let signal = if self.url.starts_with("postgres") { "-INT" } else { "-TERM" };
        let _ = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
        RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner).retain(|(pid, _, _)| *pid != self.child.id());
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

fn folder(name: &str) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("sequor-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0"))
}

/// A command as another user, because servers refuse to run as root.
fn as_user(user: &str, program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--init-groups").arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn own(user: &str, folder: &Path) -> Result<()> {
    if is_root() {
        check(Command::new("chown").arg("-R").arg(format!("{user}:{user}")).arg(folder), "chown")?;
    }
    Ok(())
}

fn check(command: &mut Command, what: &str) -> Result<String> {
    let output = command.output().map_err(|error| format!("{what}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{what} failed:\n{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

/// Finds a program in folders and in PATH.
fn find(name: &str, folders: &[String]) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    folders.iter().map(String::as_str).chain(path.split(':')).map(|folder| Path::new(folder).join(name)).find(|program| program.is_file())
}

/// PostgreSQL's folders, newest first.
fn postgres_folders() -> Vec<String> {
    let mut versions: Vec<u32> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
        .unwrap_or_default();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|version| format!("/usr/lib/postgresql/{version}/bin")).collect()
}

fn maria_folders() -> Vec<String> {
    vec!["/usr/sbin".into(), "/usr/bin".into(), "/usr/local/bin".into()]
}

/// Installs Debian packages when that can be done here.
pub fn install_missing(postgres: bool, mysql: bool) -> Result<()> {
    let mut packages = Vec::new();
    if postgres && find("initdb", &postgres_folders()).is_none() {
        packages.push("postgresql");
    }
    if mysql && find("mariadbd", &maria_folders()).is_none() {
        packages.push("mariadb-server");
    }
    if packages.is_empty() {
        return Ok(());
    }
    let help = format!(
        "{} missing: install {}, or set SEQUOR_POSTGRES_URL and SEQUOR_MYSQL_URL to servers of your own (compose.yaml starts some)",
        packages.join(" and "),
        packages.join(" and ")
    );
    if !is_root() || find("apt-get", &[]).is_none() {
        return Err(help);
    }
    println!("installing {}", packages.join(", "));
    check(Command::new("apt-get").args(["update", "-qq"]).env("DEBIAN_FRONTEND", "noninteractive"), "apt-get update")
        .map_err(|error| format!("{error}\n{help}"))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(&packages).env("DEBIAN_FRONTEND", "noninteractive");
    check(&mut install, "apt-get install").map_err(|error| format!("{error}\n{help}"))?;
    Ok(())
}

/// Starts PostgreSQL.
pub fn postgres() -> Result<Server> {
    let initdb = find("initdb", &postgres_folders()).ok_or("initdb was not found: install PostgreSQL, or set SEQUOR_POSTGRES_URL")?;
    let bin = initdb.parent().map(Path::to_path_buf).unwrap_or_default();
    let folder = folder("postgres")?;
    own("postgres", &folder)?;
    let data = folder.join("data");
    let mut init = as_user("postgres", &initdb);
    init.args(["--no-sync", "-A", "trust", "-U", "sequor", "-E", "UTF8", "--locale=C.UTF-8", "-D"]).arg(&data).current_dir(&folder);
    check(&mut init, "initdb")?;
    let port = free_port()?;
    let mut start = as_user("postgres", &bin.join("postgres"));
    start.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(&folder).args(["-h", "127.0.0.1"]);
    for setting in [
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=300",
        "shared_buffers=128MB",
        "logging_collector=off",
    ] {
        start.args(["-c", setting]);
    }
    let url = format!("postgres://sequor@127.0.0.1:{port}/postgres");
    launch(start, folder, url, port)
}

/// Starts MariaDB.
pub fn mysql() -> Result<Server> {
    let server = find("mariadbd", &maria_folders()).ok_or("mariadbd was not found: install MariaDB, or set SEQUOR_MYSQL_URL")?;
    let install =
        find("mariadb-install-db", &maria_folders()).ok_or("mariadb-install-db was not found: install MariaDB, or set SEQUOR_MYSQL_URL")?;
    let folder = folder("mariadb")?;
    own("mysql", &folder)?;
    let data = folder.join("data");
    let user = if is_root() { "mysql".to_owned() } else { std::env::var("USER").unwrap_or_default() };
    let mut init = Command::new(&install);
    init.arg("--no-defaults")
        .arg(format!("--datadir={}", data.display()))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    init.arg(format!("--user={user}")).current_dir(&folder);
    check(&mut init, "mariadb-install-db")?;
    let port = free_port()?;
    let script = folder.join("init.sql");
    let accounts = "CREATE USER sequor@'127.0.0.1' IDENTIFIED BY 'sequor';\n\
                    GRANT ALL ON *.* TO sequor@'127.0.0.1' WITH GRANT OPTION;\n\
                    CREATE USER sequor@'localhost' IDENTIFIED BY 'sequor';\n\
                    GRANT ALL ON *.* TO sequor@'localhost' WITH GRANT OPTION;\n\
                    CREATE DATABASE sequor;\n";
    std::fs::write(&script, accounts).map_err(|error| error.to_string())?;
    own("mysql", &folder)?;
    let mut start = Command::new(&server);
    start.arg("--no-defaults").arg(format!("--datadir={}", data.display())).arg(format!("--port={port}")).arg("--bind-address=127.0.0.1");
    start.arg(format!("--socket={}", folder.join("socket").display())).arg(format!("--pid-file={}", folder.join("pid").display()));
    start.arg(format!("--init-file={}", script.display())).arg(format!("--user={user}"));
    start.args([
        "--innodb-flush-log-at-trx-commit=0",
        "--skip-log-bin",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_general_ci",
    ]);
    start.args(["--max-connections=400", "--innodb-buffer-pool-size=128M", "--skip-name-resolve"]);
    let url = format!("mysql://sequor:sequor@127.0.0.1:{port}/sequor");
    launch(start, folder, url, port)
}

fn launch(mut command: Command, folder: PathBuf, url: String, port: u16) -> Result<Server> {
    let log = std::fs::File::create(folder.join("log")).map_err(|error| error.to_string())?;
    let errors = log.try_clone().map_err(|error| error.to_string())?;
    // A group of its own, so that Ctrl-C reaches this program first and it stops the server in order.
    let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0).current_dir(&folder).spawn();
    let child = child.map_err(|error| format!("{url}: {error}"))?;
    let signal = if url.starts_with("postgres") { "-INT" } else { "-TERM" };
    RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((child.id(), signal, folder.clone()));
    let mut server = Server { child, folder, url };
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if let Ok(Some(status)) = server.child.try_wait() {
            let log = std::fs::read_to_string(server.folder.join("log")).unwrap_or_default();
            return Err(format!("the server ended at once ({status}):\n{log}"));
        }
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            // It answers; the accounts of the init file are there a moment later.
            std::thread::sleep(Duration::from_millis(500));
            return Ok(server);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("{} did not answer within 60 s", server.url))
}
