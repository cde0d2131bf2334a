//! Sequor in Diesel's own benchmark: its workloads on its tables, each written as Sequor's guide does. `cargo xtask bench --diesel` puts this file beside the others.

use super::Bencher;
use sequor::prelude::*;
use tokio::runtime::{Builder, Runtime};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "users")]
pub struct User {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    pub name: String,
    pub hair_color: Option<String>,
    pub posts: HasMany<Post>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "posts")]
pub struct Post {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    pub user_id: i32,
    pub title: String,
    pub body: Option<String>,
    pub user: BelongsTo<User>,
    pub comments: HasMany<Comment>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "comments")]
pub struct Comment {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    pub post_id: i32,
    pub text: String,
    pub post: BelongsTo<Post>,
}

/// A user and one of its posts.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "users")]
pub struct Author {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    pub name: String,
    pub hair_color: Option<String>,
    #[relation(foreign_key = "user_id")]
    pub post: HasOne<Post>,
}

/// Where Sequor runs a database's statements: SQLite's on a thread of its own, or on the caller's.
#[derive(Clone, Copy)]
pub enum Place {
    Default,
    #[cfg(feature = "sqlite")]
    Inline,
}

/// The contenders, by name.
pub const PLACES: &[(&str, Place)] = &[
    ("sequor", Place::Default),
    #[cfg(feature = "sqlite")]
    ("sequor_inline", Place::Inline),
];

/// A pool over empty tables, and a runtime of one thread as the other asynchronous contenders have it.
fn connect(place: Place) -> (Runtime, Db) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let db = runtime.block_on(emptied(place)).expect("a database with Diesel's tables");
    (runtime, db)
}

#[cfg(feature = "sqlite")]
async fn emptied(place: Place) -> Result<Db> {
    let db = match place {
        Place::Default => Db::connect("sqlite::memory:").await?,
        Place::Inline => Db::connect("sqlite::memory:?inline=on").await?,
    };
    db.sync::<(User, Post, Comment)>(SyncMode::Create).await?;
    Ok(db)
}

#[cfg(not(feature = "sqlite"))]
async fn emptied(_: Place) -> Result<Db> {
    let db = Db::connect(&std::env::var("DATABASE_URL").map_err(Error::other)?).await?;
    Comment::truncate().cascade().exec(&db).await?;
    Post::truncate().cascade().exec(&db).await?;
    User::truncate().cascade().exec(&db).await?;
    Ok(db)
}

fn black_or_brown(number: usize) -> Option<&'static str> {
    Some(if number % 2 == 0 { "black" } else { "brown" })
}

async fn insert_users(db: &Db, size: usize, hair_color: impl Fn(usize) -> Option<&'static str>) -> Result<()> {
    let user = |number| draft!(User { name: format!("User {number}"), hair_color: hair_color(number).map(str::to_owned) });
    User::bulk_create((0..size).map(user).collect::<Vec<_>>()).exec(db).await?;
    Ok(())
}

pub fn bench_trivial_query(b: &mut Bencher, size: usize, place: Place) {
    let (runtime, db) = connect(place);
    runtime.block_on(insert_users(&db, size, |_| None)).expect("users");
    b.to_async(&runtime).iter(|| async { User::find_all().exec(&db).await.expect("users") });
}

/// Pairs of a user and one of its posts, if it has any, by one joined statement as the other contenders have it.
pub fn bench_medium_complex_query(b: &mut Bencher, size: usize, place: Place) {
    let (runtime, db) = connect(place);
    runtime.block_on(insert_users(&db, size, black_or_brown)).expect("users");
    b.to_async(&runtime).iter(|| async {
        Author::find_all().filter(Author::HAIR_COLOR.eq("black")).include(Author::POST).exec(&db).await.expect("users with posts")
    });
}

pub fn bench_insert(b: &mut Bencher, size: usize, place: Place) {
    let (runtime, db) = connect(place);
    b.to_async(&runtime).iter(|| async { insert_users(&db, size, |_| Some("hair_color")).await.expect("users are stored") });
}

pub fn loading_associations_sequentially(b: &mut Bencher, place: Place) {
    const USERS: usize = if cfg!(feature = "sqlite") { 9 } else { 100 };
    let (runtime, db) = connect(place);
    runtime.block_on(insert_tree(&db, USERS)).expect("users, posts and comments");
    b.to_async(&runtime).iter(|| async {
        let users = User::find_all().include(User::POSTS.include(Post::COMMENTS)).exec(&db).await.expect("users with posts and comments");
        assert_eq!(users.len(), USERS);
        users
    });
}

/// Ten posts for each user, ten comments for each post.
async fn insert_tree(db: &Db, users: usize) -> Result<()> {
    insert_users(db, users, black_or_brown).await?;
    let mut posts = Vec::new();
    for user in User::find_all().exec(db).await? {
        posts.extend((0..10).map(|number| draft!(Post { user_id: user.id, title: format!("Post {number} by user {}", user.id), body: None })));
    }
    let mut comments = Vec::new();
    for post in Post::bulk_create(posts).exec(db).await? {
        comments.extend((0..10).map(|number| draft!(Comment { post_id: post.id, text: format!("Comment {number} on post {}", post.id) })));
    }
    Comment::bulk_create(comments).exec(db).await?;
    Ok(())
}
