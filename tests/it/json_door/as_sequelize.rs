//! Where a run-time model does as Sequelize does and a typed one is stricter: values of hooks, options of nested creates, rows that must be there, keys given to
//! some rows only.

use sequor::prelude::*;
use sequor::testing::hooks::{assign, record_hook};
use sequor::{HookKind, RuntimeModel};
use serde_json::Value;
use std::sync::{Arc, Mutex};

async fn members(db: &Db) -> Result<(RuntimeModel, RuntimeModel)> {
    let name = json!({ "type": "STRING(40)", "allowNull": false, "validate": { "len": [1, 8] } });
    let member = json!({ "name": "Member", "attributes": { "name": name, "note": "STRING(40)" }, "options": { "timestamps": false } });
    let member = db.define(ModelDef::from_json(member)?)?;
    let card = json!({ "name": "Card", "attributes": { "code": { "type": "STRING(40)", "validate": { "len": [2, 8] } }, "rank": "INTEGER" }, "options": { "timestamps": false } });
    let card = db.define(ModelDef::from_json(card)?)?;
    db.associate(json!({ "type": "hasMany", "source": "Member", "target": "Card", "as": "cards", "foreignKey": "memberId" }))?;
    db.sync_all(SyncMode::Create).await?;
    Ok((member, card))
}

/// Notes each call of these hooks; gives what was noted since it was asked last.
fn noted(db: &Db, model: &str, kinds: &[(HookKind, &'static str)]) -> impl Fn() -> Vec<&'static str> + use<> {
    let calls: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    for (kind, name) in kinds.iter().copied() {
        let calls = calls.clone();
        record_hook(db, model, kind, &format!("note-{name}"), move |_| {
            calls.lock().map(|mut calls| calls.push(name)).ok();
            Ok(())
        });
    }
    move || calls.lock().map(|mut calls| std::mem::take(&mut *calls)).unwrap_or_default()
}

fn setting(db: &Db, kind: HookKind, name: &str, values: Value) {
    record_hook(db, "Member", kind, name, move |subject| assign(subject, &values));
}

#[sequor::test]
async fn what_a_hook_before_a_create_made_is_stored_as_it_is(db: Db) -> Result<()> {
    let (member, _) = members(&db).await?;
    // A password that is hashed is longer than the rule lets a password be.
    setting(&db, HookKind::BeforeCreate, "hash", json!({ "name": "longer than eight" }));
    let row = member.create(json!({ "name": "Ann" })).exec(&db).await?;
    assert_eq!(row.get("name")?, "longer than eight");
    assert!(matches!(member.create(json!({ "name": "longer than eight" })).exec(&db).await, Err(Error::Validation(_))));
    Ok(())
}

#[sequor::test]
async fn what_a_hook_before_a_save_made_is_validated_once_more(db: Db) -> Result<()> {
    let (member, _) = members(&db).await?;
    let mut row = member.create(json!({ "name": "Ann" })).exec(&db).await?;
    let kinds = [
        (HookKind::BeforeValidate, "before_validate"),
        (HookKind::AfterValidate, "after_validate"),
        (HookKind::ValidationFailed, "failed"),
        (HookKind::AfterUpdate, "after_update"),
    ];
    let calls = noted(&db, "Member", &kinds);
    row.update(json!({ "name": "Bo" }), &db).await?;
    assert_eq!(calls(), ["before_validate", "after_validate", "after_update"]);
    setting(&db, HookKind::BeforeUpdate, "set", json!({ "note": "set" }));
    row.update(json!({ "name": "Cy" }), &db).await?;
    assert_eq!(calls(), ["before_validate", "after_validate", "before_validate", "after_validate", "after_update"]);
    assert_eq!(row.get("note")?, "set");
    setting(&db, HookKind::BeforeUpdate, "spoil", json!({ "name": "longer than eight" }));
    assert!(matches!(row.update(json!({ "note": "x" }), &db).await, Err(Error::Validation(_))));
    assert_eq!(calls(), ["before_validate", "after_validate", "before_validate", "failed"]);
    let stored = member.find_by_pk(1).exec(&db).await?.ok_or_else(|| Error::not_found("Member"))?;
    assert_eq!((stored.get("name")?, stored.get("note")?), (json!("Cy"), json!("set")));
    Ok(())
}

#[sequor::test]
async fn the_options_of_a_nested_create_are_those_of_its_own_row(db: Db) -> Result<()> {
    let (member, card) = members(&db).await?;
    let calls = noted(&db, "Card", &[(HookKind::BeforeCreate, "card")]);
    let own = noted(&db, "Member", &[(HookKind::BeforeCreate, "member")]);
    let make = async |code: &str, more: Value| {
        let mut options = json!({ "include": ["cards"] });
        if let (Some(options), Value::Object(more)) = (options.as_object_mut(), more) {
            options.extend(more);
        }
        member.create_with(json!({ "name": "Ann", "note": "n", "cards": [{ "code": code, "rank": 3 }] }), options).exec(&db).await
    };
    make("ok", json!({ "hooks": false })).await?;
    assert_eq!((own(), calls()), (Vec::new(), vec!["card"]));
    let row = make("ok", json!({ "fields": ["name"] })).await?;
    assert_eq!((row.to_json()["note"].clone(), row.to_json()["cards"][0]["rank"].clone()), (Value::Null, json!(3)));
    assert!(matches!(make("x", json!({ "validate": false })).await, Err(Error::Validation(_))));
    assert_eq!((member.count(json!({})).exec(&db).await?, card.count(json!({})).exec(&db).await?), (2, 2));
    Ok(())
}

#[sequor::test]
async fn a_row_that_must_be_there_and_rows_as_they_are(db: Db) -> Result<()> {
    let (member, _) = members(&db).await?;
    let mut ann = member.create(json!({ "name": "Ann" })).exec(&db).await?;
    let nobody = json!({ "where": { "name": "Nobody" }, "rejectOnEmpty": true });
    for error in [
        member.find_one(nobody.clone()).exec(&db).await.err(),
        member.find_by_pk_with(9, json!({ "rejectOnEmpty": true })).exec(&db).await.err(),
        member.find_all(nobody).exec(&db).await.err(),
    ] {
        assert!(matches!(error, Some(Error::NotFound { .. })), "{error:?}");
    }
    assert!(member.find_by_pk_with(1, json!({ "rejectOnEmpty": true })).exec(&db).await?.is_some());
    ann.association_create("cards", json!({ "code": "aa", "rank": 1 }), json!({}), &db).await?;
    let raw = ann.association_raw("cards", json!({ "attributes": ["code"] }), &db).await?;
    assert_eq!(raw, [json!({ "code": "aa" })]);
    let wrong = json!({ "name": "Odd", "attributes": { "a": "INTEGER" }, "options": { "omitNull": true } });
    assert!(ModelDef::from_json(wrong).is_err_and(|error| error.to_string().contains("omitNull")));
    Ok(())
}

#[sequor::test]
async fn rows_with_and_without_keys_are_one_statement(db: Db) -> Result<()> {
    let (_, card) = members(&db).await?;
    let rows = json!([{ "code": "aa" }, { "id": 7, "code": "bb", "rank": 2 }, { "code": "cc" }, { "id": 9, "code": "dd" }]);
    let statements = if db.dialect().insert_returning() { 1 } else { 2 };
    let made = db.expect_queries(statements, async || card.bulk_create(rows.clone()).exec(&db).await).await?;
    let mut keys = made.iter().map(|row| Ok(row.get("id")?.as_i64().unwrap_or_default())).collect::<Result<Vec<i64>>>()?;
    assert_eq!((keys[1], keys[3]), (7, 9));
    for (row, key) in made.iter().zip(&keys) {
        let stored = card.find_by_pk(*key).exec(&db).await?.ok_or_else(|| Error::not_found("Card"))?;
        assert_eq!(stored.to_json(), row.to_json());
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 4);
    Ok(())
}

#[sequor::test]
async fn generators_by_their_bare_names(db: Db) -> Result<()> {
    let attributes = json!({
        "uid": { "type": "UUID", "defaultValue": "UUIDV4" },
        "at": { "type": "DATE", "defaultValue": "NOW" },
        "text": { "type": "STRING", "defaultValue": "NOW" }
    });
    let thing = db.define(ModelDef::from_json(json!({ "name": "Generated", "attributes": attributes }))?)?;
    thing.sync(SyncMode::Create).await?;
    let row = thing.create(json!({})).exec(&db).await?;
    assert!(row.get("uid")?.as_str().is_some_and(|uid| uid.parse::<Uuid>().is_ok()));
    assert!(row.get("at")?.as_str().is_some_and(|at| at.parse::<DateTime<Utc>>().is_ok()));
    assert_eq!(row.get("text")?, "NOW", "of a text it is a value");
    Ok(())
}
