//! The floor of each workload: [`Raw`] with statements that are prepared once, keys as arrays, many rows by UNNEST.

mod trees;

use crate::arrays::{array, insert_column, text};
use crate::raw::{Fields, Raw};
use bench_harness::data::{New, WIDE};
use bench_harness::hand::{self, TEN, days};
use bench_harness::plain::{self, Event, Person, Wide};
use bench_harness::{Seen, Stage, Tree, Work};
use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use std::cell::OnceCell;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = $1";
const ALL: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people";
const PAGE: &str =
    "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE active = $1 ORDER BY id LIMIT 20 OFFSET 40";
const COUNT: &str = "SELECT count(*) FROM people WHERE active = $1";
const UNNEST: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) \
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[], $4::float8[], $5::bool[], $6::text[], $7::timestamptz[]) RETURNING id";
const ONE: &str =
    "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
const MOVE: &str = "UPDATE people SET score = $2 WHERE id = $1";
const MANY: &str = "UPDATE people SET score = new.score FROM UNNEST($1::int4[], $2::float8[]) AS new(id, score) WHERE people.id = new.id";
const FIRST: &str = "UPDATE people SET score = $1 WHERE id <= 1000";
const UPSERT: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at, id) \
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[], $4::float8[], $5::bool[], $6::text[], $7::timestamptz[], $8::int4[]) \
    ON CONFLICT (id) DO UPDATE SET score = excluded.score, bio = excluded.bio RETURNING id";
const AFTER: &str = "SELECT id, kind, amount FROM events WHERE id > $1 ORDER BY id LIMIT 20";
const EVENTS: &str = "SELECT id, kind, amount FROM events";

pub struct Hand {
    raw: Raw,
    port: u16,
    /// Trees of three levels in one message instead of level by level; nothing else.
    one_flush: bool,
    pool: OnceCell<Arc<Connections>>,
}

async fn connect(port: u16) -> Raw {
    Raw::connect(SocketAddr::from(([127, 0, 0, 1], port)), "sequor", "postgres").await
}

pub fn person(body: &[u8]) -> Person {
    let mut f = Fields::new(body);
    Person {
        id: f.i32(),
        name: f.string(),
        email: f.string(),
        age: f.i32_or_null(),
        score: f.f64(),
        active: f.bool(),
        bio: f.string_or_null(),
        created_at: f.instant(),
    }
}

fn wide(body: &[u8]) -> Wide {
    let mut f = Fields::new(body);
    bench_harness::wide_row!(f.i32(), f.string(), f.i32(), f.f64(), f.bool(), f.string_or_null())
}

fn event(body: &[u8]) -> Event {
    let mut f = Fields::new(body);
    Event { id: f.i32(), kind: f.string(), amount: f.f64() }
}

fn instant(out: &mut BytesMut, instant: chrono::DateTime<chrono::Utc>) {
    out.put_i64(instant.timestamp_micros() - 946_684_800_000_000);
}

/// The value of a column of a new row.
fn column(row: &New, index: usize, out: &mut BytesMut) -> IsNull {
    let some = match index {
        0 => text(out, Some(&row.name)),
        1 => text(out, Some(&row.email)),
        2 => row.age.map(|age| out.put_i32(age)).is_some(),
        5 => text(out, row.bio.as_deref()),
        _ => {
            match index {
                3 => out.put_f64(row.score),
                4 => out.put_u8(row.active.into()),
                _ => instant(out, row.created_at),
            }
            true
        }
    };
    if some { IsNull::No } else { IsNull::Yes }
}

fn ids(out: &mut BytesMut, ids: &[i32]) -> IsNull {
    array(out, ids, 23, |id, out| {
        out.put_i32(*id);
        true
    })
}

impl Hand {
    pub fn connect(stage: Stage, port: u16, one_flush: bool) -> Self {
        Hand { raw: stage.wait(connect(port)), port, one_flush, pool: OnceCell::new() }
    }

    /// Prepares a statement the first time, and runs it.
    async fn read<T>(
        &mut self,
        sql: &str,
        count: usize,
        put: impl FnMut(usize, &mut BytesMut) -> IsNull,
        make: impl Fn(&[u8]) -> T,
    ) -> Vec<T> {
        let statement = self.raw.known(sql).await;
        self.raw.execute_with(statement, count, put);
        self.raw.sync();
        let mut rows = Vec::new();
        self.raw.flush(1, |body| rows.push(make(body))).await;
        rows
    }

    async fn done(&mut self, sql: &str, count: usize, put: impl FnMut(usize, &mut BytesMut) -> IsNull) {
        let statement = self.raw.known(sql).await;
        self.raw.execute_with(statement, count, put);
        self.raw.sync();
        self.raw.flush(1, |_| {}).await;
    }
}

impl hand::Hand for Hand {
    type Person = Person;
    type Wide = Wide;
    type Event = Event;

    fn can(&self, work: Work) -> bool {
        !self.one_flush || matches!(work, Work::Tree(Tree::Three(_)))
    }

    async fn find(&mut self, key: i32) -> Person {
        let statement = self.raw.known(KEY).await;
        self.raw.execute(statement, &[key]);
        self.raw.sync();
        let mut found = None;
        self.raw.flush(1, |body| found = Some(person(body))).await;
        found.expect("a row")
    }

    async fn rows(&mut self, count: u32) -> Vec<Person> {
        let sql = if count == 10_000 { ALL.to_owned() } else { format!("{ALL} ORDER BY id LIMIT {count}") };
        self.read(&sql, 0, |_, _| IsNull::Yes, person).await
    }

    async fn wide(&mut self, count: u32) -> Vec<Wide> {
        let end = if count == 10_000 { String::new() } else { format!(" ORDER BY id LIMIT {count}") };
        self.read(&format!("SELECT {WIDE} FROM wide{end}"), 0, |_, _| IsNull::Yes, wide).await
    }

    async fn filter(&mut self) -> Vec<Person> {
        let [from, to] = days();
        let put = |index: usize, out: &mut BytesMut| {
            match index {
                0 => out.put_i32(100),
                1 => out.put_i32(1_000),
                2 => out.put_i32(10),
                3 => out.put_i32(60),
                4 => instant(out, from),
                5 => instant(out, to),
                6 => out.put_u8(1),
                7 => out.put_slice(b"nobody"),
                8 => out.put_slice(b"nobody@example.com"),
                _ => out.put_slice(b"User %"),
            }
            IsNull::No
        };
        self.read(&format!("{ALL} WHERE {TEN} ORDER BY id"), 10, put, person).await
    }

    async fn page(&mut self) -> (Vec<Person>, i64) {
        let put = |_: usize, out: &mut BytesMut| {
            out.put_u8(1);
            IsNull::No
        };
        // Both are prepared before either is written: preparing sends what is written.
        let statements = [self.raw.known(PAGE).await, self.raw.known(COUNT).await];
        for statement in statements {
            self.raw.execute_with(statement, 1, put);
        }
        self.raw.sync();
        let (mut rows, mut total) = (Vec::new(), 0);
        self.raw.flush(1, |body| if body[1] == 1 { total = Fields::new(body).i64() } else { rows.push(person(body)) }).await;
        (rows, total)
    }

    async fn after(&mut self, key: i32) -> Vec<Event> {
        let put = |_: usize, out: &mut BytesMut| {
            out.put_i32(key);
            IsNull::No
        };
        self.read(AFTER, 1, put, event).await
    }

    async fn stream(&mut self, mut each: impl FnMut(Event)) {
        let statement = self.raw.known(EVENTS).await;
        self.raw.execute(statement, &[]);
        self.raw.sync();
        self.raw.flush(1, |body| each(event(body))).await;
    }

    async fn create(&mut self, row: &New) -> i32 {
        let statement = self.raw.known(ONE).await;
        self.raw.execute_with(statement, 7, |index, out| column(row, index, out));
        self.raw.sync();
        let mut key = 0;
        self.raw.flush(1, |body| key = Fields::new(body).i32()).await;
        key
    }

    async fn insert(&mut self, rows: &[New]) -> u64 {
        self.read(UNNEST, 7, |index, out| insert_column(index, rows, out), |body| Fields::new(body).i32()).await.len() as u64
    }

    async fn update_one(&mut self, id: i32, score: f64) {
        let put = |index: usize, out: &mut BytesMut| {
            if index == 0 {
                out.put_i32(id)
            } else {
                out.put_f64(score)
            }
            IsNull::No
        };
        self.done(MOVE, 2, put).await;
    }

    async fn update_many(&mut self, keys: &[i32], scores: &[f64]) {
        let put = |index: usize, out: &mut BytesMut| match index {
            0 => ids(out, keys),
            _ => array(out, scores, 701, |score, out| {
                out.put_f64(*score);
                true
            }),
        };
        self.done(MANY, 2, put).await;
    }

    async fn update_all(&mut self, score: f64) {
        let put = |_: usize, out: &mut BytesMut| {
            out.put_f64(score);
            IsNull::No
        };
        self.done(FIRST, 1, put).await;
    }

    async fn upsert(&mut self, rows: &[New], keys: &[i32]) -> u64 {
        let put = |index: usize, out: &mut BytesMut| if index < 7 { insert_column(index, rows, out) } else { ids(out, keys) };
        self.read(UPSERT, 8, put, |body| Fields::new(body).i32()).await.len() as u64
    }

    /// Rides with the first statement.
    async fn begin(&mut self) {
        let statement = self.raw.known("BEGIN").await;
        self.raw.execute(statement, &[]);
    }

    async fn commit(&mut self) {
        self.done("COMMIT", 0, |_, _| IsNull::Yes).await;
    }

    async fn tree(&mut self, tree: Tree) -> (u64, i64) {
        match tree {
            Tree::Three(most) if self.one_flush => trees::one_flush(&mut self.raw, most).await,
            tree => plain::level_by_level(self, tree).await,
        }
    }

    fn tasks(&self, stage: Stage, tasks: u32, operations: u32) -> Option<Seen> {
        if self.one_flush {
            return None;
        }
        let fill = async {
            let mut idle = Vec::new();
            for _ in 0..10 {
                let mut raw = connect(self.port).await;
                raw.known(KEY).await;
                idle.push(raw);
            }
            Arc::new(Connections { permits: Semaphore::new(10), idle: Mutex::new(idle) })
        };
        let pool = self.pool.get_or_init(|| stage.crowd.block_on(fill)).clone();
        Some(stage.spread(tasks, operations, move |key| {
            let pool = pool.clone();
            async move { pool.find(key).await }
        }))
    }
}

/// The simplest pool: a semaphore for fairness and a stack, so that the warmest connection goes first.
struct Connections {
    permits: Semaphore,
    idle: Mutex<Vec<Raw>>,
}

impl Connections {
    async fn find(&self, key: i32) -> i32 {
        let _permit = self.permits.acquire().await.expect("an open semaphore");
        let mut raw = self.idle.lock().expect("no panic").pop().expect("a connection for each permit");
        let statement = raw.known(KEY).await;
        raw.execute(statement, &[key]);
        raw.sync();
        let mut found = None;
        raw.flush(1, |body| found = Some(person(body))).await;
        self.idle.lock().expect("no panic").push(raw);
        std::hint::black_box(found).expect("a row").id
    }
}
