//! The project around a command: its own command line, and Sequelize's files.

mod unlike;

use crate::console::Console;
use sequor_core::error::{Error, Result};
use sequor_orm::db::Configuration;
use serde_json::Value as Json;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The `Cargo.toml` of a project that has a command line of its own, `src/bin/db.rs`.
pub(crate) fn own_program() -> Option<PathBuf> {
    let folder = std::env::current_dir().ok()?;
    (folder.join("src/bin/db.rs").is_file() && folder.join("Cargo.toml").is_file()).then(|| folder.join("Cargo.toml"))
}

/// Whether the project's folder of migrations holds one that is written in Rust, which only its own program can run.
pub(crate) fn has_rust_migrations(matches: &clap::ArgMatches) -> bool {
    let Ok(settings) = crate::settings::Settings::read(matches, None) else { return false };
    let folders = std::fs::read_dir(&settings.migrations).into_iter().flatten().flatten();
    folders.map(|folder| folder.path()).any(|folder| folder.join("up.rs").is_file() || folder.join("down.rs").is_file())
}

/// Runs a project's own command line with the same arguments.
pub(crate) fn run_own(manifest: &Path, arguments: &[OsString], console: &Console) -> ExitCode {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    if let Ok(mut build) = Command::new(&cargo).args(["build", "--quiet", "--bin", "db", "--manifest-path"]).arg(manifest).spawn() {
        tell_of_long_work(&mut build, console);
        if !build.wait().is_ok_and(|status| status.success()) {
            console.fail(&Error::usage("src/bin/db.rs does not compile: mend it, or run what needs no models without it"));
            return ExitCode::FAILURE;
        }
    }
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--bin", "db", "--manifest-path"]).arg(manifest).arg("--").args(arguments);
    match command.status() {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            console.fail(&Error::usage(format!("src/bin/db.rs cannot be run with cargo: {error}")));
            ExitCode::FAILURE
        }
    }
}

/// The first build of a project takes minutes, in which nothing else would be said.
fn tell_of_long_work(build: &mut std::process::Child, console: &Console) {
    for _ in 0..15 {
        if !matches!(build.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    console.hint("Building the project's command line, src/bin/db.rs; the first time takes a while.");
}

/// What `.sequelizerc` and the configuration of a Sequelize project say, as settings of Sequor: name, place, value.
#[derive(Debug, Default)]
pub(crate) struct Sequelize {
    pub(crate) settings: Vec<(String, String, String)>,
}

/// Where Sequelize's files are, when flags say so.
#[derive(Debug, Default)]
pub(crate) struct SequelizeFiles {
    /// Instead of `.sequelizerc`.
    pub(crate) options: Option<String>,
    /// Instead of what that names.
    pub(crate) config: Option<String>,
}

const FOLDERS: [(&str, &str); 2] = [("migrations-path", "migrations"), ("seeders-path", "seeders")];

impl SequelizeFiles {
    /// Only the folders, for a project whose database is named elsewhere.
    pub(crate) fn folders(&self) -> Result<Sequelize> {
        Ok(self.paths()?.0)
    }

    /// The folders, and the database of the environment.
    pub(crate) fn read(&self, configuration: &Configuration) -> Result<Sequelize> {
        let (mut found, config) = self.paths()?;
        let config = self.config.as_ref().map(PathBuf::from).or(config);
        let named = config.is_some();
        let by = if self.config.is_some() { "--config" } else { self.options.as_deref().unwrap_or(".sequelizerc") };
        let candidates =
            config.map_or_else(|| vec!["config/config.json".into(), "config/config.js".into(), "config.js".into()], |path| vec![path]);
        let Some(path) = candidates.iter().find(|path: &&PathBuf| path.is_file()) else {
            return match candidates.first() {
                Some(path) if named => Err(Error::usage(format!("{by} names {}, which is not there", path.display()))),
                _ => Ok(found),
            };
        };
        let place = path.display().to_string();
        let json = config_json(path)?;
        let environment = configuration.environment();
        let section = json.get(environment).unwrap_or(&json);
        unlike::refuse_other_history(section, &place)?;
        let Some(mut url) = database_url(section, configuration, &place, environment)? else { return Ok(found) };
        if let Some(parameter) = unlike::encryption(section, &url, &place)? {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(parameter);
        }
        found.add("url", &place, url);
        if let Some(storage) = section["seederStorage"].as_str() {
            found.add("seeder_storage", &place, storage.to_owned());
        }
        for (name, key) in
            [("max", "pool_max"), ("min", "pool_min"), ("acquire", "pool_acquire"), ("idle", "pool_idle"), ("evict", "pool_evict")]
        {
            if let Some(number) = section["pool"][name].as_u64() {
                found.add(key, &place, number.to_string());
            }
        }
        Ok(found)
    }

    fn paths(&self) -> Result<(Sequelize, Option<PathBuf>)> {
        let mut found = Sequelize::default();
        let shown = self.options.as_deref().unwrap_or(".sequelizerc");
        let path = Path::new(shown);
        let Ok(text) = std::fs::read_to_string(path) else {
            return match self.options {
                Some(_) => Err(Error::usage(format!("--options-path names {shown}, which is not there"))),
                None => Ok((found, None)),
            };
        };
        let values = match parsed_paths(&text) {
            Some(values) => values,
            None => node(path)?.ok_or_else(|| unreadable(shown))?.as_object().map_or_else(Vec::new, |map| {
                map.iter().filter_map(|(key, value)| Some((key.clone(), relative(value.as_str()?)))).collect()
            }),
        };
        let get = |name: &str| values.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        for (flag, key) in FOLDERS {
            if let Some(folder) = get(flag) {
                found.add(key, shown, folder);
            }
        }
        Ok((found, get("config").map(PathBuf::from)))
    }
}

impl Sequelize {
    fn add(&mut self, key: &str, place: &str, value: String) {
        self.settings.push((key.to_owned(), place.to_owned(), value));
    }
}

fn unreadable(file: &str) -> Error {
    Error::usage(format!(
        "{file} is a program, and node is not there to run it; write a sequor.toml instead:\nmigrations = \"migrations\"\nseeders = \"seeders\"\n\n[development]\nurl = \"postgres://user:${{DB_PASSWORD}}@localhost/app\""
    ))
}

/// What a file of JavaScript exports, by node; `None` when there is no node.
fn node(path: &Path) -> Result<Option<Json>> {
    let script = "Promise.resolve(require(require('path').resolve(process.argv[1]))).then(async m => { m = m && m.default || m; \
                  if (typeof m === 'function') m = await m(); process.stdout.write(JSON.stringify(m)); })";
    let output = match Command::new("node").args(["-e", script]).arg(path).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        output => output?,
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find(|line| line.contains("Error")).unwrap_or("it failed").to_owned();
        return Err(Error::usage(format!("node cannot read {}: {line}", path.display())));
    }
    serde_json::from_slice(&output.stdout)
        .map(Some)
        .map_err(|error| Error::usage(format!("{} exports no plain values: {error}", path.display())))
}

fn config_json(path: &Path) -> Result<Json> {
    let shown = path.display();
    if path.extension().is_some_and(|extension| extension == "json") {
        let text = std::fs::read_to_string(path)?;
        return serde_json::from_str(&text).map_err(|error| Error::usage(format!("{shown}: {error}")));
    }
    node(path)?.ok_or_else(|| unreadable(&shown.to_string()))
}

/// The usual form, `'config': path.resolve('config', 'config.json')`; `None` for any other.
fn parsed_paths(text: &str) -> Option<Vec<(String, String)>> {
    let body = text.split_once("module.exports")?.1;
    let body = body.split_once('{')?.1.rsplit_once('}')?.0;
    let mut found = Vec::new();
    let mut rest = body.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':')?;
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix("path.resolve(").or_else(|| after.strip_prefix("path.join(")) {
            Some(call) => {
                let (arguments, tail) = call.split_once(')')?;
                let parts: Option<Vec<&str>> =
                    arguments.split(',').map(str::trim).filter(|part| !matches!(*part, "__dirname" | "")).map(quoted).collect();
                (parts?.join("/"), tail)
            }
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (quoted(after[..end].trim())?.to_owned(), &after[end..])
            }
        };
        found.push((key.trim().trim_matches(['\'', '"']).to_owned(), value));
        rest = tail.trim_start().trim_start_matches(',').trim();
    }
    Some(found)
}

fn quoted(text: &str) -> Option<&str> {
    ['\'', '"', '`'].iter().find_map(|mark| text.strip_prefix(*mark)?.strip_suffix(*mark)).filter(|text| !text.contains("${"))
}

fn relative(path: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    Path::new(path).strip_prefix(&here).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

fn database_url(section: &Json, configuration: &Configuration, place: &str, environment: &str) -> Result<Option<String>> {
    let text = |key: &str| match &section[key] {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    if let Some(name) = text("use_env_variable") {
        let value = configuration.variable(&name);
        return value
            .map(|url| Some(url.to_owned()))
            .ok_or_else(|| Error::usage(format!("{place} takes the URL from {name}, which is not set")));
    }
    if let Some(url) = text("url") {
        return Ok(Some(url));
    }
    let Some(dialect) = text("dialect") else {
        return Err(Error::usage(format!("{place} names no dialect for {environment}")));
    };
    if dialect == "sqlite" {
        return Ok(Some(match text("storage") {
            Some(storage) if storage != ":memory:" => format!("sqlite://{storage}"),
            _ => "sqlite::memory:".into(),
        }));
    }
    let scheme = match dialect.as_str() {
        "postgres" | "mysql" | "mariadb" => dialect.as_str(),
        other => return Err(Error::usage(format!("{place}: Sequor has no dialect {other:?}; it has postgres, mysql, mariadb and sqlite"))),
    };
    let mut url = format!("{scheme}://");
    if let Some(user) = text("username") {
        url.push_str(&encoded(&user));
        if let Some(password) = text("password") {
            url.push(':');
            url.push_str(&encoded(&password));
        }
        url.push('@');
    }
    url.push_str(&text("host").unwrap_or_else(|| "localhost".into()));
    if let Some(port) = text("port") {
        url.push_str(&format!(":{port}"));
    }
    url.push('/');
    url.push_str(&encoded(&text("database").unwrap_or_default()));
    Ok(Some(url))
}

fn encoded(text: &str) -> String {
    let mut made = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            made.push(byte as char);
        } else {
            made.push_str(&format!("%{byte:02X}"));
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::{encoded, parsed_paths};

    #[test]
    fn the_usual_sequelizerc_needs_no_node() {
        let text = "const path = require('path');\nmodule.exports = {\n  'config': path.resolve(__dirname, 'src', 'config.js'),\n  \
                    \"seeders-path\": path.resolve('db', 'seeders'),\n  'migrations-path': './db/migrations',\n};\n";
        let found = parsed_paths(text).unwrap();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            found,
            [pair("config", "src/config.js"), pair("seeders-path", "db/seeders"), pair("migrations-path", "./db/migrations")]
        );
        assert_eq!(parsed_paths("module.exports = { config: path.resolve(base, 'x') }"), None);
        assert_eq!(encoded("p@ss:wörd"), "p%40ss%3Aw%C3%B6rd");
    }
}
