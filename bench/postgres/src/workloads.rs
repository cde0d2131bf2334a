//! The workloads, each with its floor first, Sequor second and the peers behind.

use crate::arrays::{insert_column, text};
use crate::models::*;
use crate::raw::{Fields, Raw};
use bench_harness::{Case, Suite, case, delayed, timed};
use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use sequor::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

/// Made before any contender runs. Plain SQL, so that no contender chooses the types.
const SETUP: &str = "
DROP TABLE IF EXISTS people, inserted, users, posts, comments CASCADE;
CREATE TABLE people(id serial PRIMARY KEY, name text NOT NULL, email text NOT NULL, age int, score float8 NOT NULL, active bool NOT NULL, bio text, created_at timestamptz NOT NULL);
INSERT INTO people(name, email, age, score, active, bio, created_at) SELECT 'User '||i, 'user'||i||'@example.com', CASE WHEN i%7=0 THEN NULL ELSE i%90 END, i*0.5, i%2=0,
  CASE WHEN i%3=0 THEN NULL ELSE repeat('bio ',10) END, '2024-01-01Z'::timestamptz + i*'1 minute'::interval FROM generate_series(1,10000) i;
CREATE TABLE inserted(id serial PRIMARY KEY, name text NOT NULL, email text NOT NULL, age int, score float8 NOT NULL, active bool NOT NULL, bio text, created_at timestamptz NOT NULL);
CREATE TABLE users(id serial PRIMARY KEY, name text NOT NULL, email text NOT NULL, age int);
CREATE TABLE posts(id serial PRIMARY KEY, user_id int NOT NULL, title text NOT NULL, body text, created_at timestamptz NOT NULL);
CREATE TABLE comments(id serial PRIMARY KEY, post_id int NOT NULL, author text NOT NULL, text text NOT NULL);
INSERT INTO users(name, email, age) SELECT 'User '||i, 'user'||i||'@example.com', i%90 FROM generate_series(1,1000) i;
INSERT INTO posts(user_id, title, body, created_at) SELECT (i-1)/10+1, 'Post number '||i, repeat('body text ',8), '2024-01-01Z'::timestamptz + i*'1 minute'::interval FROM generate_series(1,10000) i;
INSERT INTO comments(post_id, author, text) SELECT (i-1)/5+1, 'author '||i%100, 'A comment of some words, number '||i FROM generate_series(1,50000) i;
CREATE INDEX ON posts(user_id); CREATE INDEX ON comments(post_id);
ANALYZE";

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = $1";
const ALL: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people";

/// Where the server is, and the runtime that every async contender shares.
pub struct Place {
    pub address: SocketAddr,
    pub runtime: Runtime,
}

impl Place {
    pub fn url(&self, port: u16) -> String {
        format!("postgres://sequor@127.0.0.1:{port}/postgres")
    }

    pub fn raw(&self, port: u16) -> Raw {
        self.runtime.block_on(Raw::connect(SocketAddr::from(([127, 0, 0, 1], port)), "sequor", "postgres"))
    }

    pub fn sequor(&self, port: u16) -> Db {
        self.runtime.block_on(Db::connect(&self.url(port))).expect("the server answers")
    }

    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

/// Runs all of them.
pub fn run() {
    let address: SocketAddr = std::env::var("BENCH_POSTGRES").expect("BENCH_POSTGRES=127.0.0.1:port").parse().expect("an address");
    let place = Place { address, runtime: Builder::new_current_thread().enable_all().build().expect("a runtime") };
    place.wait(place.raw(address.port()).run(SETUP));
    let suite = Suite::new("PostgreSQL").with_node(&place.url(address.port()));
    find_by_key(&suite, &place);
    rows_into_structs(&suite, &place);
    insert_many(&suite, &place);
    create_one(&suite, &place);
    include(&suite, &place);
    page_with_count(&suite, &place);
    crate::daily::run(&suite, &place);
    many_tasks(&suite, &place);
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

fn find_by_key(suite: &Suite, place: &Place) {
    const PER: u32 = 100;
    let port = place.address.port();
    let mut raw = place.raw(port);
    place.wait(raw.prepare("key", KEY));
    let db = place.sequor(port);
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    let mut cases = vec![
        case("by hand", PER, || {
            timed(|| {
                place.wait(async {
                    for i in 0..PER {
                        raw.execute("key", &[key(i)]);
                        raw.sync();
                        let mut found = None;
                        raw.flush(1, |body| found = Some(person(body))).await;
                        assert!(found.is_some());
                    }
                })
            })
        }),
        case("Sequor", PER, || {
            timed(|| {
                place.wait(async {
                    for i in 0..PER {
                        assert!(Person::find_by_pk(key(i)).exec(&db).await.expect("a row").is_some());
                    }
                })
            })
        }),
    ];
    #[cfg(feature = "peers")]
    cases.extend(peers.find_by_key(PER));
    suite.run("find by key", 60, std::mem::take(&mut cases));
}

fn rows_into_structs(suite: &Suite, place: &Place) {
    let port = place.address.port();
    let raw = RefCell::new(place.raw(port));
    let db = place.sequor(port);
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    for (workload, count, rounds) in
        [("rows 1", 1u32, 60), ("rows 10", 10, 60), ("rows 100", 100, 60), ("rows 1,000", 1000, 40), ("rows 10,000", 10000, 25)]
    {
        let per = (1000 / count).clamp(1, 50);
        let statement = format!("all{count}");
        let sql = if count == 10000 { ALL.to_owned() } else { format!("{ALL} ORDER BY id LIMIT {count}") };
        place.wait(raw.borrow_mut().prepare(&statement, &sql));
        let mut cases: Vec<Case<'_>> = vec![
            case("by hand", per, || {
                timed(|| {
                    place.wait(async {
                        for _ in 0..per {
                            let mut raw = raw.borrow_mut();
                            raw.execute(&statement, &[]);
                            raw.sync();
                            let mut rows = Vec::new();
                            raw.flush(1, |body| rows.push(person(body))).await;
                            assert!(rows.len() == count as usize);
                        }
                    })
                })
            }),
            case("Sequor", per, || {
                timed(|| {
                    place.wait(async {
                        for _ in 0..per {
                            let find = Person::find_all();
                            let find = if count == 10000 { find } else { find.order_by(Person::ID.asc()).limit(u64::from(count)) };
                            assert!(find.exec(&db).await.expect("rows").len() == count as usize);
                        }
                    })
                })
            }),
        ];
        #[cfg(feature = "peers")]
        cases.extend(peers.rows(per, count));
        suite.run(workload, rounds, std::mem::take(&mut cases));
    }
}

const UNNEST: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) \
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[], $4::float8[], $5::bool[], $6::text[], $7::timestamptz[]) RETURNING id";

fn insert_many(suite: &Suite, place: &Place) {
    let port = place.address.port();
    let raw = RefCell::new(place.raw(port));
    let db = place.sequor(port);
    place.wait(raw.borrow_mut().prepare("insert", UNNEST));
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    for (workload, count) in [("insert 10", 10), ("insert 100", 100), ("insert 1,000", 1000), ("insert 10,000", 10000)] {
        let data = rows(count);
        let empty = || place.wait(db.execute(sequor::sql!("TRUNCATE inserted"))).map(drop).expect("an empty table");
        let mut cases: Vec<Case<'_>> = vec![
            case("by hand, UNNEST", 1, || {
                empty();
                timed(|| {
                    place.wait(async {
                        let mut raw = raw.borrow_mut();
                        raw.execute_with("insert", 7, |index, out| insert_column(index, &data, out));
                        raw.sync();
                        let mut keys = Vec::new();
                        raw.flush(1, |body| keys.push(Fields::new(body).i32())).await;
                        assert!(keys.len() == data.len());
                    })
                })
            }),
            case("Sequor", 1, || {
                empty();
                let drafts = drafts(&data);
                timed(|| place.wait(async { assert!(Inserted::bulk_create(drafts).exec(&db).await.expect("rows").len() == data.len()) }))
            }),
        ];
        #[cfg(feature = "peers")]
        cases.extend(peers.insert(&data, &empty));
        suite.run(workload, 15, std::mem::take(&mut cases));
    }
}

const INSERT_ONE: &str =
    "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";

fn create_one(suite: &Suite, place: &Place) {
    const PER: u32 = 50;
    let port = place.address.port();
    let mut raw = place.raw(port);
    let db = place.sequor(port);
    place.wait(raw.prepare("one", INSERT_ONE));
    let data = rows(PER as i32);
    let write = |row: &New, index: usize, out: &mut BytesMut| {
        let some = match index {
            0 => text(out, Some(&row.name)),
            1 => text(out, Some(&row.email)),
            2 => row.age.map(|age| out.put_i32(age)).is_some(),
            3 => {
                out.put_f64(row.score);
                true
            }
            4 => {
                out.put_u8(row.active.into());
                true
            }
            5 => text(out, row.bio.as_deref()),
            _ => {
                out.put_i64(row.created_at.timestamp_micros() - 946_684_800_000_000);
                true
            }
        };
        if some { IsNull::No } else { IsNull::Yes }
    };
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    let mut cases: Vec<Case<'_>> = vec![
        case("by hand", PER, || {
            timed(|| {
                place.wait(async {
                    for row in &data {
                        raw.execute_with("one", 7, |index, out| write(row, index, out));
                        raw.sync();
                        let mut key = None;
                        raw.flush(1, |body| key = Some(Fields::new(body).i32())).await;
                        assert!(key.is_some());
                    }
                })
            })
        }),
        case("Sequor", PER, || {
            let drafts = drafts(&data);
            timed(|| {
                place.wait(async {
                    for draft in drafts {
                        assert!(draft.create(&db).await.expect("a row").id > 0);
                    }
                })
            })
        }),
    ];
    #[cfg(feature = "peers")]
    cases.extend(peers.create_one(&data));
    suite.run("create one", 40, std::mem::take(&mut cases));
}

const USERS: &str = "SELECT id, name, email, age FROM users WHERE id <= $1";
const POSTS: &str = "SELECT id, user_id, title, body, created_at FROM posts WHERE user_id = ANY($1)";
const COMMENTS: &str = "SELECT id, post_id, author, text FROM comments WHERE post_id = ANY($1)";
const POSTS_OF: &str =
    "SELECT id, user_id, title, body, created_at FROM posts WHERE user_id = ANY(ARRAY(SELECT id FROM users WHERE id <= $1))";
const COMMENTS_OF: &str = "SELECT id, post_id, author, text FROM comments WHERE post_id = ANY(ARRAY(SELECT id FROM posts WHERE user_id = ANY(ARRAY(SELECT id FROM users WHERE id <= $1))))";

/// What a program without an ORM would make of the three tables.
pub struct Tree {
    pub id: i32,
    pub name: String,
    pub email: String,
    pub age: Option<i32>,
    pub posts: Vec<Branch>,
}
pub struct Branch {
    pub id: i32,
    pub user_id: i32,
    pub title: String,
    pub body: Option<String>,
    pub created_at: DateTime<Utc>,
    pub comments: Vec<Leaf>,
}
pub struct Leaf {
    pub id: i32,
    pub post_id: i32,
    pub author: String,
    pub text: String,
}

pub fn stitch(users: &mut [Tree], mut posts: Vec<Branch>, comments: Vec<Leaf>) {
    let at: HashMap<i32, usize> = posts.iter().enumerate().map(|(index, post)| (post.id, index)).collect();
    for comment in comments {
        if let Some(index) = at.get(&comment.post_id) {
            posts[*index].comments.push(comment);
        }
    }
    let at: HashMap<i32, usize> = users.iter().enumerate().map(|(index, user)| (user.id, index)).collect();
    for post in posts {
        if let Some(index) = at.get(&post.user_id) {
            users[*index].posts.push(post);
        }
    }
}

pub fn check(users: &[Tree], count: i32) {
    assert!(
        users.len() == count as usize
            && users.iter().all(|user| user.posts.len() == 10 && user.posts.iter().all(|post| post.comments.len() == 5))
    );
    let (user, post) = (&users[0], &users[0].posts[0]);
    std::hint::black_box((&user.name, &user.email, user.age, &post.title, &post.body, post.created_at));
    std::hint::black_box((post.comments[0].id, &post.comments[0].author, &post.comments[0].text));
}

fn tree(body: &[u8]) -> Tree {
    let mut f = Fields::new(body);
    Tree { id: f.i32(), name: f.string(), email: f.string(), age: f.i32_or_null(), posts: Vec::new() }
}
fn branch(body: &[u8]) -> Branch {
    let mut f = Fields::new(body);
    Branch { id: f.i32(), user_id: f.i32(), title: f.string(), body: f.string_or_null(), created_at: f.instant(), comments: Vec::new() }
}
fn leaf(body: &[u8]) -> Leaf {
    let mut f = Fields::new(body);
    Leaf { id: f.i32(), post_id: f.i32(), author: f.string(), text: f.string() }
}

async fn level_by_level(raw: &mut Raw, count: i32) {
    let (mut users, mut posts, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    raw.execute("users", &[count]);
    raw.sync();
    raw.flush(1, |body| users.push(tree(body))).await;
    let keys: Vec<i32> = users.iter().map(|user| user.id).collect();
    raw.execute_array("posts", &keys);
    raw.sync();
    raw.flush(1, |body| posts.push(branch(body))).await;
    let keys: Vec<i32> = posts.iter().map(|post| post.id).collect();
    raw.execute_array("comments", &keys);
    raw.sync();
    raw.flush(1, |body| comments.push(leaf(body))).await;
    stitch(&mut users, posts, comments);
    check(&users, count);
}

async fn one_flush(raw: &mut Raw, count: i32) {
    for statement in ["users", "posts of", "comments of"] {
        raw.execute(statement, &[count]);
        raw.sync();
    }
    let (mut users, mut posts, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    // The column counts tell the three results apart.
    raw.flush(3, |body| match (body[1], users.len() == count as usize, posts.len() == 10 * count as usize) {
        (5, ..) => posts.push(branch(body)),
        (_, true, true) => comments.push(leaf(body)),
        _ => users.push(tree(body)),
    })
    .await;
    stitch(&mut users, posts, comments);
    check(&users, count);
}

fn include(suite: &Suite, place: &Place) {
    let near = place.address.port();
    let far = delayed(near, Duration::from_millis(1));
    for (workload, count, port) in [
        ("include of 3 levels, 100 users", 100, near),
        ("include of 3 levels, 1 user", 1, near),
        ("include of 3 levels, 100 users, 1 ms away", 100, far),
        ("include of 3 levels, 1 user, 1 ms away", 1, far),
    ] {
        let raw = RefCell::new(place.raw(port));
        let db = place.sequor(port);
        place.wait(async {
            for (name, sql) in
                [("users", USERS), ("posts", POSTS), ("comments", COMMENTS), ("posts of", POSTS_OF), ("comments of", COMMENTS_OF)]
            {
                raw.borrow_mut().prepare(name, sql).await;
            }
        });
        #[cfg(feature = "peers")]
        let peers = crate::peers::Peers::connect_at(place, port);
        let mut cases: Vec<Case<'_>> = vec![
            case("by hand, level by level", 1, || timed(|| place.wait(async { level_by_level(&mut raw.borrow_mut(), count).await }))),
            case("Sequor", 1, || {
                timed(|| {
                    place.wait(async {
                        let users = User::find_all()
                            .filter(User::ID.lte(count))
                            .include(User::POSTS.include(Post::COMMENTS))
                            .exec(&db)
                            .await
                            .expect("rows");
                        assert!(users.len() == count as usize);
                        for user in &users {
                            let posts = user.posts.loaded().expect("loaded");
                            assert!(posts.len() == 10);
                            for post in posts {
                                assert!(post.comments.loaded().expect("loaded").len() == 5);
                            }
                        }
                    })
                })
            }),
            case("by hand, one flush", 1, || timed(|| place.wait(async { one_flush(&mut raw.borrow_mut(), count).await }))),
        ];
        #[cfg(feature = "peers")]
        cases.extend(peers.include(count));
        suite.run_in_a_row(workload, 25, if count == 1 { 20 } else { 1 }, std::mem::take(&mut cases));
    }
}

const PAGE: &str =
    "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE active = $1 ORDER BY id LIMIT 20 OFFSET 40";
const COUNT: &str = "SELECT count(*) FROM people WHERE active = $1";

fn page_with_count(suite: &Suite, place: &Place) {
    const PER: u32 = 10;
    let near = place.address.port();
    let far = delayed(near, Duration::from_millis(1));
    for (workload, port) in [("page with count", near), ("page with count, 1 ms away", far)] {
        let mut raw = place.raw(port);
        let db = place.sequor(port);
        place.wait(async {
            raw.prepare("page", PAGE).await;
            raw.prepare("count", COUNT).await;
        });
        let bool_parameter = |_: usize, out: &mut BytesMut| {
            out.put_u8(1);
            IsNull::No
        };
        let cases: Vec<Case<'_>> = vec![
            case("by hand, one flush", PER, || {
                timed(|| {
                    place.wait(async {
                        for _ in 0..PER {
                            raw.execute_with("page", 1, bool_parameter);
                            raw.execute_with("count", 1, bool_parameter);
                            raw.sync();
                            let (mut rows, mut total) = (Vec::new(), 0);
                            raw.flush(1, |body| if body[1] == 1 { total = Fields::new(body).i64() } else { rows.push(person(body)) }).await;
                            assert!(rows.len() == 20 && total == 5000);
                        }
                    })
                })
            }),
            case("Sequor", PER, || {
                timed(|| {
                    place.wait(async {
                        for _ in 0..PER {
                            let page = Person::find_all()
                                .filter(Person::ACTIVE.eq(true))
                                .order_by(Person::ID.asc())
                                .page(3, 20)
                                .exec(&db)
                                .await
                                .expect("a page");
                            assert!(page.rows.len() == 20 && page.count == 5000);
                        }
                    })
                })
            }),
        ];
        suite.run(workload, 20, cases);
    }
}

/// The simplest pool: a semaphore for fairness and a stack, so that the warmest connection goes first.
struct Connections {
    permits: Semaphore,
    idle: Mutex<Vec<Raw>>,
}

impl Connections {
    async fn find(&self, key: i32) {
        let _permit = self.permits.acquire().await.expect("an open semaphore");
        let mut raw = self.idle.lock().expect("no panic").pop().expect("a connection for each permit");
        raw.execute("key", &[key]);
        raw.sync();
        let mut found = None;
        raw.flush(1, |body| found = Some(person(body))).await;
        assert!(found.is_some());
        self.idle.lock().expect("no panic").push(raw);
    }
}

/// `tasks` tasks on a multi-thread runtime, each making `per` lookups.
pub fn spread<F: Future<Output = ()> + Send + 'static>(runtime: &Runtime, tasks: u32, make: impl Fn(u32) -> F) -> Duration {
    timed(|| {
        runtime.block_on(async {
            let handles: Vec<_> = (0..tasks).map(|task| tokio::spawn(make(task))).collect();
            for handle in handles {
                handle.await.expect("no panic");
            }
        })
    })
}

fn many_tasks(suite: &Suite, place: &Place) {
    const PER: u32 = 25;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let port = place.address.port();
    let connections = runtime.block_on(async {
        let mut idle = Vec::new();
        for _ in 0..10 {
            let mut raw = Raw::connect(place.address, "sequor", "postgres").await;
            raw.prepare("key", KEY).await;
            idle.push(raw);
        }
        Arc::new(Connections { permits: Semaphore::new(10), idle: Mutex::new(idle) })
    });
    let db = runtime.block_on(Db::options(&place.url(port)).pool(Pool { max: 10, ..Pool::default() }).connect()).expect("a database");
    for (workload, tasks) in [("64 tasks, pool of 10", 64), ("1 task, pool of 10", 1)] {
        #[cfg(feature = "peers")]
        let peers = crate::peers::Pools::connect(place, &runtime);
        let mut cases: Vec<Case<'_>> = vec![
            case("by hand", tasks * PER, || {
                spread(&runtime, tasks, |task| {
                    let connections = connections.clone();
                    async move {
                        for i in 0..PER {
                            connections.find(key(task * 7919 + i)).await;
                        }
                    }
                })
            }),
            case("Sequor", tasks * PER, || {
                spread(&runtime, tasks, |task| {
                    let db = db.clone();
                    async move {
                        for i in 0..PER {
                            assert!(Person::find_by_pk(key(task * 7919 + i)).exec(&db).await.expect("a row").is_some());
                        }
                    }
                })
            }),
        ];
        #[cfg(feature = "peers")]
        cases.extend(peers.tasks(&runtime, tasks, PER));
        suite.run(workload, 20, std::mem::take(&mut cases));
    }
}
