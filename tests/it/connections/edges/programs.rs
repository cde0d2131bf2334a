//! Random programs of transactions and savepoints, held against a model in memory.

use crate::connections::{Account, is_tier_one, on_each_server};
use sequor::prelude::*;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

type Rows = BTreeMap<i64, i64>;

/// What a program does; each part of a savepoint says whether it is kept.
#[derive(Clone, Debug)]
enum Part {
    Insert(i64, i64),
    Update(i64, i64),
    Delete(i64),
    Savepoint(Vec<Part>, Ending),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Kept,
    Failed,
    /// Its future is dropped.
    Dropped,
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }

    fn number(&mut self, below: u64) -> i64 {
        i64::try_from(self.below(below)).unwrap_or(0)
    }

    fn parts(&mut self, depth: u32) -> Vec<Part> {
        (0..1 + self.below(4)).map(|_| self.part(depth)).collect()
    }

    fn part(&mut self, depth: u32) -> Part {
        let (id, balance) = (self.number(6), self.number(100));
        match self.below(if depth < 4 { 6 } else { 3 }) {
            0 => Part::Insert(id, balance),
            1 => Part::Update(id, balance),
            2 => Part::Delete(id),
            _ => {
                let ending = [Ending::Kept, Ending::Kept, Ending::Failed, Ending::Dropped][usize::try_from(self.below(4)).unwrap_or(0)];
                Part::Savepoint(self.parts(depth + 1), ending)
            }
        }
    }
}

/// What the parts make of the rows; `false` when the last one failed by itself.
fn expect(parts: &[Part], rows: &mut Rows) -> bool {
    for part in parts {
        match part {
            Part::Insert(id, _) if rows.contains_key(id) => return false,
            Part::Insert(id, balance) => drop(rows.insert(*id, *balance)),
            Part::Update(id, balance) => {
                if let Some(row) = rows.get_mut(id) {
                    *row = *balance;
                }
            }
            Part::Delete(id) => drop(rows.remove(id)),
            Part::Savepoint(parts, ending) => {
                let mut inner = rows.clone();
                if expect(parts, &mut inner) && *ending == Ending::Kept {
                    *rows = inner;
                }
            }
        }
    }
    true
}

fn run<'a>(tx: &'a Db, parts: &'a [Part]) -> Pin<Box<dyn Future<Output = sequor::Result<()>> + Send + 'a>> {
    Box::pin(async move {
        for part in parts {
            match part {
                Part::Insert(id, balance) => drop(draft!(Account { id: *id, balance: *balance }).create(tx).await?),
                Part::Update(id, balance) => {
                    Account::update_all().set(Account::BALANCE, *balance).filter(Account::ID.eq(*id)).exec(tx).await?;
                }
                Part::Delete(id) => drop(Account::destroy_all().filter(Account::ID.eq(*id)).exec(tx).await?),
                Part::Savepoint(parts, ending) => savepoint(tx, parts, *ending).await,
            }
        }
        Ok(())
    })
}

async fn savepoint(tx: &Db, parts: &[Part], ending: Ending) {
    // A statement that is cut short ends the whole transaction: the future is dropped when none runs.
    let done = tokio::sync::Notify::new();
    let work = tx.transaction(async |sp| {
        run(sp, parts).await?;
        match ending {
            Ending::Kept => Ok(()),
            Ending::Failed => Err(Error::usage("on purpose")),
            Ending::Dropped => {
                done.notify_one();
                std::future::pending().await
            }
        }
    });
    tokio::select! {
        _ = work => {}
        () = done.notified() => {}
    }
}

/// How many programs run one after the other: `SEQUOR_SAVEPOINT_PROGRAMS`, else 40, and 3,500 in tier 1.
fn programs() -> u32 {
    let asked = std::env::var("SEQUOR_SAVEPOINT_PROGRAMS").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(if is_tier_one() { 3_500 } else { 40 })
}

on_each_server! {
    // T-02
    async fn random_savepoints_leave_what_a_model_says(bed) {
        let db = bed.db(1).await?;
        let mut random = Random(0x5eed_2024_1121);
        let mut model = Rows::new();
        for round in 0..programs() {
            let parts = random.parts(1);
            let mut rows = model.clone();
            let kept = expect(&parts, &mut rows);
            let done = db.transaction(async |tx| run(tx, &parts).await).await;
            assert_eq!(done.is_ok(), kept, "round {round}: {done:?} after {parts:?}");
            if kept {
                model = rows;
            }
            let stored: Rows = Account::find_all().select((Account::ID, Account::BALANCE)).exec(&db).await?.into_iter().collect();
            assert_eq!(stored, model, "round {round}: {parts:?}");
        }
        assert!(!model.is_empty());
        db.close().await
    }
}
