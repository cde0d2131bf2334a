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
    // PostgreSQL gets both statements at once, behind the other's row, which is then one of those that were locked.
    let was_there = |key: &i64, was: Option<&Shift>| match before.get(key) {
        Some(row) => was == Some(row),
        None => was.is_some_and(|row| row.name == "meanwhile" && row.hours.is_none()),
    };
    assert!(heard.iter().all(|(key, _, was, is, _)| was_there(key, was.as_ref()) && is.as_ref() == after.get(key)));
    Ok(())
}

/// Has the database refuse, or silently keep, every change of a shift of this name.
async fn guard(db: &Db, name: &str, silently: bool) -> sequor::Result<()> {
    let statements = match db.dialect() {
        Dialect::Postgres => {
            let answer = if silently { "RETURN NULL" } else { "RAISE EXCEPTION 'not this one'" };
            vec![
                format!(
                    "CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF OLD.name = '{name}' THEN {answer}; END IF; RETURN NEW; END$$"
                ),
                "CREATE TRIGGER guard BEFORE UPDATE ON shifts FOR EACH ROW EXECUTE FUNCTION guard()".to_owned(),
            ]
        }
        Dialect::Mysql | Dialect::Mariadb => vec![format!(
            "CREATE TRIGGER guard BEFORE UPDATE ON shifts FOR EACH ROW SET NEW.name = IF(OLD.name = '{name}', (SELECT 'not' UNION SELECT 'this one'), NEW.name)"
        )],
        Dialect::Sqlite => {
            let answer = if silently { "IGNORE" } else { "ABORT, 'not this one'" };
            vec![format!("CREATE TRIGGER guard BEFORE UPDATE ON shifts WHEN OLD.name = '{name}' BEGIN SELECT RAISE({answer}); END")]
        }
    };
    for statement in statements {
        db.execute_sql_script(&statement).await?;
    }
    Ok(())
}

#[sequor::test(models(Shift, Break))]
async fn an_update_that_fails_at_one_row_tells_of_none(db: Db) -> sequor::Result<()> {
    filled(&db).await?;
    let told = listening(&db);
    guard(&db, "shift 13", false).await?;
    let before = table(&db).await?;
    let failed = Shift::update_all().set(Shift::HOURS, 50).every_row().exec(&db).await;
    assert!(failed.is_err());
    assert!(table(&db).await? == before && told.lock().is_ok_and(|told| told.is_empty()));
    let count = Shift::update_all().set(Shift::HOURS, 51).filter(Shift::WARD.eq(2)).exec(&db).await?;
    let heard = told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default();
    assert_eq!((heard.len() as u64, count), (8, 8));
    assert!(heard.iter().all(|(key, _, was, is, _)| was.as_ref() == before.get(key) && is.as_ref().is_some_and(|is| is.hours == Some(51))));
    Ok(())
}

#[sequor::test(models(Shift, Break))]
async fn rows_that_a_trigger_keeps_as_they_are_are_not_told(db: Db) -> sequor::Result<()> {
    // MariaDB's triggers cannot leave a row out.
    if db.dialect().is_mysql() {
        return Ok(());
    }
    filled(&db).await?;
    let told = listening(&db);
    guard(&db, "shift 13", true).await?;
    for (hours, limited) in [(60, false), (61, true)] {
        let before = table(&db).await?;
        let update = Shift::update_all().set(Shift::HOURS, hours).filter(Shift::WARD.eq(1));
        let count = if limited { update.limit(30).exec(&db).await? } else { update.exec(&db).await? };
        let (after, heard) = (table(&db).await?, told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default());
        assert_eq!((heard.len() as u64, count), (6, 6), "eight, without the one that is deleted and the one that is kept");
        assert!(heard.iter().all(|(key, _, was, is, _)| was.as_ref() == before.get(key) && is.as_ref() == after.get(key)));
        assert_eq!(after.values().filter(|row| row.hours == Some(hours)).count(), 6);
    }
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "seats")]
pub struct Seat {
    #[field(primary_key)]
    pub row: String,
    #[field(primary_key)]
    pub number: i32,
    pub price: Decimal,
    pub plan: Vec<u8>,
    pub taken: Option<bool>,
    pub until: Option<DateTime<Utc>>,
}

#[sequor::test(models(Seat))]
async fn keys_of_several_columns_and_values_of_all_sorts_are_told(db: Db) -> sequor::Result<()> {
    if db.dialect() == Dialect::Sqlite {
        // A table whose rows have no number but their key.
        db.execute_sql_script(
            "DROP TABLE seats; CREATE TABLE seats (row TEXT NOT NULL, number INTEGER NOT NULL, price TEXT NOT NULL, plan BLOB NOT NULL, \
             taken INTEGER, until TEXT, PRIMARY KEY (row, number)) WITHOUT ROWID",
        )
        .await?;
    }
    let seat = |row: &str, number: i32| {
        let taken = (number % 3 > 0).then_some(number % 2 == 0);
        draft!(Seat { row: row.to_owned(), number, price: Decimal::new(1250, 2), plan: vec![0, 255, 39], taken })
    };
    let seats = ["A", "ß", ""].map(|row| (1..5).map(move |number| seat(row, number)));
    Seat::bulk_create(seats.into_iter().flatten().collect::<Vec<_>>()).exec(&db).await?;
    let told: Arc<Mutex<Vec<(Option<Seat>, Option<Seat>)>>> = Arc::default();
    let seen = told.clone();
    db.hooks::<Seat>().after_change("compare", move |change, _cx| {
        let seen = seen.clone();
        Box::pin(async move {
            let pair = (change.before()?, change.after()?);
            seen.lock().map(|mut seen| seen.push(pair)).ok();
            Ok(())
        })
    });
    let all = async || Seat::find_all().order_by((Seat::ROW.asc(), Seat::NUMBER.asc())).exec(&db).await;
    let key = |seat: &Seat| (seat.row.clone(), seat.number);
    for turn in 0..3 {
        let before = all().await?;
        match turn {
            0 => Seat::update_all().set(Seat::PRICE, Seat::PRICE * Decimal::from(2)).every_row().exec(&db).await?,
            1 => {
                Seat::update_all().set(Seat::PLAN, vec![1_u8]).set(Seat::UNTIL, Utc::now()).filter(Seat::TAKEN.is_null()).exec(&db).await?
            }
            _ => Seat::update_all().set(Seat::TAKEN, None).filter(Seat::ROW.eq("ß")).exec(&db).await?,
        };
        let after = all().await?;
        let mut heard = told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default();
        heard.sort_by_key(|(was, _)| was.as_ref().map(key));
        let is_meant = |row: &&Seat| turn == 0 || (turn == 1 && row.taken.is_none()) || (turn == 2 && row.row == "ß");
        let expected: Vec<Option<Seat>> = before.iter().filter(is_meant).cloned().map(Some).collect();
        assert_eq!(heard.iter().map(|(was, _)| was.clone()).collect::<Vec<_>>(), expected, "turn {turn}");
        assert!(heard.iter().all(|(_, is)| is.as_ref().is_some_and(|is| after.contains(is))), "turn {turn}: {heard:?}");
        assert!(heard.iter().all(|(was, is)| was.as_ref().map(key) == is.as_ref().map(key)), "turn {turn}");
    }
    Ok(())
}

#[sequor::test]
async fn rows_of_more_columns_than_a_function_takes_are_told(db: Db) -> sequor::Result<()> {
    for width in [99_i64, 100, 140] {
        let fields: Vec<String> = (1..width).map(|number| format!("f{number}")).collect();
        let columns: serde_json::Map<String, serde_json::Value> = fields.iter().map(|name| (name.clone(), json!("INTEGER"))).collect();
        let wide = db.define(ModelDef::from_json(
            json!({ "name": format!("Wide{width}"), "attributes": columns, "options": { "timestamps": false } }),
        )?)?;
        db.sync_all(SyncMode::Create).await?;
        for row in 0..3 {
            let values: serde_json::Map<String, serde_json::Value> = fields.iter().map(|name| (name.clone(), json!(row))).collect();
            wide.create(serde_json::Value::Object(values)).exec(&db).await?;
        }
        let told: Arc<Mutex<Vec<(serde_json::Value, serde_json::Value)>>> = Arc::default();
        let seen = told.clone();
        db.global_hooks().after_change("compare", move |change, _cx| {
            let pair = (change.before().unwrap_or_default(), change.after().unwrap_or_default());
            let changed = change.changed() == ["f7"];
            let done = seen.lock().map(|mut seen| seen.push(pair)).is_ok() && changed;
            Box::pin(async move { if done { Ok(()) } else { Err(Error::usage("more changed than one field")) } })
        });
        wide.update_all(json!({ "f7": 70 }), json!({ "where": { "f7": { "$gt": 0 } } })).exec(&db).await?;
        let heard = told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default();
        let last = format!("f{}", width - 1);
        let shown: Vec<[&serde_json::Value; 4]> =
            heard.iter().map(|(was, is)| [&was["f7"], &was[last.as_str()], &is["f7"], &is[last.as_str()]]).collect();
        assert_eq!(shown, [[&json!(1), &json!(1), &json!(70), &json!(1)], [&json!(2), &json!(2), &json!(70), &json!(2)]], "{width}");
        db.global_hooks().remove("compare");
    }
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
