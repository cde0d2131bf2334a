//! diesel over libpq, and diesel-async: typed queries as in https://diesel.rs/guides, relations by `belonging_to` and `grouped_by`.

use crate::models::{New, key};
use crate::workloads::Place;
use bench_harness::{Case, case, timed};
use chrono::{DateTime, Utc};
use diesel::associations::HasTable;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use std::cell::RefCell;

diesel::table! {
    people (id) { id -> Int4, name -> Text, email -> Text, age -> Nullable<Int4>, score -> Float8, active -> Bool, bio -> Nullable<Text>, created_at -> Timestamptz, }
}
diesel::table! {
    inserted (id) { id -> Int4, name -> Text, email -> Text, age -> Nullable<Int4>, score -> Float8, active -> Bool, bio -> Nullable<Text>, created_at -> Timestamptz, }
}
diesel::table! {
    users (id) { id -> Int4, name -> Text, email -> Text, age -> Nullable<Int4>, }
}
diesel::table! {
    posts (id) { id -> Int4, user_id -> Int4, title -> Text, body -> Nullable<Text>, created_at -> Timestamptz, }
}
diesel::table! {
    comments (id) { id -> Int4, post_id -> Int4, author -> Text, text -> Text, }
}

#[derive(Queryable)]
#[allow(dead_code)]
struct Person {
    id: i32,
    name: String,
    email: String,
    age: Option<i32>,
    score: f64,
    active: bool,
    bio: Option<String>,
    created_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = inserted)]
struct NewRow<'a> {
    name: &'a str,
    email: &'a str,
    age: Option<i32>,
    score: f64,
    active: bool,
    bio: Option<&'a str>,
    created_at: DateTime<Utc>,
}

fn new(row: &New) -> NewRow<'_> {
    NewRow {
        name: &row.name,
        email: &row.email,
        age: row.age,
        score: row.score,
        active: row.active,
        bio: row.bio.as_deref(),
        created_at: row.created_at,
    }
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
    created_at: DateTime<Utc>,
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

pub struct Peer<'a> {
    place: &'a Place,
    connection: RefCell<PgConnection>,
    waiting: RefCell<AsyncPgConnection>,
}

impl<'a> Peer<'a> {
    pub fn connect(place: &'a Place, port: u16) -> Self {
        let url = place.url(port);
        Peer {
            place,
            connection: RefCell::new(PgConnection::establish(&url).expect("a connection")),
            waiting: RefCell::new(place.wait(AsyncPgConnection::establish(&url)).expect("a connection")),
        }
    }

    pub fn find_by_key(&self, per: u32) -> Vec<Case<'_>> {
        vec![
            case("diesel", per, move || {
                timed(|| {
                    for i in 0..per {
                        let row: Person =
                            RunQueryDsl::first(people::table.find(key(i)), &mut *self.connection.borrow_mut()).expect("a row");
                        std::hint::black_box(row);
                    }
                })
            }),
            case("diesel-async", per, move || {
                timed(|| {
                    self.place.wait(async {
                        for i in 0..per {
                            let query = people::table.find(key(i));
                            let row: Person =
                                diesel_async::RunQueryDsl::first(query, &mut *self.waiting.borrow_mut()).await.expect("a row");
                            std::hint::black_box(row);
                        }
                    })
                })
            }),
        ]
    }

    pub fn rows(&self, per: u32, count: u32) -> Vec<Case<'_>> {
        vec![
            case("diesel", per, move || {
                timed(|| {
                    for _ in 0..per {
                        let connection = &mut *self.connection.borrow_mut();
                        let rows: Vec<Person> = match count {
                            10000 => RunQueryDsl::load(people::table, connection),
                            count => RunQueryDsl::load(people::table.order(people::id).limit(i64::from(count)), connection),
                        }
                        .expect("rows");
                        assert!(rows.len() == count as usize);
                    }
                })
            }),
            case("diesel-async", per, move || {
                timed(|| {
                    self.place.wait(async {
                        for _ in 0..per {
                            let connection = &mut *self.waiting.borrow_mut();
                            let rows: Vec<Person> = match count {
                                10000 => diesel_async::RunQueryDsl::load(people::table, connection).await,
                                count => {
                                    diesel_async::RunQueryDsl::load(people::table.order(people::id).limit(i64::from(count)), connection)
                                        .await
                                }
                            }
                            .expect("rows");
                            assert!(rows.len() == count as usize);
                        }
                    })
                })
            }),
        ]
    }

    pub fn insert<'b>(&'b self, data: &'b [New], empty: &'b dyn Fn()) -> Case<'b> {
        case("diesel", 1, move || {
            empty();
            timed(|| {
                let mut keys: Vec<i32> = Vec::with_capacity(data.len());
                // A statement takes 65,535 parameters.
                for chunk in data.chunks(9_000) {
                    let rows: Vec<NewRow<'_>> = chunk.iter().map(new).collect();
                    let insert = diesel::insert_into(inserted::table).values(&rows).returning(inserted::id);
                    keys.extend(RunQueryDsl::get_results::<i32>(insert, &mut *self.connection.borrow_mut()).expect("rows"));
                }
                assert!(keys.len() == data.len());
            })
        })
    }

    pub fn create_one<'b>(&'b self, data: &'b [New]) -> Case<'b> {
        case("diesel", data.len() as u32, move || {
            timed(|| {
                for row in data {
                    let insert = diesel::insert_into(inserted::table).values(new(row)).returning(inserted::id);
                    let id: i32 = RunQueryDsl::get_result(insert, &mut *self.connection.borrow_mut()).expect("a row");
                    assert!(id > 0);
                }
            })
        })
    }

    pub fn include(&self, count: i32) -> Case<'_> {
        case("diesel", 1, move || {
            timed(|| {
                let connection = &mut *self.connection.borrow_mut();
                let found: Vec<User> = RunQueryDsl::load(User::table().filter(users::id.le(count)), connection).expect("rows");
                let below: Vec<Post> = RunQueryDsl::load(Post::belonging_to(&found), connection).expect("rows");
                let leaves: Vec<Comment> = RunQueryDsl::load(Comment::belonging_to(&below), connection).expect("rows");
                let grouped = leaves.grouped_by(&below);
                let posts: Vec<(Post, Vec<Comment>)> = below.into_iter().zip(grouped).collect();
                let users: Vec<(User, Vec<(Post, Vec<Comment>)>)> = {
                    let grouped = posts.grouped_by(&found);
                    found.into_iter().zip(grouped).collect()
                };
                assert!(users.len() == count as usize && users.iter().all(|(_, posts)| posts.len() == 10));
            })
        })
    }
}
