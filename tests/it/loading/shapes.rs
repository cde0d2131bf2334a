//! Queries of one shape share a statement: whatever differs between them must still differ in the rows.

use crate::models::*;
use sequor::prelude::*;
use sequor::{ModelDef, Record};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

async fn library(db: &Db) -> sequor::Result<()> {
    for (number, role) in [(1, Role::Admin), (2, Role::Nurse), (3, Role::Nurse)] {
        let age = (number > 1).then_some(20 + number);
        let user = draft!(User { email: format!("{number}@x.io"), name: format!("user {number}"), role, age }).create(db).await?;
        let post = |post: i32| draft!(Post { title: format!("{number}.{post}"), published: post % 2 == 1, user_id: user.id });
        Post::bulk_create((1..=number).map(post)).exec(db).await?;
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn the_values_of_a_second_query_are_its_own(db: Db) -> sequor::Result<()> {
    library(&db).await?;
    for name in ["user 1", "user 2", "user 3", "nobody", "it's; DROP TABLE users --"] {
        let found = User::find_all().filter(User::NAME.eq(name)).exec(&db).await?;
        assert_eq!(found.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), [name; 1][..usize::from(name.starts_with("user"))]);
    }
    for (low, high, count) in [(20, 22, 1), (20, 23, 2), (23, 23, 1), (30, 40, 0)] {
        assert_eq!(User::find_all().filter(User::AGE.between(low, high)).exec(&db).await?.len(), count);
    }
    let none = None::<i32>;
    assert_eq!(User::find_all().filter(User::AGE.eq(Some(22))).exec(&db).await?.len(), 1);
    assert_eq!(User::find_all().filter(User::AGE.eq(none)).exec(&db).await?.len(), 1, "NULL is another shape");
    for (limit, offset, first) in [(1, 0, "user 1"), (1, 1, "user 2"), (2, 1, "user 2"), (5, 2, "user 3")] {
        let found = User::find_all().order_by(User::ID.asc()).limit(limit).offset(offset).exec(&db).await?;
        assert_eq!(found[0].name, first);
        assert_eq!(found.len() as u64, limit.min(3 - offset));
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn the_includes_of_a_second_query_are_its_own(db: Db) -> sequor::Result<()> {
    library(&db).await?;
    let titles = async |published: bool, limit: u64| {
        let posts = User::POSTS.filter(Post::PUBLISHED.eq(published)).order_by(Post::TITLE.desc()).limit(limit);
        let users = User::find_all().include(posts).order_by(User::ID.asc()).exec(&db).await?;
        let title = |post: &Post| post.title.clone();
        users.iter().map(|user| Ok(user.posts.loaded()?.iter().map(title).collect())).collect::<sequor::Result<Vec<Vec<String>>>>()
    };
    for _ in 0..2 {
        assert_eq!(titles(true, 9).await?, [vec!["1.1"], vec!["2.1"], vec!["3.3", "3.1"]]);
        assert_eq!(titles(true, 1).await?, [vec!["1.1"], vec!["2.1"], vec!["3.3"]]);
        assert_eq!(titles(false, 9).await?, [vec![], vec!["2.2"], vec!["3.2"]]);
    }
    for (title, wanted) in [("1.1", ["1.1", "", ""]), ("3.2", ["", "", "3.2"]), ("2.1", ["", "2.1", ""])] {
        let users = User::find_all().include(User::POSTS.filter(Post::TITLE.eq(title))).order_by(User::ID.asc()).exec(&db).await?;
        let found: Vec<&str> = users.iter().map(|user| user.posts.loaded().unwrap().first().map_or("", |post| &post.title)).collect();
        assert_eq!(found, wanted);
        let posts = Post::find_all().filter(Post::TITLE.eq(title)).include(Post::USER.filter(User::NAME.eq("user 3"))).exec(&db).await?;
        assert_eq!(posts[0].user.get().is_some(), title.starts_with('3'));
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn deleted_rows_hide_from_one_query_and_not_from_the_other(db: Db) -> sequor::Result<()> {
    library(&db).await?;
    User::destroy_all().filter(User::NAME.eq("user 2")).exec(&db).await?;
    for _ in 0..2 {
        assert_eq!(User::find_all().filter(User::ROLE.eq(Role::Nurse)).exec(&db).await?.len(), 1);
        assert_eq!(User::find_all().filter(User::ROLE.eq(Role::Nurse)).with_deleted().exec(&db).await?.len(), 2);
        assert_eq!(User::find_all().filter(User::ROLE.eq(Role::Nurse)).only_deleted().exec(&db).await?.len(), 1);
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn writes_and_counts_of_one_shape_have_their_own_values(db: Db) -> sequor::Result<()> {
    library(&db).await?;
    for (name, age, wanted) in [("user 1", Some(50), 1), ("user 2", Some(51), 1), ("user 3", None, 1), ("nobody", Some(1), 0)] {
        assert_eq!(User::count().filter(User::NAME.eq(name)).exec(&db).await?, wanted);
        assert_eq!(User::update_all().set(User::AGE, age).filter(User::NAME.eq(name)).exec(&db).await?, wanted);
        assert_eq!(User::count().filter(User::NAME.eq(name)).filter(User::AGE.eq(age)).exec(&db).await?, wanted);
        assert_eq!(User::find_all().filter(User::NAME.ne(name)).limit(2).page(1, 2).exec(&db).await?.count, 3 - wanted);
    }
    assert_eq!(User::update_all().set(User::AGE, User::AGE + 1).filter(User::AGE.gte(50)).exec(&db).await?, 2);
    assert_eq!(User::update_all().set(User::AGE, User::AGE + 10).filter(User::AGE.gte(52)).exec(&db).await?, 1);
    let ages: Vec<Option<i32>> = User::find_all().order_by(User::ID.asc()).pluck(User::AGE).exec(&db).await?;
    assert_eq!(ages, [Some(51), Some(62), None]);
    for (title, wanted) in [("2.1", 1), ("2.2", 1), ("2.2", 0)] {
        assert_eq!(Post::destroy_all().filter(Post::TITLE.eq(title)).exec(&db).await?, wanted);
    }
    assert_eq!(User::destroy_all().filter(User::NAME.eq("user 1")).exec(&db).await?, 1);
    for (with_deleted, wanted) in [(false, 0), (true, 1), (false, 0)] {
        let count = User::count().filter(User::NAME.eq("user 1"));
        assert_eq!(if with_deleted { count.with_deleted() } else { count }.exec(&db).await?, wanted);
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn the_row_of_a_key_is_what_any_query_would_find(db: Db) -> sequor::Result<()> {
    library(&db).await?;
    let users = User::find_all().order_by(User::ID.asc()).exec(&db).await?;
    for _ in 0..2 {
        for user in &users {
            assert_eq!(User::find_by_pk(user.id).exec(&db).await?.as_ref(), Some(user));
            assert_eq!(User::find_by_pk(user.id).filter(User::NAME.eq("user 2")).exec(&db).await?.is_some(), user.name == "user 2");
        }
        assert_eq!(User::find_by_pk(-1).exec(&db).await?, None);
        assert!(matches!(User::find_by_pk(-1).or_fail().exec(&db).await, Err(Error::NotFound { .. })));
    }
    users[0].clone().destroy(&db).await?;
    assert_eq!(User::find_by_pk(users[0].id).exec(&db).await?, None);
    assert!(User::find_by_pk(users[0].id).with_deleted().exec(&db).await?.is_some());
    let renamed = db
        .transaction(async |tx| {
            User::update_all().set(User::NAME, "inside").filter(User::ID.eq(users[1].id)).exec(tx).await?;
            User::find_by_pk(users[1].id).or_fail().exec(tx).await
        })
        .await?;
    assert_eq!(renamed.name, "inside");
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    db.hooks::<User>().after_find("count", move |rows, _cx| {
        counted.fetch_add(rows.len(), Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    });
    assert!(User::find_by_pk(users[2].id).exec(&db).await?.is_some());
    assert_eq!(seen.load(Ordering::Relaxed), 1, "hooks that come later are heard");
    assert!(db.expect_queries(0, async || User::find_by_pk(users[2].id).exec(&db).await).await.is_err(), "the statement is counted");
    Ok(())
}

#[sequor::test]
async fn a_model_that_is_defined_again_is_read_anew(db: Db) -> sequor::Result<()> {
    let define = |column: &str| {
        let title = json!({ "type": "STRING", "field": column });
        let options = json!({ "tableName": "shaped", "timestamps": false });
        ModelDef::from_json(json!({ "name": "Shaped", "attributes": { "title": title }, "options": options }))
    };
    db.execute(sequor::sql!("DROP TABLE IF EXISTS shaped")).await?;
    db.execute(sequor::sql!("CREATE TABLE shaped (id INTEGER PRIMARY KEY, old VARCHAR(20), new VARCHAR(20))")).await?;
    db.execute(sequor::sql!("INSERT INTO shaped VALUES (1, 'the old one', 'the new one')")).await?;
    for (column, title) in [("old", "the old one"), ("new", "the new one"), ("old", "the old one")] {
        let model = db.define(define(column)?)?;
        let rows: Vec<Record> = model.find_all(json!({ "where": { "id": 1 } })).exec(&db).await?;
        assert_eq!(rows[0].get("title")?, title);
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn a_bulk_create_takes_any_number_of_rows(db: Db) -> sequor::Result<()> {
    for count in [1, 2, 3, 17, 38, 1_003] {
        Tag::destroy_all().every_row().exec(&db).await?;
        let drafts = (0..count).map(|number| draft!(Tag { name: format!("tag {number}") }));
        let tags = Tag::bulk_create(drafts).exec(&db).await?;
        assert_eq!(tags.len(), count);
        let stored = Tag::find_all().order_by(Tag::ID.asc()).exec(&db).await?;
        assert_eq!(tags, stored, "each with its own key, in the order of the input");
    }
    Ok(())
}
