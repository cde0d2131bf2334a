//! `CASE WHEN .. THEN .. ELSE .. END`.

use super::IntoTyped;
use crate::model::TypedExpr;
use crate::query::Filter;
use sequor_core::statement::{CaseArm, Expr};
use std::marker::PhantomData;

/// The arms of a CASE so far.
pub struct Case<M, T> {
    arms: Vec<CaseArm>,
    marker: PhantomData<fn() -> (M, T)>,
}

/// The first arm of a CASE: `when(User::AGE.lt(18), "minor").otherwise("adult")`.
pub fn when<M, T>(condition: Filter<M>, then: impl IntoTyped<M, T>) -> Case<M, T> {
    Case { arms: Vec::new(), marker: PhantomData }.when(condition, then)
}

impl<M, T> Case<M, T> {
    /// One more arm; the first condition that holds decides.
    #[must_use]
    pub fn when(mut self, condition: Filter<M>, then: impl IntoTyped<M, T>) -> Case<M, T> {
        self.arms.push(CaseArm { when: condition.expr, then: then.into_typed() });
        self
    }

    /// The value where no condition holds.
    pub fn otherwise(self, value: impl IntoTyped<M, T>) -> TypedExpr<M, T> {
        TypedExpr::new(Expr::Case { arms: self.arms, otherwise: Some(Box::new(value.into_typed())) })
    }

    /// NULL where no condition holds.
    pub fn end(self) -> TypedExpr<M, Option<T>> {
        TypedExpr::new(Expr::Case { arms: self.arms, otherwise: None })
    }
}
