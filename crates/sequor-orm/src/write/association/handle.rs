//! [`RelationHandle`]: the methods of one relation of one row, each in one transaction.

use super::linked::Linked;
use super::{Side, add_fresh, add_links, count_links, has_links, parent, related, remove_links, set_links};
use crate::FieldType;
use crate::Value;
use crate::db::Db;
use crate::model::{Column, IntoValue, Model, Relation, Through, values_of};
use crate::query::{Find, QueryState};
use crate::write::{Draft, RowState, WriteOptions, create};
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Link, RelationDef, RelationKind};
use sequor_core::statement::Expr;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

/// The methods of one relation of one row.
pub struct RelationHandle<M, T, K> {
    parent: RowState,
    relation: usize,
    through: Vec<(Name, Value)>,
    marker: PhantomData<fn() -> (M, T, K)>,
}

/// What happens to the links of rows.
#[derive(Clone, Copy)]
enum Linking {
    /// These too.
    Add,
    /// These alone.
    Set,
    /// These no longer.
    Remove,
}

/// The relation methods of rows.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let post = ann.relation(User::POSTS).create(draft!(Post { title: "Hi" }), &db).await?;
/// assert!(ann.relation(User::POSTS).has(&post, &db).await?);
/// assert_eq!(ann.related(User::POSTS).filter(Post::TITLE.eq("Hi")).exec(&db).await?, [post]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model, so it has no relations",
    label = "this type has no table",
    note = "add `#[derive(Model, Clone, Debug, PartialEq)]` to `{Self}`; a generic function says `fn f<M: Model>(..)`"
)]
pub trait RelationOps: Model {
    /// The methods of a relation: `user.relation(User::POSTS).add(&post, &db)`. Sequelize: `user.addPost(post)`.
    fn relation<T, K>(&self, relation: Relation<Self, T, K>) -> RelationHandle<Self, T, K> {
        let parent = RowState::stored(Self::model().clone(), values_of(self));
        RelationHandle { parent, relation: relation.position(), through: Vec::new(), marker: PhantomData }
    }

    /// The related rows as a query. Sequelize: `user.getPosts(options)`.
    fn related<T: Model, K>(&self, relation: Relation<Self, T, K>) -> Find<T> {
        let parent = RowState::stored(Self::model().clone(), values_of(self));
        let def = &Self::model().relations[relation.position()];
        let query = def.link(Self::model(), &()).and_then(|link| related(&parent, def, &link));
        match query {
            Ok(query) => Find::new(query),
            Err(error) => {
                let mut query = QueryState::new(T::model().clone());
                query.clauses.filters.push(Expr::Invalid(error.to_string().into()));
                Find::new(query)
            }
        }
    }
}

impl<M: Model> RelationOps for M {}

impl<M: Model, T: Model, J: Model> RelationHandle<M, T, Through<J>> {
    /// Sets a field of the rows between that `add`, `set` and `create` write.
    #[must_use]
    pub fn with<V: FieldType>(mut self, column: Column<J, V>, value: impl IntoValue<V>) -> Self {
        self.through.push((Name::Owned(column.name().to_owned()), value.into_value().moved()));
        self
    }
}

impl<M: Model, T: Model, K> RelationHandle<M, T, K> {
    fn link(&self, db: &Db) -> Result<(RelationDef, Link)> {
        let def = self.parent.model.relations.get(self.relation).ok_or_else(|| Error::bug("a relation without a definition"))?.clone();
        let link = def.link(&self.parent.model, &db.models())?;
        Ok((def, link))
    }

    fn link_rows<By>(
        self,
        how: Linking,
        rows: impl Linked<T, K, By>,
        db: &Db,
        site: &'static Location<'static>,
    ) -> impl Future<Output = Result<()>> + Send {
        let (rows, db, options) = (rows.into_links(), db.clone(), WriteOptions::at(site));
        async move {
            let (def, link) = self.link(&db)?;
            db.in_transaction(async |tx| {
                let rows = rows.complete(tx, &def, &link, &options).await?;
                let side = Side { parent: &self.parent, def: &def, link: &link };
                match (def.kind, how) {
                    (RelationKind::BelongsTo, Linking::Add | Linking::Set) => parent::point(tx, side, &rows, &options).await,
                    (RelationKind::BelongsTo, Linking::Remove) => parent::unpoint(tx, side, &rows, &options).await,
                    (_, Linking::Add) => add_links(tx, side, &rows, &self.through, &options).await,
                    (_, Linking::Set) => set_links(tx, side, &rows, &self.through, &options).await,
                    (_, Linking::Remove) => remove_links(tx, side, &rows, &options).await,
                }
            })
            .await
        }
    }

    /// Links rows, given as rows or by their keys; those that are linked stay. Sequelize: `addPosts(posts)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let post = draft!(Post { title: "Hi" }).create(&db).await?;
    /// ann.relation(User::POSTS).add(&post, &db).await?;
    /// ann.relation(User::POSTS).add(post.id, &db).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database and of hooks.
    #[track_caller]
    pub fn add<By>(self, rows: impl Linked<T, K, By>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        self.link_rows(Linking::Add, rows, db, Location::caller())
    }

    /// Makes the linked rows exactly these. Sequelize: `setPosts(posts)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let post = draft!(Post { title: "Hi" }).create(&db).await?;
    /// ann.relation(User::POSTS).set([&post], &db).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database and of hooks.
    #[track_caller]
    pub fn set<By>(self, rows: impl Linked<T, K, By>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        self.link_rows(Linking::Set, rows, db, Location::caller())
    }

    /// Unlinks rows; they stay stored. Sequelize: `removePosts(posts)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let post = ann.relation(User::POSTS).create(draft!(Post { title: "Hi" }), &db).await?;
    /// ann.relation(User::POSTS).remove(&post, &db).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database and of hooks.
    #[track_caller]
    pub fn remove<By>(self, rows: impl Linked<T, K, By>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        self.link_rows(Linking::Remove, rows, db, Location::caller())
    }

    /// Whether all of these rows are linked. Sequelize: `hasPosts(posts)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let post = ann.relation(User::POSTS).create(draft!(Post { title: "Hi" }), &db).await?;
    /// assert!(ann.relation(User::POSTS).has(&post, &db).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn has<By>(self, rows: impl Linked<T, K, By>, db: &Db) -> impl Future<Output = Result<bool>> + Send {
        let (rows, db, options) = (rows.into_links(), db.clone(), WriteOptions::at(Location::caller()));
        async move {
            let (def, link) = self.link(&db)?;
            let rows = rows.complete(&db, &def, &link, &options).await?;
            has_links(&db, Side { parent: &self.parent, def: &def, link: &link }, &rows, &options).await
        }
    }

    /// How many rows are linked. Sequelize: `countPosts()`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// assert_eq!(ann.relation(User::POSTS).count(&db).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    #[track_caller]
    pub fn count(self, db: &Db) -> impl Future<Output = Result<u64>> + Send {
        let (db, options) = (db.clone(), WriteOptions::at(Location::caller()));
        async move {
            let (def, link) = self.link(&db)?;
            count_links(&db, &self.parent, &def, &link, &options).await
        }
    }

    /// Creates a row and links it. Sequelize: `createPost(values)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let post = ann.relation(User::POSTS).create(draft!(Post { title: "Hi" }), &db).await?;
    /// assert_eq!(post.user_id, Some(ann.id));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation` and those of the database and of hooks.
    #[track_caller]
    pub fn create(self, draft: Draft<T>, db: &Db) -> impl Future<Output = Result<T>> + Send {
        let (db, options) = (db.clone(), WriteOptions::at(Location::caller()));
        async move {
            let (def, link) = self.link(&db)?;
            let mut state = draft.state;
            for (name, value) in &def.scope {
                if let Some(position) = state.model.position(name) {
                    state.values[position] = Some(value.clone());
                }
            }
            let row = db
                .in_transaction(async move |tx| {
                    let side = Side { parent: &self.parent, def: &def, link: &link };
                    if def.kind == RelationKind::BelongsTo {
                        let row = create(tx, state, &options).await?;
                        parent::point(tx, side, std::slice::from_ref(&row), &options).await?;
                        return Ok(row);
                    }
                    if link.through.is_none() {
                        for (target, own) in link.columns.iter().zip(&link.source) {
                            state.values[*target].clone_from(&self.parent.values[*own]);
                        }
                        return create(tx, state, &options).await;
                    }
                    let row = create(tx, state, &options).await?;
                    add_fresh(tx, side, &row, &self.through, &options).await?;
                    Ok(row)
                })
                .await?;
            crate::write::draft::instance::<T>(row)
        }
    }
}
