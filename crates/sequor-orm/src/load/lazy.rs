//! Lazy loads: relations of rows that were read before, for one row or a whole slice in one statement.

use super::assemble::{Filling, Wanted, load_detached};
use super::siblings::{siblings, strict_error};
use crate::db::{Db, Run};
use crate::model::{IntoInclude, Model, RelationCell, TypedLoader, value_of};
use crate::query::IncludeState;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use std::any::Any;
use std::future::Future;
use std::panic::Location;

/// Lazy loading for slices of rows.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let users = User::find_all().exec(&db).await?;
/// users.load(User::POSTS, &db).await?;                    // one statement for all of them
/// assert!(users[0].posts.loaded()?.is_empty());
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "relations cannot be loaded for a `{Self}`",
    label = "expected rows of a model, in a slice or a `Vec`",
    note = "for one row: `user.load(User::POSTS, &db)`; for many: `users.load(User::POSTS, &db)`"
)]
pub trait LoadSlice<M: Model> {
    /// Loads a relation of all rows in one statement; rows that have it already are left alone.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let users = vec![ann];
    /// db.expect_queries(1, async || {
    ///     users.load(User::POSTS, &db).await?;
    ///     users.load(User::POSTS, &db).await                  // a second load does nothing
    /// }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    fn load<T, K>(&self, include: impl IntoInclude<M, T, K>, db: &Db) -> impl Future<Output = Result<()>> + Send;
}

impl<M: Model> LoadSlice<M> for [M] {
    #[track_caller]
    fn load<T, K>(&self, include: impl IntoInclude<M, T, K>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        let (state, db, site) = (include.into_include().state, db.clone(), Location::caller());
        async move { load_into(self.iter().collect(), state, &db, site).await }
    }
}

/// Rows that lie elsewhere, such as the posts of all users.
impl<M: Model> LoadSlice<M> for [&M] {
    #[track_caller]
    fn load<T, K>(&self, include: impl IntoInclude<M, T, K>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        let (state, db, site) = (include.into_include().state, db.clone(), Location::caller());
        async move { load_into(self.to_vec(), state, &db, site).await }
    }
}

/// Loads a relation of some rows.
///
/// # Errors
/// Those of the database.
pub async fn load_into<M: Model>(rows: Vec<&M>, include: IncludeState, db: &Db, site: &'static Location<'static>) -> Result<()> {
    let model = M::model();
    let position = model.relations.iter().position(|relation| relation.name == include.relation);
    let position = position.ok_or_else(|| Error::usage(format!("{} has no relation {}", model.name, include.relation)))?;
    let missing: Vec<&M> = rows.into_iter().filter(|row| row.relation_cell(position).is_some_and(|cell| !cell.is_loaded())).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let known = siblings(missing[0]);
    let strict = known.as_ref().and_then(|(group, _)| group.strict).unwrap_or(db.inner.settings.strict_loading);
    if strict {
        return Err(strict_error(model, &include, site));
    }
    let run = Run { operation: "load", model: Some(model.name.clone()), site, write: false };
    let wanted = Wanted { model, relation: position, include: &include };
    if let ([row], Some((group, index))) = (missing.as_slice(), &known) {
        if let Some(filling) = group.load(db, (*row, *index), wanted, TypedLoader::<M>::boxed(), run.clone()).await? {
            return row.relation_cell(position).map_or(Ok(()), |cell| fill(cell, filling));
        }
        group.notice(model, position, &include.relation, site);
    }
    let value = |row: usize, column: usize| missing.get(row).map_or(Value::Null, |row| value_of(*row, column));
    let children = load_detached(db, wanted, (missing.len(), &value), TypedLoader::<M>::boxed(), run).await?;
    for (row, filling) in missing.into_iter().zip(children) {
        if let Some(cell) = row.relation_cell(position) {
            fill(cell, filling)?;
        }
    }
    Ok(())
}

fn fill(cell: &dyn RelationCell, (mut rows, mut between): Filling) -> Result<()> {
    cell.fill(&mut *rows, between.as_deref_mut().map(|between| between as &mut dyn Any))
}
