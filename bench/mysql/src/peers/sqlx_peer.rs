//! sqlx: `query_as` over `FromRow`, statements cached by the connection, many rows by `QueryBuilder::push_values` (https://docs.rs/sqlx).

use crate::models::{New, key};
use crate::workloads::Place;
use bench_harness::{Case, case, timed};
use chrono::{DateTime, Utc};
use sqlx::Connection;
use sqlx::MySqlConnection;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use std::cell::RefCell;

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = ?";

#[derive(sqlx::FromRow)]
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

pub struct Peer<'a> {
    place: &'a Place,
    connection: RefCell<MySqlConnection>,
}

impl<'a> Peer<'a> {
    pub fn connect(place: &'a Place) -> Self {
        let (host, port) = place.address.split_once(':').expect("host:port");
        let options = MySqlConnectOptions::new().host(host).port(port.parse().expect("a port")).username("sequor").password("sequor");
        let options = options.database("sequor").ssl_mode(MySqlSslMode::Disabled);
        Peer { place, connection: RefCell::new(place.wait(MySqlConnection::connect_with(&options)).expect("a connection")) }
    }

    pub fn find_by_key(&self, per: u32) -> Case<'_> {
        case("sqlx", per, move || {
            timed(|| {
                self.place.wait(async {
                    for i in 0..per {
                        let row: Person =
                            sqlx::query_as(KEY).bind(key(i)).fetch_one(&mut *self.connection.borrow_mut()).await.expect("a row");
                        std::hint::black_box(row);
                    }
                })
            })
        })
    }

    pub fn rows(&self, per: u32, count: u32) -> Case<'_> {
        const ALL: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people";
        const SOME: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people ORDER BY id LIMIT ?";
        case("sqlx", per, move || {
            timed(|| {
                self.place.wait(async {
                    for _ in 0..per {
                        let mut connection = self.connection.borrow_mut();
                        let rows: Vec<Person> = match count {
                            10000 => sqlx::query_as(ALL).fetch_all(&mut *connection).await,
                            count => sqlx::query_as(SOME).bind(i64::from(count)).fetch_all(&mut *connection).await,
                        }
                        .expect("rows");
                        assert!(rows.len() == count as usize);
                    }
                })
            })
        })
    }

    pub fn insert<'b>(&'b self, data: &'b [New], empty: &'b dyn Fn()) -> Case<'b> {
        case("sqlx, QueryBuilder", 1, move || {
            empty();
            timed(|| {
                self.place.wait(async {
                    let mut connection = self.connection.borrow_mut();
                    let mut transaction = connection.begin().await.expect("a transaction");
                    let mut count = 0;
                    // A statement takes 65,535 parameters.
                    for chunk in data.chunks(9_000) {
                        let mut query = sqlx::QueryBuilder::<sqlx::MySql>::new(
                            "INSERT INTO inserted (name, email, age, score, active, bio, created_at) ",
                        );
                        query.push_values(chunk, |mut values, row| {
                            values.push_bind(&row.name).push_bind(&row.email).push_bind(row.age).push_bind(row.score);
                            values.push_bind(row.active).push_bind(&row.bio).push_bind(row.created_at);
                        });
                        count += query.build().execute(&mut *transaction).await.expect("rows").rows_affected();
                    }
                    transaction.commit().await.expect("a commit");
                    assert!(count == data.len() as u64);
                })
            })
        })
    }

    pub fn create_one<'b>(&'b self, data: &'b [New]) -> Case<'b> {
        const ONE: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
        case("sqlx", data.len() as u32, move || {
            timed(|| {
                self.place.wait(async {
                    for row in data {
                        let query = sqlx::query(ONE).bind(&row.name).bind(&row.email).bind(row.age).bind(row.score).bind(row.active);
                        let done =
                            query.bind(&row.bio).bind(row.created_at).execute(&mut *self.connection.borrow_mut()).await.expect("a row");
                        assert!(done.last_insert_id() > 0);
                    }
                })
            })
        })
    }
}
