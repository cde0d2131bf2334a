//! [`RowReader`]: typed access to one row in the driver's buffer. [`RowSink`]: who takes the rows.

use crate::error::Result;
use crate::types::ColumnType;
use crate::value::Value;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use std::any::Any;
use uuid::Uuid;

/// One row, read cell by cell: one call a cell, `None` for NULL.
///
/// Each method takes the conversions that lose nothing (an `int2` is read by [`RowReader::i64`]); anything else is [`crate::Error::Decode`]. An index past
/// the end is an error, not a panic.
pub trait RowReader {
    /// How many cells the row has.
    fn len(&self) -> usize;
    /// Whether the row has no cells.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Whether a cell is NULL.
    fn is_null(&mut self, index: usize) -> Result<bool>;
    /// A truth value.
    fn bool(&mut self, index: usize) -> Result<Option<bool>>;
    /// A signed integer of any width.
    fn i64(&mut self, index: usize) -> Result<Option<i64>>;
    /// An unsigned integer of any width.
    fn u64(&mut self, index: usize) -> Result<Option<u64>>;
    /// A floating point number of either width; also an integer or decimal (aggregates differ between servers).
    fn f64(&mut self, index: usize) -> Result<Option<f64>>;
    /// An exact decimal; also an integer.
    fn decimal(&mut self, index: usize) -> Result<Option<Decimal>>;
    /// Text, enum labels and all that a server spells as text.
    fn text(&mut self, index: usize) -> Result<Option<&str>>;
    /// Text of one's own. A row that owns its text gives it away: such a cell is read once.
    fn string(&mut self, index: usize) -> Result<Option<String>> {
        Ok(self.text(index)?.map(str::to_owned))
    }
    /// Bytes.
    fn bytes(&mut self, index: usize) -> Result<Option<&[u8]>>;
    /// A UUID.
    fn uuid(&mut self, index: usize) -> Result<Option<Uuid>>;
    /// An instant.
    fn date_time(&mut self, index: usize) -> Result<Option<DateTime<Utc>>>;
    /// A date and time without zone.
    fn naive_date_time(&mut self, index: usize) -> Result<Option<NaiveDateTime>>;
    /// A date.
    fn date(&mut self, index: usize) -> Result<Option<NaiveDate>>;
    /// A time of day.
    fn time(&mut self, index: usize) -> Result<Option<NaiveTime>>;
    /// The text of a JSON document.
    fn json(&mut self, index: usize) -> Result<Option<&str>>;
    /// Any cell as a [`Value`] of a column's type (run-time models, lists, ranges).
    fn value(&mut self, index: usize, ty: &ColumnType) -> Result<Value>;
    /// Any cell as the server's own type says (raw rows).
    fn any(&mut self, index: usize) -> Result<Value>;
}

/// Whether a sink wants more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next row, please.
    Continue,
    /// Keep the rest until [`super::Connection::resume`].
    Pause,
    /// The rest is not needed: it is read and thrown away, or cancelled.
    Stop,
}

/// Takes the rows of one statement, on whatever thread the driver reads them.
pub trait RowSink: Any + Send {
    /// The names of the columns, before the first row; called once for each result.
    fn columns(&mut self, _names: &[&str]) -> Result<()> {
        Ok(())
    }

    /// One row. An error ends the statement and is what the caller gets; the connection stays usable.
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow>;

    /// Whether it listens to [`RowSink::columns`]: one that reads rows by place need not be told the names of every statement.
    fn wants_names(&self) -> bool {
        true
    }

    /// Forgets the rows that it was given, as if there had been none: the statement is begun anew. `false` where it cannot; asked before the first row it says whether it
    /// could.
    fn forget(&mut self) -> bool {
        false
    }

    /// Whether [`RowSink::row`] never answers [`Flow::Pause`]: then a driver may run the statement in place.
    fn never_pauses(&self) -> bool {
        false
    }
}

/// A sink for statements whose rows nobody wants.
pub struct Discard;

impl RowSink for Discard {
    fn row(&mut self, _row: &mut dyn RowReader) -> Result<Flow> {
        Ok(Flow::Continue)
    }

    fn wants_names(&self) -> bool {
        false
    }

    fn forget(&mut self) -> bool {
        true
    }

    fn never_pauses(&self) -> bool {
        true
    }
}
