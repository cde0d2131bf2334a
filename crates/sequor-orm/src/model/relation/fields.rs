//! [`HasMany`], [`HasOne`], [`BelongsTo`], [`BelongsToMany`]: fields that hold loaded rows, or nothing yet.

use super::super::{Instance, Model};
use super::cell::{Known, KnownSiblings, Names, RelationCell, Slot, debug_rows, put, same_rows, unpack};
use once_cell::sync::OnceCell;
use sequor_core::error::{Error, Result};
use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a field that `Default` made calls its model and itself in messages: it cannot know them.
const NAMELESS: Names = &("Self", "relation");

/// Many rows that hold the key of this one.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// assert!(matches!(ann.posts.loaded(), Err(Error::NotLoaded { .. })), "a list that nobody asked for is no empty list");
/// let users = User::find_all().include(User::POSTS).exec(&db).await?;
/// assert!(users[0].posts.loaded()?.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct HasMany<T> {
    rows: Slot<T>,
    known: Known,
}

/// One row that holds the key of this one, or none.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct User { #[field(primary_key, auto_increment)] id: i64, name: String, profile: HasOne<Profile> }
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct Profile { #[field(primary_key, auto_increment)] id: i64, bio: String, user_id: i64, user: BelongsTo<User> }
///
/// let db = Db::connect("sqlite::memory:").await?;
/// db.sync::<(User, Profile)>(SyncMode::Create).await?;
/// let user = draft!(User { name: "Ann", profile: { bio: "Writes" } }).create(&db).await?;
/// assert_eq!(user.profile.loaded()?.map(|profile| &*profile.bio), Some("Writes"));
/// # Ok(())
/// # }
/// ```
pub struct HasOne<T> {
    rows: Slot<T>,
    known: Known,
}

/// The row whose key this one holds.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let post = draft!(Post { title: "Hi", user_id: ann.id }).create(&db).await?;
/// assert!(post.user.get().is_none(), "not loaded");
/// post.load(Post::USER, &db).await?;
/// assert_eq!(post.user.loaded()?, Some(&ann));            // `&User` of a `BelongsTo<User>`
/// # Ok(())
/// # }
/// ```
pub struct BelongsTo<T: Parent> {
    rows: Slot<T::Model>,
    known: Known,
}

/// Many rows that are linked by rows of `J`.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct Post { #[field(primary_key, auto_increment)] id: i64, tags: BelongsToMany<Tag, PostTag> }
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct Tag { #[field(primary_key, auto_increment)] id: i64, name: String }
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct PostTag { #[field(primary_key)] post_id: i64, #[field(primary_key)] tag_id: i64, added_by: Option<i64> }
///
/// let db = Db::connect("sqlite::memory:").await?;
/// db.sync::<(Post, Tag, PostTag)>(SyncMode::Create).await?;
/// let (post, tag) = (draft!(Post {}).create(&db).await?, draft!(Tag { name: "rust" }).create(&db).await?);
/// post.relation(Post::TAGS).with(PostTag::ADDED_BY, 7).add(&tag, &db).await?;
///
/// let post = Post::find_by_pk(post.id).or_fail().include(Post::TAGS).exec(&db).await?;
/// assert_eq!(post.tags.loaded()?, [tag]);
/// assert_eq!(post.tags.through()?[0].added_by, Some(7));
/// # Ok(())
/// # }
/// ```
pub struct BelongsToMany<T, J> {
    rows: Slot<T>,
    between: Slot<J>,
    known: Known,
}

/// What a `BelongsTo` points to: a model, or an `Option` of one when the key may be NULL.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the target of a `BelongsTo`",
    label = "expected a model or `Option` of a model"
)]
pub trait Parent: 'static {
    /// The model.
    type Model: 'static;
    /// What `loaded()` gives.
    type Loaded<'a>;
    /// Whether the row must be there.
    const REQUIRED: bool;
    /// Makes the answer of `loaded()` of the row that was found.
    fn loaded<'a>(row: Option<&'a Self::Model>, model: &'static str, relation: &'static str) -> Result<Self::Loaded<'a>>;
}

impl<M: Model> Parent for M {
    type Model = M;
    type Loaded<'a> = &'a M;
    const REQUIRED: bool = true;

    fn loaded<'a>(row: Option<&'a M>, model: &'static str, relation: &'static str) -> Result<&'a M> {
        row.ok_or_else(|| Error::NotFound { model: model.to_owned(), relation: Some(relation.to_owned()) })
    }
}

impl<M: Model> Parent for Option<M> {
    type Model = M;
    type Loaded<'a> = Option<&'a M>;
    const REQUIRED: bool = false;

    fn loaded<'a>(row: Option<&'a M>, _model: &'static str, _relation: &'static str) -> Result<Option<&'a M>> {
        Ok(row)
    }
}

impl<T> HasMany<T> {
    /// A relation that is not loaded. What the derive writes.
    pub const fn unloaded(names: &'static (&'static str, &'static str)) -> HasMany<T> {
        HasMany { rows: OnceCell::new(), known: Known::Alone(names) }
    }

    /// The rows.
    ///
    /// # Errors
    /// `NotLoaded` when they were not included or loaded.
    pub fn loaded(&self) -> Result<&[T]> {
        self.get().ok_or_else(|| self.known.not_loaded())
    }

    /// The rows, if they were loaded.
    pub fn get(&self) -> Option<&[T]> {
        self.rows.get().map(|rows| rows.rows())
    }
}

impl<T> HasOne<T> {
    /// A relation that is not loaded. What the derive writes.
    pub const fn unloaded(names: &'static (&'static str, &'static str)) -> HasOne<T> {
        HasOne { rows: OnceCell::new(), known: Known::Alone(names) }
    }

    /// The row, or `None` when there is none.
    ///
    /// # Errors
    /// `NotLoaded` when it was not included or loaded.
    pub fn loaded(&self) -> Result<Option<&T>> {
        match self.rows.get() {
            Some(rows) => Ok(rows.rows().first()),
            None => Err(self.known.not_loaded()),
        }
    }

    /// The row, if one was loaded.
    pub fn get(&self) -> Option<&T> {
        self.rows.get().and_then(|rows| rows.rows().first())
    }
}

impl<T: Parent> BelongsTo<T> {
    /// A relation that is not loaded. What the derive writes.
    pub const fn unloaded(names: &'static (&'static str, &'static str)) -> BelongsTo<T> {
        BelongsTo { rows: OnceCell::new(), known: Known::Alone(names) }
    }

    /// The row: `&User` of a `BelongsTo<User>`, `Option<&User>` of a `BelongsTo<Option<User>>`.
    ///
    /// # Errors
    /// `NotLoaded` when it was not included or loaded; `NotFound` when the row is deleted, filtered out or missing and not optional.
    pub fn loaded(&self) -> Result<T::Loaded<'_>> {
        match self.rows.get() {
            Some(rows) => {
                let (model, relation) = self.known.names();
                T::loaded(rows.rows().first(), model, relation)
            }
            None => Err(self.known.not_loaded()),
        }
    }

    /// The row, if one was loaded.
    pub fn get(&self) -> Option<&T::Model> {
        self.rows.get().and_then(|rows| rows.rows().first())
    }
}

impl<T, J> BelongsToMany<T, J> {
    /// A relation that is not loaded. What the derive writes.
    pub const fn unloaded(names: &'static (&'static str, &'static str)) -> BelongsToMany<T, J> {
        BelongsToMany { rows: OnceCell::new(), between: OnceCell::new(), known: Known::Alone(names) }
    }

    /// The rows.
    ///
    /// # Errors
    /// `NotLoaded` when they were not included or loaded.
    pub fn loaded(&self) -> Result<&[T]> {
        self.get().ok_or_else(|| self.known.not_loaded())
    }

    /// The rows, if they were loaded.
    pub fn get(&self) -> Option<&[T]> {
        self.rows.get().map(|rows| rows.rows())
    }

    /// The rows between, one for each loaded row, in the same order.
    ///
    /// # Errors
    /// `NotLoaded` when they were not included or loaded.
    pub fn through(&self) -> Result<&[J]> {
        self.between.get().map(|rows| rows.rows()).ok_or_else(|| self.known.not_loaded())
    }
}

/// What the rows of a field tell, whatever lies beside them.
macro_rules! rows {
    (is a list: $is_list:literal) => {
        fn is_loaded(&self) -> bool {
            self.rows.get().is_some()
        }

        fn count(&self) -> usize {
            self.rows.get().map_or(0, |rows| rows.rows().len())
        }

        fn row(&self, index: usize) -> Option<&dyn Instance> {
            self.rows.get()?.row(index)
        }

        fn is_list(&self) -> bool {
            $is_list
        }

        fn names(&self) -> Names {
            self.known.names()
        }

        fn join(&mut self, siblings: &Arc<KnownSiblings>, index: u32) {
            self.known.join(siblings, index);
        }

        fn sibling(&self) -> Option<(&Arc<KnownSiblings>, u32)> {
            self.known.sibling()
        }
    };
}

impl<T: 'static, J: 'static> RelationCell for BelongsToMany<T, J> {
    rows!(is a list: true);

    fn between(&self, index: usize) -> Option<&dyn Instance> {
        self.between.get()?.row(index)
    }

    fn fill(&self, rows: &mut dyn Any, between: Option<&mut dyn Any>) -> Result<()> {
        let _ = self.rows.set(unpack(rows)?);
        if let Some(between) = between {
            let _ = self.between.set(unpack(between)?);
        }
        Ok(())
    }

    fn put(&mut self, rows: &mut dyn Any, between: Option<&mut dyn Any>) -> Result<()> {
        put(&mut self.rows, rows)?;
        between.map_or(Ok(()), |between| put(&mut self.between, between))
    }
}

/// The traits of user code's derives, without bounds on the models: bounds would make the compiler walk from model to model.
macro_rules! plain {
    ($name:ident < $first:ident $(: $bound:ident)? $(, $rest:ident)? > by $rows:ty, { $($field:ident),* }) => {
        impl<$first $(: $bound)? $(, $rest)?> Clone for $name<$first $(, $rest)?> {
            fn clone(&self) -> Self {
                $name { $($field: Clone::clone(&self.$field)),* }
            }
        }

        impl<$first $(: $bound)? $(, $rest)?> PartialEq for $name<$first $(, $rest)?> {
            fn eq(&self, other: &Self) -> bool {
                same_rows::<$rows>(&self.rows, &other.rows)
            }
        }

        impl<$first $(: $bound)? $(, $rest)?> Eq for $name<$first $(, $rest)?> {}

        /// Nothing: of rows that are equal but for their relations the hash is the same.
        impl<$first $(: $bound)? $(, $rest)?> Hash for $name<$first $(, $rest)?> {
            fn hash<S: Hasher>(&self, _state: &mut S) {}
        }

        /// A relation that is not loaded.
        impl<$first $(: $bound)? $(, $rest)?> Default for $name<$first $(, $rest)?> {
            fn default() -> Self {
                $name::unloaded(NAMELESS)
            }
        }

        impl<$first $(: $bound)? $(, $rest)?> fmt::Debug for $name<$first $(, $rest)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                debug_rows::<$rows>(&self.rows, f)
            }
        }
    };
}

/// The cell of a field that holds nothing but rows.
macro_rules! cell {
    ($name:ident of $row:ident: [$($bound:tt)+] by $rows:ty, is a list: $is_list:literal) => {
        impl<$row: $($bound)+> RelationCell for $name<$row> {
            rows!(is a list: $is_list);

            fn fill(&self, rows: &mut dyn Any, _between: Option<&mut dyn Any>) -> Result<()> {
                let _ = self.rows.set(unpack::<$rows>(rows)?);
                Ok(())
            }

            fn put(&mut self, rows: &mut dyn Any, _between: Option<&mut dyn Any>) -> Result<()> {
                put::<$rows>(&mut self.rows, rows)
            }
        }
    };
}

plain!(HasMany<T> by T, { rows, known });
plain!(HasOne<T> by T, { rows, known });
plain!(BelongsTo<T: Parent> by T::Model, { rows, known });
plain!(BelongsToMany<T, J> by T, { rows, between, known });

cell!(HasMany of T: ['static] by T, is a list: true);
cell!(HasOne of T: ['static] by T, is a list: false);
cell!(BelongsTo of T: [Parent] by T::Model, is a list: false);
