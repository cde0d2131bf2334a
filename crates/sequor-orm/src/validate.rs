//! Validation: the rules of a model, checked against the values of a row; all failures at once.

mod asking;
mod checks;
pub mod rules;
mod schema;

pub(crate) use asking::RunTimeRules;
pub use asking::{AskFn, AsyncOutcome, AsyncRule, Verdict, draft_for_rule, given};
pub(crate) use checks::checks;
pub use schema::json_schema;

use crate::db::Db;
use crate::hook::{self, HookKind, HookSubject, Whose, calm};
use crate::write::{Recheck, RowState, WriteOptions};
use rust_decimal::RoundingStrategy;
use sequor_core::Value;
use sequor_core::error::{Error, ItemKind, Origin, Result, ValidationError, ValidationItem};
use sequor_core::schema::{ColumnDef, ModelDef, RuleDef};
use sequor_core::types::ColumnType;

/// Runs the validation hooks and the rules over a row. `implied`: fields that are filled later.
pub(crate) async fn run(db: &Db, state: &mut RowState, options: &WriteOptions, implied: &[usize]) -> Result<()> {
    if !options.validate {
        return Ok(());
    }
    if !is_heard(db, &state.model, options) {
        return check(state, options, implied);
    }
    // Apart, so that the commonest writes carry none of it.
    Box::pin(run_heard(db, state, options, implied)).await
}

async fn run_heard(db: &Db, state: &mut RowState, options: &WriteOptions, implied: &[usize]) -> Result<()> {
    let model = state.model.clone();
    hook::fire(db, &model, HookKind::BeforeValidate, HookSubject::Row(state), options).await?;
    let mut items = found(state, options, implied)?;
    asking::ask(db, state, options, true, &mut items).await?;
    match finish(items) {
        Ok(()) => hook::fire(db, &model, HookKind::AfterValidate, HookSubject::Row(state), options).await,
        Err(mut error) => {
            hook::fire(db, &model, HookKind::ValidationFailed, HookSubject::Failed(state, &mut error), options).await?;
            Err(error)
        }
    }
}

/// Tells the hooks of validation of a row that could not even be read: a value is of no kind that its attribute takes.
pub(crate) async fn unread(db: &Db, mut state: RowState, mut error: Error, options: &WriteOptions) -> Result<Error> {
    if options.validate && hook::hears_validation(db, &state.model, options) {
        let model = state.model.clone();
        hook::fire(db, &model, HookKind::BeforeValidate, HookSubject::Row(&mut state), options).await?;
        hook::fire(db, &model, HookKind::ValidationFailed, HookSubject::Failed(&state, &mut error), options).await?;
    }
    Ok(error)
}

/// Whether hooks of validation run for the rows of a model, or rules that may ask the database.
pub(crate) fn is_heard(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    hook::hears_validation(db, model, options) || asking::any(db, model)
}

/// The same for the values of an update of many rows: only those that are given are checked.
pub(crate) async fn run_given(db: &Db, state: &mut RowState, options: &WriteOptions) -> Result<()> {
    if !options.validate {
        return Ok(());
    }
    let model = state.model.clone();
    hook::fire(db, &model, HookKind::BeforeValidate, HookSubject::Row(state), options).await?;
    let mut items = Vec::new();
    for (position, column) in model.columns.iter().enumerate() {
        if let Some(value) = &state.values[position] {
            check_column(&model, column, Some(value), None, &mut items)?;
        }
    }
    asking::ask(db, state, options, false, &mut items).await?;
    if let Err(mut error) = finish(items) {
        hook::fire(db, &model, HookKind::ValidationFailed, HookSubject::Failed(state, &mut error), options).await?;
        return Err(error);
    }
    hook::fire(db, &model, HookKind::AfterValidate, HookSubject::Row(state), options).await
}

/// Checks again what hooks changed after the rules had been checked, without hooks of its own.
pub(crate) fn recheck(state: &RowState, before: &[Option<Value>], options: &WriteOptions) -> Result<()> {
    if !options.validate || !options.hooks || options.recheck != Recheck::Rules {
        return Ok(());
    }
    finish(found_anew(state, before)?)
}

/// The same as Sequelize does it when a stored row is saved: the hooks of validation run again, if there is something to check.
pub(crate) async fn again(db: &Db, state: &mut RowState, before: &[Option<Value>], options: &WriteOptions) -> Result<()> {
    if !options.validate || !options.hooks || options.recheck != Recheck::Hooks || state.values == before {
        return Ok(());
    }
    let model = state.model.clone();
    hook::fire(db, &model, HookKind::BeforeValidate, HookSubject::Row(state), options).await?;
    if let Err(mut error) = finish(found_anew(state, before)?) {
        hook::fire(db, &model, HookKind::ValidationFailed, HookSubject::Failed(state, &mut error), options).await?;
        return Err(error);
    }
    hook::fire(db, &model, HookKind::AfterValidate, HookSubject::Row(state), options).await
}

/// The rules for what was set and not saved, which a soft deletion and a restoring write along.
pub(crate) fn unsaved(state: &RowState, options: &WriteOptions) -> Result<()> {
    let Some(original) = state.original.as_ref().filter(|_| options.validate && !state.changed().is_empty()) else { return Ok(()) };
    let before: Vec<Option<Value>> = original.iter().cloned().map(Some).collect();
    finish(found_anew(state, &before)?)
}

/// What the rules refuse of the values that are not those from before.
fn found_anew(state: &RowState, before: &[Option<Value>]) -> Result<Vec<ValidationItem>> {
    let mut items = Vec::new();
    for (position, column) in state.model.columns.iter().enumerate() {
        if let Some(value) = state.values[position].as_ref().filter(|value| before.get(position).and_then(Option::as_ref) != Some(value)) {
            check_column(&state.model, column, Some(value), None, &mut items)?;
        }
    }
    Ok(items)
}

fn finish(items: Vec<ValidationItem>) -> Result<()> {
    if items.is_empty() { Ok(()) } else { Err(Error::Validation(ValidationError { items, bulk: false })) }
}

/// The rules, without hooks.
pub(crate) fn check(state: &RowState, options: &WriteOptions, implied: &[usize]) -> Result<()> {
    finish(found(state, options, implied)?)
}

/// What the rules that need only the values refuse.
fn found(state: &RowState, options: &WriteOptions, implied: &[usize]) -> Result<Vec<ValidationItem>> {
    let model = &state.model;
    let mut items = Vec::new();
    for (position, column) in model.columns.iter().enumerate() {
        if state.values[position].as_ref().is_some_and(|value| fits_without_rules(column, value)) {
            continue;
        }
        if !options.writes(&column.name) || implied.contains(&position) || state.computes(position) {
            continue;
        }
        let previous = state.original.as_ref().and_then(|original| original.get(position));
        // A value that was not even read has not changed.
        if options.changed_only && previous.is_some() && state.values[position].as_ref().is_none_or(|value| previous == Some(value)) {
            continue;
        }
        check_column(model, column, state.values[position].as_ref(), previous, &mut items)?;
    }
    if let Some(behaviors) = hook::behaviors(model) {
        behaviors.check_row(state, &mut items)?;
    }
    Ok(items)
}

/// Whether a value is certainly right: most columns have no rules, and most values are of their column's own type.
fn fits_without_rules(column: &ColumnDef, value: &Value) -> bool {
    column.rules.is_empty()
        && match value {
            Value::Text(text) => match column.ty {
                ColumnType::Text => true,
                // No text has more characters than bytes.
                ColumnType::VarChar(most) | ColumnType::Char(most) => u32::try_from(text.len()).is_ok_and(|bytes| bytes <= most),
                _ => false,
            },
            Value::I64(number) => match column.ty {
                ColumnType::I64 => true,
                ColumnType::I32 => i32::try_from(*number).is_ok(),
                _ => false,
            },
            Value::Bool(_) | Value::F64(_) | Value::DateTime(_) | Value::Uuid(_) | Value::Bytes(_) => true,
            _ => false,
        }
}

fn check_column(
    model: &ModelDef,
    column: &ColumnDef,
    value: Option<&Value>,
    previous: Option<&Value>,
    items: &mut Vec<ValidationItem>,
) -> Result<()> {
    let missing = value.is_none_or(Value::is_null);
    if missing {
        let filled = column.auto_increment
            || column.managed
            || column.generated.is_some()
            || (value.is_none() && matches!(column.default, sequor_core::schema::Default::Db(_)));
        if !column.nullable && !filled {
            items.push(not_null(model, column));
        }
        for rule in &column.rules {
            if let Some(custom) = rule.custom
                && value.is_some()
                && column.nullable
            {
                custom_rule((model, column), rule, custom, &Value::Null, items)?;
            }
        }
        return Ok(());
    }
    let Some(value) = value else { return Ok(()) };
    if let Some(item) = misfit(model, column, value) {
        // The rules of the attribute say it, if they refuse the value.
        let before = items.len();
        for rule in column.rules.iter().filter(|rule| rule.custom.is_none()) {
            built_in(column, rule, value, previous, items)?;
        }
        without_limits(value, items, before);
        if items.len() == before {
            items.push(item);
        }
        return Ok(());
    }
    let before = items.len();
    for rule in &column.rules {
        match rule.custom {
            Some(custom) => custom_rule((model, column), rule, custom, value, items)?,
            None => built_in(column, rule, value, previous, items)?,
        }
    }
    without_limits(value, items, before);
    Ok(())
}

/// A text that another rule refuses is not below or above a limit as well, if it is no number.
fn without_limits(value: &Value, items: &mut Vec<ValidationItem>, before: usize) {
    let limit = |item: &ValidationItem| matches!(item.validator_key.as_str(), "min" | "max");
    let Value::Text(text) = value else { return };
    if items.len() < before + 2 || items[before..].iter().all(limit) || rules::is_numeral(text) {
        return;
    }
    let mut place = 0;
    items.retain(|item| {
        place += 1;
        place <= before || !limit(item)
    });
}

/// What the rules of a field say of a value that is not of its type; otherwise the error it is.
pub(crate) fn refused(column: &ColumnDef, given: &serde_json::Value, error: Error) -> Error {
    if given.is_null() {
        return error;
    }
    let text = Value::Text(as_text(given));
    let (mut items, own) = match error {
        Error::Validation(failed) => (failed.items, None),
        error => (Vec::new(), Some(error)),
    };
    for rule in column.rules.iter().filter(|rule| rule.custom.is_none() && rule.key != "notNull") {
        if let Err(error) = built_in(column, rule, &text, None, &mut items) {
            return error;
        }
    }
    without_limits(&text, &mut items, 0);
    match own {
        Some(error) if items.is_empty() => error,
        _ => Error::Validation(ValidationError { items, bulk: false }),
    }
}

/// A value as the rules see it: those of Sequelize get the text that JavaScript makes of it.
fn as_text(given: &serde_json::Value) -> String {
    match given {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(list) => list.iter().map(as_text).collect::<Vec<_>>().join(","),
        serde_json::Value::Object(_) => "[object Object]".to_owned(),
        other => other.to_string(),
    }
}

/// All that is wrong with a row of which some values could not be read: what was said of them, and what the rules refuse of the others.
pub(crate) fn with_unread(
    state: &RowState,
    mut items: Vec<ValidationItem>,
    malformed: Option<Error>,
    unread: &[usize],
    options: &WriteOptions,
) -> Result<Error> {
    if options.validate {
        items.extend(found(state, options, unread)?);
        items.sort_by_key(|item| state.model.json_position(&item.path));
    }
    Ok(match malformed {
        Some(error) if items.is_empty() => error,
        _ => Error::Validation(ValidationError { items, bulk: false }),
    })
}

fn not_null(model: &ModelDef, column: &ColumnDef) -> ValidationItem {
    let own = column.rules.iter().find(|rule| rule.key == "notNull").and_then(|rule| rule.message.as_ref());
    let message = own.map_or_else(|| format!("{}.{} cannot be null", model.name, column.json), ToString::to_string);
    ValidationItem { kind: ItemKind::NotNull, origin: Origin::Core, ..ValidationItem::new(column.json.to_string(), "is_null", message) }
}

fn shown(column: &ColumnDef, value: &Value) -> Option<Value> {
    (!column.sensitive).then(|| value.clone())
}

fn custom_rule(
    (model, column): (&ModelDef, &ColumnDef),
    rule: &RuleDef,
    custom: fn(&Value) -> Result<(), String>,
    value: &Value,
    items: &mut Vec<ValidationItem>,
) -> Result<()> {
    let whose = Whose { model, field: Some(&column.name), what: "rule", name: &rule.key };
    if let Err(message) = calm(whose, || custom(value))? {
        let message = rule.message.as_ref().map_or(message, ToString::to_string);
        items.push(ValidationItem {
            value: shown(column, value),
            ..ValidationItem::new(column.json.to_string(), rule.key.to_string(), message)
        });
    }
    Ok(())
}

fn built_in(column: &ColumnDef, rule: &RuleDef, value: &Value, previous: Option<&Value>, items: &mut Vec<ValidationItem>) -> Result<()> {
    let known = rules::require(&rule.key)?;
    let mut subject = rules::Subject::new(value);
    if let Some(previous) = previous {
        subject = subject.with_previous(previous);
    }
    if (known.check)(&subject, &rule.args)? {
        return Ok(());
    }
    let message = rule.message.as_ref().map_or_else(|| rules::default_message(known, &column.json), ToString::to_string);
    let item = ValidationItem::new(column.json.to_string(), known.key, message);
    items.push(ValidationItem { validator_args: rule.args.clone(), value: shown(column, value), ..item });
    Ok(())
}

/// What would only fail in the database, or silently change there: labels, lengths, ranges.
fn misfit(model: &ModelDef, column: &ColumnDef, value: &Value) -> Option<ValidationItem> {
    let fail = |message: String| {
        Some(ValidationItem {
            value: shown(column, value),
            origin: Origin::Core,
            ..ValidationItem::new(column.json.to_string(), "type", message)
        })
    };
    match (&column.ty, value) {
        (ColumnType::Enum(def), Value::Text(label)) if !def.labels.iter().any(|known| known == label) => {
            let labels: Vec<&str> = def.labels.iter().map(AsRef::as_ref).collect();
            fail(format!("{}.{} is one of {}", model.name, column.json, labels.join(", ")))
        }
        (ColumnType::VarChar(limit) | ColumnType::Char(limit), Value::Text(text))
            if text.chars().count() > usize::try_from(*limit).unwrap_or(usize::MAX) =>
        {
            // `len` says it in its own words.
            let said = column.rules.iter().any(|rule| rule.key == "len");
            if said { None } else { fail(format!("{}.{} holds at most {limit} characters", model.name, column.json)) }
        }
        (ty, Value::Text(_)) if ty.is_text() => None,
        (ty, value) if ty.is_integer() => match (ty.integer_bounds(), value) {
            (Some((low, high)), Value::I64(number)) if i128::from(*number) < low || i128::from(*number) > high => {
                fail(format!("{}.{} does not fit into its type", model.name, column.json))
            }
            _ => None,
        },
        (ColumnType::Decimal(Some((precision, scale))), Value::Decimal(number)) => {
            let whole = u32::from(precision.saturating_sub(*scale));
            let most = i128::checked_pow(10, whole).unwrap_or(i128::MAX);
            let rounded = number.round_dp_with_strategy(u32::from(*scale), RoundingStrategy::MidpointAwayFromZero);
            (rounded.abs().trunc().mantissa() >= most)
                .then(|| fail(format!("{}.{} holds at most {whole} digits before the point", model.name, column.json)))
                .flatten()
        }
        _ => None,
    }
}
