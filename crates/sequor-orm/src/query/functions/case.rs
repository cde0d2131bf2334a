//! `CASE WHEN .. THEN .. ELSE .. END`.

use super::IntoTyped;
use crate::model::TypedExpr;
use crate::query::Filter;
use sequor_core::statement::{CaseArm, Expr};
use std::marker::PhantomData;

/// The arms of a CASE so far.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let group = when(User::AGE.lt(18), "minor").when(User::AGE.lt(65), "adult").otherwise("senior");
/// assert_eq!(User::find_all().select(group).exec(&db).await?, ["adult"]);
/// # Ok(())
/// # }
/// ```
pub struct Case<M, T> {
    arms: Vec<CaseArm>,
    marker: PhantomData<fn() -> (M, T)>,
}

/// The first arm of a CASE: `when(User::AGE.lt(18), "minor").otherwise("adult")`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let minors: Vec<Option<String>> = User::find_all().select(when(User::AGE.lt(18), "minor").end()).exec(&db).await?;
/// assert_eq!(minors, [None]);
/// # Ok(())
/// # }
/// ```
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
