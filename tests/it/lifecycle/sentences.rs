//! What the guide says of the lifecycle, sentence by sentence, where no other test holds it.

mod counters;
mod differences;
mod hooks;

use sequor::prelude::*;
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "guests", paranoid, validate = "Guest::reachable", unique(columns("hall", "seat"), live_only))]
pub struct Guest {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(validate(len(min = 2, max = 10)))]
    pub name: String,
    #[field(validate(email, custom(never_null)))]
    pub email: Option<String>,
    pub phone: Option<String>,
    pub hall: Option<String>,
    pub seat: Option<i32>,
    pub deleted_at: Option<DateTime<Utc>>,
}

fn never_null(email: &str) -> bool {
    !email.is_empty()
}

impl Guest {
    fn reachable(guest: &Draft<Guest>) -> std::result::Result<(), String> {
        let missing = |column| !matches!(guest.get(column), Some(Some(_)));
        if missing(Guest::EMAIL) && missing(Guest::PHONE) { Err("no address".into()) } else { Ok(()) }
    }
}

fn paths<T: std::fmt::Debug>(result: sequor::Result<T>) -> Vec<String> {
    match result {
        Err(Error::Validation(error)) => error.items.into_iter().map(|item| item.path).collect(),
        other => panic!("{other:?}"),
    }
}

#[sequor::test(models(Guest))]
async fn a_rule_of_the_whole_row_runs_when_some_fields_are_saved(db: Db) -> sequor::Result<()> {
    let mut edit = draft!(Guest { name: "ann", phone: "1" }).create(&db).await?.edit();
    edit.phone = None;
    edit.name = "anna".into();
    assert_eq!(paths(edit.clone().save_fields(Guest::NAME, &db).await), ["reachable"]);
    let mut edit = edit.clone();
    edit.phone = Some("2".into());
    edit.name = "x".into();
    assert_eq!(edit.clone().save_fields(Guest::PHONE, &db).await?.phone.as_deref(), Some("2"), "the rules of other fields do not");
    Ok(())
}

#[sequor::test(models(Guest))]
async fn every_verb_checks_and_every_verb_can_leave_it(db: Db) -> sequor::Result<()> {
    let bad = || draft!(Guest { name: "x", phone: "1" });
    let ann = draft!(Guest { name: "ann", phone: "1", hall: "a", seat: 1 }).create(&db).await?;
    let known = || draft!(Guest { id: ann.id, name: "x", phone: "1" });
    assert_eq!(paths(bad().create(&db).await), ["name"]);
    assert_eq!(paths(Guest::bulk_create([bad()]).exec(&db).await), ["name"]);
    assert_eq!(paths(Guest::upsert(known()).exec(&db).await), ["name"]);
    assert_eq!(paths(Guest::update_all().set(Guest::NAME, "x").every_row().exec(&db).await), ["name"]);
    assert_eq!(paths(Guest::find_or_create(Guest::NAME.eq("x"), bad()).exec(&db).await), ["name"]);
    assert_eq!(paths(bad().validate(&db).await), ["name"]);
    assert_eq!(Guest::count().exec(&db).await?, 1);
    bad().skip_validation().create(&db).await?;
    Guest::bulk_create([bad()]).skip_validation().exec(&db).await?;
    Guest::upsert(known()).skip_validation().exec(&db).await?;
    Guest::update_all().set(Guest::NAME, "y").skip_validation().every_row().exec(&db).await?;
    assert!(Guest::find_or_create(Guest::NAME.eq("z"), bad()).skip_validation().exec(&db).await?.1);
    assert_eq!(Guest::count().filter(Guest::NAME.is_in(["x", "y"])).exec(&db).await?, 4);
    Ok(())
}

#[sequor::test(models(Guest))]
async fn hooks_of_validation_mend_rows_and_replace_errors(db: Db) -> sequor::Result<()> {
    db.hooks::<Guest>().before_validate("trim", |guest, _cx| {
        let name = guest.get(Guest::NAME).map(|name| name.trim().to_owned());
        if let Some(name) = name {
            guest.set(Guest::NAME, name);
        }
        Box::pin(async { Ok(()) })
    });
    let long = " ".repeat(20);
    assert_eq!(draft!(Guest { name: format!("ann{long}"), phone: "1" }).create(&db).await?.name, "ann");
    assert_eq!(
        Guest::bulk_create([draft!(Guest { name: format!("bo{long}"), phone: "1" })]).individual_hooks().exec(&db).await?[0].name,
        "bo"
    );
    db.hooks::<Guest>().validation_failed("other", |error, _cx| {
        *error = Error::usage("nobody is told why");
        Box::pin(async { Ok(()) })
    });
    let told = draft!(Guest { name: "x", phone: "1" }).create(&db).await.unwrap_err();
    assert!(matches!(&told, Error::Usage(usage) if usage.message == "nobody is told why"), "{told}");
    Ok(())
}

#[sequor::test(models(Guest))]
async fn deleted_rows_are_hidden_from_every_verb_and_keep_their_instant(db: Db) -> sequor::Result<()> {
    let gone = draft!(Guest { name: "gone", phone: "1", hall: "a", seat: 1 }).create(&db).await?;
    gone.destroy(&db).await?;
    let first = Guest::find_by_pk(gone.id).with_deleted().or_fail().exec(&db).await?.deleted_at;
    // Its seat is free among the living.
    let live = draft!(Guest { name: "live", phone: "1", hall: "a", seat: 1 }).create(&db).await?;
    assert_eq!(Guest::count().exec(&db).await?, 1);
    assert_eq!(Guest::find_all().select(sum(Guest::SEAT)).one().exec(&db).await?, Some(1));
    assert_eq!(Guest::update_all().set(Guest::PHONE, "2").every_row().exec(&db).await?, 1);
    assert_eq!(Guest::update_all().set(Guest::PHONE, "3").only_deleted().every_row().exec(&db).await?, 1);
    assert!(!Guest::find_all().filter(Guest::NAME.eq("gone")).exists(&db).await?);
    assert_eq!(Guest::destroy_all().with_deleted().every_row().exec(&db).await?, 2);
    assert_eq!(Guest::find_by_pk(gone.id).with_deleted().or_fail().exec(&db).await?.deleted_at, first);
    assert!(Guest::find_by_pk(live.id).exec(&db).await?.is_none());
    // Both come back only one by one: the seat is one.
    assert!(matches!(Guest::restore_all().exec(&db).await, Err(Error::UniqueConstraint { .. })));
    assert_eq!(Guest::restore_all().filter(Guest::ID.eq(live.id)).exec(&db).await?, 1);
    let met = draft!(Guest { name: "upsert", phone: "9", hall: "a", seat: 1 });
    let (row, created) = Guest::upsert(met).exec(&db).await?;
    assert_eq!((row.id, created, row.name.as_str()), (live.id, false, "upsert"), "upserts meet the live row");
    let rows = [draft!(Guest { name: "bulk", phone: "9", hall: "a", seat: 1 })];
    let rows = Guest::bulk_create(rows).update_on_duplicate(Guest::NAME).exec(&db).await?;
    assert_eq!((rows[0].id, rows[0].name.as_str()), (live.id, "bulk"));
    assert_eq!(Guest::find_by_pk(gone.id).with_deleted().or_fail().exec(&db).await?.name, "gone");
    Ok(())
}

#[sequor::test(models(Guest))]
async fn hooks_know_what_is_done_and_a_second_name_replaces_the_first(db: Db) -> sequor::Result<()> {
    let seen = Arc::new(Mutex::new(Vec::<String>::new()));
    for word in ["old", "new"] {
        let seen = seen.clone();
        db.hooks::<Guest>().before_validate("log", move |_guest, cx| {
            seen.lock().map(|mut seen| seen.push(format!("{word} {:?}", cx.operation()))).ok();
            Box::pin(async { Ok(()) })
        });
    }
    let ann = draft!(Guest { name: "ann", phone: "1" }).create(&db).await?;
    let mut edit = ann.clone().edit();
    edit.phone = Some("2".into());
    edit.save(&db).await?;
    Guest::upsert(draft!(Guest { id: ann.id, name: "anna", phone: "1" })).exec(&db).await?;
    Guest::update_all().set(Guest::PHONE, "3").every_row().exec(&db).await?;
    let seen = seen.lock().map(|seen| seen.clone()).unwrap_or_default();
    assert!(seen.iter().all(|line| line.starts_with("new ")), "{seen:?}");
    assert_eq!(seen.len(), 4);
    Ok(())
}

#[sequor::test(models(Guest))]
async fn hooks_of_many_rows_change_what_is_written(db: Db) -> sequor::Result<()> {
    db.hooks::<Guest>().before_bulk_create("more", |drafts, _cx| {
        drafts.retain(|draft| draft.get(Guest::NAME).is_none_or(|name| name != "out"));
        drafts.push(draft!(Guest { name: "more", phone: "1" }));
        Box::pin(async { Ok(()) })
    });
    let rows = Guest::bulk_create([draft!(Guest { name: "in", phone: "1" }), draft!(Guest { name: "out", phone: "1" })]).exec(&db).await?;
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["in", "more"]);
    let listed = db.hooks::<Guest>().remove("more");
    assert!(listed);
    Ok(())
}

#[sequor::test]
async fn the_database_does_what_a_key_says_and_tells_it(db: Db) -> sequor::Result<()> {
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    let log = told.clone();
    db.global_hooks().after_change("log", move |change: &sequor::AnyChange, _cx| {
        log.lock().map(|mut log| log.push(format!("{} {} {:?}", change.model(), change.operation(), change.changed()))).ok();
        Box::pin(async { Ok(()) })
    });
    let takes_default = matches!(db.dialect(), Dialect::Postgres | Dialect::Sqlite);
    for action in ["CASCADE", "SET NULL", "RESTRICT", "NO ACTION", "SET DEFAULT"] {
        let suffix = action.replace(' ', "");
        let (parent, child) = (format!("Owner{suffix}"), format!("Owned{suffix}"));
        let plain = json!({ "timestamps": false });
        let attributes = json!({ "code": { "type": "INTEGER", "primaryKey": true } });
        let owner = db.define(ModelDef::from_json(json!({ "name": parent, "attributes": attributes, "options": plain }))?)?;
        let table = owner.def()?.table.name.to_string();
        let key = json!({
            "type": "INTEGER", "defaultValue": 1, "references": { "model": table, "key": "code" }, "onDelete": action, "onUpdate": action,
        });
        let owned = db.define(ModelDef::from_json(json!({ "name": child, "attributes": { "ownerCode": key }, "options": plain }))?)?;
        owner.sync(SyncMode::Create).await?;
        owned.sync(SyncMode::Create).await?;
        owner.bulk_create(json!([{ "code": 1 }, { "code": 2 }, { "code": 3 }])).exec(&db).await?;
        owned.bulk_create(json!([{ "ownerCode": 2 }, { "ownerCode": 3 }])).exec(&db).await?;
        told.lock().map(|mut log| log.clear()).ok();
        let deleted = owner.destroy_all(json!({ "where": { "code": 2 } })).exec(&db).await;
        let moved = owner.update_all(json!({ "code": 30 }), json!({ "where": { "code": 3 } })).exec(&db).await;
        let rows = owned.find_all(json!({ "order": ["id"] })).exec(&db).await?;
        let keys: Vec<_> = rows.iter().map(|row| row.get("ownerCode")).collect::<sequor::Result<_>>()?;
        let mut told: Vec<String> = told.lock().map(|log| log.clone()).unwrap_or_default();
        told.retain(|line| line.starts_with(&child));
        if action == "RESTRICT" || action == "NO ACTION" || (action == "SET DEFAULT" && !takes_default) {
            assert!(matches!(deleted, Err(Error::ForeignKeyConstraint { .. })), "{action}: {deleted:?}");
            assert!(matches!(moved, Err(Error::ForeignKeyConstraint { .. })), "{action}: {moved:?}");
            assert_eq!((keys, told), (vec![json!(2), json!(3)], Vec::new()), "{action}");
            continue;
        }
        assert_eq!((deleted?, moved?), (1, 1), "{action}");
        let update = format!("{child} update [\"ownerCode\"]");
        match action {
            "CASCADE" => {
                assert_eq!(keys, [json!(30)]);
                assert_eq!(told, [format!("{child} destroy [\"id\", \"ownerCode\"]"), update]);
            }
            "SET NULL" => assert_eq!((keys, told), (vec![json!(null), json!(null)], vec![update.clone(), update])),
            _ => assert_eq!((keys, told), (vec![json!(1), json!(1)], vec![update.clone(), update])),
        }
    }
    Ok(())
}
