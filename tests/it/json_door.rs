//! The JSON query language: on run-time models, on typed ones, and under a policy for strangers.

mod as_sequelize;

use crate::models::{Post, User};
use sequor::Policy;
use sequor::prelude::*;
use serde_json::Value;

fn author() -> Value {
    json!({ "name": "Author", "attributes": { "name": "STRING(40)", "secret": "STRING(40)", "age": "INTEGER" }, "options": { "timestamps": false } })
}

fn book() -> Value {
    json!({ "name": "Book", "attributes": { "title": "STRING(40)", "price": "INTEGER" }, "options": { "timestamps": false } })
}

async fn library(db: &Db) -> Result<(sequor::RuntimeModel, sequor::RuntimeModel)> {
    let authors = db.define(ModelDef::from_json(author())?)?;
    let books = db.define(ModelDef::from_json(book())?)?;
    db.associate(json!({ "type": "hasMany", "source": "Author", "target": "Book", "as": "books", "foreignKey": "authorId" }))?;
    db.associate(json!({ "type": "belongsTo", "source": "Book", "target": "Author", "as": "author", "foreignKey": "authorId" }))?;
    db.sync_all(SyncMode::Create).await?;
    for (name, age) in [("Ann", 30), ("Bo", 40), ("Cy", 50)] {
        let author = authors.create(json!({ "name": name, "secret": "s", "age": age })).exec(db).await?;
        let id = author.get("id")?;
        books.bulk_create(json!([{ "title": format!("{name} 1"), "price": age, "authorId": id }, { "title": format!("{name} 2"), "price": 1, "authorId": id }])).exec(db).await?;
    }
    Ok((authors, books))
}

#[sequor::test]
async fn verbs_of_run_time_models_run_where_exec_says(db: Db) -> Result<()> {
    let (authors, _) = library(&db).await?;
    let n: u64 = authors.update_all(json!({ "age": 41 }), json!({ "where": { "name": "Bo" } })).exec(&db).await?;
    assert_eq!(n, 1);
    let tx = db.begin().await?;
    authors.create(json!({ "name": "Di" })).exec(&tx).await?;
    assert_eq!(authors.count(json!({})).exec(&tx).await?, 4);
    tx.rollback().await?;
    assert_eq!(authors.count(json!({})).exec(&db).await?, 3);
    let mut row = authors.find_one(json!({ "where": { "name": "Bo" } })).exec(&db).await?.ok_or_else(|| Error::not_found("Author"))?;
    assert_eq!(row.get("age")?, json!(41));
    row.increment("age", 2, &db).await?;
    row.reload(&db).await?;
    assert_eq!(row.get("age")?, json!(43));
    row.destroy(&db).await?;
    let RowsAndCount { rows, count } = authors.find_and_count_all(json!({ "order": ["id"], "limit": 1 })).exec(&db).await?;
    assert_eq!((rows.len(), count), (1, 2));
    Ok(())
}

#[sequor::test]
async fn typed_models_answer_sequelizes_options(db: Db) -> Result<()> {
    db.sync::<(User, Post)>(SyncMode::Create).await?;
    for (name, age) in [("Ann", 20), ("Bo", 30), ("Cy", 40)] {
        let user = draft!(User { email: format!("{name}@x.io"), name, age }).create(&db).await?;
        draft!(Post { title: format!("of {name}"), user_id: user.id }).create(&db).await?;
    }
    let options = json!({ "where": { "age": { "$gt": 20 } }, "include": ["posts"], "order": [["age", "DESC"]], "limit": 1 });
    let users = User::find_all().json_options(options)?.exec(&db).await?;
    assert_eq!(users.len(), 1);
    assert_eq!(users[0].name, "Cy");
    assert_eq!(users[0].posts.loaded()?[0].title, "of Cy");
    assert_eq!(
        User::count().json_options(json!({ "where": { "$or": [{ "name": "Ann" }, { "$posts.title$": "of Bo" }] } }))?.exec(&db).await?,
        2
    );
    for (wrong, place) in [
        (json!({ "where": { "age": { "$gtt": 1 } } }), "where.age.$gtt: unknown operator, did you mean $gt?"),
        (json!({ "were": {} }), "options.were: unknown option, did you mean where?"),
        (json!({ "where": { "agee": 1 } }), "did you mean age?"),
        (json!({ "attributes": ["name"] }), "options.attributes"),
        (json!({ "include": [{ "association": "posts", "attributes": ["title"] }] }), "options.attributes"),
    ] {
        let error = User::find_all().json_options(wrong).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(place), "{error} does not say {place}");
    }
    Ok(())
}

#[sequor::test]
async fn lists_below_a_strangers_rows_are_limited_too(db: Db) -> Result<()> {
    let (authors, books) = library(&db).await?;
    for number in 0..30 {
        books.create(json!({ "title": format!("more {number}"), "price": 1, "authorId": 1 })).exec(&db).await?;
    }
    let policy = Policy::stranger().allow("Author", &["id", "name"]).allow("Book", &["id", "title"]).max_included(5).max_total(12);
    let listed = async |options: Value| -> Result<Vec<usize>> {
        let rows = authors.find_all(policy.check(&db, "Author", options)?).exec(&db).await?;
        Ok(rows.iter().map(|row| row.to_json()["books"].as_array().map_or(0, Vec::len)).collect())
    };
    let order = json!([["id", "ASC"]]);
    assert_eq!(listed(json!({ "include": ["books"], "order": order, "limit": 2 })).await?, [5, 2]);
    assert_eq!(listed(json!({ "include": [{ "association": "books", "limit": 1 }], "order": order, "limit": 2 })).await?, [1, 1]);
    // Three rows leave room for four each; a list below a list for what is left.
    assert_eq!(listed(json!({ "include": ["books"], "order": order, "limit": 3 })).await?, [4, 2, 2]);
    let deep = json!({ "include": [{ "association": "books", "include": [{ "association": "author", "include": ["books"] }] }], "order": order, "limit": 3 });
    let rows = authors.find_all(policy.check(&db, "Author", deep)?).exec(&db).await?;
    assert_eq!(rows[0].to_json()["books"][0]["author"]["books"].as_array().map(Vec::len), Some(1));
    for wrong in [
        json!({ "include": [{ "association": "books", "limit": 6 }], "limit": 1 }),
        json!({ "include": [{ "association": "books", "limit": 5 }], "limit": 3 }),
        json!({ "include": [{ "association": "books", "limit": "1" }] }),
    ] {
        let error = policy.check(&db, "Author", wrong.clone()).err().ok_or_else(|| Error::usage(wrong.to_string()))?;
        assert!(error.to_string().contains("options.include[0].limit"), "{error}");
    }
    Ok(())
}

#[sequor::test]
async fn strangers_get_what_the_policy_lists_and_nothing_else(db: Db) -> Result<()> {
    let (authors, _) = library(&db).await?;
    let policy = Policy::stranger().allow("Author", &["id", "name"]).allow("Book", &["title", "price"]).max_rows(2).max_includes(2);
    let check = |options: Value| policy.check(&db, "Author", options);
    let rows = authors.find_all(check(json!({ "include": ["books"], "order": [["name", "DESC"]] }))?).exec(&db).await?;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].to_json()["name"], "Cy");
    assert!(rows[0].to_json().get("secret").is_none());
    assert!(rows[0].to_json()["books"][0].get("authorId").is_none());
    for (wrong, place) in [
        (json!({ "where": { "secret": "s" } }), "options.where.secret"),
        (json!({ "where": { "$or": [{ "name": "x" }, { "secret": { "$startsWith": "s" } }] } }), "options.where.$or[1].secret"),
        (json!({ "where": { "name": { "$regexp": "(a+)+" } } }), "options.where.name.$regexp"),
        (json!({ "where": { "name": { "$eq": { "$col": "secret" } } } }), "options.where.name.$eq.$col"),
        (json!({ "where": { "$books.authorId$": 1 } }), "options.where.$books.authorId$"),
        (json!({ "attributes": ["name", "secret"] }), "options.attributes[1]"),
        (json!({ "attributes": [{ "fn": "max", "args": [{ "col": "secret" }], "as": "name" }] }), "options.attributes[0]"),
        (json!({ "order": [["secret", "ASC"]] }), "options.order[0]"),
        (json!({ "order": [[{ "fn": "random" }, "ASC"]] }), "options.order[0]"),
        (json!({ "include": ["books", "books", "books"] }), "options.include[2]"),
        (json!({ "include": [{ "association": "books", "include": [{ "association": "author", "where": { "age": 1 } }] }] }), "where.age"),
        (json!({ "where": { "$books.author.books.title$": "x" } }), "options.where.$books.author.books.title$"),
        (json!({ "order": [["books", "author", "books", "title", "ASC"]] }), "options.order[0]"),
        (json!({ "limit": 3 }), "options.limit"),
        (json!({ "limit": "2" }), "options.limit"),
        (json!({ "paranoid": false }), "options.paranoid"),
        (json!({ "lock": true }), "options.lock"),
        (json!({ "group": ["name"] }), "options.group"),
        (json!([]), "options"),
    ] {
        let error = check(wrong.clone()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(place), "{wrong}: {error} does not say {place}");
    }
    let closed = Policy::stranger().allow("Author", &["name"]);
    assert!(closed.check(&db, "Author", json!({ "include": ["books"] })).is_err());
    Ok(())
}

/// `$and` in `$and` in `$and`: text that deep is refused by the parser already.
fn nested(levels: usize) -> Value {
    (0..levels)
        .fold(json!({ "name": "x" }), |inner, _| Value::Object([("$and".to_owned(), Value::Array(vec![inner]))].into_iter().collect()))
}

#[sequor::test]
async fn long_and_deep_json_is_refused_quickly(db: Db) -> Result<()> {
    let (authors, _) = library(&db).await?;
    let policy = Policy::stranger().allow("Author", &["name"]);
    let long = format!("{{\"where\":{{\"name\":\"{}\"}}}}", "x".repeat(10 << 20));
    assert!(policy.parse(long.as_bytes()).is_err_and(|error| error.to_string().contains("bytes")));
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(policy.parse(deep.as_bytes()).is_err());
    assert!(
        policy
            .check(&db, "Author", Value::Object([("where".to_owned(), nested(1_000))].into_iter().collect()))
            .is_err_and(|error| error.to_string().contains("nested deeper"))
    );
    let error = authors
        .find_all(Value::Object([("where".to_owned(), nested(1_000))].into_iter().collect()))
        .exec(&db)
        .await
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(error.contains("nested deeper"), "{error}");
    let wide: Vec<Value> = (0..200_000).map(|number| json!({ "name": number.to_string() })).collect();
    assert!(policy.check(&db, "Author", json!({ "where": { "$or": wide } })).is_err());
    Ok(())
}

/// `{ "fn": "lower", "args": [{ "fn": "lower", .. }] }`.
fn called(key: &str, levels: usize) -> Value {
    let call = |inner: Value| {
        Value::Object([(key.to_owned(), json!("lower")), ("args".to_owned(), Value::Array(vec![inner]))].into_iter().collect())
    };
    (0..levels).fold(json!({ "col": "name" }), |inner, _| call(inner))
}

/// `[[..]]`.
fn listed(levels: usize) -> Value {
    (0..levels).fold(json!("name"), |inner, _| Value::Array(vec![inner]))
}

fn included(levels: usize) -> Value {
    (0..levels).fold(json!({ "association": "books" }), |inner, level| {
        let name = if level % 2 == 0 { "author" } else { "books" };
        Value::Object([("association".to_owned(), json!(name)), ("include".to_owned(), Value::Array(vec![inner]))].into_iter().collect())
    })
}

/// Put together by hand: the macro would walk through the value.
fn object(key: &str, value: Value) -> Value {
    beside(json!({}), key, value)
}

fn beside(mut map: Value, key: &str, value: Value) -> Value {
    if let Some(map) = map.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
    map
}

/// A value that only code can make is refused before anything follows it.
#[sequor::test]
async fn values_deeper_than_text_are_refused(db: Db) -> Result<()> {
    let (authors, _) = library(&db).await?;
    let told = |result: Result<()>| result.err().map(|error| error.to_string()).unwrap_or_default();
    let given = || object("name", listed(1_000));
    let errors = [
        told(authors.build(given()).map(drop)),
        told(authors.create(given()).exec(&db).await.map(drop)),
        told(authors.bulk_create(Value::Array(vec![given()])).exec(&db).await.map(drop)),
        told(authors.update_all(given(), json!({ "where": { "id": 1 } })).exec(&db).await.map(drop)),
    ];
    for error in errors {
        assert!(error.contains("nested deeper than 128 levels"), "{error}");
    }
    Ok(())
}

#[sequor::test]
async fn no_entry_of_the_json_door_follows_a_deep_document_without_end(db: Db) -> Result<()> {
    // Deeper than any text is read; cloning and dropping a JSON value costs stack for each level, ours or not.
    const DEEP: usize = 300;
    let (authors, _) = library(&db).await?;
    let finds = [
        object("where", nested(DEEP)),
        object("where", object("$expr", called("fn", DEEP))),
        object("where", object("name", listed(DEEP))),
        object("where", object("name", object("$or", listed(DEEP)))),
        object("having", nested(DEEP)),
        object("attributes", Value::Array(vec![Value::Array(vec![called("fn", DEEP), json!("alias")])])),
        object("attributes", listed(DEEP)),
        object("order", Value::Array(vec![Value::Array(vec![called("fn", DEEP), json!("ASC")])])),
        object("order", listed(DEEP)),
        object("group", Value::Array(vec![called("fn", DEEP)])),
        object("group", listed(DEEP)),
        object("include", Value::Array(vec![included(DEEP + 1)])),
        object("include", listed(DEEP)),
        object("include", Value::Array(vec![beside(json!({ "association": "books" }), "on", nested(DEEP))])),
        object("include", Value::Array(vec![beside(json!({ "association": "books" }), "where", nested(DEEP))])),
        object("limit", listed(DEEP)),
        object("lock", listed(DEEP)),
    ];
    for options in finds {
        let start: String = options.to_string().chars().take(60).collect();
        assert!(authors.find_all(options.clone()).exec(&db).await.is_err(), "{start} was answered");
        assert!(authors.find_and_count_all(options.clone()).exec(&db).await.is_err(), "{start} was counted");
        assert!(User::find_all().json_options(options).is_err(), "{start} was taken by a typed model");
    }
    let condition = || object("where", nested(DEEP));
    assert!(authors.count(condition()).exec(&db).await.is_err());
    assert!(authors.update_all(json!({ "age": 1 }), condition()).exec(&db).await.is_err());
    assert!(authors.destroy_all(condition()).exec(&db).await.is_err());
    assert!(authors.find_or_create(condition()).exec(&db).await.is_err());
    assert!(authors.increment(json!("age"), condition(), 1).exec(&db).await.is_err());
    assert!(authors.increment(listed(DEEP), json!({ "where": { "id": 1 } }), 1).exec(&db).await.is_err());
    assert!(authors.create(object("name", listed(DEEP))).exec(&db).await.is_err());
    assert!(authors.create(object("name", called("$fn", DEEP))).exec(&db).await.is_err());
    assert!(authors.update_all(object("name", called("$fn", DEEP)), json!({ "where": { "id": 1 } })).exec(&db).await.is_err());
    assert!(authors.bulk_create(Value::Array(vec![object("name", listed(DEEP))])).exec(&db).await.is_err());
    assert!(authors.scope(listed(DEEP)).find_all(json!({})).exec(&db).await.is_err());
    let attributes = object("name", object("type", listed(DEEP)));
    assert!(ModelDef::from_json(beside(json!({ "name": "Deep" }), "attributes", attributes)).is_err());
    assert_eq!(authors.count(json!({})).exec(&db).await?, 3);
    Ok(())
}

#[sequor::test]
async fn options_of_run_time_writes_are_heeded(db: Db) -> Result<()> {
    let (authors, _) = library(&db).await?;
    // findOrCreate looks as findOne does.
    let options = json!({ "where": { "secret": "s" }, "attributes": ["name"], "order": [["age", "DESC"]], "include": ["books"] });
    let (row, created) = authors.find_or_create(options).exec(&db).await?;
    assert!(!created);
    assert_eq!(row.to_json()["name"], "Cy");
    assert_eq!(row.to_json()["books"].as_array().map(Vec::len), Some(2));
    assert!(row.to_json().get("age").is_none());
    // A row that does not meet the condition keeps its number.
    let mut row = authors.find_by_pk(1).exec(&db).await?.ok_or_else(|| Error::not_found("Author"))?;
    row.step_by(json!("age"), json!({ "by": 5, "where": { "name": "Nobody" } }), 1, &db).await?;
    assert_eq!(row.get("age")?, 30);
    row.step_by(json!("age"), json!({ "by": 5, "where": { "name": "Ann" } }), 1, &db).await?;
    assert_eq!(row.get("age")?, 35);
    assert!(row.step_by(json!("age"), json!({ "where": { "nmae": 1 } }), 1, &db).await.is_err());
    // What would change the answer and is not understood is refused.
    for (option, said) in [("right", "no right joins"), ("or", "`on`")] {
        let include = json!({ "include": [{ "association": "books", option: true }] });
        let error = authors.find_all(include).exec(&db).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(said), "{error}");
    }
    // A constraint that is not there.
    let missing = db.query_interface().remove_constraint("Authors", "nothing").await;
    assert!(missing.is_err_and(|error| error.sequelize_name() == "SequelizeUnknownConstraintError"));
    Ok(())
}

#[sequor::test]
async fn a_wrong_value_names_its_model_and_attribute(db: Db) -> Result<()> {
    let (authors, books) = library(&db).await?;
    for filter in [json!({ "age": "x" }), json!({ "age": { "$gt": "x" } }), json!({ "age": [1, "x"] })] {
        let error = authors.find_all(json!({ "where": filter })).exec(&db).await.unwrap_err().to_string();
        assert!(error.contains("Author.age"), "{error}");
    }
    let error = books.update_all(json!({ "price": "x" }), json!({ "where": { "id": 1 } })).exec(&db).await.unwrap_err().to_string();
    assert!(error.contains("Book.price"), "{error}");
    let below = json!({ "include": [{ "association": "books", "where": { "price": "x" } }] });
    let error = authors.find_all(below).exec(&db).await.unwrap_err().to_string();
    assert!(error.contains("Book.price"), "{error}");
    Ok(())
}

#[sequor::test]
async fn values_that_say_what_they_are_stand_beside_expressions_and_in_raw_sql(db: Db) -> Result<()> {
    let visits = db.define(ModelDef::from_json(json!({
        "name": "Visit", "attributes": { "at": "DATE(6)", "body": "BLOB", "score": "DOUBLE" }, "options": { "timestamps": false, "tableName": "visits" }
    }))?)?;
    db.sync_all(SyncMode::Create).await?;
    for day in 1..=3 {
        let at = format!("2026-03-0{day}T10:00:00Z");
        visits.create(json!({ "at": at, "body": { "$bytes": "AQI=" }, "score": day })).exec(&db).await?;
    }
    let at = json!({ "$date": "2026-03-02T10:00:00.000Z" });
    let newest = json!({ "fn": "coalesce", "args": [{ "col": "at" }, { "$date": "2000-01-01T00:00:00Z" }] });
    for (condition, found) in [
        (json!({ "$expr": newest, "$cond": { "$gte": at } }), 2),
        (json!({ "$expr": newest, "$cond": at }), 1),
        (json!({ "$expr": { "col": "body" }, "$cond": { "$bytes": "AQI=" } }), 3),
        (json!({ "$expr": { "fn": "coalesce", "args": [{ "col": "body" }, { "$bytes": "AA==" }] }, "$cond": { "$bytes": "AQI=" } }), 3),
        (json!({ "Visit.at": { "$lt": at } }), 1),
        (json!({ "$Visit.at$": { "$lt": at } }), 1),
        (json!({ "$expr": { "fn": "abs", "args": [{ "col": "score" }] }, "$cond": { "$gt": { "$number": "1.5" } } }), 2),
    ] {
        assert_eq!(visits.count(json!({ "where": condition })).exec(&db).await?, found, "{condition}");
    }
    let asked = "SELECT COUNT(*) AS n FROM visits WHERE score < :most AND score > :least";
    let options = json!({ "type": "SELECT", "replacements": { "most": { "$number": "2.5" }, "least": { "$number": 1 } } });
    assert_eq!(db.query_json(asked, options).await?, json!([{ "n": 1 }]));
    Ok(())
}
