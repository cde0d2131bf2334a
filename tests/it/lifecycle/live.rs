//! Keys that are unique among live rows: a deleted row's value can be used again, on every database.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "accounts_alive", paranoid, rename_all = "camelCase")]
pub struct Login {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique(live_only))]
    pub email: String,
    #[field(default = 0)]
    pub visits: i32,
    pub deleted_at: Option<DateTime<Utc>>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "seats_alive", paranoid(flag = "is_active"), unique(columns("hall", "number"), live_only, name = "one_seat"))]
pub struct Seat {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub hall: i32,
    pub number: i32,
    pub is_active: bool,
}

#[sequor::test(models(Login))]
async fn a_deleted_value_can_be_used_again(db: Db) -> sequor::Result<()> {
    let first = draft!(Login { email: "a@x.io" }).create(&db).await?;
    let taken = draft!(Login { email: "a@x.io" }).create(&db).await;
    assert!(matches!(&taken, Err(Error::UniqueConstraint { fields, .. }) if *fields == ["email"]), "{taken:?}");
    first.destroy(&db).await?;
    let second = draft!(Login { email: "a@x.io" }).create(&db).await?;
    second.destroy(&db).await?;
    let third = draft!(Login { email: "a@x.io" }).create(&db).await?;
    assert_eq!(Login::count().with_deleted().exec(&db).await?, 3);
    // What is deleted cannot come back while its value is taken.
    let first = Login::find_by_pk(first.id).with_deleted().or_fail().exec(&db).await?;
    assert!(matches!(first.restore(&db).await, Err(Error::UniqueConstraint { .. })));
    third.destroy(&db).await?;
    assert_eq!(first.restore(&db).await?.email, "a@x.io");
    // A second sync finds everything as it is.
    db.sync::<Login>(SyncMode::Alter).await?;
    Ok(())
}

#[sequor::test(models(Login))]
async fn a_row_that_is_deleted_again_keeps_its_first_instant(db: Db) -> sequor::Result<()> {
    let clock = db.clock();
    let loaded = draft!(Login { email: "a@x.io" }).create(&db).await?;
    loaded.destroy(&db).await?;
    let instant = async || Ok::<_, Error>(Login::find_by_pk(loaded.id).with_deleted().or_fail().exec(&db).await?.deleted_at);
    let first = instant().await?;
    clock.advance(std::time::Duration::from_secs(60));
    Login::find_by_pk(loaded.id).with_deleted().or_fail().exec(&db).await?.destroy(&db).await?;
    assert_eq!(instant().await?, first);
    Login::destroy_all().with_deleted().every_row().exec(&db).await?;
    assert_eq!(instant().await?, first);
    // Where changes are told, the row is looked at: a copy from before it was deleted changes nothing either.
    db.global_hooks().after_change("listen", |_change, _cx| Box::pin(async { Ok(()) }));
    loaded.destroy(&db).await?;
    Login::destroy_all().with_deleted().every_row().exec(&db).await?;
    assert_eq!(instant().await?, first);
    Ok(())
}

#[sequor::test(models(Login))]
async fn an_upsert_meets_the_live_row(db: Db) -> sequor::Result<()> {
    draft!(Login { email: "a@x.io", visits: 1 }).create(&db).await?.destroy(&db).await?;
    let (login, created) = Login::upsert(draft!(Login { email: "a@x.io", visits: 2 })).exec(&db).await?;
    assert!(created && login.visits == 2);
    let (again, created) = Login::upsert(draft!(Login { email: "a@x.io", visits: 3 })).exec(&db).await?;
    assert_eq!((again.id, again.visits, created), (login.id, 3, false));
    Login::bulk_create([draft!(Login { email: "a@x.io", visits: 4 })]).update_on_duplicate(Login::VISITS).exec(&db).await?;
    let all: Vec<i32> =
        Login::find_all().with_deleted().order_by(Login::ID.asc()).exec(&db).await?.iter().map(|login| login.visits).collect();
    assert_eq!(all, [1, 4]);
    Ok(())
}

#[sequor::test(models(Seat))]
async fn a_flag_deletes_as_well(db: Db) -> sequor::Result<()> {
    let seat = draft!(Seat { hall: 1, number: 7 }).create(&db).await?;
    draft!(Seat { hall: 1, number: 8 }).create(&db).await?;
    let taken = draft!(Seat { hall: 1, number: 7 }).create(&db).await;
    assert!(matches!(&taken, Err(Error::UniqueConstraint { fields, .. }) if *fields == ["hall", "number"]), "{taken:?}");
    seat.destroy(&db).await?;
    draft!(Seat { hall: 1, number: 7 }).create(&db).await?;
    assert_eq!(Seat::count().exec(&db).await?, 2);
    Ok(())
}
