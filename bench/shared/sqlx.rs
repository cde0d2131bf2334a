//! sqlx: `query_as` over `FromRow`, statements cached by the connection (https://docs.rs/sqlx), streams by `fetch`. What differs between databases lies beside
//! this file's users: the connection, the placeholder `p!`, and how many rows are written at once.

use super::many;
use super::{Database, Way, p};
use bench_harness::data::New;
use bench_harness::hand::{Hand, Keyed, days};
use bench_harness::{Seen, Stage, Tree, Work, wide_columns};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::{Connection, Pool};
use std::cell::OnceCell;

type Line = <Database as sqlx::Database>::Connection;

#[derive(sqlx::FromRow)]
#[allow(dead_code)]
pub struct Person {
    id: i32,
    name: String,
    email: String,
    age: Option<i32>,
    score: f64,
    active: bool,
    bio: Option<String>,
    created_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
#[allow(dead_code)]
pub struct Event {
    id: i32,
    kind: String,
    amount: f64,
}

macro_rules! wide {
    ([$($t:ident)*] [$($i:ident)*] [$($f:ident)*] [$($b:ident)*] [$($n:ident)*]) => {
        #[derive(sqlx::FromRow)]
        #[allow(dead_code)]
        pub struct Wide {
            id: i32,
            $($t: String,)* $($i: i32,)* $($f: f64,)* $($b: bool,)* $($n: Option<String>,)*
        }
        const WIDE: &str = concat!("SELECT id", $(", ", stringify!($t),)* $(", ", stringify!($i),)* $(", ", stringify!($f),)* $(", ", stringify!($b),)* $(", ", stringify!($n),)* " FROM wide");
        const SOME_WIDE: &str = concat!("SELECT id", $(", ", stringify!($t),)* $(", ", stringify!($i),)* $(", ", stringify!($f),)* $(", ", stringify!($b),)* $(", ", stringify!($n),)* " FROM wide ORDER BY id LIMIT ", p!(1));
    };
}
wide_columns!(wide);

impl Keyed for Person {
    fn id(&self) -> i32 {
        self.id
    }
}
impl Keyed for Wide {
    fn id(&self) -> i32 {
        self.id
    }
}
impl Keyed for Event {
    fn id(&self) -> i32 {
        self.id
    }
}

const KEY: &str = concat!("SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = ", p!(1));
const ALL: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people";
const SOME: &str = concat!("SELECT id, name, email, age, score, active, bio, created_at FROM people ORDER BY id LIMIT ", p!(1));
const TEN: &str = concat!(
    "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id >= ",
    p!(1),
    " AND id < ",
    p!(2),
    " AND age > ",
    p!(3),
    " AND age < ",
    p!(4),
    " AND created_at >= ",
    p!(5),
    " AND created_at < ",
    p!(6),
    " AND active = ",
    p!(7),
    " AND name <> ",
    p!(8),
    " AND email <> ",
    p!(9),
    " AND name LIKE ",
    p!(10),
    " ORDER BY id"
);
const PAGE: &str = concat!(
    "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE active = ",
    p!(1),
    " ORDER BY id LIMIT 20 OFFSET 40"
);
const COUNT: &str = concat!("SELECT count(*) FROM people WHERE active = ", p!(1));
const AFTER: &str = concat!("SELECT id, kind, amount FROM events WHERE id > ", p!(1), " ORDER BY id LIMIT 20");

pub struct Peer {
    connection: Line,
    pool: OnceCell<Pool<Database>>,
    way: Way,
}

impl Peer {
    pub fn connect(stage: Stage, way: Way) -> Self {
        Peer { connection: stage.wait(Line::connect_with(&way.options())).expect("a connection"), pool: OnceCell::new(), way }
    }
}

impl Hand for Peer {
    type Person = Person;
    type Wide = Wide;
    type Event = Event;

    fn can(&self, work: Work) -> bool {
        !matches!(work, Work::Tree(_))
    }

    async fn find(&mut self, key: i32) -> Person {
        sqlx::query_as(KEY).bind(key).fetch_one(&mut self.connection).await.expect("a row")
    }

    async fn rows(&mut self, count: u32) -> Vec<Person> {
        match count {
            10_000 => sqlx::query_as(ALL).fetch_all(&mut self.connection).await,
            count => sqlx::query_as(SOME).bind(i64::from(count)).fetch_all(&mut self.connection).await,
        }
        .expect("rows")
    }

    async fn wide(&mut self, count: u32) -> Vec<Wide> {
        match count {
            10_000 => sqlx::query_as(WIDE).fetch_all(&mut self.connection).await,
            count => sqlx::query_as(SOME_WIDE).bind(i64::from(count)).fetch_all(&mut self.connection).await,
        }
        .expect("rows")
    }

    async fn filter(&mut self) -> Vec<Person> {
        let [from, to] = days();
        let query = sqlx::query_as(TEN).bind(100).bind(1_000).bind(10).bind(60).bind(from).bind(to).bind(true);
        query.bind("nobody").bind("nobody@example.com").bind("User %").fetch_all(&mut self.connection).await.expect("rows")
    }

    async fn page(&mut self) -> (Vec<Person>, i64) {
        let rows = sqlx::query_as(PAGE).bind(true).fetch_all(&mut self.connection).await.expect("rows");
        (rows, sqlx::query_scalar(COUNT).bind(true).fetch_one(&mut self.connection).await.expect("a count"))
    }

    async fn after(&mut self, key: i32) -> Vec<Event> {
        sqlx::query_as(AFTER).bind(key).fetch_all(&mut self.connection).await.expect("rows")
    }

    async fn stream(&mut self, mut each: impl FnMut(Event)) {
        let mut rows = sqlx::query_as("SELECT id, kind, amount FROM events").fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await.expect("a row") {
            each(row);
        }
    }

    async fn create(&mut self, row: &New) -> i32 {
        many::create(&mut self.connection, row).await
    }

    async fn insert(&mut self, rows: &[New]) -> u64 {
        many::insert(&mut self.connection, rows).await
    }

    async fn update_one(&mut self, id: i32, score: f64) {
        const ONE: &str = concat!("UPDATE people SET score = ", p!(1), " WHERE id = ", p!(2));
        sqlx::query(ONE).bind(score).bind(id).execute(&mut self.connection).await.expect("done");
    }

    async fn update_many(&mut self, ids: &[i32], scores: &[f64]) {
        many::update(&mut self.connection, ids, scores).await;
    }

    async fn update_all(&mut self, score: f64) {
        const FIRST: &str = concat!("UPDATE people SET score = ", p!(1), " WHERE id <= ", p!(2));
        sqlx::query(FIRST).bind(score).bind(1_000).execute(&mut self.connection).await.expect("done");
    }

    async fn upsert(&mut self, rows: &[New], ids: &[i32]) -> u64 {
        many::upsert(&mut self.connection, rows, ids).await
    }

    async fn begin(&mut self) {
        sqlx::query(super::BEGIN).execute(&mut self.connection).await.expect("a transaction");
    }

    async fn commit(&mut self) {
        sqlx::query("COMMIT").execute(&mut self.connection).await.expect("a commit");
    }

    async fn tree(&mut self, _: Tree) -> (u64, i64) {
        (0, 0)
    }

    fn tasks(&self, stage: Stage, tasks: u32, operations: u32) -> Option<Seen> {
        let options = || sqlx::pool::PoolOptions::<Database>::new().max_connections(10).test_before_acquire(false);
        let connect = || stage.crowd.block_on(options().connect_with(self.way.options())).expect("a pool");
        let pool = self.pool.get_or_init(connect).clone();
        Some(stage.spread(tasks, operations, move |key| {
            let pool = pool.clone();
            async move { sqlx::query_as::<_, Person>(KEY).bind(key).fetch_one(&pool).await.expect("a row").id }
        }))
    }
}
