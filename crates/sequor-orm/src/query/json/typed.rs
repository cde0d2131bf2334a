//! Sequelize's options object on typed finds.

use super::clauses_from_json;
use crate::model::Model;
use crate::query::shape::Shape;
use crate::query::{Clauses, Find};
use sequor_core::error::{Error, Result, UsageErrorKind};
use serde_json::Value as Json;

impl<M: Model, S: Shape> Find<M, S> {
    /// Adds conditions, includes, orders and limits in the JSON query language. Check what a stranger sends with a [`crate::query::Policy`] first.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let options = json!({ "where": { "age": { "$gt": 18 } }, "order": [["name", "ASC"]], "include": ["posts"] });
    /// assert_eq!(User::find_all().json_options(options)?.exec(&db).await?[0].id, ann.id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` that names the place of an unknown key, operator, field or relation; also for `attributes` and `group`, which belong to run-time models:
    /// a typed row is always whole.
    pub fn json_options(mut self, options: Json) -> Result<Find<M, S>> {
        let clauses = clauses_from_json(M::model(), &(), options)?;
        whole(&clauses)?;
        self.state.clauses.merge(clauses);
        Ok(self)
    }
}

fn whole(clauses: &Clauses) -> Result<()> {
    if clauses.select.is_some() || !clauses.group.is_empty() {
        let message = "options.attributes: a typed model is always whole; use a projection, or the run-time model of db.model(name)";
        return Err(Error::of_usage(UsageErrorKind::Query, message));
    }
    clauses.includes.iter().try_for_each(|include| whole(&include.clauses))
}
