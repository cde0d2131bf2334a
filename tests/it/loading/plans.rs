//! `explain`: a typed tree and text on each database; key lookups, cursors and includes use their indexes.

use sequor::prelude::*;
use sequor::{Cursor, QueryPlan};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "planned_events", index(columns("day", "id"), name = "planned_day"))]
pub struct Event {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub code: String,
    pub day: i32,
    pub note: Option<String>,
    pub guests: HasMany<Guest>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "planned_guests", index(columns("event_id"), name = "planned_event"))]
pub struct Guest {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub event_id: i64,
    pub event: BelongsTo<Event>,
}

async fn fill(db: &Db) -> sequor::Result<()> {
    let drafts = (0..2_000).map(|number| draft!(Event { code: format!("c{number}"), day: number / 10 })).collect::<Vec<_>>();
    Event::bulk_create(drafts).exec(db).await?;
    match db.dialect() {
        Dialect::Sqlite => db.execute(sql!("ANALYZE")).await?,
        Dialect::Postgres => db.execute(sql!("ANALYZE planned_events")).await?,
        Dialect::Mysql | Dialect::Mariadb => db.execute(sql!("ANALYZE TABLE planned_events")).await?,
    };
    Ok(())
}

/// The index that answers for the events.
fn index(plan: &QueryPlan) -> Option<String> {
    let steps = plan.steps();
    let reads = steps.iter().find(|step| step.table.as_deref() == Some("planned_events") || step.index.is_some());
    reads.and_then(|step| step.index.clone())
}

#[sequor::test(models(Event, Guest))]
async fn key_lookups_and_cursors_use_their_index(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    let key = match db.dialect() {
        Dialect::Sqlite => "PRIMARY KEY",
        Dialect::Postgres => "planned_events_pkey",
        Dialect::Mysql | Dialect::Mariadb => "PRIMARY",
    };
    let plan = Event::find_by_pk(7).explain(&db).await?;
    assert_eq!(index(&plan).as_deref(), Some(key), "{plan}");
    assert!(plan.whole_tables().is_empty() && !plan.text().is_empty() && plan.to_string() == plan.text(), "{plan}");
    let plan = Event::find_one().filter(Event::CODE.eq("c77")).explain(&db).await?;
    // SQLite names the index of a unique column by itself.
    assert!(index(&plan).is_some_and(|index| index.contains("code") || index.contains("autoindex")), "{plan}");
    let page = |cursor: Option<Cursor>| Event::find_all().order_by((Event::DAY.desc(), Event::ID.desc())).cursor(cursor, 10);
    let mut cursor = None;
    for _ in 0..50 {
        cursor = page(cursor).exec(&db).await?.next;
    }
    let plan = page(cursor.clone()).explain(&db).await?;
    assert_eq!(index(&plan).as_deref(), Some("planned_day"), "{plan}");
    assert!(plan.whole_tables().is_empty(), "{plan}");
    let read = page(cursor).exec(&db).await?;
    assert_eq!(read.rows[0].day, 149);
    Ok(())
}

#[sequor::test(models(Event, Guest))]
async fn whole_tables_and_trees_of_steps_are_told(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    let plan = Event::find_all().filter(Event::NOTE.eq("x")).order_by(Event::NOTE.asc()).explain(&db).await?;
    assert_eq!(plan.whole_tables(), ["planned_events"], "{plan}");
    assert!(plan.indexes().is_empty(), "{plan}");
    let joined = Guest::find_all().include(Guest::EVENT).filter(Guest::EVENT.is(Event::DAY.eq(3))).explain(&db).await?;
    assert!(joined.steps().len() > 1, "{joined:?}");
    assert!(joined.contains("planned") || joined.contains("t0"), "{joined}");
    Ok(())
}
