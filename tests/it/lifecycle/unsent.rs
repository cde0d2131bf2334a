//! Values that a database cannot hold: errors that name model, field and what to do, and nothing is written.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "gauges", json = "camelCase")]
pub struct Gauge {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(column = "label")]
    pub full_name: Option<String>,
    pub level: Option<f64>,
    pub small: Option<f32>,
    pub large: Option<u64>,
    pub at: Option<DateTime<Utc>>,
    pub day: Option<NaiveDate>,
    pub naive: Option<NaiveDateTime>,
    pub data: Option<Json>,
    pub note: Option<String>,
    pub dials: HasMany<Dial>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "dials")]
pub struct Dial {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub value: Option<f64>,
    pub name: Option<String>,
    pub gauge_id: i64,
    pub gauge: BelongsTo<Gauge>,
}

fn first_instant() -> DateTime<Utc> {
    NaiveDate::MIN.and_time(NaiveTime::MIN).and_utc()
}

/// A list in a list in a list.
fn nested(levels: u32) -> serde_json::Value {
    (0..levels).fold(json!(1), |inner, _| serde_json::Value::Array(vec![inner]))
}

/// A value that this database cannot hold, the fields beside it, and the field's name.
fn unheld(db: &Db) -> Vec<(Draft<Gauge>, &'static str)> {
    let mut all = vec![
        (draft!(Gauge { note: "x", at: first_instant() }), "at"),
        (draft!(Gauge { note: "x", day: NaiveDate::MIN }), "day"),
        (draft!(Gauge { note: "x", naive: NaiveDateTime::MIN }), "naive"),
        (draft!(Gauge { note: "x", data: nested(128) }), "data"),
        (draft!(Gauge { note: "x", data: nested(5_000) }), "data"),
    ];
    let texts = || {
        vec![
            (draft!(Gauge { note: "x", full_name: "a\0b" }), "fullName"),
            (draft!(Gauge { note: "x", data: json!({ "a": ["\0"] }) }), "data"),
            (draft!(Gauge { note: "x", data: json!({ "a\0": 1 }) }), "data"),
        ]
    };
    let floats = |number: f64| vec![(draft!(Gauge { note: "x", level: number }), "level")];
    match db.dialect() {
        Dialect::Postgres => all.extend(texts()),
        Dialect::Sqlite => {
            all.extend(floats(f64::NAN));
            all.push((draft!(Gauge { note: "x", large: u64::MAX }), "large"));
        }
        Dialect::Mysql | Dialect::Mariadb => {
            all.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter().flat_map(floats));
            all.push((draft!(Gauge { note: "x", small: f32::NAN }), "small"));
        }
    }
    all
}

fn refused<T: std::fmt::Debug>(result: sequor::Result<T>, field: &str) {
    let Err(Error::Validation(error)) = &result else { panic!("{field}: {result:?}") };
    let item = &error.items[0];
    assert_eq!((error.items.len(), item.path.as_str(), item.validator_key.as_str()), (1, field, "type"), "{error:?}");
    assert!(item.message.starts_with(&format!("Gauge.{field} cannot be stored: ")), "{}", item.message);
    assert!(item.message.contains("; "), "the next step: {}", item.message);
}

#[sequor::test(models(Gauge, Dial))]
async fn what_a_database_cannot_hold_is_refused_by_field(db: Db) -> sequor::Result<()> {
    let good = |id: i64| draft!(Gauge { id: id, note: format!("good {id}"), level: 1.0 });
    let stored = Gauge::bulk_create((1..4).map(good).collect::<Vec<_>>()).exec(&db).await?;
    let untouched = Gauge::find_all().exec(&db).await?;
    for (draft, field) in unheld(&db) {
        refused(draft.clone().create(&db).await, field);
        refused(draft.clone().skip_validation().create(&db).await, field);
        refused(Gauge::bulk_create([good(7), draft.clone(), good(8)]).exec(&db).await, field);
        refused(Gauge::bulk_create([good(7), draft.clone()]).individual_hooks().exec(&db).await, field);
        let mut known = draft.clone();
        known.set(Gauge::ID, 2);
        refused(Gauge::upsert(known.clone()).exec(&db).await, field);
        refused(Gauge::bulk_create([good(1), known.clone()]).update_on_duplicate((Gauge::NOTE, Gauge::LEVEL)).exec(&db).await, field);
        let mut edits: Vec<Edit<Gauge>> = stored.iter().cloned().map(Gauge::edit).collect();
        for (number, edit) in edits.iter_mut().enumerate() {
            edit.note = Some(format!("changed {number}"));
            if number == 1 {
                copy(&draft, edit, field);
            }
        }
        refused(edits[1].clone().save(&db).await, field);
        refused(edits.save(&db).await, field);
        refused(set_in_all(&draft, field, &db).await, field);
        refused(db.transaction(async |tx| good(9).create(tx).await.and(draft.clone().create(tx).await)).await, field);
        assert_eq!(Gauge::find_all().exec(&db).await?, untouched, "{field}");
    }
    Ok(())
}

fn copy(draft: &Draft<Gauge>, edit: &mut Edit<Gauge>, field: &str) {
    match field {
        "at" => edit.at = draft.get(Gauge::AT).cloned().flatten(),
        "day" => edit.day = draft.get(Gauge::DAY).cloned().flatten(),
        "naive" => edit.naive = draft.get(Gauge::NAIVE).cloned().flatten(),
        "fullName" => edit.full_name = draft.get(Gauge::FULL_NAME).cloned().flatten(),
        "data" => edit.data = draft.get(Gauge::DATA).cloned().flatten(),
        "level" => edit.level = draft.get(Gauge::LEVEL).copied().flatten(),
        "small" => edit.small = draft.get(Gauge::SMALL).copied().flatten(),
        _ => edit.large = draft.get(Gauge::LARGE).copied().flatten(),
    }
}

/// Sets the field of a draft in many rows.
async fn set_in_all(draft: &Draft<Gauge>, field: &str, db: &Db) -> sequor::Result<u64> {
    let update = Gauge::update_all().filter(Gauge::NOTE.starts_with("good"));
    let update = match field {
        "at" => update.set(Gauge::AT, draft.get(Gauge::AT).cloned().flatten()),
        "day" => update.set(Gauge::DAY, draft.get(Gauge::DAY).cloned().flatten()),
        "naive" => update.set(Gauge::NAIVE, draft.get(Gauge::NAIVE).cloned().flatten()),
        "fullName" => update.set(Gauge::FULL_NAME, draft.get(Gauge::FULL_NAME).cloned().flatten()),
        "data" => update.set(Gauge::DATA, draft.get(Gauge::DATA).cloned().flatten()),
        "level" => update.set(Gauge::LEVEL, draft.get(Gauge::LEVEL).copied().flatten()),
        "small" => update.set(Gauge::SMALL, draft.get(Gauge::SMALL).copied().flatten()),
        _ => update.set(Gauge::LARGE, draft.get(Gauge::LARGE).copied().flatten()),
    };
    update.exec(db).await
}

fn compared<T: std::fmt::Debug>(result: sequor::Result<T>, field: &str) {
    let Err(Error::Usage(error)) = &result else { panic!("{field}: {result:?}") };
    assert!(error.message.starts_with(&format!("{field} is compared with a value that cannot be sent: ")), "{}", error.message);
    assert_eq!(error.kind(), sequor::UsageErrorKind::Refused);
}

#[sequor::test(models(Gauge, Dial))]
async fn what_a_database_cannot_hold_is_refused_in_filters_too(db: Db) -> sequor::Result<()> {
    draft!(Gauge { note: "x", dials: [{ value: 1.0, name: "d" }] }).create(&db).await?;
    compared(Gauge::find_all().filter(Gauge::NOTE.eq("x").and(Gauge::AT.gte(first_instant()))).exec(&db).await, "Gauge.at");
    compared(Gauge::count().filter(Gauge::DAY.between(NaiveDate::MIN, NaiveDate::MAX)).exec(&db).await, "Gauge.day");
    compared(Gauge::update_all().set(Gauge::NOTE, "y").filter(Gauge::AT.eq(first_instant())).exec(&db).await, "Gauge.at");
    compared(Gauge::destroy_all().filter(Gauge::NAIVE.gt(NaiveDateTime::MIN)).exec(&db).await, "Gauge.naive");
    match db.dialect() {
        Dialect::Postgres => {
            compared(Gauge::find_all().filter(Gauge::FULL_NAME.is_in(["x", "a\0"])).exec(&db).await, "Gauge.fullName");
            compared(Gauge::find_all().filter(Gauge::FULL_NAME.contains("\0")).exec(&db).await, "Gauge.fullName");
            compared(Gauge::find_all().include(Gauge::DIALS.filter(Dial::NAME.eq("\0"))).exec(&db).await, "Dial.name");
            compared(Gauge::find_all().filter(Gauge::DIALS.any(Dial::NAME.eq("\0"))).exec(&db).await, "Dial.name");
        }
        Dialect::Sqlite | Dialect::Mysql | Dialect::Mariadb => {
            compared(Gauge::find_all().filter(Gauge::LEVEL.is_in([1.0, f64::NAN])).exec(&db).await, "Gauge.level");
            let nan = f64::NAN;
            compared(Gauge::find_all().filter(sql!("{nan} < {Gauge::LEVEL}").into()).exec(&db).await, "Gauge.level");
            compared(Gauge::find_all().include(Gauge::DIALS.filter(Dial::VALUE.eq(f64::NAN))).exec(&db).await, "Dial.value");
            compared(Gauge::find_all().filter(Gauge::DIALS.any(Dial::VALUE.lt(f64::NAN))).exec(&db).await, "Dial.value");
        }
    }
    assert_eq!(Gauge::count().filter(Gauge::NOTE.eq("x")).exec(&db).await?, 1);
    Ok(())
}

#[sequor::test]
async fn digits_beyond_a_column_go_the_same_way_everywhere(db: Db) -> sequor::Result<()> {
    let attributes = json!({ "price": "DECIMAL(5,2)", "at": "DATE(3)" });
    let coin = db.define(ModelDef::from_json(json!({ "name": "Coin", "attributes": attributes }))?)?;
    coin.sync(SyncMode::Create).await?;
    // Instants are cut, as a Date of JavaScript is: no second, and no year, is ever another one.
    let given = json!({ "price": "-123.45", "at": "2024-12-31T23:59:59.999999Z" });
    let stored = json!({ "price": "-123.45", "at": "2024-12-31T23:59:59.999Z" });
    let kept = async |verb: &str| {
        for row in coin.find_all(json!({})).exec(&db).await? {
            let row = row.to_json();
            assert_eq!((&row["price"], &row["at"]), (&stored["price"], &stored["at"]), "{verb}");
        }
        coin.update_all(json!({ "price": "1", "at": null }), json!({ "where": {} })).exec(&db).await
    };
    let mut made = coin.create(given.clone()).exec(&db).await?;
    assert_eq!((&made.to_json()["price"], &made.to_json()["at"]), (&stored["price"], &stored["at"]));
    kept("create").await?;
    coin.bulk_create(json!([given, given])).exec(&db).await?;
    coin.destroy_all(json!({ "where": { "price": "1" } })).exec(&db).await?;
    kept("bulkCreate").await?;
    coin.update_all(given.clone(), json!({ "where": {} })).exec(&db).await?;
    kept("update").await?;
    coin.destroy_all(json!({ "where": {} })).exec(&db).await?;
    made = coin.create(json!({})).exec(&db).await?;
    made.update(given.clone(), &db).await?;
    kept("save").await?;
    let mut again = given.clone();
    again["id"] = made.get("id")?;
    coin.upsert(again).exec(&db).await?;
    kept("upsert").await?;
    for wrong in ["1000", "-12345.6", "999.995"] {
        let Err(Error::Validation(error)) = coin.create(json!({ "price": wrong })).exec(&db).await else { panic!("{wrong}") };
        assert_eq!(error.items[0].message, "Coin.price holds at most 3 digits before the point");
    }
    coin.create(json!({ "price": "999.994" })).exec(&db).await?;
    Ok(())
}
