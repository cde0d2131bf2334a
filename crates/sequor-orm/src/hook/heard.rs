//! Who hears what a write or a read does: asked before the work that only listeners need.

use super::{Declared, HookKind, behaviors};
use crate::db::Db;
use crate::write::{WriteOptions, parents};
use sequor_core::schema::ModelDef;

pub(super) fn declared(model: &ModelDef) -> Option<&'static dyn Declared> {
    behaviors(model)?.declared.filter(|declared| declared.has_hooks())
}

/// Whether hooks run around the statement of a write, so that all of it belongs into one transaction.
pub(crate) fn needs_transaction(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    let table = db.hook_table();
    (options.hooks && (declared(model).is_some() || table.has(&model.name, HookKind::WRITES)))
        || table.has(&model.name, &[HookKind::AfterChange])
        || parents::has_followers(model)
}

/// Whether there are hooks of validation.
pub(crate) fn hears_validation(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    const KINDS: &[HookKind] = &[HookKind::BeforeValidate, HookKind::AfterValidate, HookKind::ValidationFailed];
    options.hooks && (declared(model).is_some() || KINDS.iter().any(|kind| db.hook_table().any(*kind)))
}

/// Whether there are hooks of finds.
pub(crate) fn hears_finds(db: &Db, model: &ModelDef) -> bool {
    declared(model).is_some() || HookKind::FINDS.iter().any(|kind| db.hook_table().any(*kind))
}

/// Whether hooks may change a row after its rules were checked.
pub(crate) fn any_before(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    const BEFORE: &[HookKind] = &[HookKind::BeforeCreate, HookKind::BeforeSave];
    options.hooks && (declared(model).is_some() || db.hook_table().has(&model.name, BEFORE))
}

/// Whether hooks may change a stored row after its rules were checked.
pub(crate) fn any_before_update(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    const BEFORE: &[HookKind] = &[HookKind::BeforeUpdate, HookKind::BeforeSave];
    options.hooks && (declared(model).is_some() || db.hook_table().has(&model.name, BEFORE))
}

/// Whether hooks look at a stored row behind its statement.
pub(crate) fn any_after_update(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    const AFTER: &[HookKind] = &[HookKind::AfterUpdate, HookKind::AfterSave];
    options.hooks && (declared(model).is_some() || db.hook_table().has(&model.name, AFTER))
}

/// Whether somebody wants to know which rows a write of many changed, or counts them.
pub(crate) fn captures(db: &Db, model: &ModelDef) -> bool {
    parents::has_followers(model) || listens(db, model)
}

/// Whether somebody wants to know what happens to rows of a model.
pub(crate) fn listens(db: &Db, model: &ModelDef) -> bool {
    let table = db.hook_table();
    declared(model).is_some()
        || table.has_observers()
        || table.has(&model.name, &[HookKind::AfterChange, HookKind::AfterCommit])
        || table.wants_rows(&model.name)
}

/// Whether the hooks of one row are called for each row that a write of many changed.
pub(super) fn rows_are_asked_for(db: &Db, model: &ModelDef) -> bool {
    declared(model).is_some_and(|declared| declared.wants_rows()) || db.hook_table().wants_rows(&model.name)
}

/// Whether nobody wants to know what a write of many did but the listeners of changes.
pub(crate) fn only_changes_are_heard(db: &Db, model: &ModelDef, options: &WriteOptions) -> bool {
    !(parents::has_followers(model) || (options.hooks && rows_are_asked_for(db, model)))
}

/// Whether somebody wants to know which rows are read.
pub(crate) fn reads_are_told(db: &Db) -> bool {
    db.hook_table().has("", &[HookKind::AfterRead])
}
