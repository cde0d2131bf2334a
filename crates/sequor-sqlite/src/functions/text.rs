//! Upper and lower case for all of Unicode; SQLite's own know ASCII alone.

use super::{PURE, text_of};
use rusqlite::{Connection, Result};

pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_scalar_function(c"sequor_lower", 1, PURE, |context| Ok(text_of(context, 0)?.map(|text| text.to_lowercase())))?;
    connection.create_scalar_function(c"sequor_upper", 1, PURE, |context| Ok(text_of(context, 0)?.map(|text| text.to_uppercase())))
}
