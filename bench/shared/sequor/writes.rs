//! Rows that are stored and changed. What is written counts as its rows; their keys are the database's.

use crate::models::*;
use bench_harness::data::{New, key, score};
use sequor::prelude::*;
use std::hint::black_box;

/// Twenty hooks that do nothing, ten of the model and ten of all models, half of them before the statement.
pub fn no_ops(db: &Db) {
    for number in 0..5 {
        let name = format!("none-{number}");
        db.hooks::<Inserted>().before_create(&name, |_, _| Box::pin(async { Ok(()) }));
        db.hooks::<Inserted>().after_create(&name, |_, _| Box::pin(async { Ok(()) }));
        db.global_hooks().before_save(&name, |_, _| Box::pin(async { Ok(()) }));
        db.global_hooks().after_save(&name, |_, _| Box::pin(async { Ok(()) }));
    }
}

/// A hook that is told of each change.
pub fn capture(db: &Db) {
    db.global_hooks().after_change("capture", |change, _| {
        black_box((change.operation(), change.key()));
        Box::pin(async { Ok(()) })
    });
}

pub async fn create(db: Db, drafts: Vec<Draft<Inserted>>) -> (u64, i64) {
    let mut rows = 0;
    for draft in drafts {
        rows += u64::from(draft.create(&db).await.expect("a row").id > 0);
    }
    (rows, 0)
}

pub async fn insert(db: Db, all: Vec<Vec<Draft<Inserted>>>) -> (u64, i64) {
    let mut rows = 0;
    for drafts in all {
        rows += Inserted::bulk_create(drafts).exec(&db).await.expect("rows").len() as u64;
    }
    (rows, 0)
}

pub async fn update_one(db: Db, edits: Vec<Edit<Person>>) -> (u64, i64) {
    let mut rows = 0;
    for edit in edits {
        black_box(edit.save(&db).await.expect("a row"));
        rows += 1;
    }
    (rows, 0)
}

pub async fn update_many(db: Db, edits: Vec<Edit<Person>>) -> (u64, i64) {
    (edits.save(&db).await.expect("rows").len() as u64, 0)
}

pub async fn update_all(db: Db, to: f64) -> (u64, i64) {
    black_box(Person::update_all().set(Person::SCORE, to).filter(Person::ID.lte(1_000)).exec(&db).await.expect("rows"));
    (1_000, 0)
}

/// Drafts with the keys of rows that are there.
pub fn keyed(rows: &[New]) -> Vec<Draft<Inserted>> {
    let with_key = |(place, mut draft): (usize, Draft<Inserted>)| {
        draft.set(Inserted::ID, place as i32 + 1);
        draft
    };
    drafts(rows).into_iter().enumerate().map(with_key).collect()
}

pub async fn upsert(db: Db, drafts: Vec<Draft<Inserted>>) -> (u64, i64) {
    let upsert = Inserted::bulk_create(drafts).conflict_on(Inserted::ID).update_on_duplicate((Inserted::SCORE, Inserted::BIO));
    (upsert.exec(&db).await.expect("rows").len() as u64, 0)
}

pub async fn transaction(db: Db, times: u32, turn: u32) -> (u64, i64) {
    let mut sum = 0;
    for i in 0..times {
        let keys = [key(i), key(i + 1)];
        let done = db.transaction(async |tx| {
            let mut sum = 0;
            for id in keys {
                sum += i64::from(Person::find_by_pk(id).or_fail().exec(tx).await?.id);
            }
            for id in keys {
                Person::update_all().set(Person::SCORE, score(id, turn)).filter(Person::ID.eq(id)).exec(tx).await?;
            }
            Ok(sum + i64::from(Person::find_by_pk(keys[0]).or_fail().exec(tx).await?.id))
        });
        sum += done.await.expect("a commit");
    }
    (u64::from(times) * 3, sum)
}
