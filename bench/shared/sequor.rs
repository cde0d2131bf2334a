//! Sequor with its defaults: pool, hooks, validation and logging as they are. The same on each database.

#[path = "sequor/reads.rs"]
mod reads;
#[path = "sequor/trees.rs"]
mod trees;
#[path = "sequor/writes.rs"]
mod writes;

use crate::models::{Person, drafts};
use bench_harness::data::{rows, score};
use bench_harness::{Ask, Contender, Seen, Stage, Tree, Work};
use sequor::prelude::*;
use std::cell::OnceCell;

/// What this one shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// All that a program does.
    Whole,
    /// Creating one row with twenty hooks that do nothing.
    Hooks,
    /// An update of many rows, each of which a hook is told of.
    Capture,
    /// Many rows, each of which can be changed and saved.
    Tracking,
}

pub struct Sequor {
    name: &'static str,
    kind: Kind,
    stage: Stage,
    url: String,
    db: Db,
    pool: OnceCell<Db>,
    people: OnceCell<Vec<Person>>,
    deep: OnceCell<Cursor>,
}

impl Sequor {
    pub fn connect(name: &'static str, kind: Kind, stage: Stage, url: String) -> Self {
        let db = stage.wait(Db::connect(&url)).expect("the database answers");
        match kind {
            Kind::Hooks => writes::no_ops(&db),
            Kind::Capture => writes::capture(&db),
            Kind::Whole | Kind::Tracking => {}
        }
        Sequor { name, kind, stage, url, db, pool: OnceCell::new(), people: OnceCell::new(), deep: OnceCell::new() }
    }

    fn shows(&self, work: Work) -> bool {
        match self.kind {
            Kind::Whole => true,
            Kind::Hooks => work == Work::Create,
            Kind::Capture => work == Work::UpdateAll,
            Kind::Tracking => work == Work::Rows(10_000),
        }
    }

    fn pool(&self) -> Db {
        let connect = || {
            let options = Db::options(&self.url).pool(Pool { max: 10, ..Pool::default() });
            self.stage.crowd.block_on(options.connect()).expect("the database answers")
        };
        self.pool.get_or_init(connect).clone()
    }

    /// Loaded rows with a new score.
    fn edits(&self, count: u64, turn: u32) -> Vec<Edit<Person>> {
        let load = || self.stage.wait(Person::find_all().order_by(Person::ID.asc()).limit(1_000).exec(&self.db)).expect("rows");
        let edit = |person: &Person| {
            let mut edit = person.clone().edit();
            edit.score = score(person.id, turn);
            edit
        };
        self.people.get_or_init(load).iter().take(count as usize).map(edit).collect()
    }
}

impl Contender for Sequor {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn run(&self, work: Work, Ask { operations, turn }: Ask) -> Option<Seen> {
        let (stage, db) = (self.stage, self.db.clone());
        if !self.shows(work) {
            return None;
        }
        Some(match work {
            Work::Find => stage.go(reads::find(db, operations)),
            Work::Rows(count) if self.kind == Kind::Tracking => stage.go(reads::editable(db, count)),
            Work::Rows(count) => stage.go(reads::rows(db, operations, count)),
            Work::Wide(count) => stage.go(reads::wide(db, operations, count)),
            Work::Filter => stage.go(reads::filter(db, operations)),
            Work::Page => stage.go(reads::page(db, operations)),
            Work::Cursor => {
                let at = self.deep.get_or_init(|| stage.wait(reads::deep(&db))).clone();
                stage.go(reads::cursor(db, operations, at))
            }
            Work::Stream => stage.go(reads::stream(db)),
            Work::Tree(tree) => match tree {
                Tree::Three(count) => stage.go(trees::three(db, operations, count)),
                Tree::Five => stage.go(trees::five(db, operations)),
                Tree::BelongsTo => stage.go(trees::belongs_to(db, operations)),
                Tree::HasMany => stage.go(trees::has_many(db, operations)),
                Tree::ManyToMany => stage.go(trees::many_to_many(db, operations)),
                Tree::Limited => stage.go(trees::limited(db, operations)),
            },
            Work::Create => stage.go(writes::create(db, drafts(rows(operations)))),
            Work::Insert(count) => stage.go(writes::insert(db, (0..operations).map(|_| drafts(rows(count))).collect())),
            Work::UpdateOne => stage.go(writes::update_one(db, self.edits(operations.into(), turn))),
            Work::UpdateMany => stage.go(writes::update_many(db, self.edits(1_000, turn))),
            Work::UpdateAll => stage.go(writes::update_all(db, f64::from(turn))),
            Work::Upsert => stage.go(writes::upsert(db, writes::keyed(rows(1_000)))),
            Work::Transaction => stage.go(writes::transaction(db, operations, turn)),
            Work::Tasks(tasks) => {
                let pool = self.pool();
                stage.spread(tasks, operations, move |key| {
                    let db = pool.clone();
                    async move { Person::find_by_pk(key).or_fail().exec(&db).await.expect("a row").id }
                })
            }
        })
    }
}
