//! UNION, INTERSECT and EXCEPT of queries whose rows are of one type, of one model or of several.

use super::Find;
use super::shape::{All, Fetch};
use sequor_core::statement::SetOp;

impl<M, D: Fetch, G: 'static> Find<M, All<D, G>> {
    fn joined_with<N, E: Fetch<Row = D::Row>, H: 'static>(self, op: SetOp, other: Find<N, All<E, H>>) -> Find<M, All<D, G>> {
        let state = self.state.clone();
        self.with_clauses(|clauses| clauses.unite(state, op, other.state))
    }

    /// Also the rows of another query, each once. Order, limit and further filters of the whole are said behind it; a limit that was said before is that of
    /// the first query.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[derive(Model, Clone, Debug, PartialEq)]
    /// # struct User { #[field(primary_key, auto_increment)] id: i64, name: String }
    /// # #[derive(Model, Clone, Debug, PartialEq)]
    /// # struct Firm { #[field(primary_key, auto_increment)] id: i64, title: String }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> sequor::Result<()> {
    /// # let db = Db::connect("sqlite::memory:").await?;
    /// # db.sync::<(User, Firm)>(SyncMode::Create).await?;
    /// draft!(User { name: "Ann" }).create(&db).await?;
    /// draft!(Firm { title: "Works" }).create(&db).await?;
    /// let firms = Firm::find_all().select(Firm::TITLE);
    /// let names: Vec<String> = User::find_all().select(User::NAME).union(firms).order_by(User::NAME.asc()).exec(&db).await?;
    /// assert_eq!(names, ["Ann", "Works"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn union<N, E: Fetch<Row = D::Row>, H: 'static>(self, other: Find<N, All<E, H>>) -> Find<M, All<D, G>> {
        self.joined_with(SetOp::Union, other)
    }

    /// Also the rows of another query, twice what is in both.
    pub fn union_all<N, E: Fetch<Row = D::Row>, H: 'static>(self, other: Find<N, All<E, H>>) -> Find<M, All<D, G>> {
        self.joined_with(SetOp::UnionAll, other)
    }

    /// Only rows that another query has too.
    pub fn intersect<N, E: Fetch<Row = D::Row>, H: 'static>(self, other: Find<N, All<E, H>>) -> Find<M, All<D, G>> {
        self.joined_with(SetOp::Intersect, other)
    }

    /// Without the rows of another query.
    pub fn except<N, E: Fetch<Row = D::Row>, H: 'static>(self, other: Find<N, All<E, H>>) -> Find<M, All<D, G>> {
        self.joined_with(SetOp::Except, other)
    }
}
