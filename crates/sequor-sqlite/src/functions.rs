//! Functions and a collation that Sequor's SQL uses on SQLite: exact decimals, Unicode text, patterns, JSON, time.
//!
//! They read nothing but their arguments (and the clock), so they may stand in indexes, checks and triggers; only [`before`] may not.

pub(crate) mod before;
mod clock;
mod decimal;
mod json;
mod math;
mod number;
mod pattern;
mod text;

pub(crate) use clock::forget as new_statement;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};
use std::borrow::Cow;

/// What the messages of these functions begin with: they hold no values, other messages may.
pub(crate) const MARK: &str = "sequor: ";

/// Same arguments, same result; no effect and no door to anything outside.
const PURE: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC).union(FunctionFlags::SQLITE_INNOCUOUS);

/// Registers everything on a connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    text::register(connection)?;
    pattern::register(connection)?;
    decimal::register(connection)?;
    math::register(connection)?;
    json::register(connection)?;
    before::register(connection)?;
    clock::register(connection)
}

/// The error of a function. `message` holds no value.
#[cold]
fn failed(message: &str) -> Error {
    Error::UserFunctionError(format!("{MARK}{message}").into())
}

/// An argument as text, the way SQLite's own functions see it; `None` for NULL.
fn text_of<'a>(context: &'a Context<'_>, index: usize) -> Result<Option<Cow<'a, str>>> {
    Ok(Some(match context.get_raw(index) {
        ValueRef::Null => return Ok(None),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Cow::Borrowed(std::str::from_utf8(bytes).map_err(|_| failed("the text is not UTF-8"))?)
        }
        ValueRef::Integer(number) => Cow::Owned(number.to_string()),
        ValueRef::Real(number) => Cow::Owned(number.to_string()),
    }))
}
