//! Values that a driver could not send: the statement knows a place and columns, the program its models and fields.

use crate::model::Registry;
use sequor_core::error::{Error, Origin, UsageError, ValidationError, ValidationItem};
use sequor_sql::bound_column;

/// Names model and field of a value that could not be sent. What was to be stored is told as rules tell it; what was only compared stays misuse.
#[cold]
pub(super) fn named(error: Error, model: Option<&str>, registry: &Registry) -> Error {
    let Error::Usage(mut usage) = error else { return error };
    let Some(parameter) = &usage.parameter else { return Error::Usage(usage) };
    let place = parameter.place + 1;
    match field(&usage, model, registry) {
        Some((model, field, true)) => {
            let message = format!("{model}.{field} cannot be stored: {}", usage.message);
            let item = ValidationItem { origin: Origin::Core, ..ValidationItem::new(field, "type", message) };
            return Error::Validation(ValidationError { items: vec![item], bulk: false });
        }
        Some((model, field, false)) => {
            usage.message = format!("{model}.{field} is compared with a value that cannot be sent: {}", usage.message);
        }
        None => {
            let model = model.map(|model| format!("{model}: ")).unwrap_or_default();
            usage.message = format!("{model}parameter {place} cannot be sent: {}", usage.message);
        }
    }
    usage.parameter = None;
    Error::Usage(usage)
}

/// Model and field, and whether the value was to be stored there.
fn field(usage: &UsageError, model: Option<&str>, registry: &Registry) -> Option<(String, String, bool)> {
    let parameter = usage.parameter.as_ref()?;
    let found = bound_column(parameter.statement.as_deref()?, parameter.place)?;
    let model = registry.of_table(found.table.as_deref()?, model)?;
    let column = model.columns.iter().find(|column| *column.column == *found.column)?;
    Some((model.name.to_string(), column.json.to_string(), found.written))
}
