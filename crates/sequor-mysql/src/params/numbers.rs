//! Numbers and truth values; what does not fit exactly is an error.

use super::{DECIMAL, DOUBLE, FLOAT, Form, LONG, TINY, UNSIGNED, write_blob, write_display};
use rust_decimal::prelude::ToPrimitive;
use sequor_core::decode::{malformed, out_of_range, unexpected};
use sequor_core::{Error, Result, Value};

#[inline]
pub(super) fn signed(out: &mut Vec<u8>, number: i64) -> Form {
    out.extend_from_slice(&number.to_le_bytes());
    LONG
}

pub(super) fn write_bool(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    let truth = match value {
        Value::Bool(truth) => *truth,
        Value::I64(0) => false,
        Value::I64(1) => true,
        Value::Text(text) if text == "true" => true,
        Value::Text(text) if text == "false" => false,
        Value::Text(_) => return Err(malformed("boolean")),
        other => return Err(unexpected(other, "boolean")),
    };
    out.push(u8::from(truth));
    Ok(TINY)
}

pub(super) fn write_integer(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    let too_wide = || out_of_range("an integer");
    let wide: i128 = match value {
        Value::I64(number) => return Ok(signed(out, *number)),
        Value::U64(number) => (*number).into(),
        Value::Bool(truth) => return Ok(signed(out, i64::from(*truth))),
        Value::Decimal(number) if number.fract().is_zero() => number.to_i128().ok_or_else(too_wide)?,
        Value::F64(number) if number.fract() == 0.0 => number.to_i128().ok_or_else(too_wide)?,
        Value::Text(text) => text.trim().parse().map_err(|_| malformed("integer"))?,
        other => return Err(unexpected(other, "integer")),
    };
    if let Ok(number) = i64::try_from(wide) {
        return Ok(signed(out, number));
    }
    let number = u64::try_from(wide).map_err(|_| too_wide())?;
    out.extend_from_slice(&number.to_le_bytes());
    Ok(UNSIGNED)
}

pub(super) fn write_double(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    out.extend_from_slice(&finite(value)?.to_le_bytes());
    Ok(DOUBLE)
}

pub(super) fn write_single(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    let wide = finite(value)?;
    let number = wide.to_f32().filter(|number| number.is_finite()).ok_or_else(|| out_of_range("a 32-bit float"))?;
    out.extend_from_slice(&number.to_le_bytes());
    Ok(FLOAT)
}

fn finite(value: &Value) -> Result<f64> {
    let number = match value {
        Value::F64(number) => Some(*number),
        Value::I64(number) => number.to_f64(),
        Value::U64(number) => number.to_f64(),
        Value::Decimal(number) => number.to_f64(),
        Value::Text(text) => Some(text.trim().parse().map_err(|_| malformed("float"))?),
        other => return Err(unexpected(other, "float")),
    };
    number.filter(|number| number.is_finite()).ok_or_else(not_finite)
}

#[cold]
fn not_finite() -> Error {
    Error::decode("MySQL and MariaDB hold no NaN and no Infinity; leave the field NULL, or ask is_finite() first")
}

pub(super) fn write_decimal(out: &mut Vec<u8>, value: &Value) -> Result<Form> {
    match value {
        Value::Decimal(number) => write_display(out, number)?,
        Value::I64(number) => write_display(out, number)?,
        Value::U64(number) => write_display(out, number)?,
        Value::F64(number) if number.is_finite() => write_display(out, number)?,
        Value::F64(_) => return Err(not_finite()),
        Value::Text(text) if is_decimal(text.trim()) => write_blob(out, text.trim().as_bytes())?,
        Value::Text(_) => return Err(malformed("decimal")),
        other => return Err(unexpected(other, "decimal")),
    }
    Ok(DECIMAL)
}

/// Whether text is a sign, digits, and perhaps a point and more digits, no more than MySQL keeps.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let count = whole.len() + fraction.len();
    (1..=65).contains(&count) && all_digits(whole) && all_digits(fraction)
}
