//! [`cast`]: whether the values of one column type are values of another.

use crate::types::{ColumnType, EnumDef};

/// How values get from one type to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// Every value has its place there.
    Safe,
    /// Some values have no place there, and a strict database refuses them: which.
    Checked(&'static str),
    /// Values lose something without a word: what.
    Lossy(&'static str),
    /// There is no way.
    No,
}

/// What becomes of values of one type in a column of another.
pub fn cast(from: &ColumnType, to: &ColumnType) -> Cast {
    use ColumnType as T;
    if from == to {
        return Cast::Safe;
    }
    match (from, to) {
        (T::Bytes, _) | (_, T::Bytes) => Cast::No,
        (T::Json(_), T::Json(_)) => Cast::Safe,
        (T::Array(from), T::Array(to)) => cast(from, to),
        (T::Array(from), T::Json(_)) if is_scalar(from) => Cast::Safe,
        (from, T::Text | T::CiText) if is_scalar(from) => Cast::Safe,
        (from, T::VarChar(room) | T::Char(room)) if is_scalar(from) => match widest(from) {
            Some(width) if width <= *room => Cast::Safe,
            _ => Cast::Checked("longer values"),
        },
        (T::Enum(from), T::Enum(to)) => labels(from, to),
        (from, T::Enum(_)) if from.is_text() => Cast::Checked("values that are no label"),
        (from, to) if from.is_numeric() && to.is_numeric() => numbers(from, to),
        (T::Bool, to) if to.is_integer() => Cast::Safe,
        (from, T::Bool) if from.is_integer() || from.is_text() => Cast::Checked("values that are neither true nor false"),
        (from, to) if is_time(from) && is_time(to) => times(from, to),
        (from, to) if from.is_text() && (to.is_numeric() || is_time(to) || is_spelt(to)) => Cast::Checked("texts of another form"),
        (T::Inet, T::Cidr) | (T::Cidr, T::Inet) => Cast::Checked("host bits"),
        _ => Cast::No,
    }
}

fn is_scalar(ty: &ColumnType) -> bool {
    !matches!(ty, ColumnType::Array(_) | ColumnType::Range(_) | ColumnType::Bytes | ColumnType::HStore | ColumnType::TsVector)
}

fn is_time(ty: &ColumnType) -> bool {
    matches!(ty, ColumnType::DateTime(_) | ColumnType::NaiveDateTime(_) | ColumnType::Date | ColumnType::Time)
}

/// Types whose values are spelt as text everywhere.
fn is_spelt(ty: &ColumnType) -> bool {
    matches!(
        ty,
        ColumnType::Uuid
            | ColumnType::Json(_)
            | ColumnType::Inet
            | ColumnType::Cidr
            | ColumnType::MacAddr
            | ColumnType::Interval
            | ColumnType::Array(_)
    )
}

/// The longest text of a value, where there is one.
fn widest(ty: &ColumnType) -> Option<u32> {
    Some(match ty {
        ColumnType::VarChar(length) | ColumnType::Char(length) => *length,
        ColumnType::Uuid => 36,
        ColumnType::Bool => 5,
        ColumnType::Date => 13,
        ColumnType::Enum(definition) => {
            definition.labels.iter().map(|label| u32::try_from(label.chars().count()).unwrap_or(u32::MAX)).max().unwrap_or(0)
        }
        ty if ty.is_integer() => 20,
        _ => return None,
    })
}

fn labels(from: &EnumDef, to: &EnumDef) -> Cast {
    if from.labels.iter().all(|label| to.labels.contains(label)) { Cast::Safe } else { Cast::Checked("labels that are gone") }
}

fn numbers(from: &ColumnType, to: &ColumnType) -> Cast {
    use ColumnType as T;
    const RANGE: Cast = Cast::Checked("numbers that are too large");
    const DIGITS: Cast = Cast::Lossy("digits");
    match (from.integer_bounds(), to.integer_bounds()) {
        (Some(from), Some(to)) => return if to.0 <= from.0 && from.1 <= to.1 { Cast::Safe } else { RANGE },
        (None, Some(_)) => return DIGITS,
        (_, None) => {}
    }
    let whole = from.integer_bounds().map(|(_, largest)| largest);
    match (from, to) {
        (T::F32, T::F64) => Cast::Safe,
        (_, T::F64) if whole.is_some_and(|largest| largest < 1 << 53) => Cast::Safe,
        (_, T::F32) if whole.is_some_and(|largest| largest < 1 << 24) => Cast::Safe,
        (T::Decimal(_), T::Decimal(None)) => Cast::Safe,
        (_, T::Decimal(None)) if whole.is_some() => Cast::Safe,
        (T::Decimal(Some((precision, scale))), T::Decimal(Some((room, digits)))) => {
            if digits >= scale && room.saturating_sub(*digits) >= precision.saturating_sub(*scale) { Cast::Safe } else { DIGITS }
        }
        (_, T::Decimal(Some((room, digits)))) if whole.is_some() => {
            let power = 10_i128.checked_pow(u32::from(room.saturating_sub(*digits))).unwrap_or(i128::MAX);
            if whole.is_some_and(|largest| largest < power) { Cast::Safe } else { RANGE }
        }
        _ => DIGITS,
    }
}

fn times(from: &ColumnType, to: &ColumnType) -> Cast {
    use ColumnType as T;
    match (from, to) {
        (T::DateTime(from), T::DateTime(to)) | (T::NaiveDateTime(from), T::NaiveDateTime(to)) if to >= from => Cast::Safe,
        (T::DateTime(_), T::DateTime(_)) | (T::NaiveDateTime(_), T::NaiveDateTime(_)) => Cast::Lossy("fractions of a second"),
        (T::Date, T::DateTime(_) | T::NaiveDateTime(_)) => Cast::Safe,
        (T::DateTime(_), T::NaiveDateTime(_)) | (T::NaiveDateTime(_), T::DateTime(_)) => Cast::Lossy("the zone"),
        (T::DateTime(_) | T::NaiveDateTime(_), T::Date) => Cast::Lossy("the time of day"),
        (T::DateTime(_) | T::NaiveDateTime(_), T::Time) => Cast::Lossy("the date"),
        _ => Cast::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widening_is_safe_and_narrowing_asks() {
        use ColumnType as T;
        for (from, to) in [
            (T::I32, T::I64),
            (T::U32, T::I64),
            (T::I64, T::Text),
            (T::I64, T::Decimal(None)),
            (T::I32, T::Decimal(Some((12, 2)))),
            (T::VarChar(10), T::VarChar(20)),
            (T::Uuid, T::Char(36)),
            (T::Date, T::DateTime(6)),
            (T::Decimal(Some((8, 2))), T::Decimal(Some((10, 3)))),
            (T::Bool, T::I16),
        ] {
            assert_eq!(cast(&from, &to), Cast::Safe, "{from:?} to {to:?}");
        }
        for (from, to) in [
            (T::I64, T::I32),
            (T::I64, T::F64),
            (T::Text, T::VarChar(20)),
            (T::Text, T::I32),
            (T::DateTime(6), T::Date),
            (T::Decimal(Some((8, 2))), T::Decimal(Some((8, 3)))),
        ] {
            assert!(matches!(cast(&from, &to), Cast::Checked(_) | Cast::Lossy(_)), "{from:?} to {to:?}");
        }
        for (from, to) in [(T::Bytes, T::Text), (T::Json(true), T::I32), (T::I32, T::Date), (T::Uuid, T::I64)] {
            assert_eq!(cast(&from, &to), Cast::No, "{from:?} to {to:?}");
        }
    }
}
