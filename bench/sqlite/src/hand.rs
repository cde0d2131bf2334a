//! rusqlite by hand: statements cached by the connection (https://docs.rs/rusqlite, `prepare_cached`), many rows by one statement in one transaction, keys of
//! many parents as one JSON text.

use crate::SETTINGS;
use bench_harness::data::{New, WIDE};
use bench_harness::hand::{self, TEN, days};
use bench_harness::plain::{self, Comment, Event, Levels, Mark, Person, Post, Reply, Tag, User, Wide};
use bench_harness::{Seen, Stage, Tree};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, ToSql, params};
use std::sync::{Arc, Mutex};

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = ?1";
const ALL: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people";
const INSERT: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES (?1,?2,?3,?4,?5,?6,?7)";
const UPSERT: &str = "INSERT INTO inserted (id, name, email, age, score, active, bio, created_at) VALUES (?1,?2,?3,?4,?5,?6,?7,?8) \
    ON CONFLICT (id) DO UPDATE SET score = excluded.score, bio = excluded.bio";
const POST: &str = "SELECT id, user_id, title, body, created_at FROM posts";

pub struct Hand {
    connection: Connection,
    /// One connection for all tasks.
    shared: Arc<Mutex<Connection>>,
}

fn open(path: &str) -> Connection {
    let connection = Connection::open(path).expect("a database");
    connection.execute_batch(SETTINGS).expect("settings");
    connection.set_prepared_statement_cache_capacity(100);
    connection
}

/// The instant as a program without an ORM reads it: the same type from the same text.
fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z").expect("an instant").to_utc()
}

fn text(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string()
}

fn person(row: &Row<'_>) -> Person {
    Person {
        id: row.get_unwrap(0),
        name: row.get_unwrap(1),
        email: row.get_unwrap(2),
        age: row.get_unwrap(3),
        score: row.get_unwrap(4),
        active: row.get_unwrap(5),
        bio: row.get_unwrap(6),
        created_at: instant(row.get_ref_unwrap(7).as_str().expect("text")),
    }
}

fn wide(row: &Row<'_>) -> Wide {
    let mut column = 0;
    let mut next = || {
        column += 1;
        column
    };
    bench_harness::wide_row!(
        row.get_unwrap(0),
        row.get_unwrap(next()),
        row.get_unwrap(next()),
        row.get_unwrap(next()),
        row.get_unwrap(next()),
        row.get_unwrap(next())
    )
}

fn event(row: &Row<'_>) -> Event {
    Event { id: row.get_unwrap(0), kind: row.get_unwrap(1), amount: row.get_unwrap(2) }
}

fn user(row: &Row<'_>, first: usize) -> User {
    let (id, name, email) = (row.get_unwrap(first), row.get_unwrap(first + 1), row.get_unwrap(first + 2));
    User { id, name, email, age: row.get_unwrap(first + 3), posts: Vec::new() }
}

fn post(row: &Row<'_>) -> Post {
    Post {
        id: row.get_unwrap(0),
        user_id: row.get_unwrap(1),
        title: row.get_unwrap(2),
        body: row.get_unwrap(3),
        created_at: instant(row.get_ref_unwrap(4).as_str().expect("text")),
        user: None,
        comments: Vec::new(),
        tags: Vec::new(),
    }
}

impl Hand {
    pub fn open(path: &str) -> Self {
        Hand { connection: open(path), shared: Arc::new(Mutex::new(open(path))) }
    }

    fn read<T>(&self, sql: &str, values: &[&dyn ToSql], make: impl Fn(&Row<'_>) -> T) -> Vec<T> {
        let mut statement = self.connection.prepare_cached(sql).expect("a statement");
        statement.query_map(values, |row| Ok(make(row))).expect("rows").map(|row| row.expect("a row")).collect()
    }

    fn below<T>(&self, sql: &str, keys: &[i32], make: impl Fn(&Row<'_>) -> T) -> Vec<T> {
        self.read(&format!("{sql} IN (SELECT value FROM json_each(?1))"), &[&format!("{keys:?}")], make)
    }

    fn execute(&self, sql: &str, values: &[&dyn ToSql]) {
        self.connection.prepare_cached(sql).expect("a statement").execute(values).expect("done");
    }
}

impl hand::Hand for Hand {
    type Person = Person;
    type Wide = Wide;
    type Event = Event;

    async fn find(&mut self, key: i32) -> Person {
        self.connection.prepare_cached(KEY).expect("a statement").query_row([key], |row| Ok(person(row))).expect("a row")
    }

    async fn rows(&mut self, count: u32) -> Vec<Person> {
        match count {
            10_000 => self.read(ALL, &[], person),
            count => self.read(&format!("{ALL} ORDER BY id LIMIT {count}"), &[], person),
        }
    }

    async fn wide(&mut self, count: u32) -> Vec<Wide> {
        match count {
            10_000 => self.read(&format!("SELECT {WIDE} FROM wide"), &[], wide),
            count => self.read(&format!("SELECT {WIDE} FROM wide ORDER BY id LIMIT {count}"), &[], wide),
        }
    }

    async fn filter(&mut self) -> Vec<Person> {
        let [from, to] = days().map(text);
        let sql = format!("{ALL} WHERE {} ORDER BY id", TEN.replace('$', "?"));
        self.read(&sql, &[&100, &1_000, &10, &60, &from, &to, &true, &"nobody", &"nobody@example.com", &"User %"], person)
    }

    async fn page(&mut self) -> (Vec<Person>, i64) {
        let sql = "SELECT count(*) FROM people WHERE active = ?1";
        let count = self.connection.prepare_cached(sql).expect("a statement").query_row([true], |row| row.get(0)).expect("a count");
        (self.read(&format!("{ALL} WHERE active = ?1 ORDER BY id LIMIT 20 OFFSET 40"), &[&true], person), count)
    }

    async fn after(&mut self, key: i32) -> Vec<Event> {
        self.read("SELECT id, kind, amount FROM events WHERE id > ?1 ORDER BY id LIMIT 20", &[&key], event)
    }

    async fn stream(&mut self, mut each: impl FnMut(Event)) {
        let mut statement = self.connection.prepare_cached("SELECT id, kind, amount FROM events").expect("a statement");
        let mut rows = statement.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            each(event(row));
        }
    }

    async fn create(&mut self, row: &New) -> i32 {
        let values = params![row.name, row.email, row.age, row.score, row.active, row.bio, text(row.created_at)];
        self.execute(INSERT, values);
        self.connection.last_insert_rowid() as i32
    }

    async fn insert(&mut self, rows: &[New]) -> u64 {
        let transaction = self.connection.transaction().expect("a transaction");
        let mut keys = Vec::with_capacity(rows.len());
        {
            let mut statement = transaction.prepare_cached(INSERT).expect("a statement");
            for row in rows {
                let values = params![row.name, row.email, row.age, row.score, row.active, row.bio, text(row.created_at)];
                statement.execute(values).expect("a row");
                keys.push(transaction.last_insert_rowid());
            }
        }
        transaction.commit().expect("a commit");
        keys.len() as u64
    }

    async fn update_one(&mut self, id: i32, score: f64) {
        self.execute("UPDATE people SET score = ?2 WHERE id = ?1", params![id, score]);
    }

    async fn update_many(&mut self, ids: &[i32], scores: &[f64]) {
        let transaction = self.connection.transaction().expect("a transaction");
        {
            let mut statement = transaction.prepare_cached("UPDATE people SET score = ?2 WHERE id = ?1").expect("a statement");
            for (id, score) in ids.iter().zip(scores) {
                statement.execute(params![id, score]).expect("a row");
            }
        }
        transaction.commit().expect("a commit");
    }

    async fn update_all(&mut self, score: f64) {
        self.execute("UPDATE people SET score = ?1 WHERE id <= ?2", params![score, 1_000]);
    }

    async fn upsert(&mut self, rows: &[New], ids: &[i32]) -> u64 {
        let transaction = self.connection.transaction().expect("a transaction");
        {
            let mut statement = transaction.prepare_cached(UPSERT).expect("a statement");
            for (row, id) in rows.iter().zip(ids) {
                let values = params![id, row.name, row.email, row.age, row.score, row.active, row.bio, text(row.created_at)];
                statement.execute(values).expect("a row");
            }
        }
        transaction.commit().expect("a commit");
        rows.len() as u64
    }

    async fn begin(&mut self) {
        self.execute("BEGIN IMMEDIATE", &[]);
    }

    async fn commit(&mut self) {
        self.execute("COMMIT", &[]);
    }

    async fn tree(&mut self, tree: Tree) -> (u64, i64) {
        plain::level_by_level(self, tree).await
    }

    fn tasks(&self, stage: Stage, tasks: u32, operations: u32) -> Option<Seen> {
        let shared = self.shared.clone();
        Some(stage.spread(tasks, operations, move |key| {
            let shared = shared.clone();
            async move {
                let connection = shared.lock().expect("no panic");
                let mut statement = connection.prepare_cached(KEY).expect("a statement");
                let found = std::hint::black_box(statement.query_row([key], |row| Ok(person(row))).expect("a row"));
                found.id
            }
        }))
    }
}

impl Levels for Hand {
    async fn users(&mut self, most: i32) -> Vec<User> {
        self.read("SELECT id, name, email, age FROM users WHERE id <= ?1", &[&most], |row| user(row, 0))
    }

    async fn posts(&mut self, users: &[i32]) -> Vec<Post> {
        self.below(&format!("{POST} WHERE user_id"), users, post)
    }

    async fn comments(&mut self, posts: &[i32]) -> Vec<Comment> {
        self.below("SELECT id, post_id, author, text FROM comments WHERE post_id", posts, |row| Comment {
            id: row.get_unwrap(0),
            post_id: row.get_unwrap(1),
            author: row.get_unwrap(2),
            text: row.get_unwrap(3),
            replies: Vec::new(),
        })
    }

    async fn replies(&mut self, comments: &[i32]) -> Vec<Reply> {
        self.below("SELECT id, comment_id, text FROM replies WHERE comment_id", comments, |row| Reply {
            id: row.get_unwrap(0),
            comment_id: row.get_unwrap(1),
            text: row.get_unwrap(2),
            marks: Vec::new(),
        })
    }

    async fn marks(&mut self, replies: &[i32]) -> Vec<Mark> {
        let mark = |row: &Row<'_>| Mark { id: row.get_unwrap(0), reply_id: row.get_unwrap(1), value: row.get_unwrap(2) };
        self.below("SELECT id, reply_id, value FROM marks WHERE reply_id", replies, mark)
    }

    async fn posts_and_users(&mut self, most: i32) -> Vec<Post> {
        let sql = "SELECT p.id, p.user_id, p.title, p.body, p.created_at, u.id, u.name, u.email, u.age FROM posts p JOIN users u ON u.id = p.user_id WHERE p.id <= ?1";
        self.read(sql, &[&most], |row| Post { user: Some(user(row, 5)), ..post(row) })
    }

    async fn first_posts(&mut self, most: i32) -> Vec<Post> {
        self.read(&format!("{POST} WHERE id <= ?1"), &[&most], post)
    }

    async fn tags(&mut self, posts: &[i32]) -> Vec<(i32, Tag)> {
        let sql = "SELECT pt.post_id, t.id, t.name FROM post_tags pt JOIN tags t ON t.id = pt.tag_id WHERE pt.post_id";
        self.below(sql, posts, |row| (row.get_unwrap(0), Tag { id: row.get_unwrap(1), name: row.get_unwrap(2) }))
    }

    async fn newest(&mut self, users: &[i32]) -> Vec<Post> {
        let sql = "SELECT id, user_id, title, body, created_at FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY id DESC) AS place \
            FROM posts WHERE user_id IN (SELECT value FROM json_each(?1))) WHERE place <= 3";
        self.read(sql, &[&format!("{users:?}")], post)
    }
}
