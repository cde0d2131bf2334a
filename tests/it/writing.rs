//! Tour section 5: create, graphs, bulk, edit, upsert, soft deletion, relation methods.

use crate::models::*;
use sequor::prelude::*;

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn creates_a_row_and_reads_it_back_equal(db: Db) -> sequor::Result<()> {
    // Its JSON as it is stored is read behind an INSERT that gives nothing back (MySQL).
    let statements = if db.dialect().insert_returning() { 1 } else { 2 };
    let user = db.expect_queries(statements, async || draft!(User { email: "ann@x.io", name: "Ann" }).create(&db).await).await?;
    assert_eq!((user.role, user.age, user.deleted_at), (Role::Nurse, None, None));
    let again = User::find_by_pk(user.id).or_fail().exec(&db).await?;
    assert_eq!(user, again);
    let invalid = draft!(User { email: "no mail", name: "" }).create(&db).await;
    match invalid {
        Err(Error::Validation(error)) => {
            let paths: Vec<&str> = error.items.iter().map(|item| item.path.as_str()).collect();
            assert_eq!(paths, ["email", "name"]);
        }
        other => return Err(Error::usage(format!("expected a validation error, got {other:?}"))),
    }
    match draft!(User { email: "ann@x.io", name: "Twin" }).create(&db).await {
        Err(Error::UniqueConstraint { fields, .. }) => assert_eq!(fields, ["email"]),
        other => return Err(Error::usage(format!("expected a unique error, got {other:?}"))),
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn creates_a_whole_graph_or_nothing(db: Db) -> sequor::Result<()> {
    let user = draft!(User { email: "bo@x.io", name: "Bo", posts: [{ title: "Hi", tags: [{ name: "rust" }] }] }).create(&db).await?;
    assert_eq!(user.posts.loaded()?[0].title, "Hi");
    assert_eq!(user.posts.loaded()?[0].tags.loaded()?[0].name, "rust");
    let broken = draft!(User { email: "cy@x.io", name: "Cy", posts: [{ title: "A", tags: [{ name: "rust" }] }] }).create(&db).await;
    assert!(matches!(broken, Err(Error::UniqueConstraint { .. })));
    assert_eq!(User::count().exec(&db).await?, 1);
    assert_eq!(Post::count().exec(&db).await?, 1);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn saves_only_what_changed(db: Db) -> sequor::Result<()> {
    let user = draft!(User { email: "ann@x.io", name: "Ann", age: 30 }).create(&db).await?;
    let mut edit = user.clone().edit();
    assert!(edit.changed().is_empty());
    edit.name = "Anna".into();
    assert_eq!(edit.changed(), ["name"]);
    assert_eq!(edit.previous(User::NAME), "Ann");
    let saved = edit.save(&db).await?;
    assert_eq!(saved.name, "Anna");
    assert!(saved.updated_at >= user.updated_at);
    db.expect_queries(0, async || saved.clone().edit().save(&db).await).await?;
    let older = saved.increment(User::AGE, 1, &db).await?;
    assert_eq!(older.age, Some(31));
    assert_eq!(saved.reload(&db).await?.age, Some(31));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn deletes_softly_and_restores(db: Db) -> sequor::Result<()> {
    let users = seed(&db).await?;
    users[1].destroy(&db).await?;
    assert_eq!(User::count().exec(&db).await?, 1);
    assert_eq!(User::count().with_deleted().exec(&db).await?, 2);
    let gone = User::find_all().only_deleted().exec(&db).await?;
    assert!(gone[0].is_soft_deleted());
    let back = gone[0].restore(&db).await?;
    assert_eq!(back.deleted_at, None);
    assert_eq!(User::destroy_all().filter(User::NAME.eq("Bo")).exec(&db).await?, 1);
    assert_eq!(User::restore_all().exec(&db).await?, 1);
    back.force_destroy(&db).await?;
    assert_eq!(User::count().with_deleted().exec(&db).await?, 1);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn writes_many_rows(db: Db) -> sequor::Result<()> {
    let drafts = (0..500).map(|number| draft!(User { email: format!("u{number}@x.io"), name: format!("U{number}"), age: number }));
    let rows = User::bulk_create(drafts).exec(&db).await?;
    assert_eq!(rows.len(), 500);
    let first = User::find_by_pk(rows[499].id).or_fail().exec(&db).await?;
    assert_eq!(first.email, "u499@x.io");
    let again = vec![draft!(User { email: "u1@x.io", name: "New", age: 1 }), draft!(User { email: "v@x.io", name: "V", age: 2 })];
    User::bulk_create(again.clone()).update_on_duplicate((User::NAME, User::AGE)).exec(&db).await?;
    assert_eq!(User::count().filter(User::NAME.eq("New")).exec(&db).await?, 1);
    assert!(User::bulk_create(again).ignore_duplicates().exec(&db).await?.is_empty());
    assert_eq!(User::count().exec(&db).await?, 501);
    let n = User::update_all().set(User::ROLE, Role::SchoolAdmin).set(User::AGE, User::AGE + 1).filter(User::AGE.lt(10)).exec(&db).await?;
    assert_eq!(n, User::count().filter(User::ROLE.eq(Role::SchoolAdmin)).exec(&db).await?);
    assert!(matches!(User::update_all().set(User::AGE, 1).exec(&db).await, Err(Error::MissingFilter { .. })));
    assert!(matches!(User::destroy_all().exec(&db).await, Err(Error::MissingFilter { .. })));
    let back = User::update_all().set(User::AGE, 99).filter(User::NAME.eq("New")).returning().exec(&db).await?;
    assert_eq!(back[0].age, Some(99));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn upserts_and_finds_or_creates(db: Db) -> sequor::Result<()> {
    let (tag, created) = Tag::upsert(draft!(Tag { name: "rust" })).exec(&db).await?;
    assert!(created);
    let (same, created) = Tag::upsert(draft!(Tag { name: "rust" })).exec(&db).await?;
    assert!(!created);
    assert_eq!(tag.id, same.id);
    let (found, created) = Tag::find_or_create(Tag::NAME.eq("rust"), draft!(Tag { name: "rust" })).exec(&db).await?;
    assert_eq!((found.id, created), (tag.id, false));
    let (_, created) = Tag::find_or_create(Tag::NAME.eq("sql"), draft!(Tag { name: "sql" })).exec(&db).await?;
    assert!(created);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn relation_methods_link_and_unlink(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let post = Post::find_one().filter(Post::TITLE.eq("Third")).exec(&db).await?.ok_or_else(|| Error::usage("no post"))?;
    let tags = Tag::find_all().order_by(Tag::ID.asc()).exec(&db).await?;
    post.relation(Post::TAGS).with(PostTag::ADDED_BY, 7).add(&tags[0], &db).await?;
    post.relation(Post::TAGS).add(&tags[1], &db).await?;
    assert!(post.relation(Post::TAGS).has(&tags, &db).await?);
    assert_eq!(post.relation(Post::TAGS).count(&db).await?, 2);
    let found = Post::find_all().include(Post::TAGS.through(PostTag::ADDED_BY.eq(7))).filter(Post::ID.eq(post.id)).exec(&db).await?;
    assert_eq!(found[0].tags.loaded()?[0].id, tags[0].id);
    assert_eq!(found[0].tags.through()?[0].added_by, Some(7));
    post.relation(Post::TAGS).set(&tags[1], &db).await?;
    assert_eq!(post.related(Post::TAGS).exec(&db).await?.len(), 1);
    post.relation(Post::TAGS).remove(&tags[1], &db).await?;
    assert_eq!(post.relation(Post::TAGS).count(&db).await?, 0);
    let made = post.relation(Post::TAGS).create(draft!(Tag { name: "new" }), &db).await?;
    assert!(post.relation(Post::TAGS).has(&made, &db).await?);
    Ok(())
}
