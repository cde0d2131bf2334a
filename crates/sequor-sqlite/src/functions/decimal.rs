//! Decimals, which are stored as their canonical text: a collation that orders them and functions that calculate without rounding.

use super::number::{Exact, compare};
use super::{PURE, failed};
use crate::params::{decimal as spell, decimal_of_float, parse_decimal};
use rusqlite::functions::{Aggregate, Context, WindowAggregate};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};
use rust_decimal::{Decimal, RoundingStrategy};
use std::cmp::Ordering;

pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_collation(c"sequor_decimal", compare)?;
    connection.create_window_function(c"sequor_decimal_sum", 1, PURE, Sum)?;
    connection.create_window_function(c"sequor_decimal_avg", 1, PURE, Average)?;
    two(connection, c"sequor_decimal_add", |left, right| Exact::default().add(&left, false)?.add(&right, false).map(Exact::text))?;
    two(connection, c"sequor_decimal_sub", |left, right| Exact::default().add(&left, false)?.add(&right, true).map(Exact::text))?;
    two(connection, c"sequor_decimal_mul", |left, right| product(left, right).and_then(text))?;
    connection.create_scalar_function(c"sequor_decimal_div", 2, PURE, divide)?;
    connection.create_scalar_function(c"sequor_decimal_cmp", 2, PURE, |context| {
        let (Some(left), Some(right)) = (argument(context, 0)?, argument(context, 1)?) else { return Ok(None) };
        Ok(Some(match left.cmp(&right) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }))
    })?;
    one(connection, c"sequor_decimal", Some)?;
    one(connection, c"sequor_decimal_abs", |number| Some(number.abs()))?;
    one(connection, c"sequor_decimal_neg", |number| Some(-number))?;
    for count in [1, 2] {
        connection.create_scalar_function(c"sequor_decimal_round", count, PURE, round)?;
    }
    Ok(())
}

/// A function of one decimal.
fn one(connection: &Connection, name: &'static std::ffi::CStr, calculate: fn(Decimal) -> Option<Decimal>) -> Result<()> {
    connection.create_scalar_function(name, 1, PURE, move |context| {
        let Some(number) = argument(context, 0)? else { return Ok(None) };
        calculate(number).and_then(text).map(Some).ok_or_else(beyond)
    })
}

/// A function of two decimals.
fn two(connection: &Connection, name: &'static std::ffi::CStr, calculate: fn(Decimal, Decimal) -> Option<String>) -> Result<()> {
    connection.create_scalar_function(name, 2, PURE, move |context| {
        let (Some(left), Some(right)) = (argument(context, 0)?, argument(context, 1)?) else { return Ok(None) };
        calculate(left, right).map(Some).ok_or_else(beyond)
    })
}

#[cold]
fn beyond() -> rusqlite::Error {
    failed("the exact result has more digits than a decimal can have (28)")
}

fn text(number: Decimal) -> Option<String> {
    spell(&number).ok().map(|spelt| spelt.as_str().to_owned())
}

/// An argument as a decimal, exact; `None` for NULL.
pub(super) fn argument(context: &Context<'_>, index: usize) -> Result<Option<Decimal>> {
    let number = match context.get_raw(index) {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(number) => Some(Decimal::from(number)),
        ValueRef::Real(number) => decimal_of_float(number),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().and_then(parse_decimal),
        ValueRef::Blob(_) => None,
    };
    number.map(Some).ok_or_else(|| failed("a value is not a decimal of at most 28 digits"))
}

/// The product; `None` where it would have to be rounded.
fn product(left: Decimal, right: Decimal) -> Option<Decimal> {
    let (left, right) = (left.normalize(), right.normalize());
    if left.is_zero() || right.is_zero() {
        return Some(Decimal::ZERO);
    }
    let product = left.checked_mul(right)?;
    (product.scale() == left.scale() + right.scale()).then_some(product)
}

/// Division rounds to 28 digits: most quotients have no end.
fn divide(context: &Context<'_>) -> Result<Option<String>> {
    let (Some(left), Some(right)) = (argument(context, 0)?, argument(context, 1)?) else { return Ok(None) };
    if right.is_zero() {
        return Err(failed("division by zero"));
    }
    left.checked_div(right).and_then(text).map(Some).ok_or_else(beyond)
}

/// Half a unit goes away from zero, as on the other databases.
fn round(context: &Context<'_>) -> Result<Option<String>> {
    let Some(number) = argument(context, 0)? else { return Ok(None) };
    let digits = if context.len() == 2 { context.get::<Option<i64>>(1)? } else { Some(0) };
    let Some(digits) = digits else { return Ok(None) };
    let digits = u32::try_from(digits).map_err(|_| failed("a decimal is rounded to 0 or more digits"))?;
    text(number.round_dp_with_strategy(digits.min(28), RoundingStrategy::MidpointAwayFromZero)).map(Some).ok_or_else(beyond)
}

/// What a sum has seen.
#[derive(Clone, Copy, Default)]
struct Seen {
    sum: Exact,
    count: i64,
}

impl Seen {
    fn take(&mut self, context: &Context<'_>, back: bool) -> Result<()> {
        if let Some(number) = argument(context, 0)? {
            self.sum = self.sum.add(&number, back).ok_or_else(beyond)?;
            self.count += if back { -1 } else { 1 };
        }
        Ok(())
    }

    fn average(self) -> Result<Option<String>> {
        if self.count == 0 {
            return Ok(None);
        }
        let sum: Decimal = self.sum.text().parse().map_err(|_| beyond())?;
        sum.checked_div(Decimal::from(self.count)).and_then(text).map(Some).ok_or_else(beyond)
    }
}

/// `sequor_decimal_sum`: exact, NULL without values.
struct Sum;
/// `sequor_decimal_avg`: the exact sum, divided.
struct Average;

macro_rules! aggregate {
    ($name:ident, |$seen:ident| $result:expr) => {
        impl Aggregate<Seen, Option<String>> for $name {
            fn init(&self, _: &mut Context<'_>) -> Result<Seen> {
                Ok(Seen::default())
            }

            fn step(&self, context: &mut Context<'_>, seen: &mut Seen) -> Result<()> {
                seen.take(context, false)
            }

            fn finalize(&self, _: &mut Context<'_>, seen: Option<Seen>) -> Result<Option<String>> {
                let $seen = seen.unwrap_or_default();
                $result
            }
        }

        impl WindowAggregate<Seen, Option<String>> for $name {
            fn value(&self, seen: Option<&mut Seen>) -> Result<Option<String>> {
                let $seen = seen.map(|seen| *seen).unwrap_or_default();
                $result
            }

            fn inverse(&self, context: &mut Context<'_>, seen: &mut Seen) -> Result<()> {
                seen.take(context, true)
            }
        }
    };
}

aggregate!(Sum, |seen| Ok((seen.count > 0).then(|| seen.sum.text())));
aggregate!(Average, |seen| seen.average());
