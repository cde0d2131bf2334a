//! Parts of the lifecycle together: soft deletion, versions, stamps, hooks with rows, scopes, trees, join rows, savepoints, embedded structs.

use sequor::prelude::*;
use sequor::{AnyChange, Operation};
use std::sync::{Arc, Mutex};

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, line: impl Into<String>) {
    log.lock().map(|mut log| log.push(line.into())).ok();
}

fn taken(log: &Log) -> Vec<String> {
    log.lock().map(|mut log| std::mem::take(&mut *log)).unwrap_or_default()
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "wards_together", timestamps, paranoid, version, userstamps, hooks(rows = true))]
pub struct Ward {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique(live_only), set_with = trimmed)]
    pub name: String,
    #[field(default = 0)]
    pub beds: i32,
    pub version: i32,
    pub created_by: Option<i64>,
    pub updated_by: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
    #[relation(dependent = "destroy")]
    pub rooms: HasMany<Room>,
    pub nurses: BelongsToMany<Nurse, Shift>,
}

fn trimmed(text: String) -> String {
    text.trim().to_owned()
}

impl Hooks for Ward {
    async fn after_update(ward: &Edit<Ward>, cx: &HookContext<'_>) -> Result<()> {
        let line = format!("{} {}→{} v{} by {:?}", ward.name, ward.previous(Ward::BEDS), ward.beds, ward.version, ward.updated_by);
        cx.options().get::<Log>().into_iter().for_each(|log| note(log, line.clone()));
        Ok(())
    }
    async fn after_destroy(ward: &Ward, cx: &HookContext<'_>) -> Result<()> {
        cx.options().get::<Log>().into_iter().for_each(|log| note(log, format!("{} gone v{}", ward.name, ward.version)));
        Ok(())
    }
    async fn after_restore(ward: &Ward, cx: &HookContext<'_>) -> Result<()> {
        cx.options().get::<Log>().into_iter().for_each(|log| note(log, format!("{} back v{}", ward.name, ward.version)));
        Ok(())
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "rooms_together", paranoid)]
pub struct Room {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub number: i32,
    pub ward_id: i64,
    pub ward: BelongsTo<Ward>,
    pub deleted_at: Option<DateTime<Utc>>,
    #[relation(dependent = "destroy")]
    pub beds: HasMany<Bed>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "beds_together", paranoid)]
pub struct Bed {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub room_id: i64,
    pub room: BelongsTo<Room>,
    pub deleted_at: Option<DateTime<Utc>>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "nurses_together", default_scope = "Nurse::employed")]
pub struct Nurse {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    #[field(default = true)]
    pub employed: bool,
    #[field(default = 1)]
    pub grade: i32,
    pub wards: BelongsToMany<Ward, Shift>,
}

impl Nurse {
    pub fn employed(q: Find<Nurse>) -> Find<Nurse> {
        q.filter(Nurse::EMPLOYED.eq(true))
    }
    pub fn from_grade(grade: i32) -> impl Scope<Nurse> {
        move |q| q.filter(Nurse::GRADE.gte(grade)).order_by(Nurse::GRADE.desc()).limit(1)
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "shifts_together")]
pub struct Shift {
    #[field(primary_key)]
    pub ward_id: i64,
    #[field(primary_key)]
    pub nurse_id: i64,
    #[field(default = 8, validate(min = 1, max = 12))]
    pub hours: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "orders_together", userstamps, paranoid, version)]
pub struct Order {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub number: i32,
    pub version: i32,
    pub created_by: i64,
    pub updated_by: i64,
    pub deleted_at: Option<DateTime<Utc>>,
}

#[derive(Embed, Clone, Debug, PartialEq)]
pub struct Place {
    #[field(validate(len(min = 2, max = 10)))]
    pub city: String,
    #[field(validate(is("^[0-9]{5}$", message = "five digits")))]
    pub code: Option<String>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "sites_together", hooks)]
pub struct Site {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    #[field(default = 0)]
    pub saves: i32,
    #[field(embed)]
    pub place: Place,
}

impl Hooks for Site {
    async fn before_update(site: &mut Edit<Site>, _cx: &HookContext<'_>) -> Result<()> {
        site.saves += 1;
        Ok(())
    }
}

#[sequor::test(models(Ward, Room, Bed, Nurse, Shift))]
async fn updates_of_many_stamp_version_and_tell_each_row(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let (ann, bo) = (db.actor(1_i64), db.actor(2_i64));
    let drafts = ["a", " b ", "c"].map(|name| draft!(Ward { name, beds: 5 }));
    let wards = Ward::bulk_create(drafts).exec(&ann).await?;
    assert_eq!(
        wards.iter().map(|ward| (ward.name.as_str(), ward.created_by, ward.version)).collect::<Vec<_>>(),
        [("a", Some(1), 0), ("b", Some(1), 0), ("c", Some(1), 0)]
    );
    let changed = Ward::update_all().set(Ward::BEDS, Ward::BEDS + 1).filter(Ward::NAME.ne("c")).with(log.clone()).exec(&bo).await?;
    assert_eq!(changed, 2);
    assert_eq!(taken(&log), ["a 5→6 v1 by Some(2)", "b 5→6 v1 by Some(2)"]);
    assert_eq!(Ward::destroy_all().filter(Ward::BEDS.eq(6)).with(log.clone()).exec(&ann).await?, 2);
    let mut gone = taken(&log);
    gone.sort();
    assert_eq!(gone, ["a gone v2", "b gone v2"]);
    // The deleted are not updated, and their name is free.
    assert_eq!(Ward::update_all().set(Ward::BEDS, 1).every_row().with(log.clone()).exec(&bo).await?, 1);
    assert_eq!(taken(&log), ["c 5→1 v1 by Some(2)"]);
    let (second, created) = Ward::upsert(draft!(Ward { name: " a", beds: 9 })).exec(&bo).await?;
    assert!(created && second.id != wards[0].id);
    assert!(matches!(Ward::restore_all().exec(&ann).await, Err(Error::UniqueConstraint { .. })));
    assert_eq!(Ward::count().exec(&db).await?, 2, "nothing of it came back");
    second.destroy(&ann).await?;
    assert_eq!(Ward::restore_all().filter(Ward::NAME.eq("b")).with(log.clone()).exec(&ann).await?, 1);
    assert_eq!(taken(&log), ["b back v3"]);
    // Who did it is known of every write, whatever its way.
    let by = async |name: &str| -> sequor::Result<(Option<i64>, Option<i64>, i32)> {
        let ward = Ward::find_one().filter(Ward::NAME.eq(name)).with_deleted().order_by(Ward::ID.desc()).or_fail().exec(&db).await?;
        Ok((ward.created_by, ward.updated_by, ward.version))
    };
    assert_eq!(by("b").await?, (Some(1), Some(1), 3), "restored");
    assert_eq!(by("c").await?, (Some(1), Some(2), 1), "updated");
    let c = Ward::find_one().filter(Ward::NAME.eq("c")).or_fail().exec(&db).await?;
    assert_eq!(c.increment(Ward::BEDS, 1, &db.actor(5_i64)).await?.updated_by, Some(5));
    Ward::upsert(draft!(Ward { name: "c", beds: 7 })).exec(&db.actor(6_i64)).await?;
    assert_eq!(by("c").await?, (Some(1), Some(6), 3), "upserted: who made it stays");
    Ward::bulk_create([draft!(Ward { name: "c", beds: 8 })]).update_on_duplicate(Ward::BEDS).exec(&db.actor(7_i64)).await?;
    assert_eq!(by("c").await?, (Some(1), Some(7), 4));
    Ward::bulk_create([draft!(Ward { name: "c", beds: 9 })]).update_on_duplicate(Ward::BEDS).exec(&db).await?;
    assert_eq!(by("c").await?, (Some(1), Some(7), 5), "nobody is known to act: the last one stays");
    Ward::destroy_all().filter(Ward::NAME.eq("c")).hooks(false).exec(&db.actor(8_i64)).await?;
    assert_eq!(by("c").await?, (Some(1), Some(8), 6), "deleted");
    Ok(())
}

#[sequor::test(models(Ward, Room, Bed, Nurse, Shift))]
async fn a_tree_comes_back_without_what_was_deleted_before(db: Db) -> sequor::Result<()> {
    let ward = draft!(Ward { name: "a", rooms: [{ number: 1, beds: [{}, {}] }, { number: 2, beds: [{}] }] }).create(&db).await?;
    let first = Room::find_one().filter(Room::NUMBER.eq(1)).include(Room::BEDS).or_fail().exec(&db).await?;
    first.beds.loaded()?[0].destroy(&db).await?;
    Room::find_one().filter(Room::NUMBER.eq(2)).or_fail().exec(&db).await?.destroy(&db).await?;
    ward.destroy(&db).await?;
    assert_eq!((Room::count().exec(&db).await?, Bed::count().exec(&db).await?), (0, 0));
    Ward::find_by_pk(ward.id).with_deleted().or_fail().exec(&db).await?.restore(&db).await?;
    let rooms = Room::find_all().include(Room::BEDS).order_by(Room::NUMBER.asc()).exec(&db).await?;
    let left = rooms.iter().map(|room| Ok((room.number, room.beds.loaded()?.len()))).collect::<sequor::Result<Vec<_>>>()?;
    assert_eq!(left, [(1, 1)], "the second room, its bed and one bed of the first were gone before");
    Ok(())
}

#[sequor::test(models(Ward, Room, Bed, Nurse, Shift))]
async fn scopes_with_parameters_hold_in_includes(db: Db) -> sequor::Result<()> {
    let ward = draft!(Ward { name: "a" }).create(&db).await?;
    for (name, employed, grade) in [("Ann", true, 1), ("Bo", true, 3), ("Cy", false, 5), ("Di", true, 4)] {
        let nurse = draft!(Nurse { name, employed, grade }).create(&db).await?;
        ward.relation(Ward::NURSES).add(&nurse, &db).await?;
    }
    let names = |ward: &Ward| -> sequor::Result<Vec<String>> { Ok(ward.nurses.loaded()?.iter().map(|nurse| nurse.name.clone()).collect()) };
    let all = Ward::find_all().include(Ward::NURSES.order_by(Nurse::ID.asc())).exec(&db).await?;
    assert_eq!(names(&all[0])?, ["Ann", "Bo", "Di"], "the default scope");
    let scoped = Ward::find_all().include(Ward::NURSES.scope(Nurse::from_grade(2))).exec(&db).await?;
    assert_eq!(names(&scoped[0])?, ["Di"], "the limit of a scope that the include names is its own: so many per parent");
    let every = Ward::find_all().include(Ward::NURSES.unscoped().order_by(Nurse::ID.asc())).exec(&db).await?;
    assert_eq!(names(&every[0])?, ["Ann", "Bo", "Cy", "Di"]);
    assert_eq!(ward.related(Ward::NURSES).scope(Nurse::from_grade(1)).exec(&db).await?[0].name, "Di");
    assert_eq!(ward.relation(Ward::NURSES).count(&db).await?, 3);
    Ok(())
}

#[sequor::test(models(Ward, Room, Bed, Nurse, Shift))]
async fn join_rows_are_told_checked_and_undone(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let seen = log.clone();
    db.hooks::<Shift>().after_change("log", move |change, _cx| {
        let line = format!("{} {:?} {}", change.operation(), change.changed(), change.key().len());
        note(&seen, line);
        Box::pin(async { Ok(()) })
    });
    let ward = draft!(Ward { name: "a" }).create(&db).await?;
    let ann = draft!(Nurse { name: "Ann" }).create(&db).await?;
    let nurses = || ward.relation(Ward::NURSES);
    nurses().add(&ann, &db).await?;
    nurses().with(Shift::HOURS, 4).add(&ann, &db).await?;
    nurses().remove(&ann, &db).await?;
    assert_eq!(
        taken(&log),
        ["create [\"ward_id\", \"nurse_id\", \"hours\"] 2", "update [\"hours\"] 2", "destroy [\"ward_id\", \"nurse_id\", \"hours\"] 2"]
    );
    let refused = nurses().with(Shift::HOURS, 13).add(&ann, &db).await;
    assert!(matches!(&refused, Err(Error::Validation(error)) if error.items[0].path == "hours"), "{refused:?}");
    assert!(taken(&log).is_empty());
    db.hooks::<Shift>().before_bulk_create("none", |_rows, _cx| Box::pin(async { Err(Error::usage("no shifts")) }));
    let made = nurses().create(draft!(Nurse { name: "Bo" }), &db).await;
    assert!(made.is_err());
    assert_eq!(Nurse::count().exec(&db).await?, 1, "the nurse went with the join row");
    Ok(())
}

#[sequor::test(models(Site))]
async fn callbacks_and_listeners_follow_their_savepoint(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let seen = log.clone();
    db.global_hooks().after_commit("log", move |change: &AnyChange, _cx| {
        note(&seen, format!("{} {}", change.operation(), change.after().unwrap_or_default()["name"]));
        Box::pin(async { Ok(()) })
    });
    let make = |name: &'static str| draft!(Site { name, place: Place { city: "Ulm".into(), code: None } });
    let said = |tx: &Db, line: &'static str| {
        let log = log.clone();
        tx.after_commit(async move { note(&log, line) });
    };
    let undone: sequor::Result<()> = db
        .transaction(async |tx| {
            make("never").create(tx).await?;
            said(tx, "never");
            Err(Error::usage("undone"))
        })
        .await;
    assert!(undone.is_err() && taken(&log).is_empty());
    db.transaction(async |tx| {
        make("1").create(tx).await?;
        let outer: sequor::Result<()> = tx
            .transaction(async |sp| {
                make("lost").create(sp).await?;
                said(sp, "lost");
                sp.transaction(async |inner| {
                    make("lost too").create(inner).await?;
                    said(inner, "lost too");
                    Ok(())
                })
                .await?;
                Err(Error::usage("undone"))
            })
            .await;
        assert!(outer.is_err());
        tx.transaction(async |sp| {
            said(sp, "kept");
            make("2").create(sp).await?;
            sp.transaction(async |inner| -> sequor::Result<()> {
                said(inner, "lost again");
                Err(Error::usage("undone"))
            })
            .await
            .ok();
            Ok(())
        })
        .await?;
        said(tx, "last");
        assert!(taken(&log).is_empty(), "nothing before the commit");
        Ok(())
    })
    .await?;
    assert_eq!(taken(&log), ["create \"1\"", "kept", "create \"2\"", "last"]);
    Ok(())
}

#[sequor::test(models(Site, Ward, Room, Bed, Nurse, Shift))]
async fn two_copies_of_one_row_write_what_each_of_them_changed(db: Db) -> sequor::Result<()> {
    let site = draft!(Site { name: "a", place: Place { city: "Ulm".into(), code: Some("89073".into()) } }).create(&db).await?;
    let (mut one, mut two) = (site.clone().edit(), site.clone().edit());
    one.name = "b".into();
    two.place.city = "Bern".into();
    one.save(&db).await?;
    let second = two.save(&db).await?;
    let stored = site.reload(&db).await?;
    // Without a version each writes what it changed, and gives back what it knows.
    assert_eq!((stored.name.as_str(), stored.place.city.as_str(), stored.saves), ("b", "Bern", 1));
    assert_eq!(second.place.city, "Bern");
    let ward = draft!(Ward { name: "a" }).create(&db).await?;
    let (mut one, mut two) = (ward.clone().edit(), ward.clone().edit());
    one.beds = 1;
    two.name = "x".into();
    one.save(&db).await?;
    assert!(matches!(two.save(&db).await, Err(Error::OptimisticLock { .. })));
    assert!(matches!(ward.destroy(&db).await, Err(Error::OptimisticLock { .. })));
    let mut third = ward.reload(&db).await?.edit();
    third.name = " padded ".into();
    assert_eq!(third.save(&db).await?.name, "padded");
    Ok(())
}

#[sequor::test(models(Site))]
async fn chosen_fields_are_all_that_is_written(db: Db) -> sequor::Result<()> {
    let site = draft!(Site { name: "a", place: Place { city: "Ulm".into(), code: None } }).create(&db).await?;
    let mut edit = site.clone().edit();
    edit.name = "b".into();
    edit.place.city = "Bern".into();
    edit.save_fields(Site::NAME, &db).await?;
    let stored = site.reload(&db).await?;
    assert_eq!((stored.name.as_str(), stored.place.city.as_str(), stored.saves), ("b", "Ulm", 0), "as in Sequelize, nor what the hook set");
    let mut edit = stored.edit();
    edit.name = "c".into();
    assert_eq!(edit.save(&db).await?.saves, 1, "without chosen fields it is");
    Ok(())
}

#[sequor::test(models(Site))]
async fn rules_of_embedded_structs_hold_on_every_path(db: Db) -> sequor::Result<()> {
    let wrong = || Place { city: "x".into(), code: Some("12".into()) };
    let paths = |result: sequor::Result<()>| match result {
        Err(Error::Validation(error)) => error.items.iter().map(|item| format!("{}: {}", item.path, item.message)).collect::<Vec<_>>(),
        other => vec![format!("{other:?}")],
    };
    let expected = ["place.city: Validation len on place.city failed", "place.code: five digits"];
    assert_eq!(paths(draft!(Site { name: "a", place: wrong() }).create(&db).await.map(drop)), expected);
    assert_eq!(paths(Site::bulk_create([draft!(Site { name: "a", place: wrong() })]).exec(&db).await.map(drop)), expected);
    assert_eq!(paths(Site::upsert(draft!(Site { id: 5, name: "a", place: wrong() })).exec(&db).await.map(drop)), expected);
    let site = draft!(Site { name: "a", place: Place { city: "Ulm".into(), code: None } }).create(&db).await?;
    let mut edit = site.clone().edit();
    edit.place = wrong();
    assert_eq!(paths(edit.save(&db).await.map(drop)), expected);
    let all = Site::update_all().set(Site::PLACE.at(Place::CITY), "y").every_row().exec(&db).await.map(drop);
    assert_eq!(paths(all), [expected[0]]);
    assert_eq!(site.reload(&db).await?.place.city, "Ulm");
    Ok(())
}

#[sequor::test(models(Ward, Room, Bed, Nurse, Shift))]
async fn a_stopped_clock_stamps_every_write(db: Db) -> sequor::Result<()> {
    let clock = db.clock();
    let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
    clock.set(start);
    let ward = draft!(Ward { name: "a", rooms: [{ number: 1 }] }).create(&db).await?;
    assert_eq!((ward.created_at, ward.updated_at), (start, start));
    let later = start + std::time::Duration::from_secs(60);
    clock.set(later);
    Ward::update_all().set(Ward::BEDS, 2).every_row().exec(&db).await?;
    let ward = ward.reload(&db).await?;
    assert_eq!((ward.created_at, ward.updated_at), (start, later));
    ward.destroy(&db).await?;
    let gone = Ward::find_one().only_deleted().or_fail().exec(&db).await?;
    let room = Room::find_one().only_deleted().or_fail().exec(&db).await?;
    assert_eq!((gone.deleted_at, room.deleted_at), (Some(later), Some(later)));
    let (again, created) = Ward::upsert(draft!(Ward { name: "a" })).exec(&db).await?;
    assert!(created && again.created_at == later);
    let change = Ward::find_by_pk(again.id).or_fail().exec(&db).await?.increment(Ward::BEDS, 2, &db).await?;
    assert_eq!((change.beds, change.version, change.updated_at), (2, 1, later));
    assert_eq!(Operation::Update.as_str(), "update");
    Ok(())
}

#[sequor::test(models(Order))]
async fn no_write_of_a_stamped_model_is_anonymous(db: Db) -> sequor::Result<()> {
    let one = db.actor(1_i64);
    let order = draft!(Order { number: 1 }).create(&one).await?;
    let mut edit = order.clone().edit();
    edit.number = 2;
    let anonymous = [
        draft!(Order { number: 3 }).create(&db).await.map(drop),
        edit.save(&db).await.map(drop),
        Order::update_all().set(Order::NUMBER, 4).every_row().exec(&db).await.map(drop),
        order.increment(Order::NUMBER, 1, &db).await.map(drop),
        order.destroy(&db).await.map(drop),
        Order::destroy_all().every_row().exec(&db).await.map(drop),
        Order::upsert(draft!(Order { number: 1 })).exec(&db).await.map(drop),
        Order::bulk_create([draft!(Order { number: 5 })]).exec(&db).await.map(drop),
    ];
    for (number, result) in anonymous.into_iter().enumerate() {
        let error = result.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("_by") && error.contains("db.actor"), "write {number}: {error}");
    }
    assert_eq!(order.reload(&db).await?, order);
    // Nobody hears of the plain ones, and the version still goes up.
    assert_eq!(Order::destroy_all().every_row().exec(&db.actor(2_i64)).await?, 1);
    let gone = Order::find_one().only_deleted().or_fail().exec(&db).await?;
    assert_eq!((gone.created_by, gone.updated_by, gone.version), (1, 2, 1));
    assert_eq!(Order::restore_all().exec(&db.actor(3_i64)).await?, 1);
    let back = Order::find_one().or_fail().exec(&db).await?;
    assert_eq!((back.updated_by, back.version), (3, 2));
    assert!(matches!(gone.force_destroy(&one).await, Err(Error::OptimisticLock { .. })));
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "secrets_together", paranoid)]
pub struct Secret {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(sensitive, validate(len(min = 3)))]
    pub diagnosis: String,
    #[field(default = 0)]
    pub count: i32,
    pub deleted_at: Option<DateTime<Utc>>,
}

#[sequor::test(models(Secret))]
async fn no_sensitive_value_is_shown_to_who_looks_at_a_hook(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let shown = |log: &Log, what: &dyn std::fmt::Debug| note(log, format!("{what:?} {what:#?}"));
    let seen = log.clone();
    db.global_hooks().after_change("show", move |change, _cx| {
        shown(&seen, change);
        Box::pin(async { Ok(()) })
    });
    let seen = log.clone();
    db.global_hooks().before_save("show", move |row, _cx| {
        shown(&seen, row);
        Box::pin(async { Ok(()) })
    });
    let seen = log.clone();
    db.global_hooks().before_bulk_update("show", move |bulk, _cx| {
        shown(&seen, bulk);
        Box::pin(async { Ok(()) })
    });
    let seen = log.clone();
    db.hooks::<Secret>().before_find("show", move |find, _cx| {
        shown(&seen, find);
        Box::pin(async { Ok(()) })
    });
    let seen = log.clone();
    db.hooks::<Secret>().before_update("show", move |edit, _cx| {
        shown(&seen, edit);
        Box::pin(async { Ok(()) })
    });
    let seen = log.clone();
    db.hooks::<Secret>().after_commit("show", move |change, _cx| {
        shown(&seen, change);
        Box::pin(async { Ok(()) })
    });
    let secret = draft!(Secret { diagnosis: "canary" }).create(&db).await?;
    let mut edit = secret.clone().edit();
    edit.diagnosis = "canary two".into();
    edit.save(&db).await?;
    let filter =
        || Secret::DIAGNOSIS.contains("canary").or(Secret::DIAGNOSIS.is_in(["canary", "canary two"])).or(Secret::DIAGNOSIS.lt("canary"));
    Secret::update_all().set(Secret::DIAGNOSIS, "canary three").filter(filter()).exec(&db).await?;
    Secret::find_all().filter(filter()).exec(&db).await?;
    note(&log, format!("{:?} {:?}", filter(), Secret::find_all().filter(filter())));
    let model = db.model("Secret")?;
    for record in model.find_all(json!({ "where": { "diagnosis": { "$like": "canary%" } } })).exec(&db).await? {
        shown(&log, &record);
    }
    let refused = draft!(Secret { diagnosis: "c" }).create(&db).await;
    shown(&log, &refused);
    let lines = taken(&log);
    assert!(lines.len() > 10, "{}", lines.len());
    for line in &lines {
        assert!(!line.contains("canary"), "{line}");
    }
    assert!(lines.iter().any(|line| line.contains("diagnosis") && line.contains("***")), "{lines:?}");
    Ok(())
}

#[sequor::test(models(Secret))]
async fn whatever_gives_rows_back_is_a_read(db: Db) -> sequor::Result<()> {
    let first = draft!(Secret { diagnosis: "one" }).create(&db).await?;
    draft!(Secret { diagnosis: "two" }).create(&db).await?;
    let log = Log::default();
    let seen = log.clone();
    db.global_hooks().after_read("audit", move |rows, _cx| {
        note(&seen, format!("{} {}", rows.model(), rows.keys().len()));
        Box::pin(async { Ok(()) })
    });
    let by_id = || Secret::find_all().order_by(Secret::ID.asc());
    first.reload(&db).await?;
    assert_eq!(taken(&log), ["Secret 1"], "reload");
    by_id().page(1, 1).exec(&db).await?;
    assert_eq!(taken(&log), ["Secret 1"], "page");
    // The row behind the page, by which it knows whether there is a next one, is read too.
    by_id().cursor(None, 1).exec(&db).await?;
    assert_eq!(taken(&log), ["Secret 2"], "cursor");
    Secret::find_and_count_all().limit(1).exec(&db).await?;
    assert_eq!(taken(&log), ["Secret 1"], "find_and_count_all");
    Secret::find_or_create(Secret::DIAGNOSIS.eq("one"), draft!(Secret { diagnosis: "one" })).exec(&db).await?;
    assert_eq!(taken(&log), ["Secret 1"], "find_or_create of a row that is there");
    db.model("Secret")?.find_all(json!({})).exec(&db).await?;
    assert_eq!(taken(&log), ["Secret 2"], "records");
    assert_eq!(Secret::count().exec(&db).await?, 2);
    assert!(taken(&log).is_empty(), "a number is no row");
    Ok(())
}

#[sequor::test(models(Secret))]
async fn wrong_names_at_run_time_say_what_there_is(db: Db) -> sequor::Result<()> {
    use sequor::HookRegistry;
    let nothing: sequor::HookFn = Arc::new(|_subject, _cx| Box::pin(async { Ok(()) }));
    let said = |result: sequor::Result<()>| result.err().map(|error| error.to_string()).unwrap_or_default();
    let hook = said(db.hooks::<Secret>().on_named("beforeCreated", "x", nothing.clone()));
    assert!(hook.contains("beforeCreated") && hook.contains("before_create"), "{hook}");
    let hook = said(db.global_hooks().on_named("", "x", nothing));
    assert!(hook.contains("before_create"), "{hook}");
    let model = db.model("Secret")?;
    let scope = said(model.scope(json!("aktive")).find_all(json!({})).exec(&db).await.map(drop));
    assert!(scope.starts_with("Invalid scope aktive called. Secret has no scopes"), "{scope}");
    Ok(())
}
