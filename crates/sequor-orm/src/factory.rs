//! [`Factory`]: rows with fake data, for demos, seeders and tests, that keep to relations, rules and unique keys.

mod invent;
mod keys;
mod rows;

use crate::FieldType;
use crate::db::Db;
use crate::model::{Column, IntoValue, Model, Relation, values_of};
use crate::write::instance_of;
use sequor_core::Value;
use sequor_core::error::Result;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

type Make = Arc<dyn Fn(usize) -> Value + Send + Sync>;

/// Makes rows of `M` with fake data.
///
/// A column gets what its type, its name and its rules ask for: an `email` an address, an enum one of its labels, a unique column a value of its own. Columns with a
/// default, managed ones and those that the database counts keep what they would get anyway. A foreign key points to a row that is there; where there is none,
/// rows are made for it, too, down to models that point nowhere.
///
/// ```
/// use sequor::prelude::*;
/// use sequor::Factory;
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// #[model(table = "users")]
/// struct User {
///     #[field(primary_key, auto_increment)]
///     id: i64,
///     #[field(unique, validate(email))]
///     email: String,
///     posts: HasMany<Post>,
/// }
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// #[model(table = "posts")]
/// struct Post {
///     #[field(primary_key, auto_increment)]
///     id: i64,
///     title: String,
///     user_id: i64,
///     user: BelongsTo<User>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// db.sync::<(User, Post)>(SyncMode::Create).await?;
/// let users = Factory::<User>::new(10).create(&db).await?;
/// let posts = Factory::<Post>::new(50)
///     .belongs_to(Post::USER, &users)
///     .with(Post::TITLE, |number| format!("Post {number}"))
///     .create(&db)
///     .await?;
/// assert_eq!((posts.len(), posts[7].title.as_str()), (50, "Post 7"));
/// assert!(posts.iter().all(|post| users.iter().any(|user| user.id == post.user_id)));
/// # Ok(())
/// # }
/// ```
#[must_use = "a factory makes nothing until .create(&db)"]
pub struct Factory<M> {
    plan: Plan,
    marker: PhantomData<fn() -> M>,
}

/// What is asked for, whatever the model's type.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    count: usize,
    seed: Option<u64>,
    given: Vec<(usize, Make)>,
    /// The relation's name, and the rows that it may point to, each as all of its values.
    parents: Vec<(&'static str, Vec<Vec<Value>>)>,
}

impl<M> Clone for Factory<M> {
    fn clone(&self) -> Factory<M> {
        Factory { plan: self.plan.clone(), marker: PhantomData }
    }
}

impl<M: Model> Factory<M> {
    /// So many rows.
    pub fn new(count: usize) -> Factory<M> {
        Factory { plan: Plan { count, ..Plan::default() }, marker: PhantomData }
    }

    /// The same data each time, on a database in the same state.
    pub fn seed(mut self, seed: u64) -> Factory<M> {
        self.plan.seed = Some(seed);
        self
    }

    /// A value that all rows have.
    pub fn set<T: FieldType>(mut self, column: Column<M, T>, value: impl IntoValue<T>) -> Factory<M> {
        let value = value.into_value().moved();
        self.plan.given.push((column.position(), Arc::new(move |_| value.clone())));
        self
    }

    /// A value made from the number of each row, from 0.
    pub fn with<T: FieldType, V: IntoValue<T>>(
        mut self,
        column: Column<M, T>,
        make: impl Fn(usize) -> V + Send + Sync + 'static,
    ) -> Factory<M> {
        self.plan.given.push((column.position(), Arc::new(move |number| make(number).into_value().moved())));
        self
    }

    /// The rows that a foreign key may point to, by turns in a random order.
    pub fn belongs_to<T: Model, K>(mut self, relation: Relation<M, T, K>, parents: &[T]) -> Factory<M> {
        self.plan.parents.push((relation.name(), parents.iter().map(|parent| values_of(parent)).collect()));
        self
    }

    /// Makes and stores them, in one transaction; they pass the model's rules and hooks as any other rows.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// use sequor::Factory;
    /// let users = Factory::<User>::new(3).seed(42).set(User::AGE, 20).create(&db).await?;
    /// assert!(users.len() == 3 && users.iter().all(|user| user.age == Some(20)));
    /// # drop(ann);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Validation` when a rule asks for what cannot be invented: give that column by [`Factory::with`]. `Usage` for a type without fake data, and for a unique key
    /// that has too few values.
    #[track_caller]
    pub fn create(self, db: &Db) -> impl Future<Output = Result<Vec<M>>> + Send + use<M> {
        let (db, plan, site) = (db.clone(), self.plan, Location::caller());
        async move {
            let stored = db.in_transaction(async move |tx| rows::create(tx, M::model(), &plan, site).await).await?;
            stored.iter().map(instance_of).collect()
        }
    }
}
