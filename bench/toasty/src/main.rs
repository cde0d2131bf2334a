//! Toasty on any of the databases, as its guide advises (https://tokio-rs.github.io/toasty/0.11.0/guide/): models once, relations by `include`, many rows by
//! `create_many`. `bench-toasty URL` answers the harness line by line; `--cold` finds one row and ends.

mod models;

use bench_harness::data::{DEEP, New, key, rows, score};
use bench_harness::hand::days;
use bench_harness::{Ask, Contender, Seen, Stage, Tree, Work, serve};
use models::*;
use std::cell::{OnceCell, RefCell};
use std::hint::black_box;
use toasty::Db;

struct Peer {
    stage: Stage,
    url: String,
    db: RefCell<Db>,
    pool: OnceCell<Db>,
    people: RefCell<Vec<Person>>,
}

async fn connect(url: &str, connections: usize) -> Db {
    let models = toasty::models!(Person, Inserted, Wide, Event, User, Post, Comment, Reply, Mark);
    Db::builder().models(models).max_pool_size(connections).connect(url).await.expect("a connection")
}

fn time(row: &New) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(row.created_at.timestamp_micros()).expect("a time")
}

/// A row to insert: the builder's type has no name to write.
macro_rules! create {
    ($row:expr) => {{
        let row: &New = $row;
        let create = Inserted::create().name(row.name.clone()).email(row.email.clone()).age(row.age).score(row.score);
        create.active(row.active).bio(row.bio.clone()).created_at(time(row))
    }};
}

fn creates(rows: &[New]) -> toasty::stmt::CreateMany<Inserted> {
    rows.iter().fold(Inserted::create_many(), |all, row| all.item(create!(row)))
}

macro_rules! sum {
    ($rows:expr) => {{
        let rows = black_box($rows);
        (rows.len() as u64, rows.iter().map(|row| i64::from(row.id)).sum::<i64>())
    }};
}

fn note(seen: &mut (u64, i64), id: i32) {
    *seen = (seen.0 + 1, seen.1 + i64::from(id));
}

async fn read(db: &mut Db, work: Work, times: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for i in 0..times {
        let (rows, sum) = match work {
            Work::Find => (1, i64::from(black_box(Person::get_by_id(db, &key(i)).await.expect("a row")).id)),
            Work::Rows(10_000) => sum!(Person::all().exec(db).await.expect("rows")),
            Work::Rows(count) => {
                sum!(Person::all().order_by(Person::fields().id().asc()).limit(count as usize).exec(db).await.expect("rows"))
            }
            Work::Wide(10_000) => sum!(Wide::all().exec(db).await.expect("rows")),
            Work::Wide(count) => sum!(Wide::all().order_by(Wide::fields().id().asc()).limit(count as usize).exec(db).await.expect("rows")),
            Work::Filter => {
                let fields = Person::fields();
                let [from, to] = days().map(|day| jiff::Timestamp::from_second(day.timestamp()).expect("a time"));
                let ids = fields.id().ge(100).and(fields.id().lt(1_000)).and(fields.age().gt(10)).and(fields.age().lt(60));
                let days = fields.created_at().ge(from).and(fields.created_at().lt(to)).and(fields.active().eq(true));
                let names = fields.name().ne("nobody").and(fields.email().ne("nobody@example.com")).and(fields.name().like("User %"));
                sum!(Person::filter(ids.and(days).and(names)).order_by(fields.id().asc()).exec(db).await.expect("rows"))
            }
            Work::Page => {
                let active = || Person::filter(Person::fields().active().eq(true));
                let (rows, sum) = sum!(active().order_by(Person::fields().id().asc()).limit(20).offset(40).exec(db).await.expect("rows"));
                (rows, sum + active().count().exec(db).await.expect("a count") as i64)
            }
            Work::Cursor => {
                let find = Event::filter(Event::fields().id().gt(DEEP)).order_by(Event::fields().id().asc());
                sum!(find.limit(20).exec(db).await.expect("rows"))
            }
            Work::Tree(kind) => tree(db, kind).await,
            _ => (0, 0),
        };
        seen = (seen.0 + rows, seen.1 + sum);
    }
    seen
}

async fn tree(db: &mut Db, tree: Tree) -> (u64, i64) {
    let mut seen = (0, 0);
    let users = |most: i32| User::filter(User::fields().id().le(most));
    match tree {
        Tree::Three(most) => {
            for user in &users(most).include(User::fields().posts().comments()).exec(db).await.expect("rows") {
                note(&mut seen, user.id);
                for post in user.posts.get() {
                    note(&mut seen, post.id);
                    post.comments.get().iter().for_each(|comment| note(&mut seen, comment.id));
                }
            }
        }
        Tree::Five => {
            for user in &users(10).include(User::fields().posts().comments().replies().marks()).exec(db).await.expect("rows") {
                note(&mut seen, user.id);
                for post in user.posts.get() {
                    note(&mut seen, post.id);
                    for comment in post.comments.get() {
                        note(&mut seen, comment.id);
                        for reply in comment.replies.get() {
                            note(&mut seen, reply.id);
                            reply.marks.get().iter().for_each(|mark| note(&mut seen, mark.id));
                        }
                    }
                }
            }
        }
        Tree::HasMany | Tree::Limited | Tree::ManyToMany => {
            for user in &users(100).include(User::fields().posts()).exec(db).await.expect("rows") {
                note(&mut seen, user.id);
                user.posts.get().iter().for_each(|post| note(&mut seen, post.id));
            }
        }
        Tree::BelongsTo => {
            let find = Post::filter(Post::fields().id().le(1_000)).include(Post::fields().user());
            for post in &find.exec(db).await.expect("rows") {
                note(&mut seen, post.id);
                note(&mut seen, post.user.get().id);
            }
        }
    }
    seen
}

impl Peer {
    /// Its loaded rows, for writes of single ones.
    fn load(&self, db: &mut Db) {
        let mut people = self.people.borrow_mut();
        if people.is_empty() {
            *people = self.stage.wait(Person::all().order_by(Person::fields().id().asc()).limit(1_000).exec(db)).expect("rows");
        }
    }
}

impl Contender for Peer {
    fn name(&self) -> String {
        "Toasty".to_owned()
    }

    fn run(&self, work: Work, Ask { operations, turn }: Ask) -> Option<Seen> {
        let stage = self.stage;
        let db = &mut *self.db.borrow_mut();
        Some(match work {
            // No rows behind one another, no changes of rows that are there already, no limit for each parent and no rows between two others.
            Work::Stream | Work::Upsert | Work::Tree(Tree::Limited | Tree::ManyToMany) => return None,
            // One statement of all rows has more parameters than SQLite takes.
            Work::Insert(count) if count > 1_000 => return None,
            Work::Create => {
                let creates: Vec<_> = rows(operations).iter().map(|row| create!(row)).collect();
                stage.here(async {
                    for create in creates {
                        assert!(create.exec(db).await.expect("a row").id > 0);
                    }
                    (operations.into(), 0)
                })
            }
            Work::Insert(count) => {
                let all: Vec<_> = (0..operations).map(|_| creates(rows(count))).collect();
                stage.here(async {
                    let mut rows = 0;
                    for creates in all {
                        rows += creates.exec(db).await.expect("rows").len() as u64;
                    }
                    (rows, 0)
                })
            }
            Work::UpdateOne => {
                self.load(db);
                let mut people = self.people.borrow_mut();
                stage.here(async {
                    for person in people.iter_mut().take(operations as usize) {
                        let score = score(person.id, turn);
                        person.update().score(score).exec(db).await.expect("a row");
                    }
                    (operations.into(), 0)
                })
            }
            Work::UpdateMany => {
                self.load(db);
                let mut people = self.people.borrow_mut();
                stage.here(async {
                    let mut tx = db.transaction().await.expect("a transaction");
                    for person in people.iter_mut() {
                        let score = score(person.id, turn);
                        person.update().score(score).exec(&mut tx).await.expect("a row");
                    }
                    tx.commit().await.expect("a commit");
                    (1_000, 0)
                })
            }
            Work::UpdateAll => stage.here(async {
                let update = Person::filter(Person::fields().id().le(1_000)).update().score(f64::from(turn));
                update.exec(db).await.expect("rows");
                (1_000, 0)
            }),
            Work::Transaction => stage.here(transaction(db, operations, turn)),
            Work::Tasks(tasks) => {
                let pool = self.pool.get_or_init(|| stage.crowd.block_on(connect(&self.url, 10))).clone();
                stage.spread(tasks, operations, move |key| {
                    let mut db = pool.clone();
                    async move { black_box(Person::get_by_id(&mut db, &key).await.expect("a row")).id }
                })
            }
            Work::Find | Work::Rows(_) | Work::Wide(_) | Work::Filter | Work::Page | Work::Cursor | Work::Tree(_) => {
                stage.here(read(db, work, operations))
            }
        })
    }
}

async fn transaction(db: &mut Db, times: u32, turn: u32) -> (u64, i64) {
    let mut sum = 0;
    for i in 0..times {
        let keys = [key(i), key(i + 1)];
        let mut tx = db.transaction().await.expect("a transaction");
        for id in keys {
            sum += i64::from(Person::get_by_id(&mut tx, &id).await.expect("a row").id);
        }
        for id in keys {
            Person::filter_by_id(id).update().score(score(id, turn)).exec(&mut tx).await.expect("a row");
        }
        sum += i64::from(Person::get_by_id(&mut tx, &keys[0]).await.expect("a row").id);
        tx.commit().await.expect("a commit");
    }
    (u64::from(times) * 3, sum)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("usage: bench-toasty URL [--cold]");
    let stage = Stage::on_one_thread();
    let db = RefCell::new(stage.wait(connect(&url, 1)));
    let peer = Peer { stage, url, db, pool: OnceCell::new(), people: RefCell::default() };
    if arguments.next().is_some() {
        peer.run(Work::Find, Ask { operations: 1, turn: 0 }).expect("a row");
        return;
    }
    serve(&peer);
}
