//! [`Cells`]: the rows that one statement changed, in one piece of memory; [`Image`]: one of them as it is or was stored.

use sequor_core::Value;
use sequor_core::driver::{Flow, RowReader, RowSink};
use sequor_core::error::Result;
use sequor_core::schema::ModelDef;
use sequor_core::types::ColumnType;
use std::sync::Arc;

/// One cell, in as little room as most take.
#[derive(Clone, Copy)]
enum Cell {
    Null,
    Number(i64),
    /// A piece of the texts: where it begins, and how long it is.
    Text(u32, u32),
    /// The value of this number.
    Other(u32),
}

/// What a cell holds.
#[derive(Clone, Copy)]
pub(crate) enum Seen<'a> {
    Value(&'a Value),
    Text(&'a str),
    Number(i64),
}

impl Seen<'_> {
    pub(crate) fn to_value(self) -> Value {
        match self {
            Seen::Value(value) => value.clone(),
            Seen::Text(text) => Value::Text(text.to_owned()),
            Seen::Number(number) => Value::I64(number),
        }
    }

    pub(super) fn to_json(self) -> serde_json::Value {
        match self {
            Seen::Value(value) => value.to_json(),
            Seen::Text(text) => text.into(),
            Seen::Number(number) => number.into(),
        }
    }

    fn as_text(&self) -> Option<&str> {
        match self {
            Seen::Text(text) => Some(text),
            Seen::Value(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl PartialEq for Seen<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Seen::Value(one), Seen::Value(other)) => one == other,
            (Seen::Number(one), Seen::Number(other)) => one == other,
            (Seen::Number(number), Seen::Value(value)) | (Seen::Value(value), Seen::Number(number)) => **value == Value::I64(*number),
            _ => self.as_text().is_some_and(|text| other.as_text() == Some(text)),
        }
    }
}

/// The cells of rows of one model, one row after another.
pub(crate) struct Cells {
    model: Arc<ModelDef>,
    pieces: Pieces,
}

/// Cells. Their texts, which most rows have, lie in one piece: a list of rows takes few pieces of memory.
#[derive(Default)]
struct Pieces {
    cells: Vec<Cell>,
    texts: String,
    others: Vec<Value>,
}

impl Pieces {
    fn keep(&mut self, value: Value) {
        let cell = match value {
            Value::Null => Cell::Null,
            Value::I64(number) => Cell::Number(number),
            other => {
                // There is no room for more than four thousand million values of one statement.
                let number = u32::try_from(self.others.len()).unwrap_or(u32::MAX);
                self.others.push(other);
                Cell::Other(number)
            }
        };
        self.cells.push(cell);
    }

    fn keep_text(&mut self, text: &str) {
        match (u32::try_from(self.texts.len()), u32::try_from(text.len())) {
            (Ok(start), Ok(length)) => {
                self.texts.push_str(text);
                self.cells.push(Cell::Text(start, length));
            }
            _ => self.keep(Value::Text(text.to_owned())),
        }
    }

    fn text(&self, start: u32, length: u32) -> Option<&str> {
        let start = start as usize;
        self.texts.get(start..start + length as usize)
    }

    fn get(&self, place: usize) -> Option<Seen<'_>> {
        Some(match *self.cells.get(place)? {
            Cell::Null => Seen::Value(&Value::Null),
            Cell::Number(number) => Seen::Number(number),
            Cell::Text(start, length) => Seen::Text(self.text(start, length)?),
            Cell::Other(number) => Seen::Value(self.others.get(number as usize)?),
        })
    }

    /// Adds the cells of other pieces from a place on; their values are gone there.
    fn take_over(&mut self, from: &mut Pieces, place: usize) {
        for cell in from.cells.split_off(place.min(from.cells.len())) {
            match cell {
                Cell::Text(start, length) => self.keep_text(from.text(start, length).unwrap_or_default()),
                Cell::Other(number) => self.keep(from.others.get_mut(number as usize).map(std::mem::take).unwrap_or_default()),
                Cell::Null | Cell::Number(_) => self.cells.push(cell),
            }
        }
    }
}

impl Cells {
    pub(crate) fn new(model: Arc<ModelDef>) -> Cells {
        Cells { model, pieces: Pieces::default() }
    }

    fn width(&self) -> usize {
        self.model.columns.len()
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.pieces.cells.len() / self.width().max(1)
    }

    fn get(&self, row: usize, position: usize) -> Option<Seen<'_>> {
        self.pieces.get(row * self.width() + position)
    }

    /// The values of a row.
    pub(crate) fn values(&self, row: usize) -> Vec<Value> {
        (0..self.width()).map(|position| self.get(row, position).map_or(Value::Null, Seen::to_value)).collect()
    }

    /// The primary key of each row.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Vec<Value>> {
        let value = |row, position: &usize| self.get(row, *position).map_or(Value::Null, Seen::to_value);
        (0..self.rows()).map(move |row| self.model.primary_key.iter().map(|position| value(row, position)).collect())
    }

    /// Whether the rows of both have the same keys, row by row.
    pub(crate) fn has_keys_of(&self, other: &Cells) -> bool {
        let same = |row: usize| self.model.primary_key.iter().all(|position| self.get(row, *position) == other.get(row, *position));
        self.rows() == other.rows() && (0..self.rows()).all(same)
    }

    /// The rows from this one on.
    pub(crate) fn split_off(&mut self, row: usize) -> Cells {
        let mut rest = Cells::new(self.model.clone());
        let place = row * self.width();
        rest.pieces.take_over(&mut self.pieces, place);
        rest
    }

    /// Adds the rows of another list.
    pub(crate) fn append(&mut self, mut other: Cells) {
        self.pieces.take_over(&mut other.pieces, 0);
    }
}

impl RowSink for Cells {
    fn wants_names(&self) -> bool {
        false
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        let Cells { model, pieces } = self;
        for (index, column) in model.columns.iter().enumerate() {
            match &column.ty {
                ColumnType::Text | ColumnType::VarChar(_) => match row.text(index)? {
                    Some(text) => pieces.keep_text(text),
                    None => pieces.cells.push(Cell::Null),
                },
                ColumnType::I64 => pieces.cells.push(row.i64(index)?.map_or(Cell::Null, Cell::Number)),
                ty @ ColumnType::I32 => match row.i64(index)? {
                    Some(number) if i32::try_from(number).is_err() => pieces.keep(row.value(index, ty)?),
                    number => pieces.cells.push(number.map_or(Cell::Null, Cell::Number)),
                },
                ty => pieces.keep(row.value(index, ty)?),
            }
        }
        Ok(Flow::Continue)
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

/// What one statement put into every row that it changed.
#[derive(Clone)]
pub(crate) struct Set {
    /// Values, by position.
    pub(crate) values: Vec<(usize, Value)>,
    /// A number that went up by one.
    pub(crate) raised: Option<usize>,
}

/// A row as it is or was stored: some of the cells of a statement, and values in the place of some.
#[derive(Clone)]
pub(crate) struct Image {
    cells: Arc<Cells>,
    row: usize,
    set: Option<Arc<Set>>,
}

impl Image {
    /// The first row of some cells.
    pub(crate) fn first(cells: Arc<Cells>, set: Option<Arc<Set>>) -> Image {
        Image { cells, row: 0, set }
    }

    pub(super) fn of(model: Arc<ModelDef>, values: impl IntoIterator<Item = Value>) -> Image {
        let mut cells = Cells::new(model);
        values.into_iter().for_each(|value| cells.pieces.keep(value));
        Image::first(Arc::new(cells), None)
    }

    /// The same of another row of the same statement.
    pub(super) fn at(&mut self, row: usize) {
        self.row = row;
    }

    pub(super) fn get(&self, position: usize) -> Option<Seen<'_>> {
        let stored = self.cells.get(self.row, position);
        let Some(set) = &self.set else { return stored };
        if set.raised == Some(position) {
            return match stored {
                Some(Seen::Number(number)) => Some(Seen::Number(number.saturating_add(1))),
                other => other,
            };
        }
        set.values.iter().find(|(known, _)| *known == position).map(|(_, value)| Seen::Value(value)).or(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sequor_core::driver::ValueRow;

    fn model() -> Arc<ModelDef> {
        let column = |name: &'static str, ty| sequor_core::schema::ColumnDef::new(name, ty);
        let mut model = ModelDef::new("Row");
        model.columns = vec![column("id", ColumnType::I64), column("name", ColumnType::Text), column("version", ColumnType::I64)];
        model.primary_key = vec![0];
        Arc::new(model)
    }

    const ROWS: [(i64, Option<&str>, i64); 4] = [(1, Some("Äther"), 0), (2, None, 5), (3, Some(""), 1), (4, Some("日本"), 2)];

    fn values((id, name, version): &(i64, Option<&str>, i64)) -> Vec<Value> {
        vec![Value::I64(*id), name.map_or(Value::Null, Value::from), Value::I64(*version)]
    }

    fn read(rows: &[(i64, Option<&str>, i64)]) -> Cells {
        let mut cells = Cells::new(model());
        for row in rows {
            assert!(matches!(cells.row(&mut ValueRow::new(values(row))), Ok(Flow::Continue)));
        }
        cells
    }

    fn all(cells: &Cells) -> Vec<Vec<Value>> {
        (0..cells.rows()).map(|row| cells.values(row)).collect()
    }

    #[test]
    fn lists_are_cut_and_joined_at_any_row() {
        let whole: Vec<Vec<Value>> = ROWS.iter().map(values).collect();
        for cut in 0..=ROWS.len() {
            let mut cells = read(&ROWS);
            let rest = cells.split_off(cut);
            assert_eq!((all(&cells), all(&rest)), (whole[..cut].to_vec(), whole[cut..].to_vec()), "cut at {cut}");
            let mut joined = rest;
            joined.append(cells);
            assert_eq!(all(&joined), [&whole[cut..], &whole[..cut]].concat(), "joined at {cut}");
        }
        assert!(read(&ROWS).split_off(9).rows() == 0 && Cells::new(model()).rows() == 0);
    }

    #[test]
    fn an_image_shows_what_was_set_and_raised() {
        let cells = Arc::new(read(&ROWS));
        let set = Set { values: vec![(1, Value::from("new"))], raised: Some(2) };
        let (before, mut after) = (Image::first(cells.clone(), None), Image::first(cells, Some(Arc::new(set))));
        after.at(1);
        let shown: Vec<Value> = (0..3).filter_map(|position| after.get(position).map(Seen::to_value)).collect();
        assert_eq!(shown, [Value::I64(2), Value::from("new"), Value::I64(6)]);
        let same: Vec<bool> = (0..3).map(|position| before.get(position) == after.get(position)).collect();
        assert_eq!(same, [false; 3]);
        assert!(Seen::Number(2) == Seen::Value(&Value::I64(2)) && Seen::Text("a") == Seen::Value(&Value::from("a")));
        assert!(Seen::Text("2") != Seen::Number(2) && Seen::Text("") != Seen::Value(&Value::Null));
    }

    #[test]
    fn keys_are_compared_row_by_row() {
        let (one, mut other) = (read(&ROWS), ROWS);
        assert!(one.has_keys_of(&read(&ROWS)) && !one.has_keys_of(&read(&ROWS[1..])));
        other.swap(0, 1);
        assert!(!one.has_keys_of(&read(&other)));
        assert_eq!(one.keys().map(|key| key[0].clone()).collect::<Vec<_>>(), [1, 2, 3, 4].map(Value::I64));
    }
}
