//! What the page of differences promises of run-time models and of typed ones, where no recorded scenario holds it.

use super::Guest;
use sequor::prelude::*;
use sequor::{Record, RuntimeModel};
use serde_json::Value;

async fn library(db: &Db) -> sequor::Result<(RuntimeModel, RuntimeModel, RuntimeModel)> {
    let define = |name: &str, attributes: Value, options: Value| {
        db.define(ModelDef::from_json(json!({ "name": name, "attributes": attributes, "options": options }))?)
    };
    let plain = || json!({ "timestamps": false });
    let author = define("Author", json!({ "name": "STRING", "data": "JSON" }), json!({ "timestamps": false, "paranoid": false }))?;
    let book = define("Book", json!({ "title": "STRING", "pages": "INTEGER" }), plain())?;
    let tag = define("Tag", json!({ "label": "STRING" }), plain())?;
    define("BookTag", json!({ "id": { "type": "INTEGER", "primaryKey": true, "autoIncrement": true } }), plain())?;
    db.associate(json!({ "type": "hasMany", "source": "Author", "target": "Book", "as": "books", "foreignKey": "authorId" }))?;
    db.associate(json!({ "type": "belongsTo", "source": "Book", "target": "Author", "as": "author", "foreignKey": "authorId" }))?;
    db.associate(json!({ "type": "hasOne", "source": "Author", "target": "Book", "as": "first", "foreignKey": "authorId" }))?;
    db.associate(json!({ "type": "belongsToMany", "source": "Book", "target": "Tag", "as": "tags", "through": { "model": "BookTag", "unique": false }, "foreignKey": "bookId", "otherKey": "tagId" }))?;
    db.sync_all(SyncMode::Create).await?;
    author
        .bulk_create(
            json!([{ "name": "Ann", "data": { "n": 1, "tags": ["x", "y"] } }, { "name": "Bo", "data": { "n": "1", "tags": ["y"] } }]),
        )
        .exec(db)
        .await?;
    let books = json!([{ "title": "a", "pages": 1, "authorId": 1 }, { "title": "b", "pages": 2, "authorId": 1 }, { "title": "c", "pages": 4, "authorId": 2 }]);
    book.bulk_create(books).exec(db).await?;
    tag.bulk_create(json!([{ "label": "red" }, { "label": "blue" }])).exec(db).await?;
    Ok((author, book, tag))
}

async fn named(model: &RuntimeModel, field: &str, options: Value, db: &Db) -> sequor::Result<Vec<Value>> {
    model.find_all(options).exec(db).await?.iter().map(|row| row.get(field)).collect()
}

fn said<T: std::fmt::Debug>(result: sequor::Result<T>) -> String {
    result.map_or_else(|error| error.to_string(), |value| format!("no error: {value:?}"))
}

#[sequor::test]
async fn includes_never_multiply_and_rows_loaded_apart_need_no_key(db: Db) -> sequor::Result<()> {
    let (author, book, _) = library(&db).await?;
    let all = author.find_and_count_all(json!({ "include": ["books"], "limit": 1, "order": ["id"] })).exec(&db).await?;
    assert_eq!((all.rows.len(), all.count), (1, 2));
    assert_eq!(author.count(json!({ "include": ["books"] })).exec(&db).await?, 2);
    // The key that brings a row's children together is shown, as Sequelize shows it.
    let first = |rows: Vec<Record>| rows.iter().map(Record::to_json).collect::<Vec<_>>();
    for (model, name, expected) in [
        (&author, "books", json!({ "id": 1, "name": "Ann", "books": [{ "title": "a" }, { "title": "b" }] })),
        (&author, "first", json!({ "id": 1, "name": "Ann", "first": { "title": "a" } })),
    ] {
        let options = json!({ "attributes": ["name"], "order": ["id"], "limit": 1, "include": [{ "association": name, "separate": true, "attributes": ["title"], "order": ["id"] }] });
        assert_eq!(first(model.find_all(options).exec(&db).await?), [expected], "{name}");
    }
    let options = json!({ "attributes": ["title"], "order": ["id"], "limit": 1, "include": [{ "association": "author", "separate": true, "attributes": ["name"] }] });
    assert_eq!(first(book.find_all(options).exec(&db).await?), [json!({ "title": "a", "author": { "name": "Ann" } })]);
    for option in ["right", "or"] {
        let refused = author.find_all(json!({ "include": [{ "association": "books", "required": false, option: true }] })).exec(&db).await;
        assert!(refused.is_err(), "{option}");
    }
    Ok(())
}

#[sequor::test]
async fn a_pair_that_is_linked_twice_is_two_children(db: Db) -> sequor::Result<()> {
    let (_, book, tag) = library(&db).await?;
    let mut a = book.find_by_pk(1).exec(&db).await?.ok_or_else(|| Error::not_found("Book"))?;
    let links = db.model("BookTag")?;
    links.bulk_create(json!([{ "bookId": 1, "tagId": 1 }, { "bookId": 1, "tagId": 1 }])).exec(&db).await?;
    assert_eq!(a.association("tags", json!({}), &db).await?.len(), 2);
    assert_eq!(a.association_count("tags", json!({}), &db).await?, 2);
    let rows = book.find_all(json!({ "include": ["tags"], "where": { "id": 1 } })).exec(&db).await?;
    assert_eq!(rows[0].to_json()["tags"].as_array().map(Vec::len), Some(2));
    assert!(a.association_has("tags", json!([1, 1]), &db).await?);
    assert!(!a.association_has("tags", json!([1, 2]), &db).await?);
    a.association_change("tags", "remove", json!([1]), json!({}), &db).await?;
    assert_eq!((a.association_count("tags", json!({}), &db).await?, tag.count(json!({})).exec(&db).await?), (0, 2));
    Ok(())
}

#[sequor::test]
async fn paths_of_documents_know_numbers_and_lists(db: Db) -> sequor::Result<()> {
    let (author, ..) = library(&db).await?;
    let order = json!(["id"]);
    assert_eq!(named(&author, "name", json!({ "where": { "data.n": 1 }, "order": order }), &db).await?, ["Ann"]);
    for path in ["data.tags[0]", "data.tags.0"] {
        assert_eq!(named(&author, "name", json!({ "where": { path: "y" }, "order": order }), &db).await?, ["Bo"], "{path}");
        assert_eq!(named(&author, "name", json!({ "order": [[path, "DESC"]] }), &db).await?, ["Bo", "Ann"], "{path}");
        assert_eq!(named(&author, "first", json!({ "attributes": [[path, "first"]], "order": order }), &db).await?, ["x", "y"], "{path}");
    }
    author.update_all(json!({ "data.n": 7 }), json!({ "where": { "name": "Ann" } })).exec(&db).await?;
    assert_eq!(named(&author, "data", json!({ "order": order }), &db).await?[0], json!({ "n": 7, "tags": ["x", "y"] }));
    Ok(())
}

#[sequor::test]
async fn conditions_and_aggregates_mean_what_they_say(db: Db) -> sequor::Result<()> {
    let (_, book, _) = library(&db).await?;
    let titles = async |condition: Value| named(&book, "title", json!({ "where": condition, "order": ["id"] }), &db).await;
    assert_eq!(titles(json!({ "pages": { "$any": [1, 4] } })).await?, ["a", "c"]);
    assert_eq!(titles(json!({ "pages": { "$not": { "$any": [1, 4] } } })).await?, ["b"]);
    assert_eq!(titles(json!({ "pages": { "$not": { "$gt": 1 } } })).await?, ["a"]);
    assert!(titles(json!({ "$or": [] })).await?.is_empty() && titles(json!({ "pages": { "$or": [] } })).await?.is_empty());
    assert_eq!(titles(json!({ "pages": { "$not": { "$in": [] } } })).await?.len(), 3);
    assert_eq!(titles(json!({ "$or": [{ "pages": { "$notIn": [] } }, { "title": "a" }] })).await?.len(), 3);
    assert_eq!(titles(json!({ "$or": [{ "pages": [] }, { "title": "a" }] })).await?, ["a"]);
    let average = book.aggregate("pages", "avg", json!({ "where": { "authorId": 1 } })).exec(&db).await?;
    assert_eq!(average.as_f64().or_else(|| average.as_str()?.parse().ok()), Some(1.5), "{average}");
    assert_eq!(book.update_all(json!({ "pages": 9 }), json!({ "where": {}, "limit": 1, "order": ["id"] })).exec(&db).await?, 1);
    let whole = book.sum("pages", json!({ "order": ["title"] })).exec(&db).await?;
    assert_eq!(whole.as_f64().or_else(|| whole.as_str()?.parse().ok()), Some(15.0), "{whole}");
    Ok(())
}

#[sequor::test]
async fn instances_know_what_was_loaded(db: Db) -> sequor::Result<()> {
    let (_, book, _) = library(&db).await?;
    let mut new = book.build(json!({ "title": "n" }))?;
    assert_eq!((new.previous("title"), new.is_new()), (Value::Null, true));
    new.save(&db).await?;
    new.set("title", "m")?.set("title", "n")?;
    assert!(new.changed().is_empty(), "set back is no change");
    new.set("title", "m")?.set("title", "o")?;
    assert_eq!((new.previous("title"), new.changed().len()), (json!("n"), 1));
    assert!(said(book.build(json!({ "pages": "many" }))).contains("pages"));
    let quiet = book.create_with(json!({ "title": "q" }), json!({ "returning": false })).exec(&db).await?;
    assert_eq!(quiet.get("id")?, 5);
    let (row, made) = book.upsert(json!({ "title": "without a key" })).exec(&db).await?;
    assert!(made && row.get("id")? == 6);
    let (row, _) = book.upsert_with(json!({ "id": 1, "title": "A", "pages": 77 }), json!({ "fields": ["title"] })).exec(&db).await?;
    assert_eq!(
        (row.get("title")?, book.find_by_pk(1).exec(&db).await?.map(|row| row.to_json()["pages"].clone())),
        (json!("A"), Some(json!(1)))
    );
    book.upsert_with(json!({ "id": 40, "title": "new", "pages": 40 }), json!({ "fields": ["title"] })).exec(&db).await?;
    assert_eq!(named(&book, "pages", json!({ "where": { "id": 40 } }), &db).await?, [40], "a new row is stored with all that was given");
    let rows = book
        .bulk_create_with(json!([{ "title": "x", "pages": 3 }]), json!({ "fields": ["title"], "individualHooks": true }))
        .exec(&db)
        .await?;
    assert_eq!(named(&book, "pages", json!({ "where": { "id": rows[0].get("id")? } }), &db).await?, [Value::Null]);
    Ok(())
}

#[sequor::test]
async fn soft_deletion_and_versions_of_run_time_models(db: Db) -> sequor::Result<()> {
    let options = json!({ "paranoid": true, "version": true });
    let note = db.define(ModelDef::from_json(json!({ "name": "Note", "attributes": { "text": "STRING" }, "options": options }))?)?;
    note.sync(SyncMode::Create).await?;
    let row = note.create_with(json!({ "text": "a" }), json!({ "silent": true })).exec(&db).await?;
    assert!(row.get("createdAt")?.is_string() && row.get("updatedAt")?.is_string());
    let mut stale = note.find_by_pk(1).exec(&db).await?.ok_or_else(|| Error::not_found("Note"))?;
    note.update_all(json!({ "text": "b" }), json!({ "where": { "id": 1 } })).exec(&db).await?;
    stale.set("text", "c")?;
    assert!(matches!(stale.save(&db).await, Err(Error::OptimisticLock { .. })));
    assert!(matches!(stale.destroy(&db).await, Err(Error::OptimisticLock { .. })));
    assert_eq!(note.count(json!({})).exec(&db).await?, 1, "nothing is lost");
    let before = named(&note, "version", json!({}), &db).await?;
    note.destroy_all(json!({ "where": { "id": 1 } })).exec(&db).await?;
    assert_eq!(named(&note, "version", json!({ "paranoid": false }), &db).await?, before, "as in Sequelize");
    note.restore_all(json!({ "where": { "id": 1 } })).exec(&db).await?;
    let mut lives = note.find_by_pk(1).exec(&db).await?.ok_or_else(|| Error::not_found("Note"))?;
    lives.set("text", "unsaved")?;
    lives.restore(&db).await?;
    assert_eq!(
        (lives.changed().len(), named(&note, "text", json!({}), &db).await?),
        (0, vec![json!("unsaved")]),
        "it is a save, as in Sequelize"
    );
    Ok(())
}

#[sequor::test(models(Guest))]
async fn verbs_of_many_rows_say_what_they_mean(db: Db) -> sequor::Result<()> {
    assert!(matches!(Guest::destroy_all().exec(&db).await, Err(Error::MissingFilter { .. })));
    assert!(matches!(Guest::update_all().set(Guest::PHONE, "1").exec(&db).await, Err(Error::MissingFilter { .. })));
    assert!(said(Guest::upsert(draft!(Guest { name: "ann", phone: "1" })).exec(&db).await).contains("Guest"));
    assert_eq!(Guest::count().exec(&db).await?, 0);
    db.hooks::<Guest>().before_upsert("call", |guest, _cx| {
        guest.set(Guest::PHONE, "112");
        Box::pin(async { Ok(()) })
    });
    for name in ["new", "met"] {
        let (row, _) = Guest::upsert(draft!(Guest { id: 7, name, email: "a@x.io" })).exec(&db).await?;
        assert_eq!((row.name.as_str(), row.phone.as_deref()), (name, Some("112")));
        Guest::update_all().set(Guest::PHONE, "1").every_row().exec(&db).await?;
    }
    Ok(())
}

#[sequor::test]
async fn rules_at_run_time_are_those_of_their_page(db: Db) -> sequor::Result<()> {
    let refused = |rule: Value| {
        let attributes = json!({ "field": { "type": "STRING", "validate": rule } });
        said(ModelDef::from_json(json!({ "name": "Form", "attributes": attributes }))).contains("Form.field")
    };
    assert!(
        refused(json!({ "isEmial": true }))
            && refused(json!({ "is": "(" }))
            && refused(json!({ "len": ["a"] }))
            && refused(json!({ "isDecimal": { "locale": "x" } }))
    );
    let check = async |rule: Value, value: Value| -> sequor::Result<Vec<String>> {
        let attributes = json!({ "field": { "type": "TEXT", "validate": rule } });
        let model =
            db.define(ModelDef::from_json(json!({ "name": "Form", "attributes": attributes, "options": { "timestamps": false } }))?)?;
        match model.build(json!({ "field": value }))?.validate(&db).await {
            Ok(()) => Ok(Vec::new()),
            Err(Error::Validation(error)) => Ok(error.items.into_iter().map(|item| item.message).collect()),
            Err(other) => Err(other),
        }
    };
    assert_eq!(check(json!({ "isEmail": true }), json!("x")).await?, ["Validation isEmail on field failed"]);
    assert!(check(json!({ "isEmail": true }), Value::Null).await?.is_empty(), "null never reaches a rule");
    assert!(check(json!({ "isEmail": false }), json!("x")).await?.is_empty());
    assert_eq!(check(json!({ "len": { "args": [2, 3], "msg": "too long" } }), json!("four")).await?, ["too long"]);
    assert_eq!(check(json!({ "len": { "min": 2, "max": 3 } }), json!("four")).await?.len(), 1, "arguments by name");
    for list in [json!(["a", "b"]), json!([["a", "b"]])] {
        assert!(check(json!({ "isIn": list }), json!("a")).await?.is_empty());
        assert_eq!(check(json!({ "isIn": list }), json!("c")).await?.len(), 1);
    }
    assert_eq!(check(json!({ "min": 3 }), json!("x")).await?.len(), 1, "text is no number");
    assert_eq!(check(json!({ "min": 3, "isInt": true }), json!("x")).await?.len(), 1, "another rule refuses it already");
    assert!(check(json!({ "isUUID": true }), json!("0189f7e4-1c2b-7a3c-8d4e-5f6071829304")).await?.is_empty());
    assert_eq!(check(json!({ "isIP": 4 }), json!("::1")).await?.len(), 1);
    for fragment in ["2024-", "12", "foo 2024"] {
        assert_eq!(check(json!({ "isDate": true }), json!(fragment)).await?.len(), 1, "{fragment}");
    }
    let endless = check(json!({ "is": "^(?=(a+)+$)b" }), json!("a".repeat(40) + "!")).await;
    assert!(
        endless.as_ref().is_err_and(|error| error.to_string().contains("step")) || endless.as_ref().is_ok_and(|items| items.len() == 1),
        "{endless:?}"
    );
    Ok(())
}

#[sequor::test]
async fn hooks_of_children_and_of_tables_are_as_they_say(db: Db) -> sequor::Result<()> {
    let (author, book, _) = library(&db).await?;
    let told = super::Arc::new(super::Mutex::new(Vec::<&str>::new()));
    let (one, many) = (told.clone(), told.clone());
    book.hooks().before_create("one", move |_row, _cx| {
        one.lock().map(|mut told| told.push("one")).ok();
        Box::pin(async { Ok(()) })
    });
    book.hooks().before_bulk_create("many", move |rows, _cx| {
        many.lock().map(|mut told| told.push(if rows.len() == 2 { "two at once" } else { "other" })).ok();
        Box::pin(async { Ok(()) })
    });
    let graph = json!([{ "name": "Cy", "books": [{ "title": "x" }] }, { "name": "Di", "books": [{ "title": "y" }] }]);
    author.bulk_create_with(graph, json!({ "include": ["books"] })).exec(&db).await?;
    assert_eq!(told.lock().map(|told| told.clone()).unwrap_or_default(), ["two at once"]);
    assert_eq!(book.count(json!({ "where": { "title": ["x", "y"] } })).exec(&db).await?, 2);
    // Whatever points here is unlinked, not the first alone.
    let mut ann = author.find_by_pk(1).exec(&db).await?.ok_or_else(|| Error::not_found("Author"))?;
    ann.association_change("first", "set", Value::Null, json!({}), &db).await?;
    assert_eq!(book.count(json!({ "where": { "authorId": 1 } })).exec(&db).await?, 0);
    // A veto before any table leaves everything as it was.
    for name in ["First", "Second"] {
        db.define(ModelDef::from_json(json!({ "name": name, "attributes": { "a": "STRING" } }))?)?;
    }
    db.model("Second")?.hooks().before_sync("veto", |_cx| Box::pin(async { Err(Error::usage("not now")) }));
    assert!(db.sync_all(SyncMode::Create).await.is_err());
    assert!(db.model("First")?.count(json!({})).exec(&db).await.is_err(), "the first table was made");
    Ok(())
}
