//! sqlx: `query_as` over `FromRow`, statements cached by the connection (https://docs.rs/sqlx); many rows by UNNEST, as its FAQ advises.

use crate::models::{New, key};
use crate::workloads::{Place, spread};
use bench_harness::{Case, case, timed};
use chrono::{DateTime, Utc};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgSslMode};
use std::cell::RefCell;
use tokio::runtime::Runtime;

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = $1";

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
    connection: RefCell<PgConnection>,
}

fn options(port: u16) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username("sequor").database("postgres").ssl_mode(PgSslMode::Disable)
}

impl<'a> Peer<'a> {
    pub fn connect(place: &'a Place, port: u16) -> Self {
        Peer { place, connection: RefCell::new(place.wait(PgConnection::connect_with(&options(port))).expect("a connection")) }
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
        const SOME: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people ORDER BY id LIMIT $1";
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
        const UNNEST: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) \
            SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[], $4::float8[], $5::bool[], $6::text[], $7::timestamptz[]) RETURNING id";
        case("sqlx, UNNEST", 1, move || {
            empty();
            timed(|| {
                self.place.wait(async {
                    let names: Vec<&str> = data.iter().map(|row| &*row.name).collect();
                    let emails: Vec<&str> = data.iter().map(|row| &*row.email).collect();
                    let ages: Vec<Option<i32>> = data.iter().map(|row| row.age).collect();
                    let scores: Vec<f64> = data.iter().map(|row| row.score).collect();
                    let active: Vec<bool> = data.iter().map(|row| row.active).collect();
                    let bios: Vec<Option<&str>> = data.iter().map(|row| row.bio.as_deref()).collect();
                    let created: Vec<_> = data.iter().map(|row| row.created_at).collect();
                    let query = sqlx::query_scalar(UNNEST).bind(&names).bind(&emails).bind(&ages).bind(&scores).bind(&active).bind(&bios);
                    let keys: Vec<i32> = query.bind(&created).fetch_all(&mut *self.connection.borrow_mut()).await.expect("rows");
                    assert!(keys.len() == data.len());
                })
            })
        })
    }

    pub fn create_one<'b>(&'b self, data: &'b [New]) -> Case<'b> {
        const ONE: &str =
            "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
        case("sqlx", data.len() as u32, move || {
            timed(|| {
                self.place.wait(async {
                    for row in data {
                        let query = sqlx::query_scalar(ONE).bind(&row.name).bind(&row.email).bind(row.age).bind(row.score).bind(row.active);
                        let id: i32 =
                            query.bind(&row.bio).bind(row.created_at).fetch_one(&mut *self.connection.borrow_mut()).await.expect("a row");
                        assert!(id > 0);
                    }
                })
            })
        })
    }
}

pub fn pool(place: &Place, runtime: &Runtime) -> sqlx::PgPool {
    let options = options(place.address.port());
    runtime.block_on(PgPoolOptions::new().max_connections(10).test_before_acquire(false).connect_with(options)).expect("a pool")
}

pub fn tasks<'b>(pool: &'b sqlx::PgPool, runtime: &'b Runtime, tasks: u32, per: u32) -> Case<'b> {
    case("sqlx pool, without its test", tasks * per, move || {
        spread(runtime, tasks, |task| {
            let pool = pool.clone();
            async move {
                for i in 0..per {
                    let row: Person = sqlx::query_as(KEY).bind(key(task * 7919 + i)).fetch_one(&pool).await.expect("a row");
                    std::hint::black_box(row);
                }
            }
        })
    })
}
