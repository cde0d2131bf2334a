//! URLs as [`SqliteOptions`].

use super::{InlineMode, JournalMode, Location, OpenMode, SqliteOptions, Synchronous};
use sequor_core::error::{ConnectionErrorKind, Error, Result};
use std::path::PathBuf;
use std::time::Duration;

const KNOWN: &str = "mode (ro, rw, rwc, memory), busy_timeout (milliseconds), journal_mode (wal, delete, truncate, persist, memory), \
    synchronous (off, normal, full, extra), foreign_keys (on, off), cache (shared, private), \
    statement_cache (a number), inline (auto, on, off)";

pub(super) fn parse(url: &str) -> Result<SqliteOptions> {
    let rest = url
        .strip_prefix("sqlite:")
        .ok_or_else(|| invalid("an SQLite URL starts with sqlite:, as in sqlite://app.db or sqlite::memory:"))?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = percent_decode(path)?;
    if path.contains('\0') {
        return Err(invalid("the path holds a zero byte"));
    }
    let mut options = match path.as_str() {
        ":memory:" => SqliteOptions::memory(),
        "" => return Err(invalid("the URL names no file: sqlite://app.db, or sqlite::memory: for a database in memory")),
        _ => SqliteOptions::at(Location::File(PathBuf::from(&path))),
    };
    let (mut memory, mut shared) = (false, false);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (percent_decode(name)?, percent_decode(value)?);
        match (name.as_str(), value.as_str()) {
            ("mode", "memory") => memory = true,
            ("cache", "shared") => shared = true,
            ("cache", "private") => shared = false,
            (name, value) => set(&mut options, name, value)?,
        }
    }
    if memory {
        options.journal_mode = None;
        let named = path != ":memory:" && shared;
        options.location = if named { Location::SharedMemory(path) } else { Location::Memory };
    }
    Ok(options)
}

fn set(options: &mut SqliteOptions, name: &str, value: &str) -> Result<()> {
    match (name, value.to_ascii_lowercase().as_str()) {
        ("mode", "ro") => options.mode = OpenMode::ReadOnly,
        ("mode", "rw") => options.mode = OpenMode::ReadWrite,
        ("mode", "rwc") => options.mode = OpenMode::Create,
        ("busy_timeout", number) => options.busy_timeout = Duration::from_millis(whole(name, number)?),
        ("statement_cache", number) => options.statement_cache = usize::try_from(whole(name, number)?).unwrap_or(usize::MAX).min(10_000),
        ("journal_mode", word) => options.journal_mode = Some(journal(word)?),
        ("synchronous", "off" | "0") => options.synchronous = Synchronous::Off,
        ("synchronous", "normal" | "1") => options.synchronous = Synchronous::Normal,
        ("synchronous", "full" | "2") => options.synchronous = Synchronous::Full,
        ("synchronous", "extra" | "3") => options.synchronous = Synchronous::Extra,
        ("foreign_keys", "on" | "true" | "1") => options.foreign_keys = true,
        ("foreign_keys", "off" | "false" | "0") => options.foreign_keys = false,
        ("inline", "on" | "true" | "1") => options.inline = InlineMode::On,
        ("inline", "auto") => options.inline = InlineMode::Auto,
        ("inline", "off" | "false" | "0") => options.inline = InlineMode::Off,
        ("mode" | "synchronous" | "foreign_keys" | "cache" | "inline", _) => {
            return Err(invalid(format!("{name} has a value that it does not take; known are {KNOWN}")));
        }
        _ => return Err(invalid(format!("the setting {name:?} is not known; known are {KNOWN}"))),
    }
    Ok(())
}

fn journal(word: &str) -> Result<JournalMode> {
    Ok(match word {
        "wal" => JournalMode::Wal,
        "delete" => JournalMode::Delete,
        "truncate" => JournalMode::Truncate,
        "persist" => JournalMode::Persist,
        "memory" => JournalMode::Memory,
        _ => return Err(invalid(format!("journal_mode has a value that it does not take; known are {KNOWN}"))),
    })
}

fn whole(name: &str, number: &str) -> Result<u64> {
    number.parse().map_err(|_| invalid(format!("{name} takes a whole number")))
}

/// `%41` is `A`; what is not `%` and two hexadecimal digits is refused, so that a path never means something else than it says.
fn percent_decode(text: &str) -> Result<String> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push(high * 16 + low),
            _ => return Err(invalid("the URL has a % without two hexadecimal digits; a % itself is written %25")),
        }
    }
    String::from_utf8(bytes).map_err(|_| invalid("the URL's path is not UTF-8"))
}

#[cold]
fn invalid(message: impl Into<String>) -> Error {
    Error::connection(ConnectionErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(url: &str) -> PathBuf {
        match parse(url).unwrap().location {
            Location::File(path) => path,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_spelling_of_a_path_is_read() {
        assert_eq!(path("sqlite://app.db"), PathBuf::from("app.db"));
        assert_eq!(path("sqlite:app.db"), PathBuf::from("app.db"));
        assert_eq!(path("sqlite:///var/lib/app.db"), PathBuf::from("/var/lib/app.db"));
        assert_eq!(path("sqlite:/var/lib/app.db"), PathBuf::from("/var/lib/app.db"));
        assert_eq!(path("sqlite://a%20b%3F%25.db?mode=ro"), PathBuf::from("a b?%.db"));
        for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite:x.db?mode=memory"] {
            assert_eq!(parse(url).unwrap().location, Location::Memory, "{url}");
        }
        let shared = parse("sqlite:x?mode=memory&cache=shared").unwrap();
        assert_eq!(shared.location, Location::SharedMemory("x".into()));
    }

    #[test]
    fn settings_are_read_and_unknown_ones_refused() {
        let options =
            parse("sqlite://a.db?mode=rw&busy_timeout=250&journal_mode=DELETE&synchronous=full&foreign_keys=off&cache=private").unwrap();
        assert_eq!(options.mode, OpenMode::ReadWrite);
        assert_eq!(options.busy_timeout, Duration::from_millis(250));
        assert_eq!(options.journal_mode, Some(JournalMode::Delete));
        assert_eq!((options.synchronous, options.foreign_keys, options.inline), (Synchronous::Full, false, InlineMode::Auto));
        assert_eq!(parse("sqlite://a.db?inline=on").unwrap().inline, InlineMode::On);
        assert_eq!(parse("sqlite://a.db?inline=off").unwrap().inline, InlineMode::Off);
        for url in [
            "postgres://x",
            "sqlite:",
            "sqlite://",
            "sqlite://a.db?pool=3",
            "sqlite://a.db?mode=rwx",
            "sqlite://a.db?busy_timeout=1s",
            "sqlite://a%2.db",
            "sqlite://a%00.db",
            "sqlite://a%ff.db",
            "sqlite://a.db?journal_mode=off",
            "sqlite://a.db?vfs=unix",
            "sqlite://a.db?inline=yes",
        ] {
            let error = parse(url).unwrap_err();
            assert!(matches!(&error, Error::Connection(error) if error.kind == ConnectionErrorKind::Invalid), "{url}: {error}");
        }
        let text = parse("sqlite://a.db?pool=3").unwrap_err().to_string();
        assert!(text.contains("pool") && text.contains("busy_timeout"), "{text}");
    }
}
