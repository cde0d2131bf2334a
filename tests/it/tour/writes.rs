//! Tour sections 5 and 7: writing and transactions, as they are written there.

use crate::models::*;
use sequor::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn drafts(db: Db) -> sequor::Result<()> {
    let user = draft!(User { email: "ann@x.io", name: "Ann" }).create(&db).await?;
    assert_eq!(user.role, Role::Nurse);
    let user = draft!(User { email: "bo@x.io", name: "Bo", posts: [{ title: "Hi", tags: [{ name: "rust" }] }] }).create(&db).await?;
    let post = &user.posts.loaded()?[0];
    assert_eq!((post.user_id, post.tags.loaded()?[0].name.as_str()), (user.id, "rust"));
    let (email, name) = ("cy@x.io", "Cy".to_owned());
    let short = draft!(User { email, name }).create(&db).await?;
    assert_eq!(short.name, "Cy");
    let nested = draft!(Post { title: "Nested", user: { email: "di@x.io", name: "Di" } }).create(&db).await?;
    assert_eq!(nested.user.loaded()?.name, "Di");
    let tag = draft!(Tag { name: "sql" }).create(&db).await?;
    let tagged = draft!(Post { title: "Tagged", user_id: user.id, tags: [tag] }).create(&db).await?;
    assert_eq!(tagged.tags.loaded()?.len(), 1);
    let drafts = vec![draft!(Post { title: "One", user_id: user.id }), draft!(Post { title: "Two", user_id: user.id })];
    let many = draft!(User { email: "ed@x.io", name: "Ed", posts: drafts }).create(&db).await?;
    assert_eq!(many.posts.loaded()?.len(), 2);
    // Rows that exist, drafts and fields in braces, in one list.
    let (known, kept) = (&tagged.tags.loaded()?[0], draft!(Tag { name: "kept" }));
    let mixed = draft!(Post { title: "Mixed", user: &many, tags: [known, { name: "new" }, kept, vec![draft!(Tag { name: "last" })]] });
    let mixed = mixed.create(&db).await?;
    assert_eq!(mixed.tags.loaded()?.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["sql", "new", "kept", "last"]);
    assert_eq!(mixed.related(Post::TAGS).count().exec(&db).await?, 4);
    assert_eq!((mixed.user_id, Tag::count().filter(Tag::NAME.eq("sql")).exec(&db).await?), (many.id, 1));
    // A row that may be there.
    for author in [Some(many.clone()), None] {
        let post = draft!(Post { title: "By", user_id: user.id, user: &author }).create(&db).await?;
        let same = draft!(Post { title: "By", user_id: user.id, user: author.as_ref() }).create(&db).await?;
        let expected = author.as_ref().map_or(user.id, |author| author.id);
        assert_eq!((post.user_id, same.user_id), (expected, expected));
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn drafts_whose_key_comes_from_a_parent(db: Db) -> sequor::Result<()> {
    let drafts: Vec<Draft<Post>> = ["One", "Two"].into_iter().map(|title| draft!(Post { title, user: _ })).collect();
    let user = draft!(User { email: "ann@x.io", name: "Ann", posts: drafts }).create(&db).await?;
    assert_eq!(user.posts.loaded()?.iter().map(|post| post.user_id).collect::<Vec<_>>(), [user.id, user.id]);
    let post = user.relation(User::POSTS).create(draft!(Post { title: "Three", user_id: _ }), &db).await?;
    assert_eq!(post.user_id, user.id);
    match draft!(Post { title: "Four", user: _ }).create(&db).await {
        Err(Error::Validation(error)) => assert_eq!(error.items[0].message, "Post.user_id cannot be null"),
        other => panic!("{other:?}"),
    }
    let mut later = draft!(Tag { name: _ });
    later.set(Tag::NAME, "late");
    assert_eq!(later.create(&db).await?.name, "late");
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn bulk(db: Db) -> sequor::Result<()> {
    let drafts = || (0..5).map(|n| draft!(User { email: format!("u{n}@x.io"), name: format!("U{n}"), age: n })).collect::<Vec<_>>();
    let rows = User::bulk_create(drafts()).exec(&db).await?;
    assert_eq!(rows.iter().map(|row| row.age).collect::<Vec<_>>(), (0..5).map(Some).collect::<Vec<_>>());
    assert!(rows.windows(2).all(|pair| pair[0].id < pair[1].id));
    User::bulk_create(drafts()).update_on_duplicate((User::NAME, User::AGE)).conflict_on(User::EMAIL).exec(&db).await?;
    User::bulk_create(drafts()).ignore_duplicates().skip_validation().individual_hooks().exec(&db).await?;
    assert_eq!(User::count().exec(&db).await?, 5);
    let (user, created) = User::find_or_create(User::EMAIL.eq("a@x.io"), draft!(User { email: "a@x.io", name: "A" })).exec(&db).await?;
    assert!(created);
    let (again, created) = User::find_or_create(User::EMAIL.eq("a@x.io"), draft!(User { email: "a@x.io", name: "B" })).exec(&db).await?;
    assert!(!created && again.id == user.id && again.name == "A");
    let (user, _created) = User::upsert(draft!(User { email: "a@x.io", name: "C" })).exec(&db).await?;
    assert_eq!(user.name, "C");
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn edits(db: Db) -> sequor::Result<()> {
    let user = draft!(User { email: "ann@x.io", name: "Ann", age: 30 }).create(&db).await?;
    let mut user = user.edit();
    user.name = "Anna".into();
    assert_eq!(user.changed(), ["name"]);
    assert!(user.previous(User::NAME) == "Ann");
    let user = user.save(&db).await?;
    let user = user.increment(User::AGE, 1, &db).await?;
    assert_eq!(user.age, Some(31));
    let user = user.reload(&db).await?;
    user.destroy(&db).await?;
    assert_eq!(User::count().exec(&db).await?, 0);
    assert_eq!(User::find_all().with_deleted().exec(&db).await?.len(), 1);
    let gone = User::find_all().only_deleted().one().or_fail().exec(&db).await?;
    gone.restore(&db).await?;
    let n: u64 = User::update_all().set(User::ROLE, Role::Nurse).set(User::AGE, User::AGE + 1).filter(User::AGE.lt(100)).exec(&db).await?;
    assert_eq!(n, 1);
    let rows: Vec<User> = User::update_all().set(User::NAME, "Zoe").filter(User::ID.eq(user.id)).returning().exec(&db).await?;
    assert_eq!((rows[0].name.as_str(), rows[0].age), ("Zoe", Some(32)));
    assert!(matches!(User::update_all().set(User::AGE, 1).exec(&db).await, Err(Error::MissingFilter { .. })));
    assert!(matches!(User::destroy_all().exec(&db).await, Err(Error::MissingFilter { .. })));
    assert_eq!(User::destroy_all().filter(User::NAME.eq("Zoe")).exec(&db).await?, 1);
    assert_eq!(User::restore_all().filter(User::NAME.eq("Zoe")).exec(&db).await?, 1);
    let found = User::find_all().unscoped().one().or_fail().exec(&db).await?;
    found.force_destroy(&db).await?;
    draft!(Tag { name: "x" }).create(&db).await?;
    PostTag::truncate().cascade().exec(&db).await?;
    assert_eq!(Tag::destroy_all().every_row().exec(&db).await?, 1);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn bodies(db: Db) -> sequor::Result<()> {
    let draft = Draft::<User>::from_json(json!({ "email": "ann@x.io", "name": "Ann" }), (User::EMAIL, User::NAME))?;
    let user = draft.create(&db).await?;
    let edit = user.edit().assign(json!({ "name": "Anna", "age": null }), (User::NAME, User::AGE))?;
    let user = edit.save(&db).await?;
    assert_eq!((user.name.as_str(), user.age), ("Anna", None));
    let error = Draft::<User>::from_json(json!({ "email": "x@x.io", "role": "ADMIN" }), (User::EMAIL, User::NAME)).err();
    match error {
        Some(Error::Validation(error)) => assert_eq!(error.items[0].path, "role"),
        other => panic!("{other:?}"),
    }
    let mut edits: Vec<Edit<User>> = Vec::new();
    for (number, name) in ["A", "B", "C"].into_iter().enumerate() {
        let user = draft!(User { email: format!("e{number}@x.io"), name: "Old" }).create(&db).await?;
        let mut edit = user.edit();
        edit.name = name.into();
        edits.push(edit);
    }
    let saved = edits.save(&db).await?;
    assert_eq!(saved.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["A", "B", "C"]);
    User::bulk_create([draft!(User { email: "z@x.io", name: "Z" })]).without_returning().exec(&db).await?;
    draft!(User { email: "y@x.io", name: "Y" }).create_with(SkipSync).exec(&db).await?;
    User::find_all().with(SqlTag("route", "/users")).exec(&db).await?;
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn relations(db: Db) -> sequor::Result<()> {
    let user = draft!(User { email: "ann@x.io", name: "Ann" }).create(&db).await?;
    let post = user.relation(User::POSTS).create(draft!(Post { title: "Hi", user_id: user.id }), &db).await?;
    let tag = draft!(Tag { name: "rust" }).create(&db).await?;
    post.relation(Post::TAGS).with(PostTag::ADDED_BY, 7).add(&tag, &db).await?;
    let read = Post::find_all().include(Post::TAGS.through(PostTag::ADDED_BY.eq(7))).one().or_fail().exec(&db).await?;
    assert_eq!((read.tags.loaded()?.len(), read.tags.through()?[0].added_by), (1, Some(7)));
    assert!(post.relation(Post::TAGS).has(&tag, &db).await?);
    assert_eq!(post.relation(Post::TAGS).count(&db).await?, 1);
    post.relation(Post::TAGS).set([&tag], &db).await?;
    post.relation(Post::TAGS).remove(&tag, &db).await?;
    assert_eq!(post.related(Post::TAGS).exec(&db).await?.len(), 0);
    assert_eq!(user.related(User::POSTS).filter(Post::TITLE.eq("Hi")).exec(&db).await?.len(), 1);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn transactions(db: Db) -> sequor::Result<()> {
    let told = Arc::new(AtomicU32::new(0));
    let counter = told.clone();
    let user = db
        .transaction(async |tx| {
            let user = draft!(User { email: "ann@x.io", name: "Ann" }).create(tx).await?;
            tx.transaction(async |sp| {
                draft!(User { email: "ann@x.io", name: "Twice" }).create(sp).await?;
                Ok(())
            })
            .await
            .ok();
            tx.after_commit(async move {
                counter.fetch_add(1, Ordering::SeqCst);
            });
            draft!(Post { title: "Hi", user_id: user.id }).create(tx).await?;
            Ok(user)
        })
        .await?;
    assert_eq!((user.name.as_str(), told.load(Ordering::SeqCst), User::count().exec(&db).await?), ("Ann", 1, 1));
    db.transaction_with(Tx::serializable().retry(5).timeout(secs(5)), async |tx| {
        User::update_all().set(User::AGE, 5).filter(User::ID.eq(user.id)).exec(tx).await?;
        Ok(())
    })
    .await?;
    db.transaction_with(Tx::serializable().read_only().retry(5).timeout(secs(5)), async |tx| User::count().exec(tx).await).await?;
    let tx = db.begin().await?;
    draft!(User { email: "bo@x.io", name: "Bo" }).create(&tx).await?;
    tx.commit().await?;
    let tx = db.begin().await?;
    draft!(User { email: "cy@x.io", name: "Cy" }).create(&tx).await?;
    tx.rollback().await?;
    {
        let tx = db.begin().await?;
        draft!(User { email: "di@x.io", name: "Di" }).create(&tx).await?;
    }
    assert_eq!(User::count().exec(&db).await?, 2);
    let outside = db
        .transaction(async |tx| {
            draft!(User { email: "ed@x.io", name: "Ed" }).create(tx).await?;
            User::count().exec(&db).await
        })
        .await;
    assert!(matches!(&outside, Err(Error::Usage(error)) if error.kind == sequor::UsageErrorKind::OutsideTransaction), "{outside:?}");
    Ok(())
}

#[derive(Debug)]
enum MyError {
    Sequor(Error),
    Mine,
}

impl From<Error> for MyError {
    fn from(error: Error) -> MyError {
        MyError::Sequor(error)
    }
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn an_own_error_type(db: Db) -> sequor::Result<()> {
    let result = db
        .try_transaction::<(), MyError>(async |tx| {
            draft!(User { email: "ann@x.io", name: "Ann" }).create(tx).await?;
            Err(MyError::Mine)
        })
        .await;
    assert!(matches!(result, Err(MyError::Mine)));
    assert_eq!(User::count().exec(&db).await?, 0);
    let spawned = db.clone();
    let made =
        tokio::spawn(async move { spawned.transaction(async |tx| draft!(User { email: "ann@x.io", name: "Ann" }).create(tx).await).await });
    assert_eq!(made.await.map_err(Error::other)??.name, "Ann");
    if let Err(MyError::Sequor(error)) = db
        .try_transaction::<(), MyError>(async |tx| {
            User::find_by_pk(0).or_fail().exec(tx).await?;
            Ok(())
        })
        .await
    {
        assert!(matches!(error, Error::NotFound { .. }));
    }
    Ok(())
}
