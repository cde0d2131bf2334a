//! Writes send few statements: an upsert one, a bulk create of a tree one for each relation, a new set of links no look-up twice.

use crate::models::*;
use sequor::prelude::*;
use serde_json::Value;

async fn accounts(db: &Db) -> Result<sequor::RuntimeModel> {
    let account = db.define(ModelDef::from_json(json!({ "name": "Account",
        "attributes": { "email": { "type": "STRING(40)", "unique": true }, "name": "STRING(40)" }, "options": { "timestamps": false } }))?)?;
    db.sync_all(SyncMode::Create).await?;
    Ok(account)
}

/// What an upsert costs where its statement tells whether the row is new, where a look-up before it does, and where another one behind it gives the row.
fn upsert(db: &Db) -> usize {
    match db.dialect() {
        dialect if dialect.upsert_tells() => 1,
        dialect if dialect.insert_returning() => 2,
        _ => 3,
    }
}

#[sequor::test]
async fn an_upsert_tells_in_one_statement_whether_the_row_is_new(db: Db) -> Result<()> {
    let account = accounts(&db).await?;
    let put = async |db: &Db, values: Value| -> Result<(String, bool)> {
        let (row, created) = account.upsert(values).exec(db).await?;
        Ok((row.to_json().to_string(), created))
    };
    for (values, new) in [(json!({ "email": "a", "name": "A" }), true), (json!({ "email": "a", "name": "B" }), false)] {
        let (row, created) = db.expect_queries(upsert(&db), async || put(&db, values.clone()).await).await?;
        assert_eq!((created, row.contains(r#""id":1"#)), (new, true), "{row}");
    }
    // Nothing but the key: the row is given back all the same.
    let (row, created) = put(&db, json!({ "email": "a" })).await?;
    assert!(!created && row.contains(r#""name":"B""#), "{row}");
    // A row of the same transaction, new and changed; a failure between leaves no trace in the next answer.
    let tx = db.begin().await?;
    assert!(put(&tx, json!({ "email": "t", "name": "T" })).await?.1);
    assert!(!put(&tx, json!({ "email": "t", "name": "U" })).await?.1);
    assert!(!put(&tx, json!({ "email": "t", "name": "V" })).await?.1);
    assert!(put(&tx, json!({ "email": "u", "name": "U" })).await?.1);
    tx.rollback().await?;
    assert!(put(&db, json!({ "email": "t", "name": "T" })).await?.1);
    // A new key whose row clashes on another one fails, and the next answer is right.
    assert!(put(&db, json!({ "id": 1, "email": "t" })).await.is_err() || db.dialect().is_mysql());
    assert!(put(&db, json!({ "email": "z", "name": "Z" })).await?.1);
    Ok(())
}

#[sequor::test]
async fn of_many_upserts_at_once_one_is_new(db: Db) -> Result<()> {
    let account = accounts(&db).await?;
    let mut tasks = Vec::new();
    for number in 0..12 {
        let (db, account) = (db.clone(), account.clone());
        tasks.push(tokio::spawn(async move {
            Ok::<_, Error>(account.upsert(json!({ "email": "same", "name": format!("n{number}") })).exec(&db).await?.1)
        }));
    }
    let mut new = 0;
    for task in tasks {
        // MySQL may end a pair of them as a deadlock, or see an old snapshot.
        match task.await.map_err(Error::other)? {
            Ok(created) => new += usize::from(created),
            Err(error) => assert!(db.dialect().is_mysql(), "{error:?}"),
        }
    }
    assert!(new == 1 || db.dialect().is_mysql(), "{new} rows were new");
    assert_eq!(account.count(json!({})).exec(&db).await?, 1);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn an_upsert_that_somebody_watches_tells_what_was_there(db: Db) -> Result<()> {
    let (told, heard) = std::sync::mpsc::channel();
    db.global_hooks().after_change("watch", move |change: &sequor::AnyChange, _cx| {
        let _ = told.send((change.operation(), change.before().map(|before| before["name"].clone())));
        Box::pin(async { Ok(()) })
    });
    Tag::upsert(draft!(Tag { name: "rust" })).exec(&db).await?;
    let (_, created) = Tag::upsert(draft!(Tag { name: "rust" })).exec(&db).await?;
    assert!(!created);
    let all: Vec<_> = heard.try_iter().collect();
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[1].1, Some(json!("rust")));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn a_bulk_create_of_trees_takes_a_statement_for_each_relation(db: Db) -> Result<()> {
    let drafts = |start: i32| {
        (start..start + 20).map(|number| {
            draft!(User { email: format!("u{number}@x.io"), name: "N",
                posts: [{ title: format!("{number} a"), tags: [{ name: format!("t{number}") }] }, { title: format!("{number} b") }] })
        })
    };
    // Users, posts, tags, rows between; and the users' JSON as it is stored, where an INSERT gives nothing back.
    let statements = if db.dialect().insert_returning() { 4 } else { 5 };
    let users = db.expect_queries(statements, async || User::bulk_create(drafts(0)).exec(&db).await).await?;
    for (number, user) in users.iter().enumerate() {
        let posts = user.posts.loaded()?;
        assert_eq!(posts.iter().map(|post| post.title.clone()).collect::<Vec<_>>(), [format!("{number} a"), format!("{number} b")]);
        assert!(posts.iter().all(|post| post.user_id == user.id));
        assert_eq!(posts[0].tags.loaded()?[0].name, format!("t{number}"));
    }
    let found = User::find_all().include(User::POSTS.include(Post::TAGS)).exec(&db).await?;
    assert_eq!(found.iter().map(|user| user.posts.loaded().map_or(0, <[Post]>::len)).sum::<usize>(), 40);
    // A child that breaks a rule is refused before anything is sent.
    let bad = draft!(User { email: "v@x.io", name: "V", posts: [{ title: "ok" }, { title: "" }] });
    let refused = User::bulk_create([bad]).exec(&db).await;
    if refused.is_err() {
        assert_eq!(User::count().exec(&db).await?, 20);
    }
    Ok(())
}

#[sequor::test]
async fn links_are_set_without_asking_twice(db: Db) -> Result<()> {
    for (name, column) in [("Book", "title"), ("Genre", "label")] {
        db.define(ModelDef::from_json(
            json!({ "name": name, "attributes": { column: "STRING(20)" }, "options": { "timestamps": false } }),
        )?)?;
    }
    db.associate(json!({ "type": "belongsToMany", "source": "Book", "target": "Genre", "as": "genres", "through": "BookGenre" }))?;
    db.sync_all(SyncMode::Create).await?;
    let genre = db.model("Genre")?;
    for label in ["a", "b", "c"] {
        genre.create(json!({ "label": label })).exec(&db).await?;
    }
    let mut book = db.model("Book")?.create(json!({ "title": "t" })).exec(&db).await?;
    let mut set = async |target: Value, statements: usize| -> Result<Vec<Value>> {
        db.expect_queries(statements, async || book.association_change("genres", "set", target.clone(), json!({}), &db).await).await?;
        book.association("genres", json!({ "order": ["label"] }), &db).await?.iter().map(|row| row.get("label")).collect()
    };
    assert_eq!(set(json!([1, 2]), 2).await?, ["a", "b"]);
    assert_eq!(set(json!([1, 2]), 1).await?, ["a", "b"]);
    assert_eq!(set(json!([2, 3]), 3).await?, ["b", "c"]);
    assert!(set(json!([]), 2).await?.is_empty());
    assert!(set(json!(null), 1).await?.is_empty());
    Ok(())
}
