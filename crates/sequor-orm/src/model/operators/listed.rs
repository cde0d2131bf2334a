//! `contains` of a list column, as `Vec::contains` is called in Rust: beside the `contains` of texts, hence for lists by name and not for all that is `Listed`.

use super::Column;
use crate::Scalar;
use crate::model::IntoValue;
use crate::query::Filter;

impl<M, T: Scalar> Column<M, Vec<T>>
where
    Vec<T>: Scalar,
{
    /// Holds this element, as [`has`](Column::has).
    ///
    /// ```
    /// use sequor::prelude::*;
    ///
    /// #[derive(Model, Clone, Debug, PartialEq)]
    /// struct Owner {
    ///     #[field(primary_key, auto_increment)]
    ///     id: i64,
    ///     labels: Vec<String>,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> sequor::Result<()> {
    /// # let db = Db::connect("sqlite::memory:").await?;
    /// # db.sync::<Owner>(SyncMode::Create).await?;
    /// draft!(Owner { labels: ["vip", "old"] }).create(&db).await?;
    /// assert_eq!(Owner::count().filter(Owner::LABELS.contains("vip")).exec(&db).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn contains(self, value: impl IntoValue<T>) -> Filter<M> {
        self.has(value)
    }
}

impl<M, T: Scalar> Column<M, Option<Vec<T>>>
where
    Vec<T>: Scalar,
{
    /// Holds this element, as [`has`](Column::has); NULL holds none.
    pub fn contains(self, value: impl IntoValue<T>) -> Filter<M> {
        self.has(value)
    }
}
