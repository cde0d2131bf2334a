//! What a URL leaves out: parameters, the `PG*` variables, defaults, and the password file.

use super::options::{ChannelBinding, Host, Keepalive, Methods, PostgresOptions, SessionKind, Tls};
use super::parameters::{self, Given};
use super::url::{Parts, invalid};
use sequor_core::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long connecting to one host may take unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long written data may stay unacknowledged.
const USER_TIMEOUT: Duration = Duration::from_secs(30);
/// Where servers put their Unix sockets.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Makes options of a URL's parts and what the environment adds.
pub(crate) fn complete(parts: Parts, environment: &dyn Fn(&str) -> Option<String>) -> Result<PostgresOptions> {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
    let mut given = Given::default();
    for (name, value) in &parts.parameters {
        parameters::take(&mut given, name, value, name)?;
    }
    for (variable_name, parameter) in parameters::VARIABLES {
        if let Some(value) = variable(variable_name)
            && !given.has(parameter)
        {
            parameters::take(&mut given, parameter, &value, variable_name)?;
        }
    }
    let user =
        given.user.clone().or(parts.user).or_else(|| variable("PGUSER")).or_else(|| variable("USER")).or_else(|| variable("LOGNAME"));
    let user = user.ok_or_else(|| invalid("no user: write postgres://user@host/database or set PGUSER"))?;
    let database = given.database.clone().or(parts.database).or_else(|| variable("PGDATABASE")).unwrap_or_else(|| user.clone());
    let hosts = hosts(&parts.hosts, &given, &variable)?;
    let home = variable("HOME").map(PathBuf::from);
    let password = given.password.clone().or(parts.password).or_else(|| variable("PGPASSWORD"));
    let passfile = given.passfile.clone().or_else(|| variable("PGPASSFILE").map(PathBuf::from)).or_else(|| Some(home?.join(".pgpass")));
    let mut options = PostgresOptions {
        hosts,
        user,
        password,
        passfile,
        database,
        tls: Tls {
            mode: given.tls_mode,
            root_certificate: given.root_certificate,
            certificate: given.certificate,
            key: given.key,
            no_sni: given.no_sni,
            only_13: given.only_13,
            only_12: given.only_12,
        },
        connect_timeout: given.connect_timeout.unwrap_or(Some(CONNECT_TIMEOUT)),
        session: given.session.unwrap_or(SessionKind::Any),
        settings: Vec::new(),
        keepalive: match given.keepalives {
            Some(false) => None,
            _ => {
                let usual = Keepalive::default();
                Some(Keepalive {
                    idle: given.keepalive_idle.unwrap_or(usual.idle),
                    interval: given.keepalive_interval.unwrap_or(usual.interval),
                    count: given.keepalive_count.unwrap_or(usual.count),
                })
            }
        },
        tcp_user_timeout: given.tcp_user_timeout.unwrap_or(Some(USER_TIMEOUT)),
        channel_binding: given.channel_binding.unwrap_or(ChannelBinding::Prefer),
        allow_cleartext: given.allow_cleartext,
        methods: given.methods.unwrap_or(Methods::ALL),
        statements: given.statements,
    };
    options.set("application_name", given.application_name.or(given.fallback_application_name).unwrap_or_else(|| "sequor".into()));
    for (name, value) in given.settings {
        options.set(&name, value);
    }
    Ok(options)
}

/// The list of hosts: those of the URL, of the parameter, of the variables, or this machine.
fn hosts(of_url: &[(String, Option<String>)], given: &Given, variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Host>> {
    let split = |list: &String| list.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>();
    let addresses = given.host_addresses.as_ref().map(split).unwrap_or_default();
    let ports = given.ports.as_ref().map(split).or_else(|| variable("PGPORT").as_ref().map(split)).unwrap_or_default();
    let mut names: Vec<(String, Option<String>)> = match &given.hosts {
        Some(list) => split(list).into_iter().map(|name| (name, None)).collect(),
        None => of_url.to_vec(),
    };
    if names.is_empty() {
        names = variable("PGHOST").as_ref().map(split).unwrap_or_default().into_iter().map(|name| (name, None)).collect();
    }
    if names.is_empty() && !addresses.is_empty() {
        names = addresses.iter().map(|address| (address.clone(), None)).collect();
    }
    if names.is_empty() {
        names.push((String::new(), None));
    }
    if !addresses.is_empty() && addresses.len() != names.len() {
        return Err(invalid(format!("hostaddr names {} addresses for {} hosts", addresses.len(), names.len())));
    }
    if ports.len() > 1 && ports.len() != names.len() {
        return Err(invalid(format!("port names {} ports for {} hosts", ports.len(), names.len())));
    }
    let mut hosts = Vec::with_capacity(names.len());
    for (place, (name, port)) in names.into_iter().enumerate() {
        let port = port.as_ref().or_else(|| ports.get(place)).or_else(|| ports.first()).filter(|port| !port.is_empty());
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| invalid("the port is a number from 1 to 65535"))?,
            None => 5432,
        };
        let address = match addresses.get(place).filter(|address| !address.is_empty()) {
            Some(address) => Some(address.parse().map_err(|_| invalid("hostaddr is a numeric address"))?),
            None => None,
        };
        let name = if name.is_empty() { this_machine(port) } else { name };
        if name.contains(char::is_whitespace) || name.contains(['\\', '\'', '"']) {
            return Err(invalid("the host is no name, address or directory"));
        }
        hosts.push(Host { name, address, port });
    }
    Ok(hosts)
}

/// The Unix socket of this machine where there is one, else `localhost`.
fn this_machine(port: u16) -> String {
    let found = SOCKET_DIRECTORIES.iter().find(|directory| Path::new(directory).join(format!(".s.PGSQL.{port}")).exists());
    (*found.unwrap_or(&"localhost")).to_owned()
}

/// The password that a password file holds for a host, if any. A file that others may read is not believed.
pub(crate) fn password_of(file: &Path, host: &Host, database: &str, user: &str) -> Option<String> {
    let metadata = std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            tracing::warn!(target: "sequor::postgres", file = %file.display(), "the password file is ignored: others may read it (chmod 0600)");
            return None;
        }
    }
    let _ = metadata;
    let text = std::fs::read_to_string(file).ok()?;
    find_password(&text, host, database, user)
}

fn find_password(text: &str, host: &Host, database: &str, user: &str) -> Option<String> {
    // The usual directory of the Unix socket is `localhost` in this file.
    let local = host.socket_directory().is_some_and(|directory| SOCKET_DIRECTORIES.contains(&directory));
    let port = host.port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = password_fields(line);
        let [name, at, of, who, password] = fields.as_slice() else { return None };
        let host_fits = name == "*" || *name == host.name || (local && name == "localhost");
        let fits = host_fits && (at == "*" || *at == port) && (of == "*" || of == database) && (who == "*" || who == user);
        fits.then(|| password.clone())
    })
}

/// The five fields of a line: `\:` and `\\` stand for themselves.
fn password_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        let kept = match letter {
            '\\' => letters.next(),
            ':' if fields.len() < 5 => {
                fields.push(String::new());
                None
            }
            other => Some(other),
        };
        if let (Some(letter), Some(field)) = (kept, fields.last_mut()) {
            field.push(letter);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_file_is_read_as_libpq_does() {
        let host = |name: &str| Host { name: name.into(), address: None, port: 5432 };
        let file = "# comment\nother:5432:db:ann:wrong\nhost:*:d\\:b:ann:se\\:c\\\\ret:x\nlocalhost:5432:*:*:local\n";
        assert_eq!(find_password(file, &host("host"), "d:b", "ann").as_deref(), Some("se:c\\ret:x"));
        assert_eq!(find_password(file, &host("/tmp"), "any", "bob").as_deref(), Some("local"));
        assert_eq!(find_password(file, &host("elsewhere"), "any", "bob"), None);
        assert_eq!(find_password("a:b\n\n:::::\n", &host("x"), "d", "u"), None);
    }
}
