//! [`Configuration`]: settings from `sequor.toml`, `.env` and the environment, for `Db::from_env` and the command line.
//!
//! What comes later wins: the defaults, what stands at the top of `sequor.toml`, its section for the environment (`SEQUOR_ENV`, `APP_ENV` or
//! `NODE_ENV`; `development`), the lines of `.env`, the variables of the process, and the methods called on the options.

use super::{DbOptions, millis};
use sequor_core::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// The settings that are known: the key in `sequor.toml`, the variable, and what it is.
pub(crate) const SETTINGS: [(&str, &str, &str); 10] = [
    ("url", "DATABASE_URL", "where the database is"),
    ("pool_max", "DB_POOL_MAX", "the most connections; 10"),
    ("pool_min", "DB_POOL_MIN", "connections that are kept; 0"),
    ("pool_acquire", "DB_POOL_ACQUIRE", "how long to wait for a connection, in milliseconds; 60000"),
    ("pool_idle", "DB_POOL_IDLE", "how long an idle connection is kept, in milliseconds; 10000"),
    ("pool_evict", "DB_POOL_EVICT", "how often idle connections are looked at, in milliseconds; 1000"),
    ("retry_max", "DB_RETRY_MAX", "attempts at connecting; 1"),
    ("retry_delay", "DB_RETRY_DELAY", "the first pause between them, in milliseconds; 1000"),
    ("slow_query", "DB_SLOW_QUERY", "report statements that take longer, in milliseconds"),
    ("logging", "DB_LOGGING", "report every statement: true or false"),
];

/// Settings that only the command line reads.
const OF_THE_COMMAND_LINE: [&str; 3] = ["migrations", "seeders", "seeder_storage"];

/// Settings that were read: the environment's name, and each value with the place where it stands.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// use sequor::Configuration;
/// # let folder = std::env::temp_dir().join(format!("sequor-configuration-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// std::fs::write(folder.join("sequor.toml"), "[staging]\nurl = \"sqlite::memory:\"\npool_max = 4\n")?;
/// let mut configuration = Configuration::read(&folder, Some("staging"))?;
/// configuration.set("url", "--url", "sqlite::memory:");
/// assert_eq!((configuration.environment(), configuration.sections()), ("staging", ["staging".to_owned()].as_slice()));
/// configuration.demand("url")?;
/// assert!(configuration.missing().next().is_none());
/// println!("{:?}", configuration.variable("HOME"));
/// let db = configuration.options()?.connect().await?;
/// # drop(db);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Configuration {
    environment: String,
    found: Found,
    /// Settings of the file that need a variable which is not set, with the message; whatever wins over them takes them away.
    missing: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    sections: Vec<String>,
}

impl Configuration {
    /// Reads `sequor.toml` and `.env` of this folder and the variables of the process. `environment` is the name to use instead of theirs.
    ///
    /// # Errors
    /// `Usage` that names the file and what is wrong in it.
    pub fn read(folder: &Path, environment: Option<&str>) -> Result<Configuration> {
        let read = |name: &str| match std::fs::read_to_string(folder.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::usage(format!("{name} cannot be read: {error}"))),
        };
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        from_sources(read("sequor.toml")?.as_deref(), read(".env")?.as_deref(), variables.collect(), environment)
    }

    /// `development`, `production`, ..
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The environments that have a section in `sequor.toml`.
    pub fn sections(&self) -> &[String] {
        &self.sections
    }

    /// A setting by its name in `sequor.toml`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.found.get(key).map(|(_, value)| value.as_str())
    }

    /// Fails when a setting needs a variable that is not set.
    ///
    /// # Errors
    /// `Usage` that names setting and variable.
    pub fn demand(&self, key: &str) -> Result<()> {
        match self.missing.get(key) {
            Some(message) => Err(Error::usage(message.clone())),
            None => Ok(()),
        }
    }

    /// The names of settings that need a variable which is not set.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.keys().map(String::as_str)
    }

    /// A variable of the process or of `.env`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Changes a setting; `place` is what errors call it.
    pub fn set(&mut self, key: &str, place: &str, value: impl Into<String>) {
        self.missing.remove(key);
        self.found.insert(key.to_owned(), (place.to_owned(), value.into()));
    }

    /// The options to connect with.
    ///
    /// # Errors
    /// `Usage` when no database is named, or for a setting that is not of its kind.
    pub fn options(&self) -> Result<DbOptions> {
        for key in self.missing() {
            self.demand(key)?;
        }
        apply(&self.found)
    }
}

impl std::fmt::Debug for Configuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may hold passwords.
        f.debug_struct("Configuration").field("environment", &self.environment).field("keys", &self.found.keys()).finish()
    }
}

/// Reads the settings of the process, its folder and `sequor.toml`.
pub(in crate::db) fn from_environment() -> Result<DbOptions> {
    Configuration::read(Path::new(""), None)?.options()
}

/// How the URL of a database begins.
const SCHEMES: [&str; 5] = ["sqlite", "postgres", "postgresql", "mysql", "mariadb"];

const DEVELOPMENT: &str = "development";

/// The environment that the variables of the process or of `.env` name.
pub(super) fn name() -> Result<String> {
    let mut variables = match std::fs::read_to_string(".env") {
        Ok(text) => parse_dot_env(&text)?,
        Err(_) => BTreeMap::new(),
    };
    variables.extend(of_process());
    Ok(named(&variables).unwrap_or_else(|| DEVELOPMENT.into()))
}

/// The variables of the process. An empty one counts as none, as shells and compose files leave them.
fn of_process() -> BTreeMap<String, String> {
    let all = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    all.filter(|(_, value)| !value.is_empty()).collect()
}

fn named(variables: &BTreeMap<String, String>) -> Option<String> {
    ["SEQUOR_ENV", "APP_ENV", "NODE_ENV"].iter().find_map(|name| variables.get(*name)).cloned()
}

fn from_sources(
    toml: Option<&str>,
    dot_env: Option<&str>,
    process: BTreeMap<String, String>,
    environment: Option<&str>,
) -> Result<Configuration> {
    let mut variables = dot_env.map(parse_dot_env).transpose()?.unwrap_or_default();
    // An empty variable counts as none, as shells and compose files leave them.
    variables.extend(process.into_iter().filter(|(_, value)| !value.is_empty()));
    let environment =
        environment.filter(|name| !name.is_empty()).map(str::to_owned).or_else(|| named(&variables)).unwrap_or_else(|| DEVELOPMENT.into());
    let (found, missing, sections) = toml.map(|text| settings(text, &environment, &variables)).transpose()?.unwrap_or_default();
    let mut configuration = Configuration { environment, found, missing, variables, sections };
    for (key, variable, _) in SETTINGS {
        if let Some(value) = configuration.variables.get(variable).cloned() {
            configuration.set(key, variable, value);
        }
    }
    Ok(configuration)
}

type Found = BTreeMap<String, (String, String)>;

/// What a file holds: settings, those that need a variable which is not set, and the names of its sections.
type Read = (Found, BTreeMap<String, String>, Vec<String>);

fn apply(found: &Found) -> Result<DbOptions> {
    let Some((place, url)) = found.get("url") else {
        return Err(Error::usage("no database is named: set DATABASE_URL, or `url` in the section of sequor.toml for this environment"));
    };
    let scheme = url.split(':').next().unwrap_or_default();
    if !url.contains(':') || !SCHEMES.contains(&scheme) {
        // What was written instead may be a password.
        return Err(Error::usage(format!("{place} is no URL of a database: it begins with sqlite:, postgres:// or mysql://")));
    }
    let number = |key: &str| -> Result<Option<u64>> {
        let Some((place, text)) = found.get(key) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Error::usage(format!("{place} is a whole number, not {text:?}")))
    };
    let size = |key: &str| -> Result<Option<usize>> {
        let Some(value) = number(key)? else { return Ok(None) };
        usize::try_from(value).map(Some).map_err(|_| Error::usage(format!("{key} is too large")))
    };
    let mut pool = super::Pool::default();
    pool.max = size("pool_max")?.unwrap_or(pool.max);
    pool.min = size("pool_min")?.unwrap_or(pool.min);
    pool.acquire = number("pool_acquire")?.map_or(pool.acquire, millis);
    pool.idle = number("pool_idle")?.map_or(pool.idle, millis);
    pool.evict = number("pool_evict")?.map_or(pool.evict, millis);
    let mut retry = super::Retry::default();
    if let Some(max) = number("retry_max")? {
        retry.max = u32::try_from(max).map_err(|_| Error::usage("retry_max is too large"))?;
    }
    retry.delay = number("retry_delay")?.map_or(retry.delay, millis);
    let mut options = DbOptions::new(url).pool(pool).retry(retry);
    if let Some(limit) = number("slow_query")? {
        options = options.slow_query(millis(limit));
    }
    if let Some((place, text)) = found.get("logging") {
        options = options.logging(text.parse().map_err(|_| Error::usage(format!("{place} is true or false, not {text:?}")))?);
    }
    Ok(options)
}

/// What stands at the top, then the section of one environment: `[development]`, `[production]`, .. of `key = value` lines (TOML's strings,
/// numbers and truth values).
fn settings(text: &str, environment: &str, variables: &BTreeMap<String, String>) -> Result<Read> {
    let table: toml::Table = text.parse().map_err(|error| Error::usage(format!("sequor.toml: {error}")))?;
    let (mut found, mut missing) = (Found::new(), BTreeMap::new());
    for (key, value) in table.iter().filter(|(_, value)| !value.is_table()) {
        if key == environment {
            return Err(Error::usage(format!("sequor.toml: {environment} is a section: write [{environment}]")));
        }
        one_setting(key, value, "at the top", variables, (&mut found, &mut missing))?;
    }
    if let Some(section) = table.get(environment).and_then(toml::Value::as_table) {
        for (key, value) in section {
            one_setting(key, value, &format!("in [{environment}]"), variables, (&mut found, &mut missing))?;
        }
    }
    let sections = table.iter().filter(|(_, value)| value.is_table()).map(|(name, _)| name.clone()).collect();
    Ok((found, missing, sections))
}

fn one_setting(
    key: &str,
    value: &toml::Value,
    section: &str,
    variables: &BTreeMap<String, String>,
    (found, missing): (&mut Found, &mut BTreeMap<String, String>),
) -> Result<()> {
    let place = format!("{key} {section} of sequor.toml");
    if !SETTINGS.iter().any(|(known, _, _)| *known == key) && !OF_THE_COMMAND_LINE.contains(&key) {
        let known: Vec<&str> = SETTINGS.iter().map(|(known, _, _)| *known).chain(OF_THE_COMMAND_LINE).collect();
        return Err(Error::usage(format!("{place} is no setting; known are {}", known.join(", "))));
    }
    let text = match value {
        toml::Value::String(text) => match expand(text, variables, &place)? {
            Ok(text) => text,
            Err(message) => {
                found.remove(key);
                missing.insert(key.to_owned(), message);
                return Ok(());
            }
        },
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(value) => value.to_string(),
        _ => return Err(Error::usage(format!("{place} is a text, a whole number or a truth value"))),
    };
    missing.remove(key);
    found.insert(key.to_owned(), (place, text));
    Ok(())
}

/// `${NAME}` becomes the variable's value; where a variable is not there, a message about it.
fn expand(text: &str, variables: &BTreeMap<String, String>, place: &str) -> Result<Result<String, String>> {
    let (mut made, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}') else { return Err(Error::usage(format!("{place}: `${{` has no `}}`"))) };
        let Some(value) = variables.get(name) else {
            return Ok(Err(format!("{place} needs the variable {name}, which is not set")));
        };
        made.push_str(before);
        made.push_str(value);
        rest = tail;
    }
    made.push_str(rest);
    Ok(Ok(made))
}

/// `NAME=value` lines; `#` begins a comment line, quotes around a value are removed, `export ` is allowed.
fn parse_dot_env(text: &str) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim().strip_prefix("export ").unwrap_or(line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            return Err(Error::usage(format!("line {} of .env is not NAME=value", index + 1)));
        };
        let value = value.trim();
        let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        found.insert(name.trim().to_owned(), quoted.unwrap_or(value).to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::DbOptions;
    use std::collections::BTreeMap;

    fn variables(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn from_sources(toml: Option<&str>, env: Option<&str>, process: BTreeMap<String, String>) -> sequor_core::error::Result<DbOptions> {
        super::from_sources(toml, env, process, None)?.options()
    }

    #[test]
    fn the_top_is_for_every_environment() {
        let toml = "pool_max = 7\nmigrations = \"db/up\"\n[test]\nurl = \"sqlite::memory:\"\npool_max = 8\n";
        let found = super::from_sources(Some(toml), None, variables(&[("SEQUOR_ENV", "production")]), Some("test")).unwrap();
        assert_eq!((found.environment(), found.get("migrations"), found.get("pool_max")), ("test", Some("db/up"), Some("8")));
        assert!(!format!("{found:?}").contains("memory"));
    }

    #[test]
    fn what_comes_later_wins() {
        let toml = "[development]\nurl = \"sqlite://dev.db\"\npool_max = 3\n[production]\nurl = \"${LIVE}\"\nlogging = true\n";
        let shown = format!("{:?}", from_sources(Some(toml), None, variables(&[])).unwrap());
        assert!(shown.contains("max: 3"), "{shown}");
        // What is overridden needs no variable.
        let production = [("NODE_ENV", "production"), ("DATABASE_URL", "sqlite://live.db")];
        assert!(from_sources(Some(toml), None, variables(&production)).is_ok());
        let env = "# local\nexport DB_POOL_MAX='4'\nDB_POOL_MIN=2\n";
        let shown = format!("{:?}", from_sources(Some(toml), Some(env), variables(&[("DB_POOL_MIN", "1"), ("DB_RETRY_MAX", "")])).unwrap());
        assert!(shown.contains("max: 4") && shown.contains("min: 1"), "{shown}");
        assert!(from_sources(Some(toml), None, variables(&[("NODE_ENV", "production"), ("LIVE", "sqlite://live.db")])).is_ok());
    }

    #[test]
    fn a_wrong_setting_says_where_it_stands() {
        let message = |toml: Option<&str>, env: Option<&str>, list: &[(&str, &str)]| {
            from_sources(toml, env, variables(list)).unwrap_err().to_string()
        };
        assert!(message(None, None, &[]).contains("set DATABASE_URL"));
        assert!(
            message(None, None, &[("DATABASE_URL", "sqlite::memory:"), ("DB_POOL_MAX", "many")]).contains("DB_POOL_MAX is a whole number")
        );
        let toml = "[production]\nurl = \"${LIVE}\"\n";
        assert!(
            message(Some(toml), None, &[("APP_ENV", "production")]).contains("url in [production] of sequor.toml needs the variable LIVE")
        );
        assert!(message(Some("url = "), None, &[]).contains("sequor.toml"));
        assert!(
            message(Some("[development]\nurll = \"x\""), None, &[])
                .contains("urll in [development] of sequor.toml is no setting; known are url, pool_max")
        );
        assert!(message(None, Some("nonsense"), &[]).contains("line 1 of .env"));
    }
}
