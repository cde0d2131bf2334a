//! The floor of each workload: [`Raw`] with statements that are prepared once, keys of many parents as a list, many rows a hundred at a time.

mod trees;

use crate::raw::{Fields, Parameter, Raw, Statement};
use bench_harness::data::{New, WIDE};
use bench_harness::hand::{self, TEN, days};
use bench_harness::plain::{self, Event, Person, Wide};
use bench_harness::{Seen, Stage, Tree, straight};
use chrono::{DateTime, Utc};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::Relaxed};

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = ?";
const ALL: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people";
const COLUMNS: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES ";
const KEYED: &str = "INSERT INTO inserted (id, name, email, age, score, active, bio, created_at) VALUES ";

pub struct Hand {
    raw: Raw,
    known: HashMap<String, Statement>,
    port: u16,
    /// As many as a pool has, each for a thread of its own.
    pool: RefCell<Vec<(Raw, Statement)>>,
}

pub fn connect(port: u16) -> Raw {
    Raw::connect(&format!("127.0.0.1:{port}"), "sequor", "sequor", "sequor")
}

fn person(mut f: Fields<'_>) -> Person {
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

fn wide(mut f: Fields<'_>) -> Wide {
    bench_harness::wide_row!(f.i32(), f.string(), f.i32(), f.f64(), f.bool(), f.string_or_null())
}

fn event(mut f: Fields<'_>) -> Event {
    Event { id: f.i32(), kind: f.string(), amount: f.f64() }
}

fn text(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// The values of a new row; `created` is its instant as text.
fn values<'a>(row: &'a New, created: &'a str) -> [Parameter<'a>; 7] {
    [
        Parameter::Text(&row.name),
        Parameter::Text(&row.email),
        row.age.map_or(Parameter::Null, Parameter::Int),
        Parameter::Double(row.score),
        Parameter::Int(row.active.into()),
        row.bio.as_deref().map_or(Parameter::Null, Parameter::Text),
        Parameter::Text(created),
    ]
}

impl Hand {
    pub fn connect(port: u16) -> Self {
        Hand { raw: connect(port), known: HashMap::new(), port, pool: RefCell::new(Vec::new()) }
    }

    fn known(&mut self, sql: &str) {
        if !self.known.contains_key(sql) {
            self.known.insert(sql.to_owned(), self.raw.prepare(sql));
        }
    }

    fn read<T>(&mut self, sql: &str, parameters: &[Parameter<'_>], make: impl Fn(Fields<'_>) -> T) -> Vec<T> {
        let mut rows = Vec::new();
        self.done(sql, parameters, |fields| rows.push(make(fields)));
        rows
    }

    fn done(&mut self, sql: &str, parameters: &[Parameter<'_>], row: impl FnMut(Fields<'_>)) -> u64 {
        self.known(sql);
        let statement = self.known.get_mut(sql).expect("a moment ago");
        self.raw.execute(statement, parameters, row)
    }

    /// Rows a hundred at a time in a transaction.
    fn write(&mut self, (begin, list, end): (&str, &str, &str), rows: &[New], ids: Option<&[i32]>) {
        self.raw.run("START TRANSACTION");
        for (place, chunk) in rows.chunks(100).enumerate() {
            let lists = vec![list; chunk.len()].join(",");
            let created: Vec<String> = chunk.iter().map(|row| text(row.created_at)).collect();
            let mut parameters = Vec::with_capacity(chunk.len() * 8);
            for (index, (row, created)) in chunk.iter().zip(&created).enumerate() {
                parameters.extend(ids.map(|ids| Parameter::Int(ids[place * 100 + index])));
                parameters.extend(values(row, created));
            }
            self.done(&format!("{begin}{lists}{end}"), &parameters, |_| {});
        }
        self.raw.run("COMMIT");
    }
}

impl hand::Hand for Hand {
    type Person = Person;
    type Wide = Wide;
    type Event = Event;

    async fn find(&mut self, key: i32) -> Person {
        let mut found = None;
        self.done(KEY, &[Parameter::Int(key)], |fields| found = Some(person(fields)));
        found.expect("a row")
    }

    async fn rows(&mut self, count: u32) -> Vec<Person> {
        let end = if count == 10_000 { String::new() } else { format!(" ORDER BY id LIMIT {count}") };
        self.read(&format!("{ALL}{end}"), &[], person)
    }

    async fn wide(&mut self, count: u32) -> Vec<Wide> {
        let end = if count == 10_000 { String::new() } else { format!(" ORDER BY id LIMIT {count}") };
        self.read(&format!("SELECT {WIDE} FROM wide{end}"), &[], wide)
    }

    async fn filter(&mut self) -> Vec<Person> {
        use Parameter::{Int, Text};
        let condition = (1..=10).rev().fold(TEN.to_owned(), |sql, n| sql.replace(&format!("${n}"), "?"));
        let [from, to] = days().map(text);
        let parameters = [
            Int(100),
            Int(1_000),
            Int(10),
            Int(60),
            Text(&from),
            Text(&to),
            Int(1),
            Text("nobody"),
            Text("nobody@example.com"),
            Text("User %"),
        ];
        self.read(&format!("{ALL} WHERE {condition} ORDER BY id"), &parameters, person)
    }

    async fn page(&mut self) -> (Vec<Person>, i64) {
        let rows = self.read(&format!("{ALL} WHERE active = ? ORDER BY id LIMIT 20 OFFSET 40"), &[Parameter::Int(1)], person);
        let mut count = 0;
        self.done("SELECT count(*) FROM people WHERE active = ?", &[Parameter::Int(1)], |mut f| count = f.i64());
        (rows, count)
    }

    async fn after(&mut self, key: i32) -> Vec<Event> {
        self.read("SELECT id, kind, amount FROM events WHERE id > ? ORDER BY id LIMIT 20", &[Parameter::Int(key)], event)
    }

    async fn stream(&mut self, mut each: impl FnMut(Event)) {
        self.done("SELECT id, kind, amount FROM events", &[], |fields| each(event(fields)));
    }

    async fn create(&mut self, row: &New) -> i32 {
        let created = text(row.created_at);
        self.done(&format!("{COLUMNS}(?,?,?,?,?,?,?)"), &values(row, &created), |_| {}) as i32
    }

    async fn insert(&mut self, rows: &[New]) -> u64 {
        self.write((COLUMNS, "(?,?,?,?,?,?,?)", ""), rows, None);
        rows.len() as u64
    }

    async fn update_one(&mut self, id: i32, score: f64) {
        self.done("UPDATE people SET score = ? WHERE id = ?", &[Parameter::Double(score), Parameter::Int(id)], |_| {});
    }

    async fn update_many(&mut self, ids: &[i32], scores: &[f64]) {
        self.raw.run("START TRANSACTION");
        for (ids, scores) in ids.chunks(100).zip(scores.chunks(100)) {
            let when = vec![" WHEN ? THEN ?"; ids.len()].concat();
            let list = vec!["?"; ids.len()].join(",");
            let pairs = ids.iter().zip(scores).flat_map(|(id, score)| [Parameter::Int(*id), Parameter::Double(*score)]);
            let parameters: Vec<Parameter<'_>> = pairs.chain(ids.iter().map(|id| Parameter::Int(*id))).collect();
            self.done(&format!("UPDATE people SET score = CASE id{when} END WHERE id IN ({list})"), &parameters, |_| {});
        }
        self.raw.run("COMMIT");
    }

    async fn update_all(&mut self, score: f64) {
        self.done("UPDATE people SET score = ? WHERE id <= 1000", &[Parameter::Double(score)], |_| {});
    }

    async fn upsert(&mut self, rows: &[New], ids: &[i32]) -> u64 {
        let end = " ON DUPLICATE KEY UPDATE score = VALUES(score), bio = VALUES(bio)";
        self.write((KEYED, "(?,?,?,?,?,?,?,?)", end), rows, Some(ids));
        rows.len() as u64
    }

    async fn begin(&mut self) {
        self.raw.run("START TRANSACTION");
    }

    async fn commit(&mut self) {
        self.raw.run("COMMIT");
    }

    async fn tree(&mut self, tree: Tree) -> (u64, i64) {
        plain::level_by_level(self, tree).await
    }

    /// Ten threads, each with a connection, share the look-ups of all tasks: nobody waits for a turn, so there are no waits to tell.
    fn tasks(&self, _: Stage, tasks: u32, operations: u32) -> Option<Seen> {
        let mut pool = self.pool.borrow_mut();
        while pool.len() < 10 {
            let mut raw = connect(self.port);
            let statement = raw.prepare(KEY);
            pool.push((raw, statement));
        }
        let (each, next, sum) = (operations / tasks, AtomicU32::new(0), AtomicI64::new(0));
        Some(straight(|| {
            std::thread::scope(|scope| {
                for (raw, statement) in pool.iter_mut().take(tasks as usize) {
                    scope.spawn(|| {
                        loop {
                            let turn = next.fetch_add(1, Relaxed);
                            if turn >= operations {
                                return;
                            }
                            let key = bench_harness::data::key(turn / each * 7919 + turn % each);
                            let mut found = None;
                            raw.execute(statement, &[Parameter::Int(key)], |fields| found = Some(person(fields)));
                            sum.fetch_add(std::hint::black_box(found).expect("a row").id.into(), Relaxed);
                        }
                    });
                }
            });
            (operations.into(), sum.load(Relaxed))
        }))
    }
}
