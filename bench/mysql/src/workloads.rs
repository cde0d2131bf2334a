//! The workloads, each with its floor first, Sequor second and the peers behind.

use crate::models::*;
use crate::raw::{Fields, Parameter, Raw, Statement};
use bench_harness::{Case, Suite, case, timed};
use sequor::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use tokio::runtime::{Builder, Runtime};

const SETUP: &str = "DROP TABLE IF EXISTS people, inserted, comments, posts, users;
CREATE TABLE people(id int PRIMARY KEY AUTO_INCREMENT, name varchar(255) NOT NULL, email varchar(255) NOT NULL, age int, score double NOT NULL, active tinyint(1) NOT NULL, bio text, created_at datetime(6) NOT NULL);
INSERT INTO people(name, email, age, score, active, bio, created_at) SELECT CONCAT('User ',seq), CONCAT('user',seq,'@example.com'), IF(seq%7=0,NULL,seq%90), seq*0.5, seq%2=0, IF(seq%3=0,NULL,REPEAT('bio ',10)), '2024-01-01' + INTERVAL seq MINUTE FROM seq_1_to_10000;
CREATE TABLE inserted LIKE people;
CREATE TABLE users(id int PRIMARY KEY AUTO_INCREMENT, name varchar(255) NOT NULL, email varchar(255) NOT NULL, age int);
CREATE TABLE posts(id int PRIMARY KEY AUTO_INCREMENT, user_id int NOT NULL, title varchar(255) NOT NULL, body text, created_at datetime(6) NOT NULL, KEY(user_id));
CREATE TABLE comments(id int PRIMARY KEY AUTO_INCREMENT, post_id int NOT NULL, author varchar(255) NOT NULL, text text NOT NULL, KEY(post_id));
INSERT INTO users(name, email, age) SELECT CONCAT('User ',seq), CONCAT('user',seq,'@example.com'), seq%90 FROM seq_1_to_1000;
INSERT INTO posts(user_id, title, body, created_at) SELECT (seq-1) DIV 10+1, CONCAT('Post number ',seq), REPEAT('body text ',8), '2024-01-01' + INTERVAL seq MINUTE FROM seq_1_to_10000;
INSERT INTO comments(post_id, author, text) SELECT (seq-1) DIV 5+1, CONCAT('author ',seq%100), CONCAT('A comment of some words, number ',seq) FROM seq_1_to_50000";

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = ?";
const ALL: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people";
const COLUMNS: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES ";

/// Where the server is, and the runtime that every async contender shares.
pub struct Place {
    pub address: String,
    pub runtime: Runtime,
}

impl Place {
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn raw(&self) -> Raw {
        Raw::connect(&self.address, "sequor", "sequor", "sequor")
    }

    fn sequor(&self) -> Db {
        self.wait(Db::connect(&format!("mysql://sequor:sequor@{}/sequor", self.address))).expect("the server answers")
    }
}

/// Runs all of them.
pub fn run() {
    let address = std::env::var("BENCH_MYSQL").expect("BENCH_MYSQL=127.0.0.1:port");
    let place = Place { address, runtime: Builder::new_current_thread().enable_all().build().expect("a runtime") };
    let mut raw = place.raw();
    SETUP.split(";\n").for_each(|statement| raw.run(statement));
    let suite = Suite::new("MariaDB").with_node(&format!("mysql://sequor:sequor@{}/sequor", place.address));
    find_by_key(&suite, &place);
    rows_into_structs(&suite, &place);
    insert_many(&suite, &place);
    create_one(&suite, &place);
    include(&suite, &place);
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

fn find_by_key(suite: &Suite, place: &Place) {
    const PER: u32 = 100;
    let mut raw = place.raw();
    let mut statement = raw.prepare(KEY);
    let db = place.sequor();
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    let mut cases = vec![
        case("by hand", PER, || {
            timed(|| {
                for i in 0..PER {
                    let mut found = None;
                    raw.execute(&mut statement, &[Parameter::Int(key(i))], |fields| found = Some(person(fields)));
                    assert!(found.is_some());
                }
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
    let raw = RefCell::new(place.raw());
    let db = place.sequor();
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    for (workload, count, rounds) in
        [("rows 1", 1u32, 60), ("rows 10", 10, 60), ("rows 100", 100, 60), ("rows 1,000", 1000, 40), ("rows 10,000", 10000, 25)]
    {
        let per = (1000 / count).clamp(1, 50);
        let sql = if count == 10000 { ALL.to_owned() } else { format!("{ALL} ORDER BY id LIMIT {count}") };
        let statement = RefCell::new(raw.borrow_mut().prepare(&sql));
        let mut cases: Vec<Case<'_>> = vec![
            case("by hand", per, || {
                timed(|| {
                    for _ in 0..per {
                        let mut rows = Vec::new();
                        raw.borrow_mut().execute(&mut statement.borrow_mut(), &[], |fields| rows.push(person(fields)));
                        assert!(rows.len() == count as usize);
                    }
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

fn insert_rows(raw: &mut Raw, statement: &mut Statement, rows: &[New]) -> u64 {
    let times: Vec<String> = rows.iter().map(|row| row.created_at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()).collect();
    let mut parameters = Vec::with_capacity(rows.len() * 7);
    for (row, time) in rows.iter().zip(&times) {
        parameters.extend([
            Parameter::Text(&row.name),
            Parameter::Text(&row.email),
            row.age.map_or(Parameter::Null, Parameter::Int),
            Parameter::Double(row.score),
            Parameter::Int(i32::from(row.active)),
            row.bio.as_deref().map_or(Parameter::Null, Parameter::Text),
            Parameter::Text(time),
        ]);
    }
    raw.execute(statement, &parameters, |_| ())
}

/// The text for so many rows, and how many fit into one statement by hand.
fn insert_sql(count: usize) -> String {
    format!("{COLUMNS}{}", vec!["(?,?,?,?,?,?,?)"; count].join(","))
}

fn insert_many(suite: &Suite, place: &Place) {
    let raw = RefCell::new(place.raw());
    let db = place.sequor();
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    for (workload, count) in [("insert 10", 10), ("insert 100", 100), ("insert 1,000", 1000), ("insert 10,000", 10000)] {
        let data = rows(count);
        let chunk = data.len().min(100);
        let statement = RefCell::new(raw.borrow_mut().prepare(&insert_sql(chunk)));
        let empty = || raw.borrow_mut().run("DELETE FROM inserted");
        let mut cases: Vec<Case<'_>> = vec![
            case("by hand, 100 a statement", 1, || {
                empty();
                timed(|| {
                    let mut raw = raw.borrow_mut();
                    raw.run("START TRANSACTION");
                    for rows in data.chunks(chunk) {
                        assert!(insert_rows(&mut raw, &mut statement.borrow_mut(), rows) > 0);
                    }
                    raw.run("COMMIT");
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

fn create_one(suite: &Suite, place: &Place) {
    const PER: u32 = 50;
    let mut raw = place.raw();
    let mut statement = raw.prepare(&insert_sql(1));
    let db = place.sequor();
    let data = rows(PER as i32);
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    let mut cases: Vec<Case<'_>> = vec![
        case("by hand", PER, || {
            timed(|| data.iter().for_each(|row| assert!(insert_rows(&mut raw, &mut statement, std::slice::from_ref(row)) > 0)))
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

struct Tree {
    id: i32,
    name: String,
    email: String,
    age: Option<i32>,
    posts: Vec<Branch>,
}
struct Branch {
    id: i32,
    user_id: i32,
    title: String,
    body: Option<String>,
    created_at: DateTime<Utc>,
    comments: Vec<Leaf>,
}
struct Leaf {
    id: i32,
    post_id: i32,
    author: String,
    text: String,
}

fn level_by_level(raw: &mut Raw, statements: &mut [Statement; 3], count: i32) {
    let (mut users, mut posts, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    let [first, second, third] = statements;
    raw.execute(first, &[Parameter::Int(count)], |mut f| {
        users.push(Tree { id: f.i32(), name: f.string(), email: f.string(), age: f.i32_or_null(), posts: Vec::new() })
    });
    let keys: Vec<Parameter<'_>> = users.iter().map(|user| Parameter::Int(user.id)).collect();
    raw.execute(second, &keys, |mut f| {
        posts.push(Branch {
            id: f.i32(),
            user_id: f.i32(),
            title: f.string(),
            body: f.string_or_null(),
            created_at: f.instant(),
            comments: Vec::new(),
        })
    });
    let keys: Vec<Parameter<'_>> = posts.iter().map(|post| Parameter::Int(post.id)).collect();
    raw.execute(third, &keys, |mut f| comments.push(Leaf { id: f.i32(), post_id: f.i32(), author: f.string(), text: f.string() }));
    let at: HashMap<i32, usize> = posts.iter().enumerate().map(|(index, post)| (post.id, index)).collect();
    for comment in comments {
        posts[at[&comment.post_id]].comments.push(comment);
    }
    let at: HashMap<i32, usize> = users.iter().enumerate().map(|(index, user)| (user.id, index)).collect();
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

fn include(suite: &Suite, place: &Place) {
    let db = place.sequor();
    #[cfg(feature = "peers")]
    let peers = crate::peers::Peers::connect(place);
    for (workload, count) in [("include of 3 levels, 100 users", 100), ("include of 3 levels, 1 user", 1)] {
        let mut raw = place.raw();
        let list = |count: i32| vec!["?"; count as usize].join(",");
        let statements = RefCell::new([
            raw.prepare("SELECT id, name, email, age FROM users WHERE id <= ?"),
            raw.prepare(&format!("SELECT id, user_id, title, body, created_at FROM posts WHERE user_id IN ({})", list(count))),
            raw.prepare(&format!("SELECT id, post_id, author, text FROM comments WHERE post_id IN ({})", list(10 * count))),
        ]);
        let raw = RefCell::new(raw);
        let mut cases: Vec<Case<'_>> = vec![
            case("by hand, level by level", 1, || timed(|| level_by_level(&mut raw.borrow_mut(), &mut statements.borrow_mut(), count))),
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
                            for post in user.posts.loaded().expect("loaded") {
                                assert!(post.comments.loaded().expect("loaded").len() == 5);
                            }
                        }
                    })
                })
            }),
        ];
        #[cfg(feature = "peers")]
        cases.extend(peers.include(count));
        suite.run_in_a_row(workload, 20, if count == 1 { 20 } else { 1 }, std::mem::take(&mut cases));
    }
}
