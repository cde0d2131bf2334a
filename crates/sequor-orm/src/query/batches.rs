//! [`Batches`]: rows in lists of so many, read key after key.

use super::shape::Cursored;
use super::{Cursor, Find};
use crate::db::Db;
use crate::model::Model;
use sequor_core::error::Result;

/// Rows in lists of so many. Rows that others add or remove meanwhile neither repeat nor hide those that stand still.
pub struct Batches<M: Model> {
    find: Find<M>,
    size: u64,
    db: Db,
    place: Option<Cursor>,
    ended: bool,
}

impl<M: Model> Batches<M> {
    pub(super) fn new(find: Find<M>, size: u64, db: Db) -> Batches<M> {
        Batches { find, size, db, place: None, ended: false }
    }

    /// The next list; `None` at the end.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn next(&mut self) -> Result<Option<Vec<M>>> {
        if self.ended {
            return Ok(None);
        }
        let find: Find<M, Cursored<_>> = self.find.clone().cursor(self.place.take(), self.size);
        let page = find.exec(&self.db).await?;
        self.ended = page.next.is_none();
        self.place = page.next;
        Ok(if page.rows.is_empty() { None } else { Some(page.rows) })
    }
}
