//! Sequor's models of the tables: a narrow and a wide one of 10,000 rows, an empty one to insert into, a million events, and users with posts with tags and
//! comments with replies with marks.

use bench_harness::data::New;
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

macro_rules! wide {
    ([$($t:ident)*] [$($i:ident)*] [$($f:ident)*] [$($b:ident)*] [$($n:ident)*]) => {
        #[derive(Model, Clone, Debug, PartialEq)]
        #[model(table = "wide")]
        pub struct Wide {
            #[field(primary_key, auto_increment)]
            pub id: i32,
            $(pub $t: String,)* $(pub $i: i32,)* $(pub $f: f64,)* $(pub $b: bool,)* $(pub $n: Option<String>,)*
        }
    };
}
bench_harness::wide_columns!(wide);

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "events")]
pub struct Event {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    pub kind: String,
    pub amount: f64,
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
    pub tags: BelongsToMany<Tag, PostTag>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "tags")]
pub struct Tag {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    pub name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "post_tags")]
pub struct PostTag {
    #[field(primary_key)]
    pub post_id: i32,
    #[field(primary_key)]
    pub tag_id: i32,
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
    pub replies: HasMany<Reply>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "replies")]
pub struct Reply {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    #[field(index)]
    pub comment_id: i32,
    pub text: String,
    pub comment: BelongsTo<Comment>,
    pub marks: HasMany<Mark>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "marks")]
pub struct Mark {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    #[field(index)]
    pub reply_id: i32,
    pub value: i32,
    pub reply: BelongsTo<Reply>,
}

/// The drafts of rows.
pub fn drafts(rows: &[New]) -> Vec<Draft<Inserted>> {
    let draft = |row: &New| {
        let New { name, email, age, score, active, bio, created_at } = row.clone();
        draft!(Inserted { name, email, age, score, active, bio, created_at })
    };
    rows.iter().map(draft).collect()
}
