//! A server of the tests' own, for what the shared one must not be bothered with: logins, TLS, restarts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A running server with passwords and TLS; stopped and removed when dropped.
pub struct Cluster {
    pub folder: PathBuf,
    pub port: u16,
    bin: PathBuf,
}

/// As root the server's programs must run as somebody else.
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

fn run(program: &Path, arguments: &[&str]) -> bool {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn programs() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> =
        folders.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).filter(|bin| bin.join("initdb").exists()).collect();
    found.sort();
    found.pop()
}

fn openssl(folder: &Path, arguments: &str) {
    let status =
        Command::new("openssl").args(arguments.split(' ')).current_dir(folder).stderr(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "openssl {arguments}");
}

impl Cluster {
    /// Starts a server; `None`, said aloud, where its programs or openssl are missing.
    pub fn start(name: &str) -> Option<Cluster> {
        let Some(bin) = programs().filter(|_| Command::new("openssl").arg("version").output().is_ok()) else {
            crate::support::shout("SKIPPED: no initdb or openssl here, logins and TLS were not tested against PostgreSQL");
            return None;
        };
        let folder = std::env::temp_dir().join(format!("sequor-postgres-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Cluster { folder, port, bin };
        cluster.certificates();
        cluster.own();
        let data = cluster.path("data");
        assert!(
            run(&cluster.bin.join("initdb"), &["-D", &data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C"]),
            "initdb"
        );
        let settings = format!(
            "port = {port}\nunix_socket_directories = '{}'\nlisten_addresses = '127.0.0.1'\nfsync = off\nssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\nssl_ca_file = '{}'\n",
            cluster.folder.display(),
            cluster.path("server.crt"),
            cluster.path("server.key"),
            cluster.path("ca.crt"),
        );
        let hba = "local all postgres trust\nhost all scram all scram-sha-256\nhost all weak all md5\nhost all plain all password\nhostssl all certified all cert\nhost all postgres all trust\nhost all locked all reject\n";
        std::fs::write(cluster.folder.join("data/postgresql.auto.conf"), settings).unwrap();
        std::fs::write(cluster.folder.join("data/pg_hba.conf"), hba).unwrap();
        cluster.own();
        cluster.up();
        Some(cluster)
    }

    /// A certificate authority, a server's certificate of it for localhost, one for another name, and a client's.
    fn certificates(&self) {
        let request = "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1";
        openssl(&self.folder, &format!("{request} -x509 -days 3650 -subj /CN=ca -keyout ca.key -out ca.crt"));
        openssl(&self.folder, &format!("{request} -x509 -days 3650 -subj /CN=stranger -keyout stranger.key -out stranger.crt"));
        for (file, subject, names) in [
            ("server", "localhost", "DNS:localhost"),
            ("other", "elsewhere", "DNS:elsewhere"),
            ("client", "certified", "DNS:client"),
            ("expired", "localhost", "DNS:localhost"),
        ] {
            std::fs::write(self.folder.join(format!("{file}.ext")), format!("subjectAltName={names}\n")).unwrap();
            openssl(&self.folder, &format!("{request} -subj /CN={subject} -keyout {file}.key -out {file}.csr"));
            let days = if file == "expired" { "-1" } else { "3000" };
            openssl(
                &self.folder,
                &format!(
                    "x509 -req -in {file}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days {days} -extfile {file}.ext -out {file}.crt"
                ),
            );
        }
    }

    fn own(&self) {
        let _ = Command::new("chmod").args(["-R", "go-rwx"]).arg(&self.folder).status();
        if is_root() {
            let _ = Command::new("chown").args(["-R", "postgres"]).arg(&self.folder).status();
        }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub fn up(&self) {
        let log = self.path("log");
        assert!(run(&self.bin.join("pg_ctl"), &["-D", &self.path("data"), "-l", &log, "-w", "-s", "start"]), "pg_ctl start");
    }

    pub fn down(&self) {
        run(&self.bin.join("pg_ctl"), &["-D", &self.path("data"), "-m", "immediate", "-w", "-s", "stop"]);
    }

    /// Puts another certificate in the server's place.
    pub fn present(&self, certificate: &str) {
        for kind in ["crt", "key"] {
            std::fs::copy(self.folder.join(format!("{certificate}.{kind}")), self.folder.join(format!("server.{kind}"))).unwrap();
        }
        self.own();
        assert!(run(&self.bin.join("pg_ctl"), &["-D", &self.path("data"), "-s", "reload"]), "pg_ctl reload");
    }

    pub fn url(&self, user_info: &str, host: &str, parameters: &str) -> String {
        format!("postgres://{user_info}@{host}:{}/postgres?{parameters}", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.down();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
