//! Rows.

use crate::models::*;
use bench_harness::data::{DEEP, key};
use sequor::prelude::*;
use std::hint::black_box;

pub async fn find(db: Db, times: u32) -> (u64, i64) {
    let mut sum = 0;
    for i in 0..times {
        let row = Person::find_by_pk(key(i)).exec(&db).await.expect("an answer").expect("a row");
        sum += i64::from(row.id);
        black_box(row);
    }
    (times.into(), sum)
}

fn people(rows: &[Person]) -> (u64, i64) {
    black_box(rows);
    (rows.len() as u64, rows.iter().map(|row| i64::from(row.id)).sum())
}

pub async fn rows(db: Db, times: u32, count: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        let find = Person::find_all();
        let find = if count == 10_000 { find } else { find.order_by(Person::ID.asc()).limit(u64::from(count)) };
        let (rows, sum) = people(&find.exec(&db).await.expect("rows"));
        seen = (seen.0 + rows, seen.1 + sum);
    }
    seen
}

/// Each row beside what it was when it was loaded.
pub async fn editable(db: Db, count: u32) -> (u64, i64) {
    let rows = Person::find_all().exec(&db).await.expect("rows");
    let edits: Vec<Edit<Person>> = rows.into_iter().map(|row| row.edit()).collect();
    assert!(edits.len() == count as usize);
    (edits.len() as u64, black_box(edits).iter().map(|row| i64::from(row.id)).sum())
}

pub async fn wide(db: Db, times: u32, count: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        let find = Wide::find_all();
        let find = if count == 10_000 { find } else { find.order_by(Wide::ID.asc()).limit(u64::from(count)) };
        let rows = find.exec(&db).await.expect("rows");
        seen = (seen.0 + rows.len() as u64, seen.1 + rows.iter().map(|row| i64::from(row.id)).sum::<i64>());
        black_box(rows);
    }
    seen
}

pub async fn filter(db: Db, times: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        let ids = Person::ID.gte(100).and(Person::ID.lt(1_000));
        let ages = Person::AGE.gt(10).and(Person::AGE.lt(60));
        let days = Person::CREATED_AT.gte(DateTime::UNIX_EPOCH).and(Person::CREATED_AT.lt(far_day()));
        let names = Person::NAME.ne("nobody").and(Person::EMAIL.ne("nobody@example.com")).and(Person::NAME.like("User %"));
        let filter = ids.and(ages).and(days).and(Person::ACTIVE.eq(true)).and(names);
        let (rows, sum) = people(&Person::find_all().filter(filter).order_by(Person::ID.asc()).exec(&db).await.expect("rows"));
        seen = (seen.0 + rows, seen.1 + sum);
    }
    seen
}

fn far_day() -> DateTime<Utc> {
    DateTime::from_timestamp(4_000_000_000, 0).expect("a day")
}

pub async fn page(db: Db, times: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        let find = Person::find_all().filter(Person::ACTIVE.eq(true)).order_by(Person::ID.asc()).page(3, 20);
        let page = find.exec(&db).await.expect("a page");
        let (rows, sum) = people(&page.rows);
        seen = (seen.0 + rows, seen.1 + sum + page.count as i64);
    }
    seen
}

/// Where a page far down begins.
pub async fn deep(db: &Db) -> Cursor {
    let before = Event::find_all().filter(Event::ID.gt(DEEP - 20)).order_by(Event::ID.asc()).cursor(None, 20).exec(db).await;
    before.expect("a page").next.expect("there is more")
}

pub async fn cursor(db: Db, times: u32, at: Cursor) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        let page = Event::find_all().order_by(Event::ID.asc()).cursor(Some(at.clone()), 20).exec(&db).await.expect("a page");
        seen = (seen.0 + page.rows.len() as u64, seen.1 + page.rows.iter().map(|row| i64::from(row.id)).sum::<i64>());
    }
    seen
}

pub async fn stream(db: Db) -> (u64, i64) {
    let mut seen = (0, 0);
    let mut rows = Event::find_all().stream(&db);
    while let Some(row) = rows.next().await {
        let row = row.expect("a row");
        seen = (seen.0 + 1, seen.1 + i64::from(row.id));
        black_box(row);
    }
    seen
}
