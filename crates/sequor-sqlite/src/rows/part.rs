//! [`Part`]: rows of a statement on their way to the caller's thread, which reads them there.
//!
//! A row that one thread makes and another drops has the allocator take from the first and give to the second, piece by piece. Cells that lie in two lists of a part
//! cost neither anything: whoever wants rows makes them, and the parts go back and forth.

use super::Lie;
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};
use std::sync::Arc;

/// A part is full with so many rows,
const ROWS: usize = 512;
/// or with so many bytes of texts.
const BYTES: usize = 64 * 1024;
/// More than this is not gathered on a caller's thread: to copy it keeps the other tasks there from theirs.
const HEAVY: usize = 1024 * 1024;

/// Some rows.
#[derive(Default)]
pub(crate) struct Part {
    columns: Arc<Columns>,
    width: usize,
    cells: Vec<Cell>,
    /// Texts and blobs, one behind the other.
    bytes: Vec<u8>,
    rows: usize,
    /// The statement is paused behind these rows.
    pub(crate) more: bool,
}

/// What the rows of a statement have in common.
#[derive(Default)]
pub(crate) struct Columns {
    names: Vec<String>,
    /// The types that they were declared with, in capitals.
    declared: Vec<Option<String>>,
}

enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text { start: usize, len: u32 },
    Blob { start: usize, len: u32 },
}

/// One row of a part.
pub(crate) struct Kept<'p> {
    part: &'p Part,
    cells: &'p [Cell],
}

impl Columns {
    #[allow(clippy::useless_conversion)] // Versions of rusqlite differ in whether this is a list or an iterator.
    pub(crate) fn of(statement: &Statement<'_>) -> Arc<Columns> {
        let names = statement.column_names().into_iter().map(str::to_owned).collect();
        let declared = statement.columns().into_iter().map(|column| column.decl_type().map(str::to_ascii_uppercase)).collect();
        Arc::new(Columns { names, declared })
    }
}

impl Part {
    /// Takes the place of rows that are not needed any more.
    pub(crate) fn clear(&mut self, columns: &Arc<Columns>) {
        self.columns = Arc::clone(columns);
        self.begin(columns.names.len());
    }

    /// Likewise, for rows of so many columns that stay with their statement.
    pub(crate) fn begin(&mut self, width: usize) {
        self.width = width;
        self.cells.clear();
        self.bytes.clear();
        self.rows = 0;
        self.more = false;
    }

    /// Keeps a row.
    pub(crate) fn push(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        for index in 0..self.width {
            let cell = match row.get_ref(index)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(number) => Cell::Integer(number),
                ValueRef::Real(number) => Cell::Real(number),
                ValueRef::Text(bytes) => Cell::Text { start: self.keep(bytes), len: len(bytes) },
                ValueRef::Blob(bytes) => Cell::Blob { start: self.keep(bytes), len: len(bytes) },
            };
            self.cells.push(cell);
        }
        self.rows += 1;
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start
    }

    /// Gives memory back that few rows need.
    pub(crate) fn shrink(&mut self) {
        self.bytes.clear();
        self.cells.clear();
        self.bytes.shrink_to(BYTES);
        self.cells.shrink_to(BYTES / size_of::<Cell>());
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes.len() >= BYTES
    }

    pub(crate) fn is_heavy(&self) -> bool {
        self.bytes.len() > HEAVY
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.columns.names.iter().map(String::as_str).collect()
    }

    /// The rows from one on.
    pub(crate) fn from(&self, row: usize) -> impl Iterator<Item = Kept<'_>> {
        let width = self.width.max(1);
        let cells = self.cells.get(row.saturating_mul(width)..).unwrap_or_default();
        cells.chunks_exact(width).map(|cells| Kept { part: self, cells })
    }
}

/// SQLite's longest text has two gigabytes.
fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

impl Lie for Kept<'_> {
    fn count(&self) -> usize {
        self.cells.len()
    }

    #[inline]
    fn get_ref(&self, index: usize) -> rusqlite::Result<ValueRef<'_>> {
        let bytes = |start: usize, len: u32| self.part.bytes.get(start..).and_then(|rest| rest.get(..usize::try_from(len).ok()?));
        match self.cells.get(index) {
            Some(Cell::Null) => Some(ValueRef::Null),
            Some(Cell::Integer(number)) => Some(ValueRef::Integer(*number)),
            Some(Cell::Real(number)) => Some(ValueRef::Real(*number)),
            Some(Cell::Text { start, len }) => bytes(*start, *len).map(ValueRef::Text),
            Some(Cell::Blob { start, len }) => bytes(*start, *len).map(ValueRef::Blob),
            None => None,
        }
        .ok_or(rusqlite::Error::InvalidColumnIndex(index))
    }

    fn declared(&self, index: usize) -> Option<String> {
        self.part.columns.declared.get(index).cloned().flatten()
    }
}

/// One row of a part whose statement is at hand.
pub(crate) struct Gathered<'p> {
    pub(crate) row: Kept<'p>,
    pub(crate) statement: &'p Statement<'p>,
}

impl Lie for Gathered<'_> {
    fn count(&self) -> usize {
        self.row.count()
    }

    #[inline]
    fn get_ref(&self, index: usize) -> rusqlite::Result<ValueRef<'_>> {
        self.row.get_ref(index)
    }

    fn declared(&self, index: usize) -> Option<String> {
        super::declared(self.statement, index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_two_words() {
        assert_eq!(size_of::<Cell>(), 16);
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let mut statement =
            connection.prepare("SELECT 1 AS a, 'ä' AS b, x'00ff', NULL, 0.5 UNION ALL SELECT 2, '', x'', NULL, -1.0").unwrap();
        let mut part = Part::default();
        part.clear(&Columns::of(&statement));
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            part.push(row).unwrap();
        }
        let shown = |row: &Kept<'_>| (0..row.count()).map(|cell| format!("{:?}", row.get_ref(cell).unwrap())).collect::<Vec<_>>().join(" ");
        let all: Vec<_> = part.from(0).map(|row| shown(&row)).collect();
        assert_eq!(all, ["Integer(1) Text([195, 164]) Blob([0, 255]) Null Real(0.5)", "Integer(2) Text([]) Blob([]) Null Real(-1.0)"]);
        assert_eq!((part.rows, part.from(1).count(), part.from(2).count(), part.from(9).count()), (2, 1, 0, 0));
        assert_eq!(part.names()[..2], ["a", "b"]);
        assert!(part.from(0).next().is_some_and(|row| row.get_ref(5).is_err()));
        assert!(!part.is_full());
    }
}
