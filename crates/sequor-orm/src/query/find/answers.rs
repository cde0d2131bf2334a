//! What a query gives: rows, one row, pages, columns, a map, a number.

use super::Find;
use crate::db::Db;
use crate::model::{Column, Model, RowsGrain as Rows};
use crate::query::page::{PageRequest, total_order};
use crate::query::shape::{All, Cursored, Fetch, GrainShape, Mapped, One, OrFail, Paged, Picked, Total, Whole};
use crate::query::{Batches, Columns, Cursor, Selection};
use sequor_core::error::Result;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

impl<M, D: Fetch, G: GrainShape> Find<M, All<D, G>> {
    /// The first row; the bare row for aggregates without groups, which always have one.
    pub fn one(self) -> Find<M, G::Answer<D>> {
        self.reshape()
    }

    /// A numbered page, counted from 1, with its total.
    pub fn page(self, page: u64, size: u64) -> Find<M, Paged<D>> {
        Find { state: self.state, request: (page, size), marker: PhantomData }
    }

    /// The rows behind a cursor, or the first ones. The primary key breaks ties by itself.
    pub fn cursor(self, cursor: Option<Cursor>, size: u64) -> Find<M, Cursored<D>> {
        Find { state: self.state, request: PageRequest { cursor, size }, marker: PhantomData }
    }

    /// Groups by columns or expressions. Sequelize: `group`.
    pub fn group_by(self, columns: impl Columns<M>) -> Find<M, All<D, Rows>> {
        let mut find: Find<M, All<D, Rows>> = self.reshape();
        find.state.clauses.group.extend(columns.exprs());
        find
    }
}

impl<M: Model> Find<M> {
    /// Reads columns and expressions instead of whole rows. Sequelize: `attributes`.
    pub fn select<C: Selection<M> + 'static>(self, selection: C) -> Find<M, All<Picked<M, C>, C::Grain>>
    where
        C::Grain: 'static,
    {
        let mut items = Vec::with_capacity(C::WIDTH);
        selection.items(&mut items);
        self.with_clauses(|clauses| clauses.select = Some(items)).reshape()
    }

    /// Reads rows in lists of so many, key after key. Rails: `find_in_batches`.
    pub fn find_in_batches(self, size: u64, db: &Db) -> Batches<M> {
        Batches::new(self, size, db.clone())
    }

    /// Reads one column as a list.
    pub fn pluck<C: Selection<M> + 'static>(self, selection: C) -> Find<M, All<Picked<M, C>, C::Grain>> {
        self.select(selection)
    }

    /// The rows in a map by one of their columns; of rows with equal values the last one stays.
    pub fn map_by<T: crate::FieldType + Eq + std::hash::Hash>(self, column: Column<M, T>) -> Find<M, Mapped<M, T>> {
        Find { state: self.state, request: column.position(), marker: PhantomData }
    }

    /// How many rows match.
    pub fn count(self) -> Find<M, Total> {
        self.reshape()
    }

    /// The first row in the order of the primary key.
    pub fn first(mut self) -> Find<M, One<Whole<M>>> {
        total_order(&mut self.state);
        self.reshape()
    }

    /// The last row in the order of the query.
    pub fn last(mut self) -> Find<M, One<Whole<M>>> {
        total_order(&mut self.state);
        for order in &mut self.state.clauses.order {
            order.direction = order.direction.reverse();
        }
        self.reshape()
    }

    /// Whether any row matches.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// assert!(User::find_all().filter(User::NAME.eq("Ann")).exists(&db).await?);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn exists(self, db: &Db) -> impl Future<Output = Result<bool>> + Send + use<M> {
        let (db, state, site) = (self.state.server(db), self.state, Location::caller());
        async move { crate::load::exists(db, state, site).await }
    }
}

impl<M, D: Fetch> Find<M, One<D>> {
    /// An error instead of `None`. Sequelize: `rejectOnEmpty`.
    pub fn or_fail(self) -> Find<M, OrFail<D>> {
        self.reshape()
    }
}
