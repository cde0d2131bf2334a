//! [`Columns`]: what a result's columns are called and how their cells are spelt, kept with the statement.

use crate::wire::{Cursor, Malformed};
use mysql_common::constants::{ColumnFlags, ColumnType};
use std::ops::Range;
use std::sync::Arc;

/// How a cell is spelt on the wire, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    Decimal,
    Date,
    DateTime,
    Time,
    Bit,
    Text,
    Uuid,
    Json,
    Binary,
}

impl Kind {
    /// How many bytes a cell of the binary protocol has; none when its length is in front of it.
    #[inline]
    pub(super) fn width(self) -> Option<usize> {
        match self {
            Kind::I8 | Kind::U8 => Some(1),
            Kind::I16 | Kind::U16 => Some(2),
            Kind::I32 | Kind::U32 | Kind::F32 => Some(4),
            Kind::I64 | Kind::U64 | Kind::F64 => Some(8),
            Kind::Null | Kind::Decimal | Kind::Date | Kind::DateTime | Kind::Time => None,
            Kind::Bit | Kind::Text | Kind::Uuid | Kind::Json | Kind::Binary => None,
        }
    }
}

/// One column of a result.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) kind: Kind,
    name: Range<usize>,
}

/// The columns of a result.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    list: Vec<Column>,
    names: String,
    /// The definitions as they came, each behind its length: the same bytes again need no second reading.
    raw: Vec<u8>,
}

impl Columns {
    /// How many there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The columns.
    #[inline]
    pub(crate) fn list(&self) -> &[Column] {
        &self.list
    }

    /// Calls with the names of all columns; up to 32 of them cost no allocation.
    pub(crate) fn with_names<T>(&self, call: impl FnOnce(&[&str]) -> T) -> T {
        const FEW: usize = 32;
        let mut few = [""; FEW];
        if let Some(few) = few.get_mut(..self.list.len()) {
            for (slot, column) in few.iter_mut().zip(&self.list) {
                *slot = self.name(column);
            }
            return call(few);
        }
        let many: Vec<&str> = self.list.iter().map(|column| self.name(column)).collect();
        call(&many)
    }

    fn name(&self, column: &Column) -> &str {
        self.names.get(column.name.clone()).unwrap_or_default()
    }

    fn parse(raw: Vec<u8>, extended: bool) -> Result<Columns, Malformed> {
        let mut columns = Columns::default();
        let mut rest = raw.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let Some((definition, after)) = after.split_at_checked(length) else { break };
            columns.add(definition, extended).ok_or(Malformed("a malformed definition of a column"))?;
            rest = after;
        }
        columns.raw = raw;
        Ok(columns)
    }

    fn add(&mut self, definition: &[u8], extended: bool) -> Option<()> {
        let mut cursor = Cursor::new(definition);
        for _catalog_schema_table_and_its_origin in 0..4 {
            cursor.bytes()?;
        }
        let name = cursor.bytes()?;
        cursor.bytes()?;
        let extension = if extended { cursor.bytes()? } else { &[] };
        cursor.length()?;
        let charset = cursor.u16()?;
        cursor.u32()?;
        let ty = cursor.u8()?;
        let flags = ColumnFlags::from_bits_truncate(cursor.u16()?);
        let start = self.names.len();
        self.names.push_str(&String::from_utf8_lossy(name));
        let kind = kind(ty, flags, charset, extension);
        self.list.push(Column { kind, name: start..self.names.len() });
        Some(())
    }
}

/// The character set of bytes that are no text.
const BINARY: u16 = 63;

fn kind(ty: u8, flags: ColumnFlags, charset: u16, extension: &[u8]) -> Kind {
    use ColumnType as T;
    let signed = |signed, unsigned| if flags.contains(ColumnFlags::UNSIGNED_FLAG) { unsigned } else { signed };
    match T::try_from(ty) {
        Ok(T::MYSQL_TYPE_NULL) => Kind::Null,
        Ok(T::MYSQL_TYPE_TINY) => signed(Kind::I8, Kind::U8),
        Ok(T::MYSQL_TYPE_SHORT) => signed(Kind::I16, Kind::U16),
        Ok(T::MYSQL_TYPE_YEAR) => Kind::U16,
        Ok(T::MYSQL_TYPE_LONG | T::MYSQL_TYPE_INT24) => signed(Kind::I32, Kind::U32),
        Ok(T::MYSQL_TYPE_LONGLONG) => signed(Kind::I64, Kind::U64),
        Ok(T::MYSQL_TYPE_FLOAT) => Kind::F32,
        Ok(T::MYSQL_TYPE_DOUBLE) => Kind::F64,
        Ok(T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL) => Kind::Decimal,
        Ok(T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE) => Kind::Date,
        Ok(T::MYSQL_TYPE_DATETIME | T::MYSQL_TYPE_TIMESTAMP | T::MYSQL_TYPE_DATETIME2 | T::MYSQL_TYPE_TIMESTAMP2) => Kind::DateTime,
        Ok(T::MYSQL_TYPE_TIME | T::MYSQL_TYPE_TIME2) => Kind::Time,
        Ok(T::MYSQL_TYPE_BIT) => Kind::Bit,
        Ok(T::MYSQL_TYPE_JSON) => Kind::Json,
        Ok(T::MYSQL_TYPE_GEOMETRY | T::MYSQL_TYPE_VECTOR) => Kind::Binary,
        _ if charset == BINARY => Kind::Binary,
        _ => extended_kind(extension),
    }
}

/// MariaDB sends its JSON and UUID as text and says so beside.
fn extended_kind(extension: &[u8]) -> Kind {
    let mut cursor = Cursor::new(extension);
    while let Some(what) = cursor.u8() {
        match (what, cursor.bytes()) {
            (0, Some(b"uuid")) => return Kind::Uuid,
            (1, Some(b"json")) => return Kind::Json,
            (_, Some(_)) => {}
            (_, None) => break,
        }
    }
    Kind::Text
}

/// Gathers definitions, and finds out whether they are the ones that are known.
pub(crate) struct Collector {
    known: Arc<Columns>,
    /// Whether definitions come at all.
    follow: bool,
    matched: usize,
    fresh: Option<Vec<u8>>,
    extended: bool,
}

impl Collector {
    /// Starts with what is known, which stays when no definitions follow.
    pub(crate) fn new(known: Arc<Columns>, follow: bool, extended: bool) -> Collector {
        Collector { known, follow, matched: 0, fresh: None, extended }
    }

    /// Takes a definition.
    pub(crate) fn add(&mut self, definition: &[u8]) {
        let length = u32::try_from(definition.len()).unwrap_or(u32::MAX).to_le_bytes();
        if self.fresh.is_none() && self.is_next(&length, definition) {
            self.matched += 4 + definition.len();
            return;
        }
        let (known, matched) = (&self.known, self.matched);
        let fresh = self.fresh.get_or_insert_with(|| known.raw.get(..matched).unwrap_or_default().to_vec());
        fresh.extend_from_slice(&length);
        fresh.extend_from_slice(definition);
    }

    fn is_next(&self, length: &[u8], definition: &[u8]) -> bool {
        let next = self.known.raw.get(self.matched..).unwrap_or_default();
        next.strip_prefix(length).is_some_and(|rest| rest.starts_with(definition))
    }

    /// The columns: the known ones when nothing has changed.
    pub(crate) fn finish(self) -> Result<Arc<Columns>, Malformed> {
        match self.fresh {
            None if !self.follow || self.matched == self.known.raw.len() => Ok(self.known),
            None => Columns::parse(self.known.raw.get(..self.matched).unwrap_or_default().to_vec(), self.extended).map(Arc::new),
            Some(raw) => Columns::parse(raw, self.extended).map(Arc::new),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::rows) fn definition(name: &str, ty: ColumnType, flags: ColumnFlags, charset: u16) -> Vec<u8> {
        let mut bytes = b"\x03def\x00\x00\x00".to_vec();
        bytes.push(u8::try_from(name.len()).unwrap());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b"\x00\x0c");
        bytes.extend_from_slice(&charset.to_le_bytes());
        bytes.extend_from_slice(&255u32.to_le_bytes());
        bytes.push(ty as u8);
        bytes.extend_from_slice(&flags.bits().to_le_bytes());
        bytes.extend_from_slice(&[0, 0, 0]);
        bytes
    }

    pub(in crate::rows) fn columns(definitions: &[Vec<u8>]) -> Arc<Columns> {
        let mut collector = Collector::new(Arc::default(), true, false);
        definitions.iter().for_each(|definition| collector.add(definition));
        collector.finish().unwrap()
    }

    #[test]
    fn the_same_definitions_are_not_read_twice() {
        let id = definition("id", ColumnType::MYSQL_TYPE_LONG, ColumnFlags::UNSIGNED_FLAG, 63);
        let name = definition("name", ColumnType::MYSQL_TYPE_VAR_STRING, ColumnFlags::empty(), 45);
        let known = columns(&[id.clone(), name.clone()]);
        known.with_names(|names| assert_eq!(names, ["id", "name"]));
        assert_eq!(known.list()[0].kind, Kind::U32);
        assert_eq!(known.list()[1].kind, Kind::Text);

        let again = |definitions: &[&Vec<u8>]| {
            let mut collector = Collector::new(known.clone(), true, false);
            definitions.iter().for_each(|definition| collector.add(definition));
            collector.finish().unwrap()
        };
        assert!(Arc::ptr_eq(&known, &again(&[&id, &name])));
        let fewer = again(&[&id]);
        fewer.with_names(|names| assert_eq!(names, ["id"]));
        let swapped = again(&[&name, &id]);
        swapped.with_names(|names| assert_eq!(names, ["name", "id"]));
        let other = again(&[&id, &id]);
        other.with_names(|names| assert_eq!(names, ["id", "id"]));
    }

    #[test]
    fn every_prefix_and_flip_of_a_definition_is_an_error_or_a_column() {
        let whole = definition("name", ColumnType::MYSQL_TYPE_VAR_STRING, ColumnFlags::empty(), 45);
        for end in 0..whole.len() {
            let mut collector = Collector::new(Arc::default(), true, true);
            collector.add(&whole[..end]);
            let _ = collector.finish();
        }
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[place] ^= 1 << bit;
                let mut collector = Collector::new(Arc::default(), true, bit % 2 == 0);
                collector.add(&flipped);
                let _ = collector.finish();
            }
        }
    }

    #[test]
    fn mariadb_says_what_its_text_holds() {
        let mut extension = vec![0, 4];
        extension.extend_from_slice(b"uuid");
        assert_eq!(extended_kind(&extension), Kind::Uuid);
        assert_eq!(extended_kind(b"\x01\x04json"), Kind::Json);
        assert_eq!(extended_kind(b"\x00\x05point\x01\x04json"), Kind::Json);
        assert_eq!(extended_kind(b"\x00\x09po"), Kind::Text);
        assert_eq!(extended_kind(b""), Kind::Text);
    }
}
