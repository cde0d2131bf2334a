//! The static writes of a model, as builders with `.exec(&db)`.

mod creating;
mod matching;

pub use creating::{BulkCount, BulkCreate, FindOrCreate, Upsert};
pub use matching::{DestroyAll, RestoreAll, Truncate, UpdateAll, UpdateReturning};

use super::Call;
use super::bulk::OnDuplicate;
use super::draft::Draft;
use crate::model::Model;
use crate::query::{Filter, QueryState};
use std::marker::PhantomData;

/// The static writes of a model.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let users = User::bulk_create([draft!(User { name: "Bo" }), draft!(User { name: "Cy" })]).exec(&db).await?;
/// let (bo, created) = User::find_or_create(User::NAME.eq("Bo"), draft!(User { name: "Bo" })).exec(&db).await?;
/// assert!(bo == users[0] && !created);
/// assert_eq!(User::update_all().set(User::AGE, 40).filter(User::AGE.is_null()).exec(&db).await?, 2);
/// assert_eq!(User::destroy_all().filter(User::NAME.ne("Ann")).exec(&db).await?, 2);
/// assert_eq!(User::restore_all().exec(&db).await?, 2);
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model, so it has no writes",
    label = "this type has no table",
    note = "add `#[derive(Model, Clone, Debug, PartialEq)]` to `{Self}`; a generic function says `fn f<M: Model>(..)`"
)]
pub trait ModelWrites: Model {
    /// Creates many rows in one transaction; gives them with their keys, in order. Sequelize: `bulkCreate(rows)`.
    fn bulk_create(drafts: impl IntoIterator<Item = Draft<Self>>) -> BulkCreate<Self> {
        let rows = drafts.into_iter().map(|draft| draft.state).collect();
        BulkCreate {
            rows,
            duplicates: OnDuplicate::Fail,
            key: None,
            call: Call::default(),
            individual_hooks: false,
            returning: true,
            marker: PhantomData,
        }
    }

    /// Finds the row that matches, or creates the draft; safe when many do it at once. Sequelize: `findOrCreate({ where, defaults })`.
    fn find_or_create(filter: Filter<Self>, draft: Draft<Self>) -> FindOrCreate<Self> {
        let mut query = QueryState::new(Self::model().clone());
        query.clauses.filters.push(filter.expr);
        FindOrCreate { query, draft, call: Call::default() }
    }

    /// Inserts the draft, or changes the row whose unique key it has. Sequelize: `upsert(values)`.
    fn upsert(draft: Draft<Self>) -> Upsert<Self> {
        Upsert { draft, fields: None, key: None, call: Call::default() }
    }

    /// Changes all rows that match. Sequelize: `update(values, { where })`.
    fn update_all() -> UpdateAll<Self> {
        UpdateAll {
            query: QueryState::new(Self::model().clone()),
            set: Vec::new(),
            every_row: false,
            returning: false,
            individual_hooks: false,
            validate: true,
            silent: false,
            marker: PhantomData,
        }
    }

    /// Deletes all rows that match, softly where the model is paranoid. Sequelize: `destroy({ where })`.
    fn destroy_all() -> DestroyAll<Self> {
        DestroyAll {
            query: QueryState::new(Self::model().clone()),
            every_row: false,
            force: false,
            individual_hooks: false,
            marker: PhantomData,
        }
    }

    /// Brings back all softly deleted rows that match. Sequelize: `restore({ where })`.
    fn restore_all() -> RestoreAll<Self> {
        RestoreAll { query: QueryState::new(Self::model().clone()), individual_hooks: false, marker: PhantomData }
    }

    /// Empties the table. Sequelize: `truncate()`.
    fn truncate() -> Truncate<Self> {
        Truncate { restart_identity: false, cascade: false, marker: PhantomData }
    }
}

impl<M: Model> ModelWrites for M {}
