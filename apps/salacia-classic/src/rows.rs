//! Cells of either database, and the messages made of them.

use chrono::{DateTime, SubsecRound, Utc};
use salacia_log::{LogError, Message, Provider, Result};
use serde_json::Value as Json;
use uuid::Uuid;

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Time(DateTime<Utc>),
    Uuid(Uuid),
    Json(Json),
}

/// One row.
pub type Row = Vec<Cell>;

/// The present, to the microsecond.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// A date as SQLite keeps it.
pub fn write_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string()
}

fn wrong(what: &str) -> LogError {
    LogError::Failed(format!("a stored message has no valid {what}"))
}

pub fn uuid(cell: Cell) -> Result<Uuid> {
    match cell {
        Cell::Uuid(id) => Ok(id),
        Cell::Text(text) => text.parse().map_err(|_| wrong("key")),
        _ => Err(wrong("key")),
    }
}

pub fn time(cell: Cell) -> Result<DateTime<Utc>> {
    match cell {
        Cell::Time(time) => Ok(time),
        Cell::Text(text) => DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f%:z").map(|time| time.to_utc()).map_err(|_| wrong("date")),
        _ => Err(wrong("date")),
    }
}

fn json(cell: Cell) -> Result<Option<Json>> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Json(json) => Ok(Some(json)),
        Cell::Text(text) => serde_json::from_str(&text).map(Some).map_err(|_| wrong("JSON")),
        _ => Err(wrong("JSON")),
    }
}

pub fn int(cell: Cell) -> Result<Option<i64>> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Int(number) => Ok(Some(number)),
        _ => Err(wrong("number")),
    }
}

pub fn small(cell: Cell) -> Result<Option<i32>> {
    int(cell)?.map(|number| i32::try_from(number).map_err(|_| wrong("number"))).transpose()
}

pub fn real(cell: Cell) -> Result<Option<f64>> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Real(number) => Ok(Some(number)),
        _ => Err(wrong("number")),
    }
}

pub fn text(cell: Cell) -> Result<Option<String>> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Text(text) => Ok(Some(text)),
        _ => Err(wrong("text")),
    }
}

/// The columns of `Sql::messages`.
pub fn message(row: Row) -> Result<Message> {
    let mut cells = row.into_iter();
    let mut next = || cells.next().ok_or_else(|| wrong("column"));
    let id = uuid(next()?)?;
    let model = text(next()?)?.ok_or_else(|| wrong("model"))?;
    let (provider, name, kind) = (next()?, text(next()?)?, text(next()?)?);
    let provider = match (provider, name, kind) {
        (provider, Some(name), Some(kind)) => Some(Provider { id: uuid(provider)?, name, kind }),
        _ => None,
    };
    Ok(Message {
        id,
        model,
        provider,
        request: json(next()?)?.ok_or_else(|| wrong("request"))?,
        response: json(next()?)?,
        prompt_tokens: small(next()?)?,
        completion_tokens: small(next()?)?,
        total_tokens: small(next()?)?,
        response_time_ms: small(next()?)?,
        status_code: small(next()?)?,
        error: text(next()?)?,
        created_at: time(next()?)?,
    })
}

/// The columns `id, name, type`.
pub fn provider(row: Row) -> Result<Provider> {
    let [id, name, kind] = <[Cell; 3]>::try_from(row).map_err(|_| wrong("column"))?;
    Ok(Provider { id: uuid(id)?, name: text(name)?.unwrap_or_default(), kind: text(kind)?.unwrap_or_default() })
}
