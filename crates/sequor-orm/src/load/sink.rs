//! The sinks of reads that have no includes.

use crate::query::{Reordered, map_names, too_few};
use sequor_core::driver::{Flow, RowReader, RowSink};
use sequor_core::error::Result;
use sequor_core::{Name, Value};

/// Decodes each row by one function.
pub(crate) struct DecodeSink<R, F> {
    pub(crate) rows: Vec<R>,
    decode: F,
}

impl<R, F> DecodeSink<R, F>
where
    F: Fn(&mut dyn RowReader) -> Result<R>,
{
    pub(crate) fn new(decode: F) -> DecodeSink<R, F> {
        DecodeSink { rows: Vec::new(), decode }
    }
}

impl<R: Send + 'static, F> RowSink for DecodeSink<R, F>
where
    F: Fn(&mut dyn RowReader) -> Result<R> + Send + 'static,
{
    fn wants_names(&self) -> bool {
        false
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.rows.push((self.decode)(row)?);
        Ok(Flow::Continue)
    }

    fn forget(&mut self) -> bool {
        self.rows.clear();
        true
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

/// Reads the first cell of the first row.
#[derive(Default)]
pub(crate) struct ScalarSink {
    pub(crate) value: Option<Value>,
}

impl RowSink for ScalarSink {
    fn wants_names(&self) -> bool {
        false
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        if self.value.is_none() {
            self.value = Some(row.any(0)?);
        }
        Ok(Flow::Continue)
    }

    fn forget(&mut self) -> bool {
        self.value = None;
        true
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

/// Decodes rows whose columns are found by name.
pub(crate) struct NamedSink<T> {
    pub(crate) rows: Vec<T>,
    names: Vec<Name>,
    map: Vec<usize>,
    least: usize,
    read: fn(&mut dyn RowReader) -> Result<T>,
}

impl<T> NamedSink<T> {
    /// Rows that are read by these names, or of at least so many cells.
    pub(crate) fn new((names, least): (Vec<Name>, usize), read: fn(&mut dyn RowReader) -> Result<T>) -> NamedSink<T> {
        NamedSink { rows: Vec::new(), names, map: Vec::new(), least, read }
    }
}

/// What is read, without the modules that it lives in.
fn short_name<T>() -> String {
    let (mut short, mut start) = (String::new(), 0);
    for part in std::any::type_name::<T>().split_inclusive(|letter: char| !letter.is_alphanumeric() && letter != '_') {
        short.push_str(part);
        match part.chars().last() {
            Some(':') => short.truncate(start),
            Some(letter) if !letter.is_alphanumeric() => start = short.len(),
            _ => {}
        }
    }
    short
}

impl<T: Send + 'static> RowSink for NamedSink<T> {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        if names.len() < self.least {
            return Err(too_few(names.len(), self.least, &short_name::<T>()));
        }
        self.map = map_names(&self.names, names, &short_name::<T>())?;
        Ok(())
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        let read = if self.names.is_empty() { (self.read)(row)? } else { (self.read)(&mut Reordered { row, map: &self.map })? };
        self.rows.push(read);
        Ok(Flow::Continue)
    }

    fn forget(&mut self) -> bool {
        self.rows.clear();
        true
    }

    fn never_pauses(&self) -> bool {
        true
    }
}
