//! [`Form`]: a row in the form that typed hooks see, made once for all hooks of a moment that see it alike.

use super::{HookContext, HookSubject};
use crate::model::Model;
use crate::write::{Draft, Edit, RowState};
use sequor_core::driver::BoxFuture;
use sequor_core::error::Result;
use std::any::{Any, TypeId};
use std::sync::Arc;

/// A row in some form.
type Formed = Box<dyn Any + Send>;

/// A hook that sees a row in a form.
pub(super) type FormFn = Arc<dyn for<'a> Fn(&'a mut (dyn Any + Send), &'a HookContext<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync>;

/// How a row takes its form and leaves it.
#[derive(Clone, Copy)]
pub(super) struct Form {
    ty: TypeId,
    enter: fn(&mut RowState) -> Result<Formed>,
    leave: fn(Formed, &mut RowState, held: bool),
}

/// A hook that does nothing.
pub(super) fn nothing<'a>() -> BoxFuture<'a, Result<()>> {
    Box::pin(std::future::ready(Ok(())))
}

impl Form {
    /// A row that is not stored yet.
    pub(super) fn draft<M: Model>() -> Form {
        Form {
            ty: TypeId::of::<Draft<M>>(),
            enter: |row| Ok(Box::new(Draft::<M>::from_state(row.take()))),
            leave: |formed, row, _| {
                if let Ok(draft) = formed.downcast::<Draft<M>>() {
                    *row = draft.state;
                }
            },
        }
    }

    /// A stored row. What a hook that failed made of it is forgotten.
    pub(super) fn edit<M: Model>() -> Form {
        Form {
            ty: TypeId::of::<Edit<M>>(),
            enter: |row| Ok(Box::new(Edit::<M>::from_state(row)?)),
            leave: |formed, row, held| {
                if let (Some(edit), true) = (formed.downcast_ref::<Edit<M>>(), held) {
                    row.values = edit.values();
                }
            },
        }
    }
}

/// The row of a moment in the form that it has at present.
#[derive(Default)]
pub(super) struct Shown(Option<(Form, Formed)>);

impl Shown {
    /// The row in a form; `None` where there is no row.
    pub(super) fn in_form(&mut self, form: Form, subject: &mut HookSubject<'_>) -> Result<Option<&mut (dyn Any + Send)>> {
        if self.0.as_ref().is_some_and(|(known, _)| known.ty != form.ty) {
            self.leave(subject, true);
        }
        if self.0.is_none() {
            let HookSubject::Row(row) = subject else { return Ok(None) };
            self.0 = Some((form, (form.enter)(row)?));
        }
        Ok(self.0.as_mut().map(|(_, formed)| &mut **formed))
    }

    /// Puts the row back.
    pub(super) fn leave(&mut self, subject: &mut HookSubject<'_>, held: bool) {
        if let (Some((form, formed)), HookSubject::Row(row)) = (self.0.take(), subject) {
            (form.leave)(formed, row, held);
        }
    }
}
