//! Cursors: in any mixture of directions, over NULLs, there and back, while rows come and go; and what is refused.

use super::{Mark, Measure, measures};
use sequor::prelude::*;
use sequor::{CursorPage, UsageErrorKind};

type Ordered = fn(Find<Measure>) -> Find<Measure>;

const ORDERS: [Ordered; 7] = [
    |find| find,
    |find| find.order_by(Measure::ID.desc()),
    |find| find.order_by(Measure::LEVEL.asc()),
    |find| find.order_by(Measure::LEVEL.desc()),
    |find| find.order_by((Measure::LEVEL.asc(), Measure::SENSOR.desc())),
    |find| find.order_by((Measure::SENSOR.desc(), Measure::LEVEL.asc(), Measure::NOTE.desc())),
    |find| find.order_by((Measure::LEVEL.desc(), Measure::NOTE.asc(), Measure::ID.desc())),
];

async fn page(order: Ordered, cursor: Option<Cursor>, size: u64, db: &Db) -> sequor::Result<CursorPage<Measure>> {
    order(Measure::find_all().include(Measure::MARKS)).cursor(cursor, size).exec(db).await
}

#[sequor::test(models(Measure, Mark))]
async fn walks_there_and_back_in_every_order(db: Db) -> sequor::Result<()> {
    measures(&db, 60).await?;
    for order in ORDERS {
        let whole = page(order, None, 1_000, &db).await?;
        assert_eq!((whole.rows.len(), whole.next, whole.previous), (60, None, None));
        // The order is that of any other read, NULLs included.
        let read = order(Measure::find_all().include(Measure::MARKS)).exec(&db).await?;
        assert_eq!(whole.rows.iter().map(|row| row.level).collect::<Vec<_>>(), read.iter().map(|row| row.level).collect::<Vec<_>>());
        let (mut there, mut cursor) = (Vec::new(), None);
        let last = loop {
            let page = page(order, cursor, 7, &db).await?;
            there.extend(page.rows.clone());
            cursor = page.next.clone();
            if cursor.is_none() {
                break page;
            }
        };
        assert_eq!(there, whole.rows);
        let (mut back, mut cursor) = (Vec::new(), last.previous.clone());
        while cursor.is_some() {
            let page = page(order, cursor, 7, &db).await?;
            assert!(page.next.is_some());
            back.splice(0..0, page.rows.clone());
            cursor = page.previous;
        }
        let seen = there.len() - last.rows.len();
        assert_eq!(back, there[..seen]);
        assert!(back.iter().any(|row| row.marks.get().is_some_and(|marks| marks.len() == 2)));
    }
    Ok(())
}

#[sequor::test(models(Measure, Mark))]
async fn misses_and_doubles_no_row_that_stands_still(db: Db) -> sequor::Result<()> {
    let count = if std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1") { 100_000 } else { 1_500 };
    measures(&db, count).await?;
    let still: Vec<i64> =
        Measure::find_all().filter(Measure::SENSOR.ne(3)).order_by(Measure::ID.asc()).select(Measure::ID).exec(&db).await?;
    let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = Measure::find_all().order_by((Measure::LEVEL.desc(), Measure::SENSOR.asc())).cursor(cursor, 100).exec(&db).await?;
        seen.extend(page.rows.iter().filter(|row| row.sensor != 3).map(|row| row.id));
        pages += 1;
        // Rows before and behind the reader go and come; the last row of the page goes as well.
        let gone: Vec<i64> = page.rows.iter().filter(|row| row.sensor == 3).map(|row| row.id).take(5).collect();
        Measure::destroy_all().filter(Measure::ID.is_in(gone)).exec(&db).await?;
        let drafts = [0, 5, 10].map(|level| draft!(Measure { sensor: 3, level: level, note: "new" }));
        Measure::bulk_create(drafts.to_vec()).exec(&db).await?;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    seen.sort_unstable();
    assert!(pages > 10 && seen == still, "{} rows seen of {}", seen.len(), still.len());
    Ok(())
}

#[sequor::test(models(Measure, Mark))]
async fn refuses_cursors_that_are_damaged_or_of_another_query(db: Db) -> sequor::Result<()> {
    measures(&db, 30).await?;
    let by_level = || Measure::find_all().order_by(Measure::LEVEL.asc());
    let next = by_level().cursor(None, 10).exec(&db).await?.next.map(|cursor| cursor.to_string()).unwrap_or_default();
    assert!(!next.is_empty());
    let mut refused: Vec<String> =
        vec![String::new(), "x".into(), "%%%".into(), "null".into(), format!("{next}A"), next[1..].into(), "A".repeat(9_000)];
    // Every character changed once.
    for place in 0..next.len() {
        let other = if next.as_bytes()[place] == b'A' { "B" } else { "A" };
        let mut text = next.clone();
        text.replace_range(place..=place, other);
        refused.push(text);
    }
    for text in refused {
        let result = by_level().cursor(Some(Cursor::from(text.clone())), 10).exec(&db).await;
        assert!(matches!(&result, Err(Error::Usage(usage)) if usage.kind == UsageErrorKind::Cursor), "{text}: {result:?}");
    }
    let foreign = [
        Measure::find_all().order_by(Measure::LEVEL.desc()).cursor(Some(next.clone().into()), 10).exec(&db).await.err(),
        Measure::find_all()
            .order_by((Measure::LEVEL.asc(), Measure::NOTE.asc()))
            .cursor(Some(next.clone().into()), 10)
            .exec(&db)
            .await
            .err(),
        Mark::find_all().order_by(Mark::ID.asc()).cursor(Some(next.clone().into()), 10).exec(&db).await.err(),
    ];
    for error in foreign {
        assert!(matches!(&error, Some(Error::Usage(usage)) if usage.kind == UsageErrorKind::Cursor), "{error:?}");
    }
    assert!(by_level().cursor(Some(next.into()), 10).exec(&db).await.is_ok());
    assert!(matches!(by_level().cursor(None, 0).exec(&db).await, Err(Error::Usage(_))));
    Ok(())
}
