//! [`RawSql`]: SQL of the developer with bound values, made by `sql!`. [`FromRow`]: what its rows are read into.

use crate::FieldType;
use crate::db::Db;
use crate::load;
use crate::model::Model;
use sequor_core::driver::RowReader;
use sequor_core::error::{Error, Result};
use sequor_core::statement::RawPart;
use sequor_core::types::BindType;
use sequor_core::{Name, Value};
use std::future::Future;
use std::panic::Location;

/// SQL with bound values. `sql!` makes it of a literal, so that no text of a request can become SQL.
#[derive(Clone, Debug)]
pub struct RawSql {
    pub(crate) parts: Vec<RawPart>,
}

impl RawSql {
    /// Text and values in turn. What `sql!` writes.
    #[doc(hidden)]
    pub fn new(parts: Vec<RawPart>) -> RawSql {
        RawSql { parts: spread(parts) }
    }
}

/// Lists behind `IN` become as many parameters as they have items: `WHERE id IN ({ids})`. Anywhere else a list is one array.
fn spread(parts: Vec<RawPart>) -> Vec<RawPart> {
    let mut made: Vec<RawPart> = Vec::with_capacity(parts.len());
    let mut parts = parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        let closed = matches!(parts.peek(), Some(RawPart::Text(text)) if text.trim_start().starts_with(')'));
        match (behind_in(made.last()), part) {
            (Some(open), RawPart::Value(Value::Array(items), bind)) if closed || !open => {
                let item = BindType { array: false, ..bind };
                if items.is_empty() {
                    made.extend(nothing(open, RawPart::Value(Value::Null, item)));
                    continue;
                }
                made.push(RawPart::Text(if open { "" } else { "(" }.into()));
                for (place, value) in items.into_iter().enumerate() {
                    made.extend((place > 0).then(|| RawPart::Text(", ".into())));
                    made.push(RawPart::Value(value, item));
                }
                made.push(RawPart::Text(if open { "" } else { ")" }.into()));
            }
            (Some(open), part @ RawPart::NoneOf(_)) if closed || !open => made.extend(nothing(open, part)),
            (_, RawPart::NoneOf(ty)) => made.push(RawPart::Value(Value::Array(Vec::new()), BindType { array: true, ..ty.bind() })),
            (_, part) => made.push(part),
        }
    }
    made
}

/// No row, so that both IN and NOT IN say what they say of nothing.
fn nothing(open: bool, null: RawPart) -> [RawPart; 3] {
    let (before, behind) = if open { ("", "") } else { ("(", ")") };
    [
        RawPart::Text(format!("{before}SELECT x FROM (SELECT ").into()),
        null,
        RawPart::Text(format!(" AS x) AS empty_list WHERE 1 = 0{behind}").into()),
    ]
}

/// Whether the text before ends in `IN` (false) or `IN (` (true).
fn behind_in(before: Option<&RawPart>) -> Option<bool> {
    let Some(RawPart::Text(text)) = before else { return None };
    let (word, open) = match text.trim_end().strip_suffix('(') {
        Some(word) => (word.trim_end(), true),
        None => (text.trim_end(), false),
    };
    let word = word.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_').next()?;
    word.eq_ignore_ascii_case("in").then_some(open)
}

/// A value between the texts of a `sql!`. What the macro calls.
#[doc(hidden)]
pub fn raw_value<T: FieldType>(value: &T) -> RawPart {
    RawPart::Value(value.to_value(), T::column_type().bind())
}

/// What a row of a raw query is read into: a model or projection by column names, a tuple or the type of one column by position.
#[diagnostic::on_unimplemented(
    message = "rows cannot be read into `{Self}`",
    label = "expected a model, a projection without related rows, or a tuple of column types such as `(i64, String)`",
    note = "rows as JSON, whose columns nobody knows before: `db.query_json(\"SELECT ..\", json!({{ \"type\": \"SELECT\" }}))`"
)]
pub trait FromRow: Sized + Send + 'static {
    /// The names to look for; empty reads by position.
    fn names() -> Vec<Name>;
    /// How many cells are read by position.
    fn width() -> usize {
        0
    }
    /// Reads one row.
    fn from_row(row: &mut dyn RowReader) -> Result<Self>;
}

impl<M: Model> FromRow for M {
    fn names() -> Vec<Name> {
        M::model().columns.iter().map(|column| column.column.clone()).collect()
    }

    fn from_row(row: &mut dyn RowReader) -> Result<M> {
        M::decode(row, 0)
    }
}

macro_rules! tuple {
    ($($name:ident $place:tt),+) => {
        #[diagnostic::do_not_recommend]
        impl<$($name: FieldType),+> FromRow for ($($name,)+) {
            fn names() -> Vec<Name> {
                Vec::new()
            }

            fn width() -> usize {
                [$($place),+].len()
            }

            fn from_row(row: &mut dyn RowReader) -> Result<Self> {
                Ok(($($name::decode(row, $place).map_err(|error| in_cell(error, $place))?,)+))
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

macro_rules! scalar {
    ($($ty:ty),+ $(,)?) => {$(
        #[diagnostic::do_not_recommend]
        impl FromRow for $ty {
            fn names() -> Vec<Name> {
                Vec::new()
            }

            fn from_row(row: &mut dyn RowReader) -> Result<Self> {
                <$ty as FieldType>::decode(row, 0).map_err(|error| in_cell(error, 0))
            }
        }

        #[diagnostic::do_not_recommend]
        impl FromRow for Option<$ty> {
            fn names() -> Vec<Name> {
                Vec::new()
            }

            fn from_row(row: &mut dyn RowReader) -> Result<Self> {
                <Option<$ty> as FieldType>::decode(row, 0).map_err(|error| in_cell(error, 0))
            }
        }
    )+};
}

// The first column alone: no blanket over column types can stand beside the one over models.
scalar!(
    String,
    bool,
    i8,
    i16,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
    f32,
    f64,
    Vec<u8>,
    sequor_core::types::Json,
    rust_decimal::Decimal,
    uuid::Uuid,
    chrono::DateTime<chrono::Utc>,
    chrono::NaiveDateTime,
    chrono::NaiveDate,
    chrono::NaiveTime,
);

impl Db {
    /// Runs a query of your own and reads its rows. Sequelize: `sequelize.query(sql, { model, mapToModel: true })`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let (least, order) = (18, "name");
    /// let users: Vec<User> = db.query_as(sql!("SELECT * FROM users WHERE age > {least}")).await?;
    /// assert_eq!(users, [ann]);
    /// let pairs: Vec<(String, Option<i32>)> = db.query_as(sql!("SELECT name, age FROM users WHERE {order} = 'name'")).await?;
    /// assert_eq!(pairs, [("Ann".to_owned(), Some(31))]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Decode` when a column that the model needs is missing or does not fit; those of the database.
    #[track_caller]
    pub fn query_as<T: FromRow>(&self, sql: RawSql) -> impl Future<Output = Result<Vec<T>>> + Send + use<T> {
        let (db, site) = (self.clone(), Location::caller());
        async move { load::raw_rows(db, sql, (T::names(), T::width()), T::from_row, site).await }
    }

    /// Runs a statement of your own; gives the number of rows that it touched. Sequelize: `sequelize.query(sql)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let (age, id) = (32, ann.id);
    /// assert_eq!(db.execute(sql!("UPDATE users SET age = {age} WHERE id = {id}")).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn execute(&self, sql: RawSql) -> impl Future<Output = Result<u64>> + Send + use<> {
        let (db, site) = (self.clone(), Location::caller());
        async move { load::raw_execute(db, sql, site).await }
    }
}

/// A row whose cells are read in another order.
pub(crate) struct Reordered<'a> {
    pub(crate) row: &'a mut dyn RowReader,
    pub(crate) map: &'a [usize],
}

/// Where each name stands among the columns of a result.
pub(crate) fn map_names(names: &[Name], columns: &[&str], reader: &str) -> Result<Vec<usize>> {
    names
        .iter()
        .map(|name| {
            columns.iter().position(|column| column == name).ok_or_else(|| {
                Error::decode(format!("the query returns no column {name}; it returns {}", columns.join(", "))).at(reader, Some(name))
            })
        })
        .collect()
}

/// A cell that is not what is read from its place; no field has a name there.
#[cold]
fn in_cell(mut error: Error, place: usize) -> Error {
    if let Some(detail) = error.detail_mut() {
        detail.column.get_or_insert_with(|| format!("column {} of the row", place + 1));
    }
    error
}

/// A row that has fewer cells than are read.
#[cold]
pub(crate) fn too_few(found: usize, wanted: usize, reader: &str) -> Error {
    let columns = if found == 1 { "column" } else { "columns" };
    Error::decode(format!("the query returns {found} {columns}, where {reader} reads {wanted}"))
}

macro_rules! forward {
    ($($method:ident -> $ty:ty),* $(,)?) => {$(
        fn $method(&mut self, index: usize) -> Result<$ty> {
            let index = self.place(index)?;
            self.row.$method(index)
        }
    )*};
}

impl Reordered<'_> {
    fn place(&self, index: usize) -> Result<usize> {
        self.map.get(index).copied().ok_or_else(|| Error::decode(format!("the row has no cell {index}")))
    }
}

impl RowReader for Reordered<'_> {
    fn len(&self) -> usize {
        self.map.len()
    }

    forward! {
        is_null -> bool, bool -> Option<bool>, i64 -> Option<i64>, u64 -> Option<u64>, f64 -> Option<f64>, decimal -> Option<rust_decimal::Decimal>,
        text -> Option<&str>, bytes -> Option<&[u8]>, uuid -> Option<uuid::Uuid>, date_time -> Option<chrono::DateTime<chrono::Utc>>,
        naive_date_time -> Option<chrono::NaiveDateTime>, date -> Option<chrono::NaiveDate>, time -> Option<chrono::NaiveTime>, json -> Option<&str>,
        any -> crate::Value,
    }

    fn value(&mut self, index: usize, ty: &sequor_core::types::ColumnType) -> Result<crate::Value> {
        let index = self.place(index)?;
        self.row.value(index, ty)
    }
}
