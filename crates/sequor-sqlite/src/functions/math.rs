//! Rounding to whole numbers and powers: the bundled SQLite is built without its mathematical functions.

use super::{PURE, decimal, failed};
use crate::params::decimal as spell;
use rusqlite::functions::Context;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};
use rust_decimal::Decimal;

/// How a whole number is found: of a float, and of a decimal.
type Whole = (fn(f64) -> f64, fn(&Decimal) -> Decimal);

pub(super) fn register(connection: &Connection) -> Result<()> {
    let floor: Whole = (f64::floor, Decimal::floor);
    let ceil: Whole = (f64::ceil, Decimal::ceil);
    for (name, by) in [(c"floor", floor), (c"ceil", ceil), (c"ceiling", ceil)] {
        connection.create_scalar_function(name, 1, PURE, move |context| whole(context, by))?;
    }
    connection.create_scalar_function(c"sqrt", 1, PURE, |context| Ok(float(context, 0)?.map(f64::sqrt).filter(|root| !root.is_nan())))?;
    for name in [c"power", c"pow"] {
        connection.create_scalar_function(name, 2, PURE, |context| {
            let (Some(base), Some(exponent)) = (float(context, 0)?, float(context, 1)?) else { return Ok(None) };
            Ok(Some(base.powf(exponent)).filter(|power| !power.is_nan()))
        })?;
    }
    Ok(())
}

fn whole(context: &Context<'_>, (of_float, of_decimal): Whole) -> Result<Value> {
    Ok(match context.get_raw(0) {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(of_float(number)),
        ValueRef::Text(_) | ValueRef::Blob(_) => match decimal::argument(context, 0)? {
            Some(number) => {
                Value::Text(spell(&of_decimal(&number)).map_err(|_| failed("the number has too many digits"))?.as_str().to_owned())
            }
            None => Value::Null,
        },
    })
}

fn float(context: &Context<'_>, index: usize) -> Result<Option<f64>> {
    match context.get_raw(index) {
        ValueRef::Real(number) => Ok(Some(number)),
        _ => Ok(decimal::argument(context, index)?.and_then(|number| rust_decimal::prelude::ToPrimitive::to_f64(&number))),
    }
}
