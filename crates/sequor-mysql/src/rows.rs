//! Rows: the bytes of the wire as a `RowReader`. What a column is, is in `columns`; what a cell's bytes are, in `cell`.

mod cell;
mod columns;
mod convert;
mod reader;
mod text;

pub(crate) use columns::{Collector, Columns};
pub(crate) use reader::{Format, Row};
