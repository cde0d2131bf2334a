//! Which rows writes of many and the database's own changes reach, told one by one: row hooks that ask for it, and listeners of changes.

use sequor::prelude::*;
use sequor::{AnyChange, Operation};
use std::sync::{Arc, Mutex};

type Log = Arc<Mutex<Vec<String>>>;

fn taken(log: &Log) -> Vec<String> {
    log.lock().map(|mut log| std::mem::take(&mut *log)).unwrap_or_default()
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "countries")]
pub struct Country {
    #[field(primary_key)]
    pub code: String,
    pub name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "regions")]
pub struct Region {
    #[field(primary_key)]
    pub code: String,
    pub country_code: String,
    #[relation(foreign_key = "country_code", on_delete = "cascade", on_update = "cascade")]
    pub country: BelongsTo<Country>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "towns")]
pub struct Town {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub region_code: Option<String>,
    pub country_code: Option<String>,
    #[relation(foreign_key = "region_code", on_update = "cascade", on_delete = "set null")]
    pub region: BelongsTo<Option<Region>>,
    #[relation(foreign_key = "country_code", on_update = "set null", on_delete = "set null")]
    pub country: BelongsTo<Option<Country>>,
}

fn changes(db: &Db) -> Log {
    let log = Log::default();
    let seen = log.clone();
    db.global_hooks().after_change("log", move |change: &AnyChange, _cx| {
        let fields = change.changed().into_iter().map(|field| {
            let of = |row: Option<serde_json::Value>| row.map(|row| row[field].to_string()).unwrap_or_default();
            format!("{field} {}→{}", of(change.before()), of(change.after()))
        });
        let line = format!("{} {}: {}", change.model(), change.operation(), fields.collect::<Vec<_>>().join(", "));
        seen.lock().map(|mut seen| seen.push(line)).ok();
        Box::pin(async { Ok(()) })
    });
    log
}

async fn filled(db: &Db) -> sequor::Result<Country> {
    let country = draft!(Country { code: "UK", name: "Kingdom" }).create(db).await?;
    draft!(Country { code: "FR", name: "France" }).create(db).await?;
    draft!(Region { code: "NY", country_code: "UK" }).create(db).await?;
    draft!(Region { code: "PR", country_code: "FR" }).create(db).await?;
    draft!(Town { region_code: "NY".to_owned(), country_code: "UK".to_owned() }).create(db).await?;
    draft!(Town { region_code: "PR".to_owned(), country_code: "FR".to_owned() }).create(db).await?;
    Ok(country)
}

#[sequor::test(models(Country, Region, Town))]
async fn a_key_that_changes_tells_all_rows_that_follow_it(db: Db) -> sequor::Result<()> {
    let country = filled(&db).await?;
    let log = changes(&db);
    let mut edit = country.edit();
    edit.code = "GB".into();
    edit.save(&db).await?;
    let mut told = taken(&log);
    told.sort();
    let expected =
        ["Country update: code \"UK\"→\"GB\"", "Region update: country_code \"UK\"→\"GB\"", "Town update: country_code \"UK\"→null"];
    assert_eq!(told, expected);
    let town = Town::find_by_pk(1).or_fail().exec(&db).await?;
    assert_eq!((town.region_code.as_deref(), town.country_code), (Some("NY"), None));
    assert_eq!(Region::find_by_pk("NY").or_fail().exec(&db).await?.country_code, "GB");
    Ok(())
}

#[sequor::test(models(Country, Region, Town))]
async fn an_update_of_many_keys_is_followed_too(db: Db) -> sequor::Result<()> {
    filled(&db).await?;
    let log = changes(&db);
    assert_eq!(Region::update_all().set(Region::CODE, "YK").filter(Region::CODE.eq("NY")).exec(&db).await?, 1);
    assert_eq!(taken(&log), ["Region update: code \"NY\"→\"YK\"", "Town update: region_code \"NY\"→\"YK\""]);
    // A name that nothing points to moves nobody.
    Country::update_all().set(Country::NAME, "x").filter(Country::CODE.eq("FR")).exec(&db).await?;
    assert_eq!(taken(&log), ["Country update: name \"France\"→\"x\""]);
    Ok(())
}

#[sequor::test(models(Country, Region, Town))]
async fn nobody_listens_so_nothing_is_read_before(db: Db) -> sequor::Result<()> {
    let country = filled(&db).await?;
    let mut edit = country.edit();
    edit.code = "GB".into();
    db.expect_queries(1, async || edit.save(&db).await).await?;
    db.expect_queries(1, async || Town::update_all().set(Town::COUNTRY_CODE, None).every_row().exec(&db).await).await?;
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "parcels", timestamps, paranoid, hooks(rows = true))]
pub struct Parcel {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(default = 0)]
    pub weight: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Hooks for Parcel {
    async fn after_create(parcel: &Parcel, cx: &HookContext<'_>) -> Result<()> {
        told(cx, format!("created {}", parcel.weight))
    }

    async fn after_update(parcel: &Edit<Parcel>, cx: &HookContext<'_>) -> Result<()> {
        told(cx, format!("updated {}→{}", parcel.previous(Parcel::WEIGHT), parcel.weight))
    }

    async fn after_destroy(parcel: &Parcel, cx: &HookContext<'_>) -> Result<()> {
        told(cx, format!("destroyed {}", parcel.weight))
    }

    async fn after_restore(parcel: &Parcel, cx: &HookContext<'_>) -> Result<()> {
        told(cx, format!("restored {} {}", parcel.weight, parcel.deleted_at.is_none()))
    }
}

fn told(cx: &HookContext<'_>, line: String) -> Result<()> {
    if let Some(log) = cx.options().get::<Log>() {
        log.lock().map(|mut log| log.push(line)).ok();
    }
    Ok(())
}

#[sequor::test(models(Parcel))]
async fn row_hooks_that_ask_for_rows_get_those_of_writes_of_many(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let db = db.with_extra(log.clone());
    let drafts = [1, 2].map(|weight| draft!(Parcel { weight }));
    Parcel::bulk_create(drafts).exec(&db).await?;
    assert_eq!(taken(&log), ["created 1", "created 2"]);
    Parcel::update_all().set(Parcel::WEIGHT, Parcel::WEIGHT + 10).every_row().exec(&db).await?;
    assert_eq!(taken(&log), ["updated 1→11", "updated 2→12"]);
    Parcel::destroy_all().every_row().exec(&db).await?;
    assert_eq!(taken(&log), ["destroyed 11", "destroyed 12"]);
    Parcel::restore_all().exec(&db).await?;
    assert_eq!(taken(&log), ["restored 11 true", "restored 12 true"]);
    // With individual_hooks each row is told once, not twice.
    Parcel::update_all().set(Parcel::WEIGHT, 5).every_row().individual_hooks().exec(&db).await?;
    assert_eq!(taken(&log), ["updated 11→5", "updated 12→5"]);
    Parcel::update_all().set(Parcel::WEIGHT, 6).every_row().hooks(false).exec(&db).await?;
    assert_eq!(taken(&log), [""; 0]);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "crates_of_parcels")]
pub struct Crate {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(default = 0)]
    pub weight: i32,
}

#[sequor::test(models(Crate))]
async fn run_time_hooks_ask_for_rows_one_by_one(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let (each, once) = (log.clone(), log.clone());
    db.hooks::<Crate>().rows(true).after_update("each", move |row, _cx| {
        each.lock().map(|mut log| log.push(format!("each {}→{}", row.previous(Crate::WEIGHT), row.weight))).ok();
        Box::pin(async { Ok(()) })
    });
    db.hooks::<Crate>().after_update("once", move |_row, _cx| {
        once.lock().map(|mut log| log.push("once".into())).ok();
        Box::pin(async { Ok(()) })
    });
    let row = draft!(Crate { weight: 1 }).create(&db).await?;
    Crate::update_all().set(Crate::WEIGHT, 2).every_row().exec(&db).await?;
    assert_eq!(taken(&log), ["each 1→2"]);
    row.increment(Crate::WEIGHT, 3, &db).await?;
    assert_eq!(taken(&log), ["each 2→5"]);
    let mut edit = row.reload(&db).await?.edit();
    edit.weight = 6;
    edit.save(&db).await?;
    assert_eq!(taken(&log), ["each 5→6", "once"]);
    Ok(())
}

#[sequor::test(models(Crate))]
async fn a_change_says_who_what_and_in_which_transaction(db: Db) -> sequor::Result<()> {
    type Seen = (Operation, Vec<sequor::Value>, Option<sequor::Value>, Option<Uuid>);
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let log = seen.clone();
    db.global_hooks().after_change("log", move |change, _cx| {
        let entry = (change.operation(), change.key(), change.actor().cloned(), change.transaction());
        log.lock().map(|mut log| log.push(entry)).ok();
        Box::pin(async { Ok(()) })
    });
    let acting = db.actor(7_i64);
    let id = acting
        .transaction(async |tx| {
            let row = draft!(Crate { weight: 1 }).create(tx).await?;
            tx.transaction(async |inner| row.increment(Crate::WEIGHT, 1, inner).await).await?;
            Ok(tx.transaction_id())
        })
        .await?;
    draft!(Crate { weight: 2 }).create(&db).await?;
    let seen = seen.lock().map(|seen| seen.clone()).unwrap_or_default();
    assert!(id.is_some());
    let one: Vec<sequor::Value> = vec![1_i64.into()];
    assert_eq!(seen[0], (Operation::Create, one.clone(), Some(7_i64.into()), id));
    assert_eq!(seen[1], (Operation::Update, one, Some(7_i64.into()), id));
    assert!(seen[2].2.is_none() && seen[2].3.is_some() && seen[2].3 != id);
    Ok(())
}
