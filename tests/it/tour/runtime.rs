//! Tour section 9: models defined at run time.

use sequor::Record;
use sequor::prelude::*;

#[sequor::test]
async fn as_the_tour_shows(db: Db) -> sequor::Result<()> {
    let post = db.define(ModelDef::from_json(json!({
        "name": "Post",
        "attributes": { "title": { "type": "STRING(80)", "allowNull": false }, "age": "INTEGER" },
        "options": { "timestamps": false }
    }))?)?;
    db.define(ModelDef::from_json(json!({ "name": "Tag", "attributes": { "name": "STRING(20)" }, "options": { "timestamps": false } }))?)?;
    db.associate(json!({ "type": "belongsToMany", "source": "Post", "target": "Tag", "as": "tags", "through": "PostTag" }))?;
    db.sync_all(SyncMode::Create).await?;
    let row = post.create(json!({ "title": "Hi", "age": 20 })).exec(&db).await?;
    assert_eq!(row.get("title")?, json!("Hi"));
    let rows: Vec<Record> = post
        .find_all(
            json!({ "where": { "age": { "$gt": 18 } }, "include": [{ "association": "tags" }], "order": [["id", "ASC"]], "limit": 10 }),
        )
        .exec(&db)
        .await?;
    let title = rows[0].get("title")?;
    assert_eq!(title, "Hi");
    post.sync(SyncMode::Create).await?;
    let n = post.update_all(json!({ "title": "x" }), json!({ "where": { "id": 1 } })).exec(&db).await?;
    assert_eq!(n, 1);
    let mut row = post.find_one(json!({ "where": { "id": 1 } })).exec(&db).await?.ok_or(Error::usage("no row"))?;
    row.set("title", "y")?;
    row.save(&db).await?;
    row.reload(&db).await?;
    assert_eq!(row.to_json()["title"], "y");
    let found = post.find_by_pk(1).exec(&db).await?;
    assert!(found.is_some());
    assert_eq!(post.count(json!({})).exec(&db).await?, 1);
    let rows = post.bulk_create(json!([{ "title": "a" }, { "title": "b" }])).exec(&db).await?;
    assert_eq!(rows.len(), 2);
    let gone = post.destroy_all(json!({ "where": { "title": "a" } })).exec(&db).await?;
    assert_eq!(gone, 1);
    row.destroy(&db).await?;
    let (_, created) = post.find_or_create(json!({ "where": { "title": "new" } })).exec(&db).await?;
    assert!(created);
    Ok(())
}
