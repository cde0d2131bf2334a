//! Toasty's models of the tables.

use bench_harness::data::New;
use bench_harness::hand::days;

macro_rules! person {
    ($name:ident $table:literal) => {
        #[derive(Debug, toasty::Model)]
        #[table = $table]
        pub struct $name {
            #[key]
            #[auto]
            pub id: i32,
            pub name: String,
            pub email: String,
            pub age: Option<i32>,
            pub score: f64,
            pub active: bool,
            pub bio: Option<String>,
            pub created_at: jiff::Timestamp,
        }
    };
}
person!(Person "people");
person!(Inserted "inserted");

macro_rules! wide {
    ([$($t:ident)*] [$($i:ident)*] [$($f:ident)*] [$($b:ident)*] [$($n:ident)*]) => {
        #[derive(Debug, toasty::Model)]
        #[table = "wide"]
        pub struct Wide {
            #[key]
            #[auto]
            pub id: i32,
            $(pub $t: String,)* $(pub $i: i32,)* $(pub $f: f64,)* $(pub $b: bool,)* $(pub $n: Option<String>,)*
        }
    };
}
bench_harness::wide_columns!(wide);

#[derive(Debug, toasty::Model)]
#[table = "events"]
pub struct Event {
    #[key]
    #[auto]
    pub id: i32,
    pub kind: String,
    pub amount: f64,
}

#[derive(Debug, toasty::Model)]
#[table = "users"]
pub struct User {
    #[key]
    #[auto]
    pub id: i32,
    pub name: String,
    pub email: String,
    pub age: Option<i32>,
    #[has_many(pair = user)]
    pub posts: toasty::Deferred<Vec<Post>>,
}

#[derive(Debug, toasty::Model)]
#[table = "posts"]
pub struct Post {
    #[key]
    #[auto]
    pub id: i32,
    #[index]
    pub user_id: i32,
    pub title: String,
    pub body: Option<String>,
    pub created_at: jiff::Timestamp,
    #[belongs_to(key = user_id, references = id)]
    pub user: toasty::Deferred<User>,
    #[has_many(pair = post)]
    pub comments: toasty::Deferred<Vec<Comment>>,
}

#[derive(Debug, toasty::Model)]
#[table = "comments"]
pub struct Comment {
    #[key]
    #[auto]
    pub id: i32,
    #[index]
    pub post_id: i32,
    pub author: String,
    pub text: String,
    #[belongs_to(key = post_id, references = id)]
    pub post: toasty::Deferred<Post>,
    #[has_many(pair = comment)]
    pub replies: toasty::Deferred<Vec<Reply>>,
}

#[derive(Debug, toasty::Model)]
#[table = "replies"]
pub struct Reply {
    #[key]
    #[auto]
    pub id: i32,
    #[index]
    pub comment_id: i32,
    pub text: String,
    #[belongs_to(key = comment_id, references = id)]
    pub comment: toasty::Deferred<Comment>,
    #[has_many(pair = reply)]
    pub marks: toasty::Deferred<Vec<Mark>>,
}

#[derive(Debug, toasty::Model)]
#[table = "marks"]
pub struct Mark {
    #[key]
    #[auto]
    pub id: i32,
    #[index]
    pub reply_id: i32,
    pub value: i32,
    #[belongs_to(key = reply_id, references = id)]
    pub reply: toasty::Deferred<Reply>,
}

macro_rules! create {
    ($row:expr) => {{
        let row: &New = $row;
        let create = Inserted::create().name(row.name.clone()).email(row.email.clone()).age(row.age).score(row.score);
        create.active(row.active).bio(row.bio.clone()).created_at(crate::time(row))
    }};
}

/// A row to insert.
pub fn create(row: &New) -> InsertedCreate {
    create!(row)
}

/// The rows of ten values.
pub fn filtered() -> PersonQuery {
    let fields = Person::fields();
    let [from, to] = days().map(|day| jiff::Timestamp::from_second(day.timestamp()).expect("a time"));
    let ids = fields.id().ge(100).and(fields.id().lt(1_000)).and(fields.age().gt(10)).and(fields.age().lt(60));
    let days = fields.created_at().ge(from).and(fields.created_at().lt(to)).and(fields.active().eq(true));
    let names = fields.name().ne("nobody").and(fields.email().ne("nobody@example.com")).and(fields.name().like("User %"));
    Person::filter(ids.and(days).and(names)).order_by(fields.id().asc())
}
