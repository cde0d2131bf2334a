//! What listeners hear of a bulk write that meets rows, and orders that have no direction to say.

use sequor::prelude::*;
use sequor::{AnyChange, random};
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "listener_items")]
pub struct Item {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(max = 30)))]
    pub code: String,
    pub count: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "listener_badges")]
pub struct Badge {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    #[field(unique, validate(len(max = 30)))]
    pub code: String,
    pub count: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "listener_seats", paranoid)]
pub struct Seat {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    #[field(unique(live_only), validate(len(max = 30)))]
    pub code: String,
    pub count: i32,
    pub deleted_at: Option<DateTime<Utc>>,
}

type Log = Arc<Mutex<Vec<String>>>;

fn listen(db: &Db) -> Log {
    let log = Log::default();
    let seen = log.clone();
    db.global_hooks().after_change("log", move |change: &AnyChange, _cx| {
        let count = |row: Option<serde_json::Value>| row.map_or("-".to_owned(), |row| row["count"].to_string());
        let code = change.after().unwrap_or_default()["code"].as_str().unwrap_or_default().to_owned();
        let line = format!("{} {code} {} {} {:?}", change.operation(), count(change.before()), count(change.after()), change.changed());
        seen.lock().map(|mut seen| seen.push(line)).ok();
        Box::pin(async { Ok(()) })
    });
    log
}

fn taken(log: &Log) -> Vec<String> {
    log.lock().map(|mut log| std::mem::take(&mut *log)).unwrap_or_default()
}

#[sequor::test(models(Item))]
async fn a_row_that_is_met_is_told_as_an_update(db: Db) -> sequor::Result<()> {
    draft!(Item { code: "old", count: 1 }).create(&db).await?;
    let log = listen(&db);
    let rows = |count: i32| [draft!(Item { code: "old", count }), draft!(Item { code: format!("new{count}"), count })];
    let new = |count: i32| format!("create new{count} - {count} [\"id\", \"code\", \"count\"]");
    Item::bulk_create(rows(2)).update_on_duplicate(Item::COUNT).exec(&db).await?;
    assert_eq!(taken(&log), [new(2), "update old 1 2 [\"count\"]".to_owned()]);
    Item::bulk_create(rows(3)).update_on_duplicate(Item::COUNT).individual_hooks().exec(&db).await?;
    assert_eq!(taken(&log), ["update old 2 3 [\"count\"]".to_owned(), new(3)]);
    Ok(())
}

#[sequor::test(models(Item, Badge))]
async fn a_row_that_is_left_out_is_not_told(db: Db) -> sequor::Result<()> {
    draft!(Item { code: "old", count: 1 }).create(&db).await?;
    draft!(Badge { code: "old", count: 1 }).create(&db).await?;
    let log = listen(&db);
    let new = |count: i32| format!("create new{count} - {count} [\"id\", \"code\", \"count\"]");
    let rows = |count: i32| [draft!(Item { code: "old", count }), draft!(Item { code: format!("new{count}"), count })];
    Item::bulk_create(rows(2)).ignore_duplicates().exec(&db).await?;
    assert_eq!(taken(&log), [new(2)]);
    let rows = |count: i32| [draft!(Badge { code: "old", count }), draft!(Badge { code: format!("new{count}"), count })];
    Badge::bulk_create(rows(2)).ignore_duplicates().exec(&db).await?;
    assert_eq!(taken(&log), [new(2)]);
    // The keys of these drafts are made up: what they give is the code.
    Badge::bulk_create(rows(3)).update_on_duplicate(Badge::COUNT).exec(&db).await?;
    assert_eq!(taken(&log), [new(3), "update old 1 3 [\"count\"]".to_owned()]);
    Ok(())
}

#[sequor::test(models(Seat))]
async fn of_a_key_among_live_rows_a_deleted_one_leaves_nothing_out(db: Db) -> sequor::Result<()> {
    let seat = draft!(Seat { code: "old", count: 1 }).create(&db).await?;
    let log = listen(&db);
    Seat::bulk_create([draft!(Seat { code: "old", count: 2 }), draft!(Seat { code: "new2", count: 2 })])
        .ignore_duplicates()
        .exec(&db)
        .await?;
    let told = taken(&log);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("create new2 - 2"), "{told:?}");
    seat.destroy(&db).await?;
    taken(&log);
    Seat::bulk_create([draft!(Seat { code: "old", count: 3 })]).ignore_duplicates().exec(&db).await?;
    let told = taken(&log);
    assert!(told.len() == 1 && told[0].starts_with("create old - 3"), "{told:?}");
    Ok(())
}

#[sequor::test(models(Item))]
async fn chance_has_no_direction(db: Db) -> sequor::Result<()> {
    Item::bulk_create([draft!(Item { code: "b", count: 1 }), draft!(Item { code: "A", count: 2 })]).exec(&db).await?;
    assert_eq!(Item::find_all().order_by(random()).exec(&db).await?.len(), 2);
    assert!(Item::find_all().order_by((Item::COUNT.asc(), random())).limit(1).one().exec(&db).await?.is_some_and(|item| item.code == "b"));
    let sorted = Item::find_all().order_by(Item::CODE.lower()).exec(&db).await?;
    assert_eq!(sorted.iter().map(|item| item.code.as_str()).collect::<Vec<_>>(), ["A", "b"]);
    Ok(())
}
