//! tokio-postgres by hand, and deadpool over it. Prepared statements: https://docs.rs/tokio-postgres (`Client::prepare`), futures polled together are sent
//! together (its section on pipelining); `prepare_cached` and the fast recycling method: https://docs.rs/deadpool-postgres.

use bench_harness::data::{New, WIDE};
use bench_harness::hand::{Hand, TEN, days};
use bench_harness::plain::{self, Comment, Event, Levels, Mark, Person, Post, Reply, Tag, User, Wide};
use bench_harness::{Seen, Stage, Tree};
use futures_util::{TryStreamExt, pin_mut};
use std::cell::OnceCell;
use std::collections::HashMap;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = $1";
const ALL: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people";
const PAGE: &str =
    "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE active = $1 ORDER BY id LIMIT 20 OFFSET 40";
const UNNEST: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) \
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[], $4::float8[], $5::bool[], $6::text[], $7::timestamptz[]) RETURNING id";
const ONE: &str =
    "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
const UPSERT: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at, id) \
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[], $4::float8[], $5::bool[], $6::text[], $7::timestamptz[], $8::int4[]) \
    ON CONFLICT (id) DO UPDATE SET score = excluded.score, bio = excluded.bio RETURNING id";

pub struct Peer {
    client: Client,
    port: u16,
    known: HashMap<String, Statement>,
    pool: OnceCell<deadpool_postgres::Pool>,
}

fn person(row: &Row) -> Person {
    Person {
        id: row.get(0),
        name: row.get(1),
        email: row.get(2),
        age: row.get(3),
        score: row.get(4),
        active: row.get(5),
        bio: row.get(6),
        created_at: row.get(7),
    }
}

fn wide(row: &Row) -> Wide {
    let mut column = 0;
    let mut next = || {
        column += 1;
        column
    };
    bench_harness::wide_row!(row.get(0), row.get(next()), row.get(next()), row.get(next()), row.get(next()), row.get(next()))
}

fn event(row: &Row) -> Event {
    Event { id: row.get(0), kind: row.get(1), amount: row.get(2) }
}

fn user(row: &Row, first: usize) -> User {
    User { id: row.get(first), name: row.get(first + 1), email: row.get(first + 2), age: row.get(first + 3), posts: Vec::new() }
}

fn post(row: &Row) -> Post {
    let (id, user_id, title, body, created_at) = (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
    Post { id, user_id, title, body, created_at, user: None, comments: Vec::new(), tags: Vec::new() }
}

/// The columns of rows, as UNNEST takes them.
struct Columns<'a> {
    names: Vec<&'a str>,
    emails: Vec<&'a str>,
    ages: Vec<Option<i32>>,
    scores: Vec<f64>,
    active: Vec<bool>,
    bios: Vec<Option<&'a str>>,
    created: Vec<chrono::DateTime<chrono::Utc>>,
}

fn columns(rows: &[New]) -> Columns<'_> {
    Columns {
        names: rows.iter().map(|row| &*row.name).collect(),
        emails: rows.iter().map(|row| &*row.email).collect(),
        ages: rows.iter().map(|row| row.age).collect(),
        scores: rows.iter().map(|row| row.score).collect(),
        active: rows.iter().map(|row| row.active).collect(),
        bios: rows.iter().map(|row| row.bio.as_deref()).collect(),
        created: rows.iter().map(|row| row.created_at).collect(),
    }
}

impl Peer {
    pub fn connect(stage: Stage, port: u16) -> Self {
        stage.wait(async {
            let settings = format!("host=127.0.0.1 port={port} user=sequor dbname=postgres");
            let (client, connection) = tokio_postgres::connect(&settings, NoTls).await.expect("a connection");
            tokio::spawn(async move { drop(connection.await) });
            Peer { client, port, known: HashMap::new(), pool: OnceCell::new() }
        })
    }

    async fn known(&mut self, sql: &str) -> Statement {
        if let Some(statement) = self.known.get(sql) {
            return statement.clone();
        }
        let statement = self.client.prepare(sql).await.expect("a statement");
        self.known.insert(sql.to_owned(), statement.clone());
        statement
    }

    async fn read<T>(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)], make: impl Fn(&Row) -> T) -> Vec<T> {
        let statement = self.known(sql).await;
        self.client.query(&statement, values).await.expect("rows").iter().map(make).collect()
    }

    async fn done(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)]) {
        let statement = self.known(sql).await;
        self.client.execute(&statement, values).await.expect("done");
    }
}

impl Hand for Peer {
    type Person = Person;
    type Wide = Wide;
    type Event = Event;

    async fn find(&mut self, key: i32) -> Person {
        let statement = self.known(KEY).await;
        person(&self.client.query_one(&statement, &[&key]).await.expect("a row"))
    }

    async fn rows(&mut self, count: u32) -> Vec<Person> {
        let end = if count == 10_000 { String::new() } else { format!(" ORDER BY id LIMIT {count}") };
        self.read(&format!("{ALL}{end}"), &[], person).await
    }

    async fn wide(&mut self, count: u32) -> Vec<Wide> {
        let end = if count == 10_000 { String::new() } else { format!(" ORDER BY id LIMIT {count}") };
        self.read(&format!("SELECT {WIDE} FROM wide{end}"), &[], wide).await
    }

    async fn filter(&mut self) -> Vec<Person> {
        let [from, to] = days();
        let values: [&(dyn ToSql + Sync); 10] = [&100, &1_000, &10, &60, &from, &to, &true, &"nobody", &"nobody@example.com", &"User %"];
        self.read(&format!("{ALL} WHERE {TEN} ORDER BY id"), &values, person).await
    }

    async fn page(&mut self) -> (Vec<Person>, i64) {
        let (page, count) = (self.known(PAGE).await, self.known("SELECT count(*) FROM people WHERE active = $1").await);
        let (rows, count) = tokio::try_join!(self.client.query(&page, &[&true]), self.client.query_one(&count, &[&true])).expect("a page");
        (rows.iter().map(person).collect(), count.get(0))
    }

    async fn after(&mut self, key: i32) -> Vec<Event> {
        self.read("SELECT id, kind, amount FROM events WHERE id > $1 ORDER BY id LIMIT 20", &[&key], event).await
    }

    async fn stream(&mut self, mut each: impl FnMut(Event)) {
        let statement = self.known("SELECT id, kind, amount FROM events").await;
        let rows = self.client.query_raw(&statement, std::iter::empty::<i32>()).await.expect("rows");
        pin_mut!(rows);
        while let Some(row) = rows.try_next().await.expect("a row") {
            each(event(&row));
        }
    }

    async fn create(&mut self, row: &New) -> i32 {
        let values: [&(dyn ToSql + Sync); 7] = [&row.name, &row.email, &row.age, &row.score, &row.active, &row.bio, &row.created_at];
        let statement = self.known(ONE).await;
        self.client.query_one(&statement, &values).await.expect("a row").get(0)
    }

    async fn insert(&mut self, rows: &[New]) -> u64 {
        let c = columns(rows);
        let values: [&(dyn ToSql + Sync); 7] = [&c.names, &c.emails, &c.ages, &c.scores, &c.active, &c.bios, &c.created];
        self.read(UNNEST, &values, |row| row.get::<_, i32>(0)).await.len() as u64
    }

    async fn update_one(&mut self, id: i32, score: f64) {
        self.done("UPDATE people SET score = $2 WHERE id = $1", &[&id, &score]).await;
    }

    async fn update_many(&mut self, ids: &[i32], scores: &[f64]) {
        const MANY: &str =
            "UPDATE people SET score = new.score FROM UNNEST($1::int4[], $2::float8[]) AS new(id, score) WHERE people.id = new.id";
        self.done(MANY, &[&ids, &scores]).await;
    }

    async fn update_all(&mut self, score: f64) {
        self.done("UPDATE people SET score = $1 WHERE id <= 1000", &[&score]).await;
    }

    async fn upsert(&mut self, rows: &[New], ids: &[i32]) -> u64 {
        let c = columns(rows);
        let values: [&(dyn ToSql + Sync); 8] = [&c.names, &c.emails, &c.ages, &c.scores, &c.active, &c.bios, &c.created, &ids];
        self.read(UPSERT, &values, |row| row.get::<_, i32>(0)).await.len() as u64
    }

    async fn begin(&mut self) {
        self.client.batch_execute("BEGIN").await.expect("a transaction");
    }

    async fn commit(&mut self) {
        self.client.batch_execute("COMMIT").await.expect("a commit");
    }

    async fn tree(&mut self, tree: Tree) -> (u64, i64) {
        plain::level_by_level(self, tree).await
    }

    fn tasks(&self, stage: Stage, tasks: u32, operations: u32) -> Option<Seen> {
        let pool = self.pool.get_or_init(|| pool(stage, self.port)).clone();
        Some(stage.spread(tasks, operations, move |key| {
            let pool = pool.clone();
            async move {
                let client = pool.get().await.expect("a connection");
                let statement = client.prepare_cached(KEY).await.expect("a statement");
                std::hint::black_box(person(&client.query_one(&statement, &[&key]).await.expect("a row"))).id
            }
        }))
    }
}

fn pool(stage: Stage, port: u16) -> deadpool_postgres::Pool {
    let mut config = deadpool_postgres::Config::new();
    config.host = Some("127.0.0.1".into());
    config.port = Some(port);
    config.user = Some("sequor".into());
    config.dbname = Some("postgres".into());
    config.pool = Some(deadpool_postgres::PoolConfig::new(10));
    config.manager = Some(deadpool_postgres::ManagerConfig { recycling_method: deadpool_postgres::RecyclingMethod::Fast });
    let _inside = stage.crowd.enter();
    config.create_pool(Some(deadpool_postgres::Runtime::Tokio1), NoTls).expect("a pool")
}

impl Levels for Peer {
    async fn users(&mut self, most: i32) -> Vec<User> {
        self.read("SELECT id, name, email, age FROM users WHERE id <= $1", &[&most], |row| user(row, 0)).await
    }

    async fn posts(&mut self, users: &[i32]) -> Vec<Post> {
        self.read("SELECT id, user_id, title, body, created_at FROM posts WHERE user_id = ANY($1)", &[&users], post).await
    }

    async fn comments(&mut self, posts: &[i32]) -> Vec<Comment> {
        let comment =
            |row: &Row| Comment { id: row.get(0), post_id: row.get(1), author: row.get(2), text: row.get(3), replies: Vec::new() };
        self.read("SELECT id, post_id, author, text FROM comments WHERE post_id = ANY($1)", &[&posts], comment).await
    }

    async fn replies(&mut self, comments: &[i32]) -> Vec<Reply> {
        let reply = |row: &Row| Reply { id: row.get(0), comment_id: row.get(1), text: row.get(2), marks: Vec::new() };
        self.read("SELECT id, comment_id, text FROM replies WHERE comment_id = ANY($1)", &[&comments], reply).await
    }

    async fn marks(&mut self, replies: &[i32]) -> Vec<Mark> {
        let mark = |row: &Row| Mark { id: row.get(0), reply_id: row.get(1), value: row.get(2) };
        self.read("SELECT id, reply_id, value FROM marks WHERE reply_id = ANY($1)", &[&replies], mark).await
    }

    async fn posts_and_users(&mut self, most: i32) -> Vec<Post> {
        const BOTH: &str = "SELECT p.id, p.user_id, p.title, p.body, p.created_at, u.id, u.name, u.email, u.age \
            FROM posts p JOIN users u ON u.id = p.user_id WHERE p.id <= $1";
        self.read(BOTH, &[&most], |row| Post { user: Some(user(row, 5)), ..post(row) }).await
    }

    async fn first_posts(&mut self, most: i32) -> Vec<Post> {
        self.read("SELECT id, user_id, title, body, created_at FROM posts WHERE id <= $1", &[&most], post).await
    }

    async fn tags(&mut self, posts: &[i32]) -> Vec<(i32, Tag)> {
        const TAGS: &str = "SELECT pt.post_id, t.id, t.name FROM post_tags pt JOIN tags t ON t.id = pt.tag_id WHERE pt.post_id = ANY($1)";
        self.read(TAGS, &[&posts], |row| (row.get(0), Tag { id: row.get(1), name: row.get(2) })).await
    }

    async fn newest(&mut self, users: &[i32]) -> Vec<Post> {
        const NEWEST: &str = "SELECT p.id, p.user_id, p.title, p.body, p.created_at FROM UNNEST($1::int4[]) AS u(id) \
            CROSS JOIN LATERAL (SELECT * FROM posts WHERE user_id = u.id ORDER BY id DESC LIMIT 3) p";
        self.read(NEWEST, &[&users], post).await
    }
}
