//! [`Hand`]: what a client without an ORM above it does for each workload. The loops around it, and what counts as seen, are written once here.

use crate::data::{DEEP, New, key, rows, score};
use crate::{Ask, Contender, Seen, Stage, Tree, Work};
use std::cell::RefCell;
use std::hint::black_box;

/// A row with a key.
pub trait Keyed {
    fn id(&self) -> i32;
}

/// One connection.
#[expect(async_fn_in_trait, reason = "nobody asks whether these futures are Send")]
pub trait Hand {
    type Person: Keyed;
    type Wide: Keyed;
    type Event: Keyed;

    /// Whether it can do this work.
    fn can(&self, work: Work) -> bool {
        !matches!(work, Work::Tasks(_))
    }
    async fn find(&mut self, key: i32) -> Self::Person;
    /// The first so many by key; all 10,000 without an order.
    async fn rows(&mut self, count: u32) -> Vec<Self::Person>;
    async fn wide(&mut self, count: u32) -> Vec<Self::Wide>;
    /// The rows of [`TEN`].
    async fn filter(&mut self) -> Vec<Self::Person>;
    /// Twenty rows behind the fortieth of those that are active, and how many are.
    async fn page(&mut self) -> (Vec<Self::Person>, i64);
    /// Twenty events behind a key.
    async fn after(&mut self, key: i32) -> Vec<Self::Event>;
    async fn stream(&mut self, each: impl FnMut(Self::Event));
    async fn create(&mut self, row: &New) -> i32;
    /// How many rows there are for sure afterwards.
    async fn insert(&mut self, rows: &[New]) -> u64;
    async fn update_one(&mut self, id: i32, score: f64);
    async fn update_many(&mut self, ids: &[i32], scores: &[f64]);
    async fn update_all(&mut self, score: f64);
    /// Gives the rows of these keys new scores and bios, or makes them.
    async fn upsert(&mut self, rows: &[New], ids: &[i32]) -> u64;
    async fn begin(&mut self);
    async fn commit(&mut self);
    async fn tree(&mut self, tree: Tree) -> (u64, i64);
    /// So many tasks on a pool of ten.
    fn tasks(&self, _stage: Stage, _tasks: u32, _operations: u32) -> Option<Seen> {
        None
    }
}

/// The condition of ten values, with the placeholders of PostgreSQL; see [`ten`] for the values.
pub const TEN: &str = "id >= $1 AND id < $2 AND age > $3 AND age < $4 AND created_at >= $5 AND created_at < $6 AND active = $7 AND name <> $8 AND email <> $9 AND name LIKE $10";

/// The days between which all rows lie.
pub fn days() -> [chrono::DateTime<chrono::Utc>; 2] {
    [0, 4_000_000_000].map(|seconds| chrono::DateTime::from_timestamp(seconds, 0).expect("a day"))
}

/// A contender made of a [`Hand`].
pub struct ByHand<H> {
    name: &'static str,
    stage: Stage,
    hand: RefCell<H>,
}

impl<H: Hand> ByHand<H> {
    pub fn new(name: &'static str, stage: Stage, hand: H) -> Self {
        ByHand { name, stage, hand: RefCell::new(hand) }
    }
}

impl<H: Hand> Contender for ByHand<H> {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn run(&self, work: Work, ask: Ask) -> Option<Seen> {
        let mut hand = self.hand.borrow_mut();
        if let Work::Tasks(tasks) = work {
            return hand.tasks(self.stage, tasks, ask.operations);
        }
        hand.can(work).then(|| self.stage.here(run(&mut *hand, work, ask)))
    }
}

fn all<T: Keyed>(rows: Vec<T>, seen: &mut (u64, i64)) {
    *seen = (seen.0 + rows.len() as u64, seen.1 + rows.iter().map(|row| i64::from(row.id())).sum::<i64>());
    black_box(rows);
}

async fn run<H: Hand>(hand: &mut H, work: Work, Ask { operations, turn }: Ask) -> (u64, i64) {
    let mut seen = (0, 0);
    match work {
        Work::Find => {
            for i in 0..operations {
                let row = hand.find(key(i)).await;
                seen = (seen.0 + 1, seen.1 + i64::from(row.id()));
                black_box(row);
            }
        }
        Work::Create => {
            for row in rows(operations) {
                assert!(hand.create(row).await > 0);
                seen.0 += 1;
            }
        }
        Work::UpdateOne => {
            for id in 1..=operations as i32 {
                hand.update_one(id, score(id, turn)).await;
                seen.0 += 1;
            }
        }
        Work::UpdateMany | Work::Upsert => {
            let ids: Vec<i32> = (1..=1_000).collect();
            if work == Work::Upsert {
                seen.0 = hand.upsert(rows(1_000), &ids).await;
            } else {
                let scores: Vec<f64> = ids.iter().map(|id| score(*id, turn)).collect();
                hand.update_many(&ids, &scores).await;
                seen.0 = 1_000;
            }
        }
        Work::UpdateAll => {
            hand.update_all(f64::from(turn)).await;
            seen.0 = 1_000;
        }
        Work::Transaction => {
            for i in 0..operations {
                seen.1 += transaction(hand, [key(i), key(i + 1)], turn).await;
                seen.0 += 3;
            }
        }
        Work::Stream => hand.stream(|row| seen = (seen.0 + 1, seen.1 + i64::from(row.id()))).await,
        Work::Rows(_) | Work::Wide(_) | Work::Filter | Work::Page | Work::Cursor | Work::Tree(_) | Work::Insert(_) | Work::Tasks(_) => {
            for _ in 0..operations {
                once(hand, work, &mut seen).await;
            }
        }
    }
    seen
}

async fn once<H: Hand>(hand: &mut H, work: Work, seen: &mut (u64, i64)) {
    match work {
        Work::Rows(count) => all(hand.rows(count).await, seen),
        Work::Wide(count) => all(hand.wide(count).await, seen),
        Work::Filter => all(hand.filter().await, seen),
        Work::Cursor => all(hand.after(DEEP).await, seen),
        Work::Page => {
            let (rows, count) = hand.page().await;
            all(rows, seen);
            seen.1 += count;
        }
        Work::Insert(count) => seen.0 += hand.insert(rows(count)).await,
        Work::Tree(tree) => {
            let (rows, sum) = hand.tree(tree).await;
            *seen = (seen.0 + rows, seen.1 + sum);
        }
        _ => {}
    }
}

async fn transaction<H: Hand>(hand: &mut H, keys: [i32; 2], turn: u32) -> i64 {
    hand.begin().await;
    let mut sum = 0;
    for id in keys {
        sum += i64::from(hand.find(id).await.id());
    }
    for id in keys {
        hand.update_one(id, score(id, turn)).await;
    }
    sum += i64::from(hand.find(keys[0]).await.id());
    hand.commit().await;
    sum
}
