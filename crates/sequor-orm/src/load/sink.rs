//! The sinks of reads that have no includes.

use crate::query::{Reordered, map_names};
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
    F: FnMut(&mut dyn RowReader) -> Result<R>,
{
    pub(crate) fn new(decode: F) -> DecodeSink<R, F> {
        DecodeSink { rows: Vec::new(), decode }
    }
}

impl<R: Send + 'static, F> RowSink for DecodeSink<R, F>
where
    F: FnMut(&mut dyn RowReader) -> Result<R> + Send + 'static,
{
    fn wants_names(&self) -> bool {
        false
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.rows.push((self.decode)(row)?);
        Ok(Flow::Continue)
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

    fn never_pauses(&self) -> bool {
        true
    }
}

/// Decodes rows whose columns are found by name.
pub(crate) struct NamedSink<T> {
    pub(crate) rows: Vec<T>,
    names: Vec<Name>,
    map: Vec<usize>,
    read: fn(&mut dyn RowReader) -> Result<T>,
}

impl<T> NamedSink<T> {
    pub(crate) fn new(names: Vec<Name>, read: fn(&mut dyn RowReader) -> Result<T>) -> NamedSink<T> {
        NamedSink { rows: Vec::new(), names, map: Vec::new(), read }
    }
}

impl<T: Send + 'static> RowSink for NamedSink<T> {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.map = map_names(&self.names, names)?;
        Ok(())
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        let read = if self.names.is_empty() { (self.read)(row)? } else { (self.read)(&mut Reordered { row, map: &self.map })? };
        self.rows.push(read);
        Ok(Flow::Continue)
    }

    fn never_pauses(&self) -> bool {
        true
    }
}
