//! The workloads, each with its floor first, Sequor second and the peers behind.

use crate::models::*;
use bench_harness::{Case, Suite, case, timed};
use rusqlite::{Connection, Row, params};
use sequor::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use tokio::runtime::{Builder, Runtime};

const SETUP: &str = "
CREATE TABLE people(id integer PRIMARY KEY AUTOINCREMENT, name text NOT NULL, email text NOT NULL, age integer, score real NOT NULL, active integer NOT NULL, bio text, created_at text NOT NULL);
CREATE TABLE inserted(id integer PRIMARY KEY AUTOINCREMENT, name text NOT NULL, email text NOT NULL, age integer, score real NOT NULL, active integer NOT NULL, bio text, created_at text NOT NULL);
CREATE TABLE users(id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL, age integer);
CREATE TABLE posts(id integer PRIMARY KEY, user_id integer NOT NULL, title text NOT NULL, body text, created_at text NOT NULL);
CREATE TABLE comments(id integer PRIMARY KEY, post_id integer NOT NULL, author text NOT NULL, text text NOT NULL);
WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<10000) INSERT INTO people(name, email, age, score, active, bio, created_at)
  SELECT 'User '||i, 'user'||i||'@example.com', CASE WHEN i%7=0 THEN NULL ELSE i%90 END, i*0.5, i%2, CASE WHEN i%3=0 THEN NULL ELSE 'bio bio bio bio bio bio bio bio bio bio ' END, '2024-01-01 00:00:00.000000+00:00' FROM g;
WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<1000) INSERT INTO users SELECT i, 'User '||i, 'user'||i||'@example.com', i%90 FROM g;
WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<10000) INSERT INTO posts
  SELECT i, (i-1)/10+1, 'Post number '||i, 'body text body text body text body text body text body text body text body text ', '2024-01-01 00:00:00.000000+00:00' FROM g;
WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<50000) INSERT INTO comments SELECT i, (i-1)/5+1, 'author '||(i%100), 'A comment of some words, number '||i FROM g;
CREATE INDEX posts_user ON posts(user_id); CREATE INDEX comments_post ON comments(post_id); ANALYZE;";

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = ?1";
const ALL: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people";
const INSERT: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES (?1,?2,?3,?4,?5,?6,?7)";

/// Where the file is, and the runtime that every async contender shares.
pub struct Place {
    pub path: String,
    pub runtime: Runtime,
}

impl Place {
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn open(&self) -> Connection {
        let connection = Connection::open(&self.path).expect("a database");
        connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000").expect("settings");
        connection.set_prepared_statement_cache_capacity(100);
        connection
    }

    fn sequor(&self) -> Db {
        self.wait(Db::connect(&format!("sqlite://{}", self.path))).expect("a database")
    }

    /// With short statements on the caller's thread: an option, as `docs/src/production.md` says.
    fn inline(&self) -> Db {
        self.wait(Db::connect(&format!("sqlite://{}?inline=on", self.path))).expect("a database")
    }
}

/// Runs all of them.
pub fn run() {
    let folder = std::env::var("BENCH_SQLITE").expect("BENCH_SQLITE=/folder");
    let path = format!("{folder}/bench.db");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{path}{end}"));
    }
    let place = Place { path, runtime: Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime") };
    place.open().execute_batch(SETUP).expect("the tables");
    let suite = Suite::new("SQLite").with_node(&format!("sqlite:{}", place.path));
    find_by_key(&suite, &place);
    rows_into_structs(&suite, &place);
    insert_many(&suite, &place);
    create_one(&suite, &place);
    include(&suite, &place);
    page_with_count(&suite, &place);
}

/// The instant as a program without an ORM reads it: the same type from the same text.
fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z").expect("an instant").to_utc()
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

fn find_by_key(suite: &Suite, place: &Place) {
    const PER: u32 = 300;
    let connection = place.open();
    let (db, inline) = (place.sequor(), place.inline());
    let find = |key: i32| connection.prepare_cached(KEY).expect("a statement").query_row([key], |row| Ok(person(row))).expect("a row");
    let spawned = |db: &Db| {
        let db = db.clone();
        place.wait(async move {
            tokio::spawn(async move {
                for i in 0..PER {
                    assert!(Person::find_by_pk(key(i)).exec(&db).await.expect("a row").is_some());
                }
            })
            .await
            .expect("no panic")
        })
    };
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    let mut cases = vec![
        case("rusqlite by hand", PER, || timed(|| (0..PER).for_each(|i| drop(std::hint::black_box(find(key(i))))))),
        case("Sequor", PER, || timed(|| spawned(&db))),
        case("Sequor with inline=on", PER, || timed(|| spawned(&inline))),
    ];
    #[cfg(feature = "peers")]
    cases.extend(peers.find_by_key(PER));
    suite.run("find by key", 40, std::mem::take(&mut cases));
}

fn rows_into_structs(suite: &Suite, place: &Place) {
    let connection = place.open();
    let (db, inline) = (place.sequor(), place.inline());
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    for (workload, count, rounds) in
        [("rows 1", 1u32, 40), ("rows 10", 10, 40), ("rows 100", 100, 40), ("rows 1,000", 1000, 30), ("rows 10,000", 10000, 20)]
    {
        let per = (1000 / count).clamp(1, 100);
        let sql = if count == 10000 { ALL.to_owned() } else { format!("{ALL} ORDER BY id LIMIT {count}") };
        let all = || -> Vec<Person> {
            let mut statement = connection.prepare_cached(&sql).expect("a statement");
            statement.query_map([], |row| Ok(person(row))).expect("rows").map(|row| row.expect("a row")).collect()
        };
        let mut cases: Vec<Case<'_>> = vec![
            case("rusqlite by hand", per, || timed(|| (0..per).for_each(|_| assert!(all().len() == count as usize)))),
            case("Sequor", per, || timed(|| place.wait(find_rows(&db, per, count)))),
            case("Sequor with inline=on", per, || timed(|| place.wait(find_rows(&inline, per, count)))),
        ];
        #[cfg(feature = "peers")]
        cases.extend(peers.rows(per, count));
        suite.run(workload, rounds, std::mem::take(&mut cases));
    }
}

async fn find_rows(db: &Db, times: u32, count: u32) {
    for _ in 0..times {
        let find = Person::find_all();
        let find = if count == 10000 { find } else { find.order_by(Person::ID.asc()).limit(u64::from(count)) };
        assert!(find.exec(db).await.expect("rows").len() == count as usize);
    }
}

fn text(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string()
}

fn insert_by_hand(connection: &mut Connection, data: &[New]) -> Vec<i64> {
    let transaction = connection.transaction().expect("a transaction");
    let mut keys = Vec::with_capacity(data.len());
    {
        let mut statement = transaction.prepare_cached(INSERT).expect("a statement");
        for row in data {
            statement.execute(params![row.name, row.email, row.age, row.score, row.active, row.bio, text(row.created_at)]).expect("a row");
            keys.push(transaction.last_insert_rowid());
        }
    }
    transaction.commit().expect("a commit");
    keys
}

fn insert_many(suite: &Suite, place: &Place) {
    let connection = RefCell::new(place.open());
    let (db, inline) = (place.sequor(), place.inline());
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    for (workload, count) in [("insert 10", 10), ("insert 100", 100), ("insert 1,000", 1000), ("insert 10,000", 10000)] {
        let data = rows(count);
        let empty = || connection.borrow().execute_batch("DELETE FROM inserted").expect("an empty table");
        let mut cases: Vec<Case<'_>> = vec![
            case("rusqlite by hand", 1, || {
                empty();
                timed(|| assert!(insert_by_hand(&mut connection.borrow_mut(), &data).len() == data.len()))
            }),
            case("Sequor", 1, || {
                empty();
                let drafts = drafts(&data);
                timed(|| place.wait(async { assert!(Inserted::bulk_create(drafts).exec(&db).await.expect("rows").len() == data.len()) }))
            }),
            case("Sequor with inline=on", 1, || {
                empty();
                let drafts = drafts(&data);
                timed(|| {
                    place.wait(async { assert!(Inserted::bulk_create(drafts).exec(&inline).await.expect("rows").len() == data.len()) })
                })
            }),
        ];
        #[cfg(feature = "peers")]
        cases.extend(peers.insert(&data, &empty));
        suite.run(workload, 15, std::mem::take(&mut cases));
    }
}

fn create_one(suite: &Suite, place: &Place) {
    const PER: u32 = 50;
    let connection = place.open();
    let (db, inline) = (place.sequor(), place.inline());
    let data = rows(PER as i32);
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    let mut cases: Vec<Case<'_>> = vec![
        case("rusqlite by hand", PER, || {
            timed(|| {
                for row in &data {
                    let values = params![row.name, row.email, row.age, row.score, row.active, row.bio, text(row.created_at)];
                    connection.prepare_cached(INSERT).expect("a statement").execute(values).expect("a row");
                    assert!(connection.last_insert_rowid() > 0);
                }
            })
        }),
        case("Sequor", PER, || {
            let drafts = drafts(&data);
            timed(|| place.wait(create_each(&db, drafts)))
        }),
        case("Sequor with inline=on", PER, || {
            let drafts = drafts(&data);
            timed(|| place.wait(create_each(&inline, drafts)))
        }),
    ];
    #[cfg(feature = "peers")]
    cases.extend(peers.create_one(&data));
    suite.run("create one", 30, std::mem::take(&mut cases));
}

async fn create_each(db: &Db, drafts: Vec<Draft<Inserted>>) {
    for draft in drafts {
        assert!(draft.create(db).await.expect("a row").id > 0);
    }
}

struct Tree {
    id: i64,
    name: String,
    email: String,
    age: Option<i64>,
    posts: Vec<Branch>,
}
struct Branch {
    id: i64,
    user_id: i64,
    title: String,
    body: Option<String>,
    created_at: DateTime<Utc>,
    comments: Vec<Leaf>,
}
struct Leaf {
    id: i64,
    post_id: i64,
    author: String,
    text: String,
}

fn read<T>(connection: &Connection, sql: &str, parameter: &dyn rusqlite::ToSql, make: impl Fn(&Row<'_>) -> T) -> Vec<T> {
    let mut statement = connection.prepare_cached(sql).expect("a statement");
    statement.query_map([parameter], |row| Ok(make(row))).expect("rows").map(|row| row.expect("a row")).collect()
}

fn by_hand(connection: &Connection, count: i32) {
    let mut users = read(connection, "SELECT id, name, email, age FROM users WHERE id <= ?1", &count, |row| Tree {
        id: row.get_unwrap(0),
        name: row.get_unwrap(1),
        email: row.get_unwrap(2),
        age: row.get_unwrap(3),
        posts: Vec::new(),
    });
    let keys = format!("{:?}", users.iter().map(|user| user.id).collect::<Vec<_>>());
    let sql = "SELECT id, user_id, title, body, created_at FROM posts WHERE user_id IN (SELECT value FROM json_each(?1))";
    let mut posts = read(connection, sql, &keys, |row| Branch {
        id: row.get_unwrap(0),
        user_id: row.get_unwrap(1),
        title: row.get_unwrap(2),
        body: row.get_unwrap(3),
        created_at: instant(row.get_ref_unwrap(4).as_str().expect("text")),
        comments: Vec::new(),
    });
    let keys = format!("{:?}", posts.iter().map(|post| post.id).collect::<Vec<_>>());
    let sql = "SELECT id, post_id, author, text FROM comments WHERE post_id IN (SELECT value FROM json_each(?1))";
    let comments = read(connection, sql, &keys, |row| Leaf {
        id: row.get_unwrap(0),
        post_id: row.get_unwrap(1),
        author: row.get_unwrap(2),
        text: row.get_unwrap(3),
    });
    let at: HashMap<i64, usize> = posts.iter().enumerate().map(|(index, post)| (post.id, index)).collect();
    for comment in comments {
        posts[at[&comment.post_id]].comments.push(comment);
    }
    let at: HashMap<i64, usize> = users.iter().enumerate().map(|(index, user)| (user.id, index)).collect();
    for post in posts {
        users[at[&post.user_id]].posts.push(post);
    }
    assert!(
        users.len() == count as usize
            && users.iter().all(|user| user.posts.len() == 10 && user.posts.iter().all(|post| post.comments.len() == 5))
    );
    let (user, post) = (&users[0], &users[0].posts[0]);
    std::hint::black_box((&user.name, &user.email, user.age, &post.title, &post.body, post.created_at));
    std::hint::black_box((post.comments[0].id, &post.comments[0].author, &post.comments[0].text));
}

async fn find_tree(db: &Db, count: i32) {
    let find = User::find_all().filter(User::ID.lte(count)).include(User::POSTS.include(Post::COMMENTS));
    let users = find.exec(db).await.expect("rows");
    assert!(users.len() == count as usize);
    for user in &users {
        for post in user.posts.loaded().expect("loaded") {
            assert!(post.comments.loaded().expect("loaded").len() == 5);
        }
    }
}

fn include(suite: &Suite, place: &Place) {
    let connection = place.open();
    let (db, inline) = (place.sequor(), place.inline());
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    for (workload, count) in [("include of 3 levels, 100 users", 100), ("include of 3 levels, 1 user", 1)] {
        let mut cases: Vec<Case<'_>> = vec![
            case("rusqlite by hand", 1, || timed(|| by_hand(&connection, count))),
            case("Sequor", 1, || timed(|| place.wait(find_tree(&db, count)))),
            case("Sequor with inline=on", 1, || timed(|| place.wait(find_tree(&inline, count)))),
        ];
        #[cfg(feature = "peers")]
        cases.extend(peers.include(count));
        suite.run_in_a_row(workload, 20, if count == 1 { 20 } else { 1 }, std::mem::take(&mut cases));
    }
}

fn page_with_count(suite: &Suite, place: &Place) {
    const PER: u32 = 10;
    let connection = place.open();
    let db = place.sequor();
    let page = || {
        let count: i64 = connection
            .prepare_cached("SELECT count(*) FROM people WHERE active = 1")
            .expect("sql")
            .query_row([], |row| row.get(0))
            .expect("a count");
        let rows = read(&connection, &format!("{ALL} WHERE active = ?1 ORDER BY id LIMIT 20 OFFSET 40"), &1, person);
        assert!(count == 5000 && rows.len() == 20);
    };
    let cases: Vec<Case<'_>> = vec![
        case("rusqlite by hand", PER, || timed(|| (0..PER).for_each(|_| page()))),
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
    suite.run("page with count", 20, cases);
}
