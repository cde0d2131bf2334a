//! Streams: every row once, in order, with its includes.

use super::{Mark, Measure, Shared, measures};
use sequor::prelude::*;

/// The rows of a stream, with something done between them.
async fn drain(find: Find<Measure>, db: &Db) -> sequor::Result<Vec<Measure>> {
    let mut rows = find.stream(db);
    let mut seen = Vec::new();
    while let Some(row) = rows.next().await {
        seen.push(row?);
    }
    assert!(rows.next().await.is_none(), "a stream that has ended stays ended");
    Ok(seen)
}

/// The same rows in the same order, whichever way they are read.
async fn streams_as_it_finds(db: &Db) -> sequor::Result<()> {
    let all = || Measure::find_all().include(Measure::MARKS.order_by(Mark::LABEL.desc()));
    let orders: [fn(Find<Measure>) -> Find<Measure>; 5] = [
        |find| find.order_by(Measure::ID.asc()),
        |find| find.order_by((Measure::LEVEL.asc(), Measure::ID.desc())),
        |find| find.order_by((Measure::LEVEL.desc(), Measure::SENSOR.asc(), Measure::ID.asc())),
        |find| find.order_by(Measure::ID.desc()).limit(1_111).offset(37),
        |find| find.order_by(((Measure::SENSOR + 1).desc(), Measure::ID.asc())).filter(Measure::LEVEL.gt(4)),
    ];
    for order in orders {
        let found = order(all()).exec(db).await?;
        assert_eq!(drain(order(all()), db).await?, found);
    }
    assert!(drain(all().filter(Measure::ID.lt(0)), db).await?.is_empty());
    assert!(drain(all().limit(0), db).await?.is_empty());
    assert_eq!(drain(all().order_by(Measure::ID.asc()).limit(500), db).await?.len(), 500);
    Ok(())
}

#[sequor::test(models(Measure, Mark))]
async fn a_stream_is_the_same_rows_as_the_list(db: Db) -> sequor::Result<()> {
    let shared = Shared::of(&db).await?;
    measures(&shared.db, 1_503).await?;
    streams_as_it_finds(&shared.db).await?;
    shared.db.transaction(async |tx| streams_as_it_finds(tx).await).await?;
    shared.remove().await;
    if db.dialect() == Dialect::Sqlite {
        measures(&db, 1_503).await?;
        streams_as_it_finds(&db).await?;
    }
    Ok(())
}

/// Deletes rows before and behind the reader and adds others, while it reads.
async fn reads_while_others_write(db: &Db, writer: &Db) -> sequor::Result<()> {
    let still: Vec<i64> =
        Measure::find_all().filter(Measure::SENSOR.gt(1)).order_by(Measure::ID.asc()).select(Measure::ID).exec(db).await?;
    let mut rows = Measure::find_all().order_by((Measure::SENSOR.asc(), Measure::ID.asc())).stream(db);
    let (mut seen, mut read) = (Vec::new(), 0);
    while let Some(row) = rows.next().await {
        let row = row?;
        if row.sensor > 1 {
            seen.push(row.id);
        }
        read += 1;
        if read == 10 {
            Measure::destroy_all().filter(Measure::SENSOR.lte(1)).exec(writer).await?;
        }
        if read % 400 == 0 {
            let drafts = [0, 1, 0].map(|sensor| draft!(Measure { sensor: sensor, note: "new" }));
            Measure::bulk_create(drafts.to_vec()).exec(writer).await?;
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, still);
    Ok(())
}

#[sequor::test(models(Measure, Mark))]
async fn rows_that_stand_still_are_seen_once_while_others_come_and_go(db: Db) -> sequor::Result<()> {
    let shared = Shared::of(&db).await?;
    measures(&shared.db, 2_000).await?;
    reads_while_others_write(&shared.db, &shared.db).await?;
    shared.remove().await;
    Measure::destroy_all().every_row().exec(&db).await?;
    measures(&db, 2_000).await?;
    db.transaction(async |tx| reads_while_others_write(tx, tx).await).await
}

#[sequor::test(models(Measure, Mark))]
async fn a_stream_that_is_dropped_gives_its_connection_back(db: Db) -> sequor::Result<()> {
    let shared = Shared::of(&db).await?;
    measures(&shared.db, 1_200).await?;
    for _ in 0..25 {
        let mut rows = Measure::find_all().stream(&shared.db);
        assert!(rows.next().await.is_some());
        drop(rows);
        assert_eq!(Measure::count().exec(&shared.db).await?, 1_200);
    }
    shared.remove().await;
    Ok(())
}

#[sequor::test(models(Measure, Mark))]
async fn an_error_ends_a_stream(db: Db) -> sequor::Result<()> {
    let mut rows = Measure::find_all().filter(Measure::NOTE.eq("a\0b")).stream(&db);
    let first = rows.next().await;
    if db.dialect() == Dialect::Postgres {
        assert!(matches!(first, Some(Err(_))), "{first:?}");
    } else {
        assert!(first.is_none(), "{first:?}");
    }
    assert!(rows.next().await.is_none());
    Ok(())
}
