//! [`Page`], [`CursorPage`], [`RowsAndCount`]: parts of an answer. [`Cursor`]: an opaque place in it.

use super::QueryState;
use super::shape::Ends;
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{ModelDef, Nulls, SortDirection};
use sequor_core::statement::{BinaryOp, Distinct, Expr, Field, OrderBy};
use sequor_core::types::value_from_json;
use sequor_core::{Name, Value};
use sequor_sql::Dialect;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A numbered page of rows.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::Page;
/// let page: Page<User> = User::find_all().order_by(User::ID.asc()).page(1, 20).exec(&db).await?;
/// assert_eq!((page.rows.len(), page.count, page.pages, page.has_next), (1, 1, 1, false));
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows of this page.
    pub rows: Vec<T>,
    /// How many rows there are in all.
    pub count: u64,
    /// The number of this page, from 1.
    pub page: u64,
    /// How many rows a page has.
    pub page_size: u64,
    /// How many pages there are.
    pub pages: u64,
    /// Whether there is a page after this.
    pub has_next: bool,
    /// Whether there is a page before this.
    pub has_previous: bool,
}

/// Rows, and how many there are without limit and offset.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let RowsAndCount { rows, count } = User::find_and_count_all().limit(1).exec(&db).await?;
/// assert_eq!((rows, count), (vec![ann], 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowsAndCount<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many there are.
    pub count: u64,
}

/// The rows behind or before a cursor.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::CursorPage;
/// let first: CursorPage<User> = User::find_all().order_by(User::NAME.asc()).cursor(None, 20).exec(&db).await?;
/// assert!(first.rows == [ann] && first.next.is_none() && first.previous.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CursorPage<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The cursor of the rows after these; `None` at the end.
    pub next: Option<Cursor>,
    /// The cursor of the rows before these; `None` at the beginning.
    pub previous: Option<Cursor>,
}

/// An opaque place in an ordered list of rows.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// draft!(User { name: "Bo" }).create(&db).await?;
/// let first = User::find_all().order_by(User::NAME.asc()).cursor(None, 1).exec(&db).await?;
/// let sent = first.next.map(|cursor| cursor.to_string());                // in a link or a JSON body
/// let second = User::find_all().order_by(User::NAME.asc()).cursor(sent.map(Cursor::from), 1).exec(&db).await?;
/// assert_eq!(second.rows[0].name, "Bo");
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl From<String> for Cursor {
    fn from(text: String) -> Cursor {
        Cursor(text)
    }
}

impl From<&str> for Cursor {
    fn from(text: &str) -> Cursor {
        Cursor(text.to_owned())
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Cursor> {
        Ok(Cursor(text.to_owned()))
    }
}

impl<T> Page<T> {
    pub(crate) fn new(rows: Vec<T>, count: u64, page: u64, page_size: u64) -> Page<T> {
        let pages = count.div_ceil(page_size);
        Page { rows, count, page, page_size, pages, has_next: page < pages, has_previous: page > 1 }
    }
}

/// Adds the primary key to an order, so that no two rows tie.
pub(crate) fn total_order(state: &mut QueryState) {
    // Groups and different values have no key, aggregates no order.
    let aggregates = state.clauses.select.iter().flatten().any(|item| crate::plan::is_aggregate(&item.expr));
    if aggregates || !state.clauses.group.is_empty() || !matches!(state.clauses.distinct, Distinct::No) {
        return;
    }
    let model = state.model.clone();
    for position in &model.primary_key {
        let known = state.clauses.order.iter().any(|order| field_position(&model, &order.expr) == Some(*position));
        if !known {
            let direction = state.clauses.order.last().map_or(SortDirection::Ascending, |order| order.direction);
            state.clauses.order.push(OrderBy { expr: field(&model, *position), direction, nulls: None });
        }
    }
}

/// Whether columns of the model can be read beside what is selected.
pub(crate) fn marks_fit(state: &QueryState) -> bool {
    let Some(select) = &state.clauses.select else { return true };
    // A window over the rows behind a cursor is another one.
    let whole = |expr: &Expr| crate::plan::is_aggregate(expr) || crate::plan::is_window(expr);
    state.clauses.single() && !select.iter().any(|item| whole(&item.expr))
}

pub(super) fn field(model: &ModelDef, position: usize) -> Expr {
    let name = model.columns.get(position).map_or(Name::Borrowed(""), |column| column.name.clone());
    Expr::Field(Field { path: Vec::new(), name, position: u16::try_from(position).ok() })
}

/// The position of a plain field of the model.
pub(crate) fn field_position(model: &ModelDef, expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Field(Field { path, name, position }) if path.is_empty() => position.map(usize::from).or_else(|| model.position(name)),
        _ => None,
    }
}

/// What `cursor(..)` asks for.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) size: u64,
}

/// One column of a total order.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) position: usize,
    direction: SortDirection,
    nullable: bool,
    nulls: Nulls,
}

impl Key {
    /// Its direction, and where NULLs stand, for who reads forwards or backwards.
    fn seen(&self, backwards: bool) -> (SortDirection, Nulls) {
        if backwards { (self.direction.reverse(), opposite(self.nulls)) } else { (self.direction, self.nulls) }
    }
}

/// A cursor's query, ready to make pages of its rows.
pub(crate) struct CursorPlan {
    /// What ties its cursors to their model and order.
    signature: String,
    keys: Vec<Key>,
    size: usize,
    backwards: bool,
    had_cursor: bool,
}

#[cold]
#[track_caller]
fn bad_cursor(why: &str) -> Error {
    Error::of_usage(UsageErrorKind::Cursor, format!("the cursor {why}; start again without one"))
}

impl PageRequest {
    /// Turns the request into filters, order and limit of the query.
    pub(crate) fn apply(self, state: &mut QueryState, dialect: Dialect) -> Result<CursorPlan> {
        if self.size == 0 {
            return Err(Error::of_usage(UsageErrorKind::Page, "a page has at least one row: give cursor(..) a size of 1 or more"));
        }
        if !super::taken_apart(state) || !marks_fit(state) {
            let text = "a cursor needs single rows: leave out aggregates, windows, group_by, distinct, union_all and set operations of selected columns";
            return Err(Error::of_usage(UsageErrorKind::Cursor, text));
        }
        total_order(state);
        let model = state.model.clone();
        let keys = keys_of(state, |direction| dialect.nulls(direction))
            .ok_or_else(|| Error::of_usage(UsageErrorKind::Cursor, "a cursor needs an order by columns of the model itself"))?;
        let signature = signature(&model, &keys);
        let mut backwards = false;
        let had_cursor = self.cursor.is_some();
        if let Some(cursor) = &self.cursor {
            let (values, back) = read_cursor(&cursor.0, &signature, (&model, &keys))?;
            backwards = back;
            state.clauses.filters.push(after(&model, &keys, &values, backwards));
        }
        for (order, key) in state.clauses.order.iter_mut().zip(&keys) {
            if backwards {
                order.direction = order.direction.reverse();
            }
            order.nulls = key.nullable.then(|| if backwards { opposite(key.nulls) } else { key.nulls });
        }
        let size = usize::try_from(self.size).map_err(|_| Error::usage("the page is too large"))?;
        state.clauses.limit = Some(self.size.saturating_add(1));
        state.clauses.offset = None;
        Ok(CursorPlan { signature, keys, size, backwards, had_cursor })
    }
}

/// The columns of an order, if it is one of plain columns; where NULLs stand is as the order says, else as the function does.
pub(crate) fn keys_of(state: &QueryState, nulls: impl Fn(SortDirection) -> Nulls) -> Option<Vec<Key>> {
    let key = |order: &OrderBy| {
        let position = field_position(&state.model, &order.expr)?;
        let nullable = state.model.columns.get(position).is_some_and(|column| column.nullable);
        Some(Key { position, direction: order.direction, nullable, nulls: order.nulls.unwrap_or_else(|| nulls(order.direction)) })
    };
    state.clauses.order.iter().map(key).collect()
}

fn opposite(nulls: Nulls) -> Nulls {
    match nulls {
        Nulls::First => Nulls::Last,
        Nulls::Last => Nulls::First,
    }
}

/// The condition "behind these values": one key decides, all before it are equal.
pub(crate) fn after(model: &ModelDef, keys: &[Key], values: &[Value], backwards: bool) -> Expr {
    if let ([key], [value]) = (keys, values)
        && let Some(behind) = behind(model, key, value, key.seen(backwards))
    {
        return behind;
    }
    let mut arms = Vec::with_capacity(keys.len());
    for (count, (key, value)) in keys.iter().zip(values).enumerate() {
        let Some(behind) = behind(model, key, value, key.seen(backwards)) else { continue };
        let mut parts: Vec<Expr> = keys.iter().zip(values).take(count).map(|(key, value)| equal(model, key, value)).collect();
        parts.push(behind);
        arms.push(Expr::And(parts));
    }
    let behind = Expr::Or(arms);
    // No index answers an OR in the order of the rows: the first key alone says where to begin.
    match (keys, values) {
        ([first, _, ..], [value, ..]) if !first.nullable || !value.is_null() && first.seen(backwards).1 == Nulls::First => {
            let ascending = (first.direction == SortDirection::Ascending) != backwards;
            let operator = if ascending { BinaryOp::GreaterEqual } else { BinaryOp::LessEqual };
            Expr::And(vec![field(model, first.position).binary(operator, bound(model, first, value)), behind])
        }
        _ => behind,
    }
}

fn bound(model: &ModelDef, key: &Key, value: &Value) -> Expr {
    Expr::Value(value.clone(), model.columns[key.position].ty.bind())
}

fn equal(model: &ModelDef, key: &Key, value: &Value) -> Expr {
    crate::model::compare(BinaryOp::Equal, field(model, key.position), bound(model, key, value))
}

fn behind(model: &ModelDef, key: &Key, value: &Value, (direction, nulls): (SortDirection, Nulls)) -> Option<Expr> {
    let column = field(model, key.position);
    if value.is_null() {
        return (nulls == Nulls::First).then(|| Expr::IsNull { expr: Box::new(column), negated: true });
    }
    let operator = if direction == SortDirection::Ascending { BinaryOp::Greater } else { BinaryOp::Less };
    let beyond = column.clone().binary(operator, bound(model, key, value));
    let null_follows = key.nullable && nulls == Nulls::Last;
    Some(if null_follows { beyond.or(Expr::IsNull { expr: Box::new(column), negated: false }) } else { beyond })
}

impl CursorPlan {
    /// The columns of the order, whose values the cursors hold, and how many rows the page has at most.
    pub(crate) fn marks(&self) -> (Vec<usize>, usize) {
        (self.keys.iter().map(|key| key.position).collect(), self.size)
    }

    /// Cuts the surplus row off, restores the order and makes both cursors of the values of the rows' [`CursorPlan::marks`].
    pub(crate) fn page<R>(&self, mut rows: Vec<R>, Ends { mut first, mut last }: Ends) -> CursorPage<R> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        if self.backwards {
            rows.reverse();
            std::mem::swap(&mut first, &mut last);
        }
        let make = |values: Option<Vec<Value>>, backwards: bool| values.map(|values| write_cursor(&self.signature, &values, backwards));
        let has_next = if self.backwards { self.had_cursor } else { more };
        let has_previous = if self.backwards { more } else { self.had_cursor };
        let next = if has_next { make(last, false) } else { None };
        let previous = if has_previous { make(first, true) } else { None };
        CursorPage { rows, next, previous }
    }
}

/// Ties a cursor to its model and order.
fn signature(model: &ModelDef, keys: &[Key]) -> String {
    let mut sum = continued(continued(EMPTY, model.name.as_bytes()), b":");
    for key in keys {
        sum = continued(sum, if key.direction == SortDirection::Ascending { b"+" } else { b"-" });
        if key.nullable {
            sum = continued(sum, if key.nulls == Nulls::First { b"<" } else { b">" });
        }
        sum = continued(sum, model.columns[key.position].name.as_bytes());
    }
    format!("{sum:016x}")
}

/// The checksum of nothing.
const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a of what was summed up and these bytes: it finds damage. A cursor holds nothing but values of the row, which are bound like any other, so there is
/// nothing to forge.
fn continued(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn write_cursor(signature: &str, values: &[Value], backwards: bool) -> Cursor {
    let value = |value: &Value| match value {
        // Bits, because decimal text of a float may round.
        Value::F64(number) => serde_json::Value::String(format!("{:016x}", number.to_bits())),
        other => other.to_json(),
    };
    let values: Vec<serde_json::Value> = values.iter().map(value).collect();
    // A list of texts and numbers is always JSON.
    let mut bytes = serde_json::to_vec(&(signature, u8::from(backwards), values)).unwrap_or_default();
    let check = continued(EMPTY, &bytes);
    bytes.extend(check.to_be_bytes());
    Cursor(sequor_core::value::base64_url(&bytes))
}

fn read_cursor(text: &str, signature: &str, (model, keys): (&ModelDef, &[Key])) -> Result<(Vec<Value>, bool)> {
    if text.len() > 8192 {
        return Err(bad_cursor("is too long"));
    }
    let whole = sequor_core::value::from_base64_url(text).ok_or_else(|| bad_cursor("is damaged"))?;
    let (bytes, check) = whole.split_last_chunk::<8>().ok_or_else(|| bad_cursor("is damaged"))?;
    if continued(EMPTY, bytes) != u64::from_be_bytes(*check) || sequor_core::value::base64_url(&whole) != text {
        return Err(bad_cursor("is damaged"));
    }
    let (found, backwards, values): (&str, u8, Vec<serde_json::Value>) =
        serde_json::from_slice(bytes).map_err(|_| bad_cursor("is damaged"))?;
    if found != signature || values.len() != keys.len() || backwards > 1 {
        return Err(bad_cursor("belongs to another query or order"));
    }
    let mut read = Vec::with_capacity(values.len());
    for (key, value) in keys.iter().zip(values) {
        let column = &model.columns[key.position];
        let value = match (&column.ty, value) {
            (sequor_core::types::ColumnType::F32 | sequor_core::types::ColumnType::F64, serde_json::Value::String(bits)) => {
                Value::F64(f64::from_bits(u64::from_str_radix(&bits, 16).map_err(|_| bad_cursor("is damaged"))?))
            }
            (ty, value) => value_from_json(ty, value).map_err(|_| bad_cursor("is damaged"))?,
        };
        if value.is_null() && !key.nullable {
            return Err(bad_cursor("is damaged"));
        }
        read.push(value);
    }
    Ok((read, backwards == 1))
}
