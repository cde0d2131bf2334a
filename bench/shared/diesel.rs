//! diesel: typed queries as in https://diesel.rs/guides/getting-started, relations by `belonging_to` and `grouped_by` (https://diesel.rs/guides/relations). The
//! same for its own connections and for diesel-async, whose queries differ by `.await` alone: `go!`. What differs between databases lies beside this file's
//! users.

use super::{Instant, Line, RunQueryDsl, Time, Way, go, many};
use bench_harness::data::New;
use bench_harness::hand::{Hand, Keyed, days};
use bench_harness::{Seen, Stage, Tree, Work, wide_columns};
use diesel::prelude::*;

diesel::table! {
    use diesel::sql_types::*;
    use super::Instant;
    people (id) { id -> Integer, name -> Text, email -> Text, age -> Nullable<Integer>, score -> Double, active -> Bool, bio -> Nullable<Text>, created_at -> Instant, }
}
diesel::table! {
    use diesel::sql_types::*;
    use super::Instant;
    inserted (id) { id -> Integer, name -> Text, email -> Text, age -> Nullable<Integer>, score -> Double, active -> Bool, bio -> Nullable<Text>, created_at -> Instant, }
}
diesel::table! {
    events (id) { id -> Integer, kind -> Text, amount -> Double, }
}
diesel::table! {
    users (id) { id -> Integer, name -> Text, email -> Text, age -> Nullable<Integer>, }
}
diesel::table! {
    use diesel::sql_types::*;
    use super::Instant;
    posts (id) { id -> Integer, user_id -> Integer, title -> Text, body -> Nullable<Text>, created_at -> Instant, }
}
diesel::table! {
    comments (id) { id -> Integer, post_id -> Integer, author -> Text, text -> Text, }
}
diesel::table! {
    replies (id) { id -> Integer, comment_id -> Integer, text -> Text, }
}
diesel::table! {
    marks (id) { id -> Integer, reply_id -> Integer, value -> Integer, }
}
diesel::table! {
    tags (id) { id -> Integer, name -> Text, }
}
diesel::table! {
    post_tags (post_id, tag_id) { post_id -> Integer, tag_id -> Integer, }
}
diesel::joinable!(posts -> users (user_id));
diesel::joinable!(post_tags -> tags (tag_id));
diesel::allow_tables_to_appear_in_same_query!(posts, users);
diesel::allow_tables_to_appear_in_same_query!(post_tags, tags);

macro_rules! wide {
    ([$($t:ident)*] [$($i:ident)*] [$($f:ident)*] [$($b:ident)*] [$($n:ident)*]) => {
        diesel::table! {
            wide (id) { id -> Integer, $($t -> Text,)* $($i -> Integer,)* $($f -> Double,)* $($b -> Bool,)* $($n -> Nullable<Text>,)* }
        }
        #[derive(Queryable)]
        #[allow(dead_code)]
        pub struct Wide { id: i32, $($t: String,)* $($i: i32,)* $($f: f64,)* $($b: bool,)* $($n: Option<String>,)* }
    };
}
wide_columns!(wide);

#[derive(Queryable)]
#[allow(dead_code)]
pub struct Person {
    pub id: i32,
    name: String,
    email: String,
    age: Option<i32>,
    score: f64,
    active: bool,
    bio: Option<String>,
    created_at: Time,
}

#[derive(Queryable)]
#[allow(dead_code)]
pub struct Event {
    id: i32,
    kind: String,
    amount: f64,
}

/// Without DEFAULT for what is `None`, many rows are one statement on SQLite too (https://docs.diesel.rs/main/diesel/prelude/derive.Insertable.html).
#[derive(Insertable)]
#[diesel(table_name = inserted, treat_none_as_default_value = false)]
pub struct NewRow<'a> {
    name: &'a str,
    email: &'a str,
    age: Option<i32>,
    score: f64,
    active: bool,
    bio: Option<&'a str>,
    created_at: Time,
}

#[derive(Insertable)]
#[diesel(table_name = inserted, treat_none_as_default_value = false)]
pub struct KeyedRow<'a> {
    id: i32,
    #[diesel(embed)]
    row: NewRow<'a>,
}

/// The row to insert.
pub fn new(row: &New) -> NewRow<'_> {
    NewRow {
        name: &row.name,
        email: &row.email,
        age: row.age,
        score: row.score,
        active: row.active,
        bio: row.bio.as_deref(),
        created_at: super::time(row.created_at),
    }
}

/// The same with its key.
pub fn keyed(row: &New, id: i32) -> KeyedRow<'_> {
    KeyedRow { id, row: new(row) }
}

#[derive(Queryable, Identifiable)]
#[diesel(table_name = users)]
#[allow(dead_code)]
struct User {
    id: i32,
    name: String,
    email: String,
    age: Option<i32>,
}
#[derive(Queryable, Identifiable, Associations)]
#[diesel(table_name = posts, belongs_to(User))]
#[allow(dead_code)]
struct Post {
    id: i32,
    user_id: i32,
    title: String,
    body: Option<String>,
    created_at: Time,
}
#[derive(Queryable, Identifiable, Associations)]
#[diesel(table_name = comments, belongs_to(Post))]
#[allow(dead_code)]
struct Comment {
    id: i32,
    post_id: i32,
    author: String,
    text: String,
}
#[derive(Queryable, Identifiable, Associations)]
#[diesel(table_name = replies, belongs_to(Comment))]
#[allow(dead_code)]
struct Reply {
    id: i32,
    comment_id: i32,
    text: String,
}
#[derive(Queryable, Identifiable, Associations)]
#[diesel(table_name = marks, belongs_to(Reply))]
#[allow(dead_code)]
struct Mark {
    id: i32,
    reply_id: i32,
    value: i32,
}
#[derive(Queryable, Identifiable)]
#[allow(dead_code)]
struct Tag {
    id: i32,
    name: String,
}
#[derive(Queryable, Identifiable, Associations)]
#[diesel(table_name = post_tags, primary_key(post_id, tag_id), belongs_to(Post), belongs_to(Tag))]
struct PostTag {
    post_id: i32,
    tag_id: i32,
}

macro_rules! keyed {
    ($($row:ident)*) => { $(impl Keyed for $row { fn id(&self) -> i32 { self.id } })* };
}
keyed!(Person Wide Event User Post Comment Reply Mark Tag);

pub struct Peer {
    connection: Line,
    way: Way,
}

impl Peer {
    pub fn connect(stage: Stage, way: Way) -> Self {
        Peer { connection: stage.wait(way.connect()), way }
    }
}

impl Hand for Peer {
    type Person = Person;
    type Wide = Wide;
    type Event = Event;

    fn can(&self, work: Work) -> bool {
        // A limit for each parent is not among its words.
        work != Work::Tree(Tree::Limited)
    }

    async fn find(&mut self, key: i32) -> Person {
        go!(people::table.find(key).first(&mut self.connection)).expect("a row")
    }

    async fn rows(&mut self, count: u32) -> Vec<Person> {
        match count {
            10_000 => go!(people::table.load(&mut self.connection)),
            count => go!(people::table.order(people::id).limit(i64::from(count)).load(&mut self.connection)),
        }
        .expect("rows")
    }

    async fn wide(&mut self, count: u32) -> Vec<Wide> {
        match count {
            10_000 => go!(wide::table.load(&mut self.connection)),
            count => go!(wide::table.order(wide::id).limit(i64::from(count)).load(&mut self.connection)),
        }
        .expect("rows")
    }

    async fn filter(&mut self) -> Vec<Person> {
        use people::*;
        let [from, to] = days().map(super::time);
        let ids = id.ge(100).and(id.lt(1_000)).and(age.gt(10)).and(age.lt(60));
        let rest = created_at.ge(from).and(created_at.lt(to)).and(active.eq(true));
        let names = name.ne("nobody").and(email.ne("nobody@example.com")).and(name.like("User %"));
        go!(table.filter(ids.and(rest).and(names)).order(id).load(&mut self.connection)).expect("rows")
    }

    async fn page(&mut self) -> (Vec<Person>, i64) {
        let find = people::table.filter(people::active.eq(true));
        let rows = go!(find.order(people::id).limit(20).offset(40).load(&mut self.connection)).expect("rows");
        (rows, go!(people::table.filter(people::active.eq(true)).count().get_result(&mut self.connection)).expect("a count"))
    }

    async fn after(&mut self, key: i32) -> Vec<Event> {
        go!(events::table.filter(events::id.gt(key)).order(events::id).limit(20).load(&mut self.connection)).expect("rows")
    }

    async fn stream(&mut self, each: impl FnMut(Event)) {
        many::stream(&mut self.connection, each).await;
    }

    async fn create(&mut self, row: &New) -> i32 {
        many::create(&mut self.connection, row).await
    }

    async fn insert(&mut self, rows: &[New]) -> u64 {
        many::insert(&mut self.connection, rows).await
    }

    async fn update_one(&mut self, id: i32, score: f64) {
        go!(diesel::update(people::table.find(id)).set(people::score.eq(score)).execute(&mut self.connection)).expect("done");
    }

    async fn update_many(&mut self, ids: &[i32], scores: &[f64]) {
        // One statement cannot give each row a value of its own (https://docs.rs/diesel/latest/diesel/fn.update.html).
        self.begin().await;
        for (id, score) in ids.iter().zip(scores) {
            self.update_one(*id, *score).await;
        }
        self.commit().await;
    }

    async fn update_all(&mut self, score: f64) {
        let first = people::table.filter(people::id.le(1_000));
        go!(diesel::update(first).set(people::score.eq(score)).execute(&mut self.connection)).expect("done");
    }

    async fn upsert(&mut self, rows: &[New], ids: &[i32]) -> u64 {
        many::upsert(&mut self.connection, rows, ids).await
    }

    async fn begin(&mut self) {
        go!(diesel::sql_query(super::BEGIN).execute(&mut self.connection)).expect("a transaction");
    }

    async fn commit(&mut self) {
        go!(diesel::sql_query("COMMIT").execute(&mut self.connection)).expect("a commit");
    }

    async fn tree(&mut self, tree: Tree) -> (u64, i64) {
        self.walk(tree).await
    }

    fn tasks(&self, stage: Stage, tasks: u32, operations: u32) -> Option<Seen> {
        self.way.tasks(stage, tasks, operations)
    }
}

fn note<T: Keyed>(rows: &[T], seen: &mut (u64, i64)) {
    *seen = (seen.0 + rows.len() as u64, seen.1 + rows.iter().map(|row| i64::from(row.id())).sum::<i64>());
}

impl Peer {
    async fn walk(&mut self, tree: Tree) -> (u64, i64) {
        let line = &mut self.connection;
        let mut seen = (0, 0);
        match tree {
            Tree::Three(most) => {
                let found: Vec<User> = go!(users::table.filter(users::id.le(most)).load(line)).expect("rows");
                let below: Vec<Post> = go!(Post::belonging_to(&found).load(line)).expect("rows");
                let leaves: Vec<Comment> = go!(Comment::belonging_to(&below).load(line)).expect("rows");
                let leaves = leaves.grouped_by(&below);
                let posts: Vec<(Post, Vec<Comment>)> = below.into_iter().zip(leaves).collect();
                let posts = posts.grouped_by(&found);
                for (user, posts) in &found.into_iter().zip(posts).collect::<Vec<_>>() {
                    note(std::slice::from_ref(user), &mut seen);
                    posts.iter().for_each(|(post, comments)| {
                        note(std::slice::from_ref(post), &mut seen);
                        note(comments, &mut seen);
                    });
                }
            }
            Tree::Five => {
                let found: Vec<User> = go!(users::table.filter(users::id.le(10)).load(line)).expect("rows");
                let below: Vec<Post> = go!(Post::belonging_to(&found).load(line)).expect("rows");
                let comments: Vec<Comment> = go!(Comment::belonging_to(&below).load(line)).expect("rows");
                let replies: Vec<Reply> = go!(Reply::belonging_to(&comments).load(line)).expect("rows");
                let marks: Vec<Mark> = go!(Mark::belonging_to(&replies).load(line)).expect("rows");
                let marks = marks.grouped_by(&replies);
                let replies: Vec<(Reply, Vec<Mark>)> = replies.into_iter().zip(marks).collect();
                let replies = replies.grouped_by(&comments);
                let comments: Vec<(Comment, Vec<(Reply, Vec<Mark>)>)> = comments.into_iter().zip(replies).collect();
                let comments = comments.grouped_by(&below);
                let posts: Vec<(Post, Vec<(Comment, Vec<(Reply, Vec<Mark>)>)>)> = below.into_iter().zip(comments).collect();
                let posts = posts.grouped_by(&found);
                for (user, posts) in &found.into_iter().zip(posts).collect::<Vec<_>>() {
                    note(std::slice::from_ref(user), &mut seen);
                    for (post, comments) in posts {
                        note(std::slice::from_ref(post), &mut seen);
                        for (comment, replies) in comments {
                            note(std::slice::from_ref(comment), &mut seen);
                            replies.iter().for_each(|(reply, marks)| {
                                note(std::slice::from_ref(reply), &mut seen);
                                note(marks, &mut seen);
                            });
                        }
                    }
                }
            }
            Tree::HasMany | Tree::Limited => {
                let found: Vec<User> = go!(users::table.filter(users::id.le(100)).load(line)).expect("rows");
                let below: Vec<Post> = go!(Post::belonging_to(&found).load(line)).expect("rows");
                let below = below.grouped_by(&found);
                for (user, posts) in &found.into_iter().zip(below).collect::<Vec<_>>() {
                    note(std::slice::from_ref(user), &mut seen);
                    note(posts, &mut seen);
                }
            }
            Tree::BelongsTo => {
                let find = posts::table.inner_join(users::table).filter(posts::id.le(1_000));
                let rows: Vec<(Post, User)> = go!(find.load(line)).expect("rows");
                for (post, user) in &rows {
                    note(std::slice::from_ref(post), &mut seen);
                    note(std::slice::from_ref(user), &mut seen);
                }
            }
            Tree::ManyToMany => {
                let found: Vec<Post> = go!(posts::table.filter(posts::id.le(100)).load(line)).expect("rows");
                let links: Vec<(PostTag, Tag)> = go!(PostTag::belonging_to(&found).inner_join(tags::table).load(line)).expect("rows");
                let links = links.grouped_by(&found);
                for (post, tags) in &found.into_iter().zip(links).collect::<Vec<_>>() {
                    note(std::slice::from_ref(post), &mut seen);
                    tags.iter().for_each(|(_, tag)| note(std::slice::from_ref(tag), &mut seen));
                }
            }
        }
        seen
    }
}
