//! What reading takes of memory: a stream as much as its chunk, a tree as much as its rows.

use super::library::{Author, Badge, Book, BookLabel, Chapter, Label, Note};
use super::{Mark, Measure, Shared};
use sequor::prelude::*;
use sequor_tests::memory::{alone, forget_most, most_resident, resident};

fn long() -> bool {
    std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1")
}

/// A test of this file, as the program that runs it calls it.
fn name_of(db: &Db, test: &str) -> String {
    let database = if db.dialect() == Dialect::Mariadb { "mysql" } else { db.dialect().name() };
    format!("loading::memory::{test}::{database}")
}

fn said(text: &str) -> &str {
    text.lines().find(|line| line.contains(" kB ")).unwrap_or_default()
}

/// Runs in a process of its own: other tests would be measured with it.
async fn measure_memory(db: &Db, doublings: u32) -> sequor::Result<()> {
    let note = "x".repeat(if doublings > 8 { 60 } else { 1_000 });
    let drafts: Vec<_> = (0..1_000).map(|number| draft!(Measure { sensor: number, note: note.clone() })).collect();
    Measure::bulk_create(drafts).exec(db).await?;
    for _ in 0..doublings {
        db.execute(sql!("INSERT INTO measures (sensor, level, note) SELECT sensor, level, note FROM measures")).await?;
    }
    db.execute(sql!("INSERT INTO marks (label, measure_id) SELECT 'm', id FROM measures WHERE sensor < 100")).await?;
    let expected = 1_000_u64 << doublings;
    let (start, mut most, mut count, mut marks) = (resident(), 0, 0, 0);
    let mut rows = Measure::find_all().include(Measure::MARKS).stream(db);
    while let Some(row) = rows.next().await {
        marks += row?.marks.loaded()?.len();
        count += 1;
        if count % 997 == 0 {
            most = most.max(resident());
        }
    }
    assert_eq!((count, marks), (expected, usize::try_from(expected / 10).unwrap_or(0)));
    let grown = most.saturating_sub(start);
    println!("{}: {count} rows, {grown} kB above the start", db.dialect().name());
    assert!(start > 0 && grown < 32 * 1024, "{count} rows took {grown} kB above the start");
    Ok(())
}

#[sequor::test(models(Measure, Mark))]
async fn a_long_stream_takes_constant_memory(db: Db) -> sequor::Result<()> {
    const CHILD: &str = "SEQUOR_MEASURES_MEMORY";
    if std::env::var(CHILD).is_ok() {
        let shared = Shared::of(&db).await?;
        // A million short rows, or 64 MB of long ones: more than a reader that keeps them could hide.
        measure_memory(&shared.db, if long() { 10 } else { 6 }).await?;
        shared.remove().await;
        return Ok(());
    }
    println!("{}", said(&alone(&name_of(&db, "a_long_stream_takes_constant_memory"), CHILD)?));
    Ok(())
}

/// The staff of the first leaders to the fourth level, three a head: how many rows, and what they took at most.
async fn staff_of(db: &Db, leaders: i64) -> sequor::Result<(u64, u64)> {
    fn count(rows: &[Author]) -> sequor::Result<u64> {
        let mut all = rows.len() as u64;
        for row in rows {
            all += row.staff.get().map_or(Ok(0), count)?;
        }
        Ok(all)
    }
    forget_most()?;
    let start = resident();
    let rows = Author::find_all().filter(Author::BOSS_ID.is_null().and(Author::ID.lte(leaders))).include(Author::STAFF.depth(4));
    let rows = rows.exec(db).await?;
    Ok((count(&rows)?, most_resident().saturating_sub(start)))
}

async fn weigh_trees(db: &Db, leaders: i64) -> sequor::Result<()> {
    let names = (1..=leaders * 4).map(|number| draft!(Author { name: format!("leader {number}"), born: 0 }));
    Author::bulk_create(names.collect::<Vec<_>>()).exec(db).await?;
    for level in 0..4 {
        db.execute(sql!(
            "INSERT INTO authors (name, born, boss_id)
             SELECT name, born + 1, id FROM authors CROSS JOIN (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3) AS three WHERE born = {level}"
        ))
        .await?;
    }
    staff_of(db, 1).await?;
    let (few, small) = staff_of(db, leaders).await?;
    let (many, large) = staff_of(db, leaders * 4).await?;
    let leaders = u64::try_from(leaders).unwrap_or(0);
    assert_eq!((few, many), (leaders * 121, leaders * 484));
    println!("{}: a tree of five levels: {few} rows took {small} kB at most, {many} rows {large} kB", db.dialect().name());
    assert!(small > 0 && large < small * 5, "{few} rows took {small} kB, {many} rows {large} kB");
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn a_tree_takes_memory_as_it_has_rows(db: Db) -> sequor::Result<()> {
    const CHILD: &str = "SEQUOR_WEIGHS_TREES";
    if std::env::var(CHILD).is_ok() {
        return weigh_trees(&db, if long() { 500 } else { 60 }).await;
    }
    println!("{}", said(&alone(&name_of(&db, "a_tree_takes_memory_as_it_has_rows"), CHILD)?));
    Ok(())
}
