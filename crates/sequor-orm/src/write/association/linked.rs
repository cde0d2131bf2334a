//! [`Linked`]: what the methods of a relation take: rows, or keys of rows.

use super::within;
use crate::db::Db;
use crate::load::find_rows;
use crate::model::{IntoKey, KeyValues, Model};
use crate::query::QueryState;
use crate::write::draft::Children;
use crate::write::{RowState, WriteOptions};
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Link, RelationDef, RelationKind};

/// Rows of `T`, or their primary keys: one, or a list. `By` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is neither a row of `{T}` nor its primary key",
    label = "expected rows or keys of `{T}`",
    note = "give `&row`, a list of rows such as `&rows` or `[&a, &b]`, a primary key such as `row.id`, or a list of keys"
)]
pub trait Linked<T, K, By> {
    /// The rows.
    fn into_links(self) -> Links;
}

/// Rows that are to be linked, some known by their keys alone.
pub struct Links {
    rows: Vec<RowState>,
    by_key: bool,
}

/// Given as rows.
pub struct ByRow;

/// Given as one key.
pub struct ByKey<By>(By);

/// Given as a list of keys.
pub struct ByKeys<By>(By);

impl<T: Model, K, C: Children<T, K>> Linked<T, K, ByRow> for C {
    fn into_links(self) -> Links {
        Links { rows: self.into_children().into_iter().map(|child| child.row).collect(), by_key: false }
    }
}

impl<T: Model, K, By, V: IntoKey<T::Key, By>> Linked<T, K, ByKey<By>> for V {
    fn into_links(self) -> Links {
        keyed::<T, By, V>([self])
    }
}

#[diagnostic::do_not_recommend]
impl<T: Model, K, By, V: IntoKey<T::Key, By>, const N: usize> Linked<T, K, ByKeys<By>> for [V; N] {
    fn into_links(self) -> Links {
        keyed::<T, By, V>(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Model, K, By, V: IntoKey<T::Key, By>> Linked<T, K, ByKeys<By>> for Vec<V> {
    fn into_links(self) -> Links {
        keyed::<T, By, V>(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Model, K, By, V: IntoKey<T::Key, By> + Clone> Linked<T, K, ByKeys<By>> for &[V] {
    fn into_links(self) -> Links {
        keyed::<T, By, V>(self.iter().cloned())
    }
}

#[diagnostic::do_not_recommend]
impl<T: Model, K, By, V: IntoKey<T::Key, By> + Clone> Linked<T, K, ByKeys<By>> for &Vec<V> {
    fn into_links(self) -> Links {
        keyed::<T, By, V>(self.iter().cloned())
    }
}

#[diagnostic::do_not_recommend]
impl<T: Model, K, By, V: IntoKey<T::Key, By> + Clone, const N: usize> Linked<T, K, ByKeys<By>> for &[V; N] {
    fn into_links(self) -> Links {
        keyed::<T, By, V>(self.iter().cloned())
    }
}

fn keyed<T: Model, By, V: IntoKey<T::Key, By>>(keys: impl IntoIterator<Item = V>) -> Links {
    let row = |key: V| {
        let model = T::model().clone();
        let mut row = RowState::new(model.clone());
        let mut original = vec![crate::Value::Null; model.columns.len()];
        for (position, value) in model.primary_key.iter().zip(key.into_key().key_values()) {
            original[*position] = value.clone();
            row.values[*position] = Some(value);
        }
        row.original = Some(original);
        row
    };
    Links { rows: keys.into_iter().map(row).collect(), by_key: true }
}

impl Links {
    /// The rows with the columns that link them, which are read where they are no part of the key.
    pub(super) async fn complete(self, db: &Db, def: &RelationDef, link: &Link, options: &WriteOptions) -> Result<Vec<RowState>> {
        let target = &link.target;
        // What a child hangs by lies in the child itself, which its own key finds.
        let hangs = matches!(def.kind, RelationKind::HasMany | RelationKind::HasOne);
        if !self.by_key || self.rows.is_empty() || hangs || link.columns.iter().all(|column| target.primary_key.contains(column)) {
            return Ok(self.rows);
        }
        let keys = self.rows.iter().map(RowState::stored_key).collect::<Result<Vec<_>>>()?;
        let mut query = QueryState::new(target.clone());
        query.clauses.filters.push(within(target, &target.primary_key, keys, false));
        let found = find_rows(db, query, options.site).await?;
        if found.is_empty() {
            return Err(Error::not_found(target.name.as_ref()));
        }
        Ok(found)
    }
}
