//! mysql_async by hand: `Queryable::exec` caches its statements, `exec_stream`, `Pool` (https://docs.rs/mysql_async); many rows a hundred at a time in a
//! transaction.

use bench_harness::data::{New, WIDE};
use bench_harness::hand::{Hand, TEN, days};
use bench_harness::plain::{self, Comment, Event, Levels, Mark, Person, Post, Reply, Tag, User, Wide};
use bench_harness::{Seen, Stage, Tree};
use chrono::NaiveDateTime;
use futures_util::TryStreamExt;
use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Conn, Opts, OptsBuilder, Params, Pool, PoolConstraints, PoolOpts, Row, Value};
use std::cell::OnceCell;

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = ?";
const ALL: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people";
const POST: &str = "SELECT id, user_id, title, body, created_at FROM posts";
type Columns = (i32, String, String, Option<i32>, f64, bool, Option<String>, NaiveDateTime);
type UserColumns = (i32, String, String, Option<i32>);
type PostColumns = (i32, i32, String, Option<String>, NaiveDateTime);

pub struct Peer {
    connection: Conn,
    port: u16,
    pool: OnceCell<Pool>,
}

fn person((id, name, email, age, score, active, bio, created_at): Columns) -> Person {
    Person { id, name, email, age, score, active, bio, created_at: created_at.and_utc() }
}

fn wide(row: Row) -> Wide {
    let mut values = row.unwrap().into_iter();
    macro_rules! next {
        () => {
            mysql_async::from_value(values.next().expect("a column"))
        };
    }
    bench_harness::wide_row!(next!(), next!(), next!(), next!(), next!(), next!())
}

fn user((id, name, email, age): UserColumns) -> User {
    User { id, name, email, age, posts: Vec::new() }
}

fn post((id, user_id, title, body, created_at): PostColumns) -> Post {
    Post { id, user_id, title, body, created_at: created_at.and_utc(), user: None, comments: Vec::new(), tags: Vec::new() }
}

fn options(port: u16) -> OptsBuilder {
    let options = OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(port).user(Some("sequor")).pass(Some("sequor"));
    options.db_name(Some("sequor")).prefer_socket(false)
}

fn row_values(row: &New) -> [Value; 7] {
    [
        Value::from(&row.name),
        Value::from(&row.email),
        Value::from(row.age),
        Value::from(row.score),
        Value::from(row.active),
        Value::from(&row.bio),
        Value::from(row.created_at.naive_utc()),
    ]
}

impl Peer {
    pub fn connect(stage: Stage, port: u16) -> Self {
        Peer { connection: stage.wait(Conn::new(options(port))).expect("a connection"), port, pool: OnceCell::new() }
    }

    async fn read<R: FromRow + Send + 'static, T>(
        &mut self,
        sql: &str,
        values: impl Into<Params> + Send,
        make: impl FnMut(R) -> T + Send,
    ) -> Vec<T>
    where
        T: Send,
    {
        self.connection.exec_map(sql, values.into(), make).await.expect("rows")
    }

    async fn below<R: FromRow + Send + 'static, T: Send>(&mut self, sql: &str, keys: &[i32], make: impl FnMut(R) -> T + Send) -> Vec<T> {
        let sql = sql.replace("IN ()", &format!("IN ({})", vec!["?"; keys.len()].join(",")));
        self.read(&sql, Params::Positional(keys.iter().map(|key| Value::from(*key)).collect()), make).await
    }

    async fn write(&mut self, (begin, list, end): (&str, &str, &str), rows: &[New], ids: Option<&[i32]>) {
        let mut transaction = self.connection.start_transaction(Default::default()).await.expect("a transaction");
        for (place, chunk) in rows.chunks(100).enumerate() {
            let sql = format!("{begin}{}{end}", vec![list; chunk.len()].join(","));
            let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 8);
            for (index, row) in chunk.iter().enumerate() {
                values.extend(ids.map(|ids| Value::from(ids[place * 100 + index])));
                values.extend(row_values(row));
            }
            transaction.exec_drop(sql, Params::Positional(values)).await.expect("rows");
        }
        transaction.commit().await.expect("a commit");
    }
}

impl Hand for Peer {
    type Person = Person;
    type Wide = Wide;
    type Event = Event;

    async fn find(&mut self, key: i32) -> Person {
        let row: Option<Columns> = self.connection.exec_first(KEY, (key,)).await.expect("an answer");
        person(row.expect("a row"))
    }

    async fn rows(&mut self, count: u32) -> Vec<Person> {
        let end = if count == 10_000 { String::new() } else { format!(" ORDER BY id LIMIT {count}") };
        self.read(&format!("{ALL}{end}"), (), person).await
    }

    async fn wide(&mut self, count: u32) -> Vec<Wide> {
        let end = if count == 10_000 { String::new() } else { format!(" ORDER BY id LIMIT {count}") };
        self.read(&format!("SELECT {WIDE} FROM wide{end}"), (), wide).await
    }

    async fn filter(&mut self) -> Vec<Person> {
        let condition = (1..=10).rev().fold(TEN.to_owned(), |sql, n| sql.replace(&format!("${n}"), "?"));
        let [from, to] = days().map(|day| day.naive_utc());
        let values = (100, 1_000, 10, 60, from, to, true, "nobody", "nobody@example.com", "User %");
        self.read(&format!("{ALL} WHERE {condition} ORDER BY id"), values, person).await
    }

    async fn page(&mut self) -> (Vec<Person>, i64) {
        let rows = self.read(&format!("{ALL} WHERE active = ? ORDER BY id LIMIT 20 OFFSET 40"), (true,), person).await;
        let count = self.connection.exec_first("SELECT count(*) FROM people WHERE active = ?", (true,)).await.expect("an answer");
        (rows, count.expect("a count"))
    }

    async fn after(&mut self, key: i32) -> Vec<Event> {
        let event = |(id, kind, amount)| Event { id, kind, amount };
        self.read("SELECT id, kind, amount FROM events WHERE id > ? ORDER BY id LIMIT 20", (key,), event).await
    }

    async fn stream(&mut self, mut each: impl FnMut(Event)) {
        let sql = "SELECT id, kind, amount FROM events";
        let mut rows = self.connection.exec_stream::<(i32, String, f64), _, _>(sql, ()).await.expect("rows");
        while let Some((id, kind, amount)) = rows.try_next().await.expect("a row") {
            each(Event { id, kind, amount });
        }
    }

    async fn create(&mut self, row: &New) -> i32 {
        const ONE: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
        self.connection.exec_drop(ONE, Params::Positional(row_values(row).into())).await.expect("a row");
        self.connection.last_insert_id().expect("a key") as i32
    }

    async fn insert(&mut self, rows: &[New]) -> u64 {
        self.write(("INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES ", "(?,?,?,?,?,?,?)", ""), rows, None)
            .await;
        rows.len() as u64
    }

    async fn update_one(&mut self, id: i32, score: f64) {
        self.connection.exec_drop("UPDATE people SET score = ? WHERE id = ?", (score, id)).await.expect("done");
    }

    async fn update_many(&mut self, ids: &[i32], scores: &[f64]) {
        let mut transaction = self.connection.start_transaction(Default::default()).await.expect("a transaction");
        for (ids, scores) in ids.chunks(100).zip(scores.chunks(100)) {
            let (when, list) = (vec![" WHEN ? THEN ?"; ids.len()].concat(), vec!["?"; ids.len()].join(","));
            let pairs = ids.iter().zip(scores).flat_map(|(id, score)| [Value::from(*id), Value::from(*score)]);
            let values = pairs.chain(ids.iter().map(|id| Value::from(*id))).collect();
            let sql = format!("UPDATE people SET score = CASE id{when} END WHERE id IN ({list})");
            transaction.exec_drop(sql, Params::Positional(values)).await.expect("rows");
        }
        transaction.commit().await.expect("a commit");
    }

    async fn update_all(&mut self, score: f64) {
        self.connection.exec_drop("UPDATE people SET score = ? WHERE id <= 1000", (score,)).await.expect("done");
    }

    async fn upsert(&mut self, rows: &[New], ids: &[i32]) -> u64 {
        let begin = "INSERT INTO inserted (id, name, email, age, score, active, bio, created_at) VALUES ";
        let end = " ON DUPLICATE KEY UPDATE score = VALUES(score), bio = VALUES(bio)";
        self.write((begin, "(?,?,?,?,?,?,?,?)", end), rows, Some(ids)).await;
        rows.len() as u64
    }

    async fn begin(&mut self) {
        self.connection.query_drop("START TRANSACTION").await.expect("a transaction");
    }

    async fn commit(&mut self) {
        self.connection.query_drop("COMMIT").await.expect("a commit");
    }

    async fn tree(&mut self, tree: Tree) -> (u64, i64) {
        plain::level_by_level(self, tree).await
    }

    fn tasks(&self, stage: Stage, tasks: u32, operations: u32) -> Option<Seen> {
        let pool = self.pool.get_or_init(|| {
            let _inside = stage.crowd.enter();
            // What a connection was used for needs no reset here, as the pool's documentation says.
            let pool = PoolOpts::default().with_constraints(PoolConstraints::new(10, 10).expect("bounds")).with_reset_connection(false);
            Pool::new(Opts::from(options(self.port).pool_opts(pool)))
        });
        let pool = pool.clone();
        Some(stage.spread(tasks, operations, move |key| {
            let pool = pool.clone();
            async move {
                let mut connection = pool.get_conn().await.expect("a connection");
                let row: Option<Columns> = connection.exec_first(KEY, (key,)).await.expect("an answer");
                std::hint::black_box(person(row.expect("a row"))).id
            }
        }))
    }
}

impl Levels for Peer {
    async fn users(&mut self, most: i32) -> Vec<User> {
        self.read("SELECT id, name, email, age FROM users WHERE id <= ?", (most,), user).await
    }

    async fn posts(&mut self, users: &[i32]) -> Vec<Post> {
        self.below(&format!("{POST} WHERE user_id IN ()"), users, post).await
    }

    async fn comments(&mut self, posts: &[i32]) -> Vec<Comment> {
        let comment = |(id, post_id, author, text)| Comment { id, post_id, author, text, replies: Vec::new() };
        self.below("SELECT id, post_id, author, text FROM comments WHERE post_id IN ()", posts, comment).await
    }

    async fn replies(&mut self, comments: &[i32]) -> Vec<Reply> {
        let reply = |(id, comment_id, text)| Reply { id, comment_id, text, marks: Vec::new() };
        self.below("SELECT id, comment_id, text FROM replies WHERE comment_id IN ()", comments, reply).await
    }

    async fn marks(&mut self, replies: &[i32]) -> Vec<Mark> {
        let mark = |(id, reply_id, value)| Mark { id, reply_id, value };
        self.below("SELECT id, reply_id, value FROM marks WHERE reply_id IN ()", replies, mark).await
    }

    async fn posts_and_users(&mut self, most: i32) -> Vec<Post> {
        type Both = (i32, i32, String, Option<String>, NaiveDateTime, i32, String, String, Option<i32>);
        let sql = "SELECT p.id, p.user_id, p.title, p.body, p.created_at, u.id, u.name, u.email, u.age FROM posts p JOIN users u ON u.id = p.user_id WHERE p.id <= ?";
        let both = |(id, user_id, title, body, created_at, user_key, name, email, age): Both| {
            let user = user((user_key, name, email, age));
            Post { user: Some(user), ..post((id, user_id, title, body, created_at)) }
        };
        self.read(sql, (most,), both).await
    }

    async fn first_posts(&mut self, most: i32) -> Vec<Post> {
        self.read(&format!("{POST} WHERE id <= ?"), (most,), post).await
    }

    async fn tags(&mut self, posts: &[i32]) -> Vec<(i32, Tag)> {
        let sql = "SELECT pt.post_id, t.id, t.name FROM post_tags pt JOIN tags t ON t.id = pt.tag_id WHERE pt.post_id IN ()";
        self.below(sql, posts, |(post, id, name)| (post, Tag { id, name })).await
    }

    async fn newest(&mut self, users: &[i32]) -> Vec<Post> {
        let sql = "SELECT id, user_id, title, body, created_at FROM (SELECT p.*, row_number() OVER (PARTITION BY user_id ORDER BY id DESC) AS place \
            FROM posts p WHERE user_id IN ()) n WHERE place <= 3";
        self.below(sql, users, post).await
    }
}
