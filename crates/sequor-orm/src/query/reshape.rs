//! [`WholeShape`]: what a read of whole rows becomes when it reads projections or selections of them.

use super::shape::{All, Counted, Cursored, Fetch, One, OrFail, Paged, Picked, Projected, Shape, Whole};
use super::{Find, Projection, RowStream, Selection};
use crate::db::Db;
use crate::model::{Model, RowsGrain as Rows};
use std::panic::Location;

/// A shape of whole rows, and the same shape of something else that is read of them.
#[diagnostic::on_unimplemented(
    message = "a projection needs whole rows",
    label = "not a read of whole rows of `{M}`",
    note = "call `.project::<..>()` before `.select(..)`, `.count()` and `.map_by(..)`, on `find_all`, `find_one`, `find_by_pk`, pages and cursors"
)]
pub trait WholeShape<M>: Shape {
    /// The shape with other rows.
    type Of<D: Fetch>: Shape<Request = Self::Request>;
}

macro_rules! whole {
    ($($shape:ident),*) => {$(
        impl<M: Model> WholeShape<M> for $shape<Whole<M>> {
            type Of<D: Fetch> = $shape<D>;
        }
    )*};
}

whole!(All, One, OrFail, Paged, Cursored, Counted);

impl<M: Model, S: WholeShape<M>> Find<M, S> {
    /// Reads a projection instead of whole rows, in the same shape: a list, a row, a page.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[derive(Model, Clone, Debug, PartialEq)]
    /// # struct User { #[field(primary_key, auto_increment)] id: i64, name: String, age: Option<i32> }
    /// #[derive(Projection, Debug, PartialEq)]
    /// #[projection(of = User)]
    /// struct UserName {
    ///     id: i64,
    ///     name: String,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> sequor::Result<()> {
    /// # let db = Db::connect("sqlite::memory:").await?;
    /// # db.sync::<User>(SyncMode::Create).await?;
    /// draft!(User { name: "Ann" }).create(&db).await?;
    /// let names: Vec<UserName> = User::find_all().project::<UserName>().exec(&db).await?;
    /// let ann: Option<UserName> = User::find_by_pk(1).project::<UserName>().exec(&db).await?;
    /// assert_eq!(ann.as_ref(), names.first());
    /// # Ok(())
    /// # }
    /// ```
    pub fn project<P: Projection<Of = M>>(mut self) -> Find<M, S::Of<Projected<P>>> {
        let mut items = Vec::with_capacity(P::WIDTH);
        super::spread(P::items(), &[], true, &mut items);
        self.state.clauses.select = Some(items);
        self.state.clauses.fields = Some(super::field_of::<P>);
        self.recast()
    }
}

impl<M: Model> Find<M, One<Whole<M>>> {
    /// Reads columns and expressions of the row instead of the whole.
    pub fn select<C: Selection<M> + 'static>(mut self, selection: C) -> Find<M, One<Picked<M, C>>> {
        let mut items = Vec::with_capacity(C::WIDTH);
        selection.items(&mut items);
        self.state.clauses.select = Some(items);
        self.recast()
    }
}

impl<M: Model, P: Projection> Find<M, All<Projected<P>>> {
    /// Reads projections one after another in constant memory, in parts that go on behind the last row's key.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[derive(Model, Clone, Debug, PartialEq)]
    /// # struct User { #[field(primary_key, auto_increment)] id: i64, name: String, age: Option<i32> }
    /// # #[derive(Projection, Debug, PartialEq)] #[projection(of = User)]
    /// # struct UserName { id: i64, name: String }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> sequor::Result<()> {
    /// # let db = Db::connect("sqlite::memory:").await?;
    /// # db.sync::<User>(SyncMode::Create).await?;
    /// draft!(User { name: "Ann" }).create(&db).await?;
    /// let mut names = User::find_all().project::<UserName>().stream(&db);
    /// while let Some(user) = names.next().await {
    ///     assert_eq!(user?.name, "Ann");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn stream(self, db: &Db) -> RowStream<P> {
        RowStream::picked::<Projected<P>>(db.clone(), self.state, Location::caller())
    }
}

impl<M: Model, C: Selection<M> + 'static> Find<M, All<Picked<M, C>, Rows>> {
    /// Reads tuples of a selection one after another in constant memory, in parts that go on behind the last row's key; groups are read at once.
    #[track_caller]
    pub fn stream(self, db: &Db) -> RowStream<C::Row> {
        RowStream::picked::<Picked<M, C>>(db.clone(), self.state, Location::caller())
    }
}
