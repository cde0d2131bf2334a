//! tokio-postgres by hand, and deadpool over it. Prepared statements: https://docs.rs/tokio-postgres (`Client::prepare`); `prepare_cached` and the
//! fast recycling method: https://docs.rs/deadpool-postgres.

use crate::models::{New, Person, key};
use crate::workloads::{Branch, Leaf, Place, Tree, check, spread, stitch};
use bench_harness::{Case, case, timed};
use std::collections::HashMap;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, Row, Statement};

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = $1";
const UNNEST: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) \
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[], $4::float8[], $5::bool[], $6::text[], $7::timestamptz[]) RETURNING id";
const ONE: &str =
    "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";

pub struct Peer<'a> {
    place: &'a Place,
    client: Client,
    known: HashMap<&'static str, Statement>,
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

impl<'a> Peer<'a> {
    pub fn connect(place: &'a Place, port: u16) -> Self {
        place.wait(async {
            let settings = format!("host=127.0.0.1 port={port} user=sequor dbname=postgres");
            let (client, connection) = tokio_postgres::connect(&settings, NoTls).await.expect("a connection");
            tokio::spawn(async move { drop(connection.await) });
            let mut known = HashMap::new();
            let users = "SELECT id, name, email, age FROM users WHERE id <= $1";
            let posts = "SELECT id, user_id, title, body, created_at FROM posts WHERE user_id = ANY($1)";
            let comments = "SELECT id, post_id, author, text FROM comments WHERE post_id = ANY($1)";
            for (name, sql) in [("key", KEY), ("unnest", UNNEST), ("one", ONE), ("users", users), ("posts", posts), ("comments", comments)]
            {
                known.insert(name, client.prepare(sql).await.expect("a statement"));
            }
            Peer { place, client, known }
        })
    }

    pub fn find_by_key(&self, per: u32) -> Case<'_> {
        case("tokio-postgres by hand", per, move || {
            timed(|| {
                self.place.wait(async {
                    for i in 0..per {
                        std::hint::black_box(person(&self.client.query_one(&self.known["key"], &[&key(i)]).await.expect("a row")));
                    }
                })
            })
        })
    }

    pub fn rows(&self, per: u32, count: u32) -> Case<'_> {
        let sql = format!("SELECT id, name, email, age, score, active, bio, created_at FROM people ORDER BY id LIMIT {count}");
        let sql = if count == 10000 { sql.split(" ORDER").next().unwrap_or_default().to_owned() } else { sql };
        let statement = self.place.wait(self.client.prepare(&sql)).expect("a statement");
        case("tokio-postgres by hand", per, move || {
            timed(|| {
                self.place.wait(async {
                    for _ in 0..per {
                        let rows: Vec<Person> = self.client.query(&statement, &[]).await.expect("rows").iter().map(person).collect();
                        assert!(rows.len() == count as usize);
                    }
                })
            })
        })
    }

    pub fn insert<'b>(&'b self, data: &'b [New], empty: &'b dyn Fn()) -> Case<'b> {
        case("tokio-postgres by hand, UNNEST", 1, move || {
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
                    let rows = self.client.query(&self.known["unnest"], &[&names, &emails, &ages, &scores, &active, &bios, &created]).await;
                    let keys: Vec<i32> = rows.expect("rows").iter().map(|row| row.get(0)).collect();
                    assert!(keys.len() == data.len());
                })
            })
        })
    }

    pub fn create_one<'b>(&'b self, data: &'b [New]) -> Case<'b> {
        case("tokio-postgres by hand", data.len() as u32, move || {
            timed(|| {
                self.place.wait(async {
                    for row in data {
                        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
                            [&row.name, &row.email, &row.age, &row.score, &row.active, &row.bio, &row.created_at];
                        let id: i32 = self.client.query_one(&self.known["one"], &values).await.expect("a row").get(0);
                        assert!(id > 0);
                    }
                })
            })
        })
    }

    pub fn include(&self, count: i32) -> Case<'_> {
        case("tokio-postgres by hand", 1, move || {
            timed(|| {
                self.place.wait(async {
                    let rows = self.client.query(&self.known["users"], &[&count]).await.expect("rows");
                    let tree = |row: &Row| Tree { id: row.get(0), name: row.get(1), email: row.get(2), age: row.get(3), posts: Vec::new() };
                    let mut users: Vec<Tree> = rows.iter().map(tree).collect();
                    let keys: Vec<i32> = users.iter().map(|user| user.id).collect();
                    let rows = self.client.query(&self.known["posts"], &[&keys]).await.expect("rows");
                    let branch = |row: &Row| Branch {
                        id: row.get(0),
                        user_id: row.get(1),
                        title: row.get(2),
                        body: row.get(3),
                        created_at: row.get(4),
                        comments: Vec::new(),
                    };
                    let posts: Vec<Branch> = rows.iter().map(branch).collect();
                    let keys: Vec<i32> = posts.iter().map(|post| post.id).collect();
                    let rows = self.client.query(&self.known["comments"], &[&keys]).await.expect("rows");
                    let leaf = |row: &Row| Leaf { id: row.get(0), post_id: row.get(1), author: row.get(2), text: row.get(3) };
                    stitch(&mut users, posts, rows.iter().map(leaf).collect());
                    check(&users, count);
                })
            })
        })
    }
}

pub fn pool(place: &Place, runtime: &Runtime) -> deadpool_postgres::Pool {
    let mut config = deadpool_postgres::Config::new();
    config.host = Some("127.0.0.1".into());
    config.port = Some(place.address.port());
    config.user = Some("sequor".into());
    config.dbname = Some("postgres".into());
    config.pool = Some(deadpool_postgres::PoolConfig::new(10));
    config.manager = Some(deadpool_postgres::ManagerConfig { recycling_method: deadpool_postgres::RecyclingMethod::Fast });
    let _inside = runtime.enter();
    config.create_pool(Some(deadpool_postgres::Runtime::Tokio1), NoTls).expect("a pool")
}

pub fn tasks<'b>(pool: &'b deadpool_postgres::Pool, runtime: &'b Runtime, tasks: u32, per: u32) -> Case<'b> {
    case("deadpool + tokio-postgres", tasks * per, move || {
        spread(runtime, tasks, |task| {
            let pool = pool.clone();
            async move {
                for i in 0..per {
                    let client = pool.get().await.expect("a connection");
                    let statement = client.prepare_cached(KEY).await.expect("a statement");
                    std::hint::black_box(person(&client.query_one(&statement, &[&key(task * 7919 + i)]).await.expect("a row")));
                }
            }
        })
    })
}
