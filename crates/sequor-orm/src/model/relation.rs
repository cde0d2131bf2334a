//! [`Relation`]: a relation as a typed constant, and [`HasMany`] and its like: the fields that hold loaded rows.
//!
//! Loaded rows lie behind a declared trait object, so that models that refer to each other never make the compiler walk in circles.

mod cell;
mod fields;
mod hints;
mod kinds;

pub(in crate::model) use cell::Part;
pub(super) use cell::ShownRelation;
pub use cell::{KnownSiblings, LoadedRows, RelationCell, RelationRows};
pub use fields::{BelongsTo, BelongsToMany, HasMany, HasOne, Parent};
pub use kinds::{Many, RelationKindMarker, Through, ToManyKind, ToOne, ToOneKind, ToParent};

use crate::query::{Filter, Include, IncludeState};
use sequor_core::Name;
use sequor_core::statement::{Expr, Quantifier, RelationExpr};
use std::fmt;
use std::marker::PhantomData;

/// A relation from model `M` to model `T`; `K` says which kind.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// draft!(Post { title: "Hi", user_id: ann.id }).create(&db).await?;
/// assert_eq!(User::find_all().filter(User::POSTS.any(Post::TITLE.eq("Hi"))).exec(&db).await?, [ann.clone()]);
/// assert_eq!(User::find_all().select((User::NAME, User::POSTS.count())).exec(&db).await?, [("Ann".into(), 1)]);
/// assert_eq!(Post::count().filter(Post::USER.is(User::AGE.gt(30)).or(Post::USER.is_absent())).exec(&db).await?, 1);
/// assert_eq!(Post::find_all().filter(Post::USER.is_present()).order_by(Post::USER.at(User::NAME).asc()).exec(&db).await?.len(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Relation<M, T, K> {
    name: &'static str,
    position: u16,
    key: &'static str,
    scope: &'static str,
    marker: PhantomData<fn() -> (M, T, K)>,
}

/// A relation, or one with clauses: what `include` takes.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let users = User::find_all().include(User::POSTS).include(User::POSTS.limit(3)).exec(&db).await?;
/// assert_eq!(users[0].id, ann.id);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation of `{M}`",
    label = "expected a relation of `{M}`, such as `{M}::POSTS`",
    note = "relations are the constants that `#[derive(Model)]` makes from `HasMany`, `HasOne`, `BelongsTo` and `BelongsToMany` fields",
    note = "several relations are a call each: `.include(User::PROFILE).include(User::POSTS.include(Post::TAGS))`"
)]
pub trait IntoInclude<M, T, K> {
    /// The relation with its clauses.
    fn into_include(self) -> Include<M, T, K>;
}

impl<M, T, K> Relation<M, T, K> {
    /// The relation at a position; `key` is the foreign key's field by convention. What the derive writes.
    pub const fn new(name: &'static str, position: u16, key: &'static str) -> Relation<M, T, K> {
        Relation { name, position, key, scope: "", marker: PhantomData }
    }

    /// The same relation with the names of the fields that its scope fills, separated by commas. What the derive writes.
    pub const fn scoped(self, scope: &'static str) -> Relation<M, T, K> {
        Relation { name: self.name, position: self.position, key: self.key, scope, marker: PhantomData }
    }

    /// The relation's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The relation's position in the model.
    pub const fn position(&self) -> usize {
        self.position as usize
    }

    /// The field that holds the foreign key, on whichever side it is.
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// The fields of the related rows that the relation's scope fills, separated by commas.
    pub const fn scope_fields(&self) -> &'static str {
        self.scope
    }
}

impl<M, T, K> Relation<M, T, K> {
    pub(crate) fn quantified(self, quantifier: Quantifier, filter: Option<Expr>, aggregate: Option<Expr>) -> Expr {
        Expr::Relation(Box::new(RelationExpr {
            relation: Name::Borrowed(self.name),
            quantifier,
            filter,
            through: None,
            aggregate,
            with_deleted: false,
        }))
    }
}

// The bounds stand on the methods: there the compiler shows the message of the trait, on the impl it would not.
impl<M, T, K> Relation<M, T, K> {
    /// Rows that have at least one related row that matches. Sequelize: an include with `required` and `where`, without the rows.
    pub fn any(self, filter: Filter<T>) -> Filter<M>
    where
        K: ToManyKind,
    {
        Filter::reached(filter, |filter| self.quantified(Quantifier::Any, Some(filter), None))
    }

    /// Rows that have no related row that matches.
    pub fn none(self, filter: Filter<T>) -> Filter<M>
    where
        K: ToManyKind,
    {
        Filter::reached(filter, |filter| self.quantified(Quantifier::None, Some(filter), None))
    }

    /// Rows all of whose related rows match; also those that have none.
    pub fn all(self, filter: Filter<T>) -> Filter<M>
    where
        K: ToManyKind,
    {
        Filter::reached(filter, |filter| self.quantified(Quantifier::All, Some(filter), None))
    }

    /// Rows that have any related row.
    pub fn exists(self) -> Filter<M>
    where
        K: ToManyKind,
    {
        Filter::new(self.quantified(Quantifier::Any, None, None))
    }

    /// How many related rows there are, as an expression to select, filter or sort by.
    pub fn count(self) -> super::TypedExpr<M, i64>
    where
        K: ToManyKind,
    {
        let count = Expr::call(sequor_core::statement::Func::Count, vec![Expr::Star]);
        super::TypedExpr::new(self.quantified(Quantifier::Aggregate, None, Some(count)))
    }

    /// An aggregate over the related rows: `User::POSTS.aggregate(max(Post::CREATED_AT))`.
    pub fn aggregate<V>(self, aggregate: super::TypedExpr<T, V, super::Single>) -> super::TypedExpr<M, V>
    where
        K: ToManyKind,
    {
        super::TypedExpr::new(self.quantified(Quantifier::Aggregate, None, Some(aggregate.expr)))
    }
}

impl<M, T, K> Relation<M, T, K> {
    /// Rows whose related row matches. Sequelize: `'$user.role$'`.
    pub fn is(self, filter: Filter<T>) -> Filter<M>
    where
        K: ToOneKind,
    {
        Filter::reached(filter, |filter| self.quantified(Quantifier::Any, Some(filter), None))
    }

    /// Rows that have a related row.
    pub fn is_present(self) -> Filter<M>
    where
        K: ToOneKind,
    {
        Filter::new(self.quantified(Quantifier::Any, None, None))
    }

    /// Rows that have no related row.
    pub fn is_absent(self) -> Filter<M>
    where
        K: ToOneKind,
    {
        Filter::new(self.quantified(Quantifier::None, None, None))
    }

    /// A column of the related row, to sort or select by; where the row may be missing, [`Relation::maybe_at`] selects it.
    pub fn at<V>(self, column: super::Column<T, V>) -> super::TypedExpr<M, V>
    where
        K: ToOneKind,
    {
        super::TypedExpr::new(self.related_field(column.name(), column.position()))
    }

    /// A column of the related row, or `None` where there is no such row.
    ///
    /// ```
    /// use sequor::prelude::*;
    ///
    /// #[derive(Model, Clone, Debug, PartialEq)]
    /// pub struct Author { #[field(primary_key, auto_increment)] pub id: i64, pub name: String }
    ///
    /// #[derive(Model, Clone, Debug, PartialEq)]
    /// pub struct Book {
    ///     #[field(primary_key, auto_increment)]
    ///     pub id: i64,
    ///     pub title: String,
    ///     pub author_id: Option<i64>,
    ///     pub author: BelongsTo<Option<Author>>,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// db.sync::<(Author, Book)>(SyncMode::Create).await?;
    /// draft!(Book { title: "Beowulf" }).create(&db).await?;
    /// let rows = Book::find_all().select((Book::TITLE, Book::AUTHOR.maybe_at(Author::NAME))).exec(&db).await?;
    /// assert_eq!(rows, [("Beowulf".to_owned(), None)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn maybe_at<V: crate::FieldType>(self, column: super::Column<T, V>) -> super::TypedExpr<M, Option<V::Base>>
    where
        K: ToOneKind,
    {
        super::TypedExpr::new(self.related_field(column.name(), column.position()))
    }

    fn related_field(self, name: &'static str, position: usize) -> Expr {
        let (path, name) = (vec![Name::Borrowed(self.name)], Name::Borrowed(name));
        Expr::Field(sequor_core::statement::Field { path, name, position: u16::try_from(position).ok() })
    }
}

impl<M, T, K> IntoInclude<M, T, K> for Relation<M, T, K> {
    fn into_include(self) -> Include<M, T, K> {
        Include::new(IncludeState::new(self.name))
    }
}

impl<M, T, K> IntoInclude<M, T, K> for Include<M, T, K> {
    fn into_include(self) -> Include<M, T, K> {
        self
    }
}

impl<M, T, K> Clone for Relation<M, T, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, T, K> Copy for Relation<M, T, K> {}

impl<M, T, K> fmt::Debug for Relation<M, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
