//! The JSON query language across associations, raw rows, and what scopes add; its JSON Schema; the seeds of the fuzz target.

use sequor::prelude::*;
use sequor::{Policy, RuntimeModel};
use serde_json::Value;

struct Blog {
    users: RuntimeModel,
    posts: RuntimeModel,
}

fn model(name: &str, attributes: Value) -> Result<ModelDef> {
    ModelDef::from_json(json!({ "name": name, "attributes": attributes, "options": { "timestamps": false } }))
}

async fn blog(db: &Db) -> Result<Blog> {
    let users = db.define(model("User", json!({ "name": "STRING(20)", "age": "INTEGER" }))?)?;
    let posts = db.define(model("Post", json!({ "title": "STRING(20)", "likes": "INTEGER", "open": "BOOLEAN" }))?)?;
    let tags = db.define(model("Tag", json!({ "label": "STRING(20)" }))?)?;
    let links = db.define(model("PostTag", json!({ "weight": "INTEGER" }))?)?;
    for association in [
        json!({ "type": "hasMany", "source": "User", "target": "Post", "as": "posts", "foreignKey": "userId" }),
        json!({ "type": "belongsTo", "source": "Post", "target": "User", "as": "author", "foreignKey": "userId" }),
        json!({ "type": "belongsToMany", "source": "Post", "target": "Tag", "as": "tags", "through": "PostTag", "foreignKey": "postId", "otherKey": "tagId" }),
        json!({ "type": "belongsToMany", "source": "Tag", "target": "Post", "as": "posts", "through": "PostTag", "foreignKey": "tagId", "otherKey": "postId" }),
    ] {
        db.associate(association)?;
    }
    db.sync_all(SyncMode::Create).await?;
    users.bulk_create(json!([{ "name": "Ann", "age": 3 }, { "name": "Bo", "age": 30 }, { "name": "Cy", "age": null }])).exec(db).await?;
    posts
        .bulk_create(json!([
            { "title": "a", "likes": 5, "open": true, "userId": 1 },
            { "title": "b", "likes": 1, "open": false, "userId": 1 },
            { "title": "c", "likes": 9, "open": true, "userId": 2 }
        ]))
        .exec(db)
        .await?;
    tags.bulk_create(json!([{ "label": "red" }, { "label": "blue" }])).exec(db).await?;
    links
        .bulk_create(json!([{ "postId": 1, "tagId": 1, "weight": 7 }, { "postId": 1, "tagId": 2, "weight": 2 }, { "postId": 3, "tagId": 2, "weight": 8 }]))
        .exec(db)
        .await?;
    Ok(Blog { users, posts })
}

async fn found(model: &RuntimeModel, options: Value, db: &Db) -> Result<Value> {
    Ok(Value::Array(model.find_all(options).exec(db).await?.iter().map(sequor::Record::to_json).collect()))
}

#[sequor::test]
async fn conditions_over_joined_rows_narrow_parents_and_children(db: Db) -> Result<()> {
    let blog = blog(&db).await?;
    let posts = json!([{ "association": "posts", "attributes": ["title"] }]);
    let query = |filter: Value| json!({ "attributes": ["name"], "include": posts, "where": filter, "order": [["id", "ASC"]] });
    let rows = db.expect_queries(2, async || found(&blog.users, query(json!({ "$posts.likes$": { "$gt": 1 } })), &db).await).await?;
    assert_eq!(rows, json!([{ "name": "Ann", "posts": [{ "title": "a" }] }, { "name": "Bo", "posts": [{ "title": "c" }] }]));
    let rows = found(&blog.users, query(json!({ "$posts.id$": null })), &db).await?;
    assert_eq!(rows, json!([{ "name": "Cy", "posts": [] }]));
    let rows = found(&blog.users, query(json!({ "$or": [{ "age": 30 }, { "$posts.title$": "b" }] })), &db).await?;
    assert_eq!(rows, json!([{ "name": "Ann", "posts": [{ "title": "b" }] }, { "name": "Bo", "posts": [{ "title": "c" }] }]));
    let count =
        blog.users.count(json!({ "where": { "$posts.likes$": { "$gt": 0 } }, "include": ["posts"], "distinct": true })).exec(&db).await?;
    assert_eq!(count, 2);
    let tagged = json!({ "attributes": ["title"], "include": [{ "association": "tags", "attributes": ["label"], "through": { "attributes": [] } }],
        "where": { "$tags.PostTag.weight$": { "$gt": 5 } }, "order": [["id", "ASC"]] });
    let rows = found(&blog.posts, tagged, &db).await?;
    assert_eq!(rows, json!([{ "title": "a", "tags": [{ "label": "red" }] }, { "title": "c", "tags": [{ "label": "blue" }] }]));
    Ok(())
}

#[sequor::test]
async fn includes_name_columns_of_their_parent(db: Db) -> Result<()> {
    let blog = blog(&db).await?;
    let with = |include: Value| json!({ "attributes": ["name"], "include": [include], "order": [["id", "ASC"]] });
    let fewer = json!({ "association": "posts", "attributes": ["title"], "required": false, "where": { "likes": { "$lt": { "$col": "User.age" } } } });
    let rows = found(&blog.users, with(fewer), &db).await?;
    assert_eq!(
        rows,
        json!([{ "name": "Ann", "posts": [{ "title": "b" }] }, { "name": "Bo", "posts": [{ "title": "c" }] }, { "name": "Cy", "posts": [] }])
    );
    let own = json!({ "association": "posts", "attributes": ["title"], "required": true, "on": { "userId": { "$col": "User.id" }, "likes": { "$gte": 5 } } });
    let rows = found(&blog.users, with(own), &db).await?;
    assert_eq!(rows, json!([{ "name": "Ann", "posts": [{ "title": "a" }] }, { "name": "Bo", "posts": [{ "title": "c" }] }]));
    let rows = found(&blog.posts, json!({ "attributes": ["title"], "include": [{ "association": "author", "attributes": [] }], "where": { "likes": { "$gt": { "$col": "author.age" } } } }), &db).await?;
    assert_eq!(rows, json!([{ "title": "a" }]));
    Ok(())
}

#[sequor::test]
async fn raw_rows_are_joined_rows(db: Db) -> Result<()> {
    let blog = blog(&db).await?;
    let options =
        json!({ "attributes": ["name"], "include": [{ "association": "posts", "attributes": ["title"] }], "order": [["id", "ASC"]] });
    let rows = blog.users.find_raw(options.clone()).exec(&db).await?;
    let flat = json!([{ "name": "Ann", "posts.title": "a" }, { "name": "Ann", "posts.title": "b" }, { "name": "Bo", "posts.title": "c" }, { "name": "Cy", "posts.title": null }]);
    assert_eq!(Value::Array(rows), flat);
    let mut nested = options;
    nested["nest"] = json!(true);
    let rows = blog.users.find_raw(nested).exec(&db).await?;
    assert_eq!(rows[2], json!({ "name": "Bo", "posts": { "title": "c" } }));
    let groups = blog.posts.count_groups(json!({ "group": ["userId"], "where": { "likes": { "$gt": 0 } } })).exec(&db).await?;
    assert_eq!(groups.len(), 2);
    assert!(groups.contains(&json!({ "userId": 1, "count": 2 })));
    Ok(())
}

#[sequor::test]
async fn functions_are_values_and_rows_are_read_again(db: Db) -> Result<()> {
    let blog = blog(&db).await?;
    let user = blog.users.create(json!({ "name": { "$fn": "upper", "args": ["di"] }, "age": 1 })).exec(&db).await?;
    let mut user = blog
        .users
        .find_by_pk_with(user.get("id")?, json!({ "include": ["posts"] }))
        .exec(&db)
        .await?
        .ok_or_else(|| Error::not_found("User"))?;
    assert_eq!(user.get("name")?, "DI");
    user.update(json!({ "age": { "$fn": "abs", "args": [-8] } }), &db).await?;
    blog.posts.create(json!({ "title": "d", "likes": 0, "userId": user.get("id")? })).exec(&db).await?;
    user.reload(&db).await?;
    assert_eq!((user.get("age")?, user.get("posts")?[0]["title"].clone()), (json!(8), json!("d")));
    Ok(())
}

#[test]
fn the_schema_of_the_language_is_in_the_documentation() -> Result<()> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/query-language.schema.json");
    let schema = format!("{:#}\n", sequor::query_language_schema());
    if std::env::var_os("SEQUOR_WRITE_DOCS").is_some() {
        std::fs::write(file, &schema)?;
    }
    assert!(std::fs::read_to_string(file)? == schema, "docs/src/query-language.schema.json is old: run this test with SEQUOR_WRITE_DOCS=1");
    Ok(())
}

/// Each seed is read as a query and checked by a policy: whatever it says, the answer comes and is an error or rows.
#[sequor::test]
async fn the_seeds_of_the_fuzz_target_are_answered(db: Db) -> Result<()> {
    let blog = blog(&db).await?;
    let policy = Policy::stranger().allow("User", &["id", "name", "age"]).allow("Post", &["id", "title", "likes"]);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/json_query");
    let mut seeds = 0;
    for entry in std::fs::read_dir(folder)? {
        let text = std::fs::read(entry?.path())?;
        seeds += 1;
        let Ok(options) = policy.parse(&text) else { continue };
        let (mut rows, allowed) = (0, policy.check(&db, "User", options.clone()));
        for options in std::iter::once(options).chain(allowed) {
            rows = blog.users.find_all(options).exec(&db).await.map_or(rows, |found| found.len());
        }
        assert!(rows <= 5, "{} found {rows} rows", String::from_utf8_lossy(&text));
    }
    assert!(seeds >= 20, "{seeds} seeds");
    assert_eq!(blog.users.count(json!({})).exec(&db).await?, 3);
    Ok(())
}

#[sequor::test]
async fn an_unknown_option_of_a_write_is_an_error_that_names_it(db: Db) -> Result<()> {
    let posts = blog(&db).await?.posts;
    let said = |error: Error| error.to_string();
    let wrong = || json!({ "individualHook": true });
    let create = said(posts.create_with(json!({ "title": "x" }), wrong()).exec(&db).await.unwrap_err());
    assert!(create.contains("create.individualHook: unknown option, did you mean individualHooks?"), "{create}");
    let bulk = said(posts.bulk_create_with(json!([{ "title": "x" }]), wrong()).exec(&db).await.unwrap_err());
    assert!(bulk.contains("bulkCreate.individualHook"), "{bulk}");
    let upsert = said(posts.upsert_with(json!({ "id": 1, "title": "x" }), wrong()).exec(&db).await.unwrap_err());
    assert!(upsert.contains("upsert.individualHook"), "{upsert}");
    assert_eq!(posts.count(json!({})).exec(&db).await?, 3, "nothing is written");
    Ok(())
}
