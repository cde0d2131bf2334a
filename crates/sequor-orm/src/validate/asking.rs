//! Rules that may ask the database: asynchronous functions, declared by a model or registered at run time. They run after those that need only the value.

use crate::FieldType;
use crate::db::Db;
use crate::hook::{self, HookContext, HookKind, Whose, calm_until_done};
use crate::write::{Draft, RowState, WriteOptions};
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result, ValidationItem};
use sequor_core::schema::ModelDef;
use std::sync::{Arc, PoisonError, RwLock};

/// What an asynchronous rule says: nothing, or why the value is refused.
pub type Verdict = std::result::Result<(), String>;

/// An asynchronous rule of a model: the field, if it is one's; its name; the function.
pub struct AsyncRule {
    /// The field; empty for a rule of the whole row.
    pub field: &'static str,
    /// The name, which failures tell.
    pub name: &'static str,
    /// A message instead of the function's own.
    pub message: Option<&'static str>,
    /// The function.
    pub run: for<'a> fn(&'a RowState, &'a HookContext<'a>) -> BoxFuture<'a, Result<Verdict>>,
}

/// What an asynchronous rule may answer: `bool`, `Result<(), String>`, or Sequor's `Result<()>`, where an error of the database stays one.
#[diagnostic::on_unimplemented(
    message = "an asynchronous rule cannot answer with `{Self}`",
    label = "expected `bool`, `Result<(), String>` or `sequor::Result<()>`"
)]
pub trait AsyncOutcome {
    /// The verdict.
    ///
    /// # Errors
    /// What kept the rule from deciding.
    fn verdict(self) -> Result<Verdict>;
}

impl AsyncOutcome for bool {
    fn verdict(self) -> Result<Verdict> {
        Ok(if self { Ok(()) } else { Err("is not valid".to_owned()) })
    }
}

impl AsyncOutcome for Verdict {
    fn verdict(self) -> Result<Verdict> {
        Ok(self)
    }
}

impl AsyncOutcome for std::result::Result<(), &str> {
    fn verdict(self) -> Result<Verdict> {
        Ok(self.map_err(str::to_owned))
    }
}

impl AsyncOutcome for Result<()> {
    fn verdict(self) -> Result<Verdict> {
        match self {
            Ok(()) => Ok(Ok(())),
            Err(error @ (Error::Usage(_) | Error::Other(_) | Error::Hook { .. })) => Ok(Err(error.to_string())),
            Err(Error::Validation(error)) => Ok(Err(error.items.into_iter().map(|item| item.message).collect::<Vec<_>>().join("; "))),
            Err(other) => Err(other),
        }
    }
}

/// The value of a field for its rule; `None` where it was not given or is NULL, which no rule sees.
///
/// # Errors
/// `Decode` when it does not fit.
pub fn given<T: FieldType>(row: &RowState, position: usize) -> Result<Option<T>> {
    match row.values.get(position).and_then(Option::as_ref) {
        Some(value) if !value.is_null() => T::from_value(value.clone()).map(Some),
        _ => Ok(None),
    }
}

/// The row for a rule of the whole of it.
pub fn draft_for_rule<M: crate::model::Model>(row: &RowState) -> Draft<M> {
    Draft::from_state(row.clone())
}

/// An asynchronous rule at run time.
pub type AskFn = Arc<dyn for<'a> Fn(&'a RowState, &'a HookContext<'a>) -> BoxFuture<'a, Verdict> + Send + Sync>;

/// The asynchronous rules of one `Db` that were registered at run time: model, name, function.
#[derive(Default)]
pub(crate) struct RunTimeRules {
    rules: RwLock<Vec<(Option<String>, String, AskFn)>>,
}

impl RunTimeRules {
    pub(crate) fn add(&self, model: Option<&str>, name: &str, rule: AskFn) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        rules.retain(|(known, other, _)| known.as_deref() != model || other != name);
        rules.push((model.map(str::to_owned), name.to_owned(), rule));
    }

    pub(crate) fn remove(&self, model: Option<&str>, name: &str) -> bool {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        let before = rules.len();
        rules.retain(|(known, other, _)| known.as_deref() != model || other != name);
        before != rules.len()
    }

    fn of(&self, model: &str) -> Vec<(String, AskFn)> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        let of_model = |known: &Option<String>| known.as_deref().is_none_or(|known| known == model);
        rules.iter().filter(|(known, ..)| of_model(known)).map(|(_, name, rule)| (name.clone(), rule.clone())).collect()
    }
}

fn declared(state: &RowState) -> Option<&'static [AsyncRule]> {
    let rules = hook::behaviors(&state.model)?.declared?.async_rules();
    (!rules.is_empty()).then_some(rules)
}

/// Whether there are such rules for a model.
pub(super) fn any(db: &Db, model: &ModelDef) -> bool {
    let declares =
        hook::behaviors(model).and_then(|behaviors| behaviors.declared).is_some_and(|declared| !declared.async_rules().is_empty());
    declares || !db.hook_table().rules.of(&model.name).is_empty()
}

/// Asks the rules of a row and notes what they refuse. With `whole` false only those of fields that are given.
pub(super) async fn ask(db: &Db, state: &RowState, options: &WriteOptions, whole: bool, items: &mut Vec<ValidationItem>) -> Result<()> {
    let (declared, table) = (declared(state).unwrap_or_default(), db.hook_table().rules.of(&state.model.name));
    if declared.is_empty() && table.is_empty() {
        return Ok(());
    }
    let extras = options.extras(db);
    let operation = if state.is_new() { "create" } else { "update" };
    let cx = HookContext { db, kind: HookKind::BeforeValidate, operation, model: Some(&state.model), extras: &extras };
    for rule in declared {
        let (path, of_row) = if rule.field.is_empty() { (rule.name, true) } else { (rule.field, false) };
        if of_row != whole && of_row || !of_row && !options.writes(rule.field) {
            continue;
        }
        let whose = Whose { model: &state.model, field: (!of_row).then_some(rule.field), what: "rule", name: rule.name };
        if let Err(message) = calm_until_done(whose, || (rule.run)(state, &cx)).await?? {
            let position = state.model.position(path);
            let path = position.map_or(path, |position| &state.model.columns[position].json);
            let item = ValidationItem::new(path, rule.name, rule.message.map_or(message, str::to_owned));
            let shown = position.filter(|position| !state.model.columns[*position].sensitive);
            items.push(ValidationItem { value: shown.and_then(|position| state.values[position].clone()), ..item });
        }
    }
    for (name, rule) in table.into_iter().filter(|_| whole) {
        let whose = Whose { model: &state.model, field: None, what: "rule", name: &name };
        if let Err(message) = calm_until_done(whose, || rule(state, &cx)).await? {
            items.push(ValidationItem::new(name.clone(), name, message));
        }
    }
    Ok(())
}
