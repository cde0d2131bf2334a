//! The data of every contender: a table of 10,000 people, an empty one to insert into, and users with posts with comments.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "people")]
pub struct Person {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    pub name: String,
    pub email: String,
    pub age: Option<i32>,
    pub score: f64,
    pub active: bool,
    pub bio: Option<String>,
    pub created_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "inserted")]
pub struct Inserted {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    pub name: String,
    pub email: String,
    pub age: Option<i32>,
    pub score: f64,
    pub active: bool,
    pub bio: Option<String>,
    pub created_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "users")]
pub struct User {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    pub name: String,
    pub email: String,
    pub age: Option<i32>,
    pub posts: HasMany<Post>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "posts")]
pub struct Post {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    #[field(index)]
    pub user_id: i32,
    pub title: String,
    pub body: Option<String>,
    pub created_at: DateTime<Utc>,
    pub user: BelongsTo<User>,
    pub comments: HasMany<Comment>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "comments")]
pub struct Comment {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    #[field(index)]
    pub post_id: i32,
    pub author: String,
    pub text: String,
    pub post: BelongsTo<Post>,
}

/// The values of a row to insert, before any contender has made them its own.
#[derive(Clone)]
pub struct New {
    pub name: String,
    pub email: String,
    pub age: Option<i32>,
    pub score: f64,
    pub active: bool,
    pub bio: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// `count` of them.
pub fn rows(count: i32) -> Vec<New> {
    let row = |i: i32| New {
        name: format!("User {i}"),
        email: format!("user{i}@example.com"),
        age: (i % 7 != 0).then_some(i % 90),
        score: f64::from(i) * 0.5,
        active: i % 2 == 0,
        bio: (i % 3 != 0).then(|| "bio ".repeat(10)),
        created_at: DateTime::from_timestamp(1_704_067_200 + i64::from(i) * 60, 0).expect("a time"),
    };
    (0..count).map(row).collect()
}

/// Their drafts.
pub fn drafts(rows: &[New]) -> Vec<Draft<Inserted>> {
    let draft = |row: &New| {
        let New { name, email, age, score, active, bio, created_at } = row.clone();
        draft!(Inserted { name, email, age, score, active, bio, created_at })
    };
    rows.iter().map(draft).collect()
}

/// The key of the `i`-th lookup: spread over the table.
pub fn key(i: u32) -> i32 {
    (i as i32 * 37) % 10000 + 1
}
