//! What listeners of changes are told of an update of many rows is what a comparison of the table before and after finds, whatever the update is.

use sequor::prelude::*;
use sequor::{Dialect, Operation};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "shifts", timestamps, version, paranoid)]
pub struct Shift {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub ward: i32,
    pub name: String,
    pub hours: Option<i32>,
    #[field(default = json!({}))]
    pub notes: Json,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub breaks: HasMany<Break>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "breaks")]
pub struct Break {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub shift_id: i64,
    pub shift: BelongsTo<Shift>,
}

type Told = Arc<Mutex<Vec<(i64, Operation, Option<Shift>, Option<Shift>, Vec<String>)>>>;

fn listening(db: &Db) -> Told {
    let told = Told::default();
    let seen = told.clone();
    db.hooks::<Shift>().after_change("compare", move |change, _cx| {
        let seen = seen.clone();
        Box::pin(async move {
            let (before, after) = (change.before()?, change.after()?);
            let key = after.as_ref().or(before.as_ref()).map_or(0, |row| row.id);
            let fields = change.changed().into_iter().map(str::to_owned).collect();
            seen.lock().map(|mut seen| seen.push((key, change.operation(), before, after, fields))).ok();
            Ok(())
        })
    });
    told
}

async fn table(db: &Db) -> sequor::Result<BTreeMap<i64, Shift>> {
    let rows = Shift::find_all().with_deleted().exec(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

async fn filled(db: &Db) -> sequor::Result<()> {
    let drafts = (0..24).map(|number| {
        let hours = (number % 5 != 0).then_some(number);
        draft!(Shift { ward: number % 3, name: format!("shift {number}"), hours })
    });
    let shifts = Shift::bulk_create(drafts.collect::<Vec<_>>()).exec(db).await?;
    let breaks = shifts.iter().step_by(4).map(|shift| draft!(Break { shift_id: shift.id }));
    Break::bulk_create(breaks.collect::<Vec<_>>()).exec(db).await?;
    Shift::destroy_all().filter(Shift::NAME.eq("shift 7")).hooks(false).exec(db).await?;
    Ok(())
}

/// Updates of all sorts: values and expressions; conditions of the row, of other tables, of nothing; limits.
async fn perform(db: &Db, number: usize) -> sequor::Result<u64> {
    let all = Shift::update_all;
    match number {
        0 => all().set(Shift::HOURS, 3).every_row().exec(db).await,
        1 => all().set(Shift::HOURS, Shift::HOURS + 1).filter(Shift::WARD.eq(1)).exec(db).await,
        2 => all().set(Shift::NAME, "Ünïcode 'quoted' \\").filter(Shift::HOURS.is_null()).exec(db).await,
        3 => all().set(Shift::HOURS, None).filter(Shift::HOURS.eq(3)).exec(db).await,
        4 => all().set(Shift::WARD, 9).filter(Shift::BREAKS.any(Break::ID.gt(0))).exec(db).await,
        5 => all().set(Shift::WARD, Shift::WARD - 1).filter(Shift::WARD.gt(0)).limit(5).exec(db).await,
        6 => all().set(Shift::NOTES, json!({ "a": [1, null, "ü"] })).filter(Shift::WARD.lt(3)).exec(db).await,
        7 => all().set(Shift::NAME, "nobody").filter(Shift::WARD.eq(77)).exec(db).await,
        8 => all().set(Shift::NAME, Shift::NAME).every_row().exec(db).await,
        9 => all().set(Shift::HOURS, 8).filter(Shift::NAME.eq("shift 7")).with_deleted().exec(db).await,
        10 => all().set(Shift::HOURS, 9).every_row().silent().exec(db).await,
        _ => all().set(Shift::WARD, 4).every_row().returning().exec(db).await.map(|rows| rows.len() as u64),
    }
}

#[sequor::test(models(Shift, Break))]
async fn what_is_told_is_what_a_comparison_of_the_tables_finds(db: Db) -> sequor::Result<()> {
    filled(&db).await?;
    let told = listening(&db);
    for number in 0..12 {
        for nested in [false, true] {
            let before = table(&db).await?;
            let count = if nested { db.transaction(async |tx| perform(tx, number).await).await? } else { perform(&db, number).await? };
            let after = table(&db).await?;
            let heard = told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default();
            assert_eq!(heard.len() as u64, count, "update {number}");
            let mut left = before.clone();
            for (key, operation, was, is, fields) in heard {
                assert_eq!(operation, Operation::Update, "update {number}");
                assert_eq!(was, left.remove(&key), "update {number}: before, each row once");
                assert_eq!(is.as_ref(), after.get(&key), "update {number}: after");
                let (was, is) = (serde_json::to_value(was)?, serde_json::to_value(is)?);
                let differs = |field: &&String| was[field.as_str()] != is[field.as_str()];
                assert!(fields.iter().all(|field| differs(&field)), "update {number}: {fields:?}");
                let columns = ["ward", "name", "hours", "notes", "version", "updated_at"];
                let found = columns.iter().filter(|field| was[**field] != is[**field]).count();
                assert_eq!(fields.len(), found, "update {number}: {fields:?}");
            }
            for (key, row) in left {
                assert_eq!(Some(&row), after.get(&key), "update {number}: nothing told of it, so nothing happened to it");
            }
        }
    }
    Ok(())
}

#[sequor::test(models(Shift, Break))]
async fn rows_that_others_add_meanwhile_are_told_or_left_alone(db: Db) -> sequor::Result<()> {
    // SQLite has one writer at a time: nobody adds anything meanwhile.
    if db.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    filled(&db).await?;
    let (told, others) = (listening(&db), db.detached());
    let between = Arc::new(Mutex::new(Some(others)));
    db.global_hooks().before_query("meanwhile", move |query, _cx| {
        let others = if query.operation() == "update_all" && query.sql().starts_with("UPDATE") {
            between.lock().ok().and_then(|mut between| between.take())
        } else {
            None
        };
        Box::pin(async move {
            if let Some(others) = others {
                draft!(Shift { ward: 1, name: "meanwhile" }).create_with(sequor::SkipHooks::named(["compare"])).exec(&others).await?;
            }
            Ok(())
        })
    });
    let before = table(&db).await?;
    // Where reads are repeatable MariaDB keeps others from adding what the condition finds.
    let count = db
        .transaction_with(Tx::read_committed(), async |tx| {
            Shift::update_all().set(Shift::HOURS, 40).filter(Shift::WARD.eq(1)).exec(tx).await
        })
        .await?;
    let after = table(&db).await?;
    assert_eq!(after.len(), before.len() + 1, "the row was added in between");
    let mut heard = told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default();
    heard.retain(|(_, operation, ..)| *operation == Operation::Update);
    assert_eq!(heard.len() as u64, count);
    let changed = after.iter().filter(|(key, row)| before.get(key) != Some(row) && row.hours == Some(40)).count();
    assert_eq!(heard.len(), changed, "each row that was changed is told");
    assert!(heard.iter().all(|(key, _, was, is, _)| was.as_ref() == before.get(key) && is.as_ref() == after.get(key)));
    Ok(())
}

#[sequor::test(models(Shift, Break))]
async fn rows_that_others_hold_on_to_are_changed_and_told_too(db: Db) -> sequor::Result<()> {
    // Elsewhere a row to which somebody adds another one cannot be changed before they are done.
    if db.dialect() != Dialect::Postgres {
        return Ok(());
    }
    filled(&db).await?;
    let told = listening(&db);
    let others = db.begin().await?;
    let held = Shift::find_all().filter(Shift::WARD.eq(1)).order_by(Shift::ID.asc()).limit(2).exec(&others).await?;
    for shift in &held {
        draft!(Break { shift_id: shift.id }).create(&others).await?;
    }
    let before = table(&db).await?;
    let count = Shift::update_all().set(Shift::HOURS, 41).filter(Shift::WARD.eq(1)).exec(&db).await?;
    others.commit().await?;
    let after = table(&db).await?;
    let heard = told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default();
    assert_eq!((heard.len() as u64, count), (7, 7), "the eighth is deleted");
    assert!(heard.iter().all(|(key, _, was, is, _)| was.as_ref() == before.get(key) && is.as_ref() == after.get(key)));
    assert!(held.iter().all(|shift| after.get(&shift.id).is_some_and(|row| row.hours == Some(41) && row.version == 1)));
    Ok(())
}
