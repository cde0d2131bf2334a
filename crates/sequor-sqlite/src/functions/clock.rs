//! Now, new UUIDs, and whether an upsert met an old row: what belongs to one statement.

use super::{PURE, failed, text_of};
use crate::params::instant;
use chrono::{DateTime, Utc};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Result};
use sequor_core::types::parse_instant;
use std::cell::Cell;

thread_local! {
    /// The time of the statement that this thread runs, once it was asked for.
    static NOW: Cell<Option<DateTime<Utc>>> = const { Cell::new(None) };
    /// Whether the upsert that this thread runs changed a row that was there.
    static REPLACED: Cell<bool> = const { Cell::new(false) };
}

/// A statement begins: its time is the next one asked for, and it changed nothing yet.
pub(crate) fn forget() {
    NOW.set(None);
    REPLACED.set(false);
}

pub(super) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(c"sequor_instant", 1, PURE, |context| {
        let Some(text) = text_of(context, 0)? else { return Ok(None) };
        Ok(parse_instant(&text).and_then(|read| instant(&read).ok()).map(|text| text.as_str().to_owned()))
    })?;
    connection.create_scalar_function(c"sequor_uuid", 0, flags, |_| Ok(uuid::Uuid::new_v4().to_string()))?;
    // The one stands around a value that an upsert assigns to an old row, the other in its RETURNING, which comes after.
    connection.create_scalar_function(c"sequor_replaced", 1, flags, |context| {
        REPLACED.set(true);
        context.get::<rusqlite::types::Value>(0)
    })?;
    connection.create_scalar_function(c"sequor_inserted", 0, flags, |_| Ok(!REPLACED.replace(false)))?;
    connection.create_scalar_function(c"sequor_now", 0, flags, |_| {
        let now = NOW.get().unwrap_or_else(Utc::now);
        NOW.set(Some(now));
        Ok(instant(&now).map_err(|_| failed("the clock is outside of the years 0 to 9999"))?.as_str().to_owned())
    })
}
