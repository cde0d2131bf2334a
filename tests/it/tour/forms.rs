//! Tour sections 3 to 8: values, builders and calls in the forms that a reader of it would write.

use crate::models::*;
use sequor::prelude::*;
use sequor::{Change, CursorPage, Page, RowsAndCount as Counted, Transaction};
use std::collections::{BTreeSet, HashSet, VecDeque};

async fn adults(db: &Db, least: i32) -> Result<Vec<User>> {
    User::find_all().filter(User::AGE.gte(least)).exec(db).await
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn values(db: Db) -> Result<()> {
    let users = seed(&db).await?;
    let (id, name, age): (i64, &str, Option<i32>) = (users[0].id, "Ann", Some(31));
    let owned = String::from("Ann");
    for filter in [
        User::ID.eq(id),
        User::ID.eq(&id),
        User::ID.eq(users[0].id),
        User::NAME.eq(name),
        User::NAME.eq(&owned),
        User::NAME.eq(owned.clone()),
        User::NAME.eq(owned.as_str()),
        User::NAME.eq(std::borrow::Cow::from("Ann")),
        User::NAME.eq(format!("A{}", "nn")),
        User::AGE.eq(31),
        User::AGE.eq(age),
        User::AGE.eq(Some(31)),
        User::AGE.eq(&31),
        User::ROLE.eq(Role::Admin),
        User::ROLE.eq(users[0].role),
        User::ID.is_in([id]),
        User::ID.is_in(vec![id]),
        User::ID.is_in(&[id]),
        User::ID.is_in(&vec![id]),
        User::ID.is_in(users.iter().map(|user| user.id).take(1)),
        User::ID.is_in(HashSet::from([id])),
        User::ID.is_in(&BTreeSet::from([id])),
        User::ID.is_in(VecDeque::from([id])),
        User::ID.is_in(id..=id),
        User::NAME.is_in(["Ann", "Zoe"]),
        User::NAME.is_in(vec!["Ann"]),
        User::NAME.is_in(&["Ann".to_owned()]),
        User::AGE.is_in([31, 32]),
        User::AGE.is_in([Some(31)]),
        User::NAME.not_in(["Bo"]),
        User::NAME.like("A%"),
        User::NAME.not_like("B%"),
        User::NAME.ilike("a%"),
        User::NAME.starts_with("A"),
        User::NAME.ends_with("n"),
        User::NAME.contains("n"),
        User::AGE.between(30, 40),
        User::AGE.not_between(1, 20),
        User::AGE.is_not_null().and(User::AGE.ne(17)),
        User::AGE.gte(User::AGE).and(User::ID.eq(id)),
        !User::NAME.eq("Bo"),
        (User::AGE + 1).eq(32),
        (User::AGE * 2 - 2).eq(60),
        User::CREATED_AT.lte(User::UPDATED_AT).and(User::NAME.eq("Ann")),
        User::CREATED_AT.lte(Utc::now() + chrono_hour()).and(User::ID.eq(id)),
        User::EMAIL.lower().eq("ann@x.io"),
    ] {
        let found = User::find_all().filter(filter.clone()).exec(&db).await?;
        assert_eq!((found.len(), found.first().map(|user| user.id)), (1, Some(id)), "{filter:?}");
    }
    assert_eq!(adults(&db, 18).await?.len(), 1);
    assert_eq!(User::find_all().filter(User::AGE.eq(None)).exec(&db).await?.len(), 0);
    for found in [
        User::find_by_pk(id).exec(&db).await?,
        User::find_by_pk(&id).exec(&db).await?,
        User::find_one().filter(User::ID.eq(id)).exec(&db).await?,
        User::find_all().filter(User::ID.eq(id)).first().exec(&db).await?,
    ] {
        assert_eq!(found.map(|user| user.name), Some("Ann".to_owned()));
    }
    assert!(User::find_all().filter(User::ID.eq(id)).exists(&db).await?);
    match User::find_by_pk(999).or_fail().exec(&db).await {
        Err(Error::NotFound { model, .. }) => assert_eq!(model, "User"),
        other => panic!("{other:?}"),
    }
    Ok(())
}

fn chrono_hour() -> std::time::Duration {
    secs(3600)
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn reading(db: Db) -> Result<()> {
    seed(&db).await?;
    let mut query = User::find_all();
    if db.dialect() != Dialect::Sqlite {
        query = query.filter(User::AGE.gt(1));
    }
    let users = query.clone().order_by(User::NAME.desc()).order_by((User::ID.asc(), User::AGE.desc())).exec(&db).await?;
    assert_eq!(users.iter().map(|user| &*user.name).collect::<Vec<_>>(), ["Bo", "Ann"]);
    let Counted { rows, count: n } = User::find_and_count_all().filter(User::AGE.gt(1)).order_by(User::ID.asc()).limit(1).exec(&db).await?;
    assert_eq!((rows[0].name.as_str(), n), ("Ann", 2));
    let Page { rows, count: all, has_next, .. } = User::find_all().include(User::POSTS).page(1, 1).exec(&db).await?;
    assert_eq!((rows[0].posts.loaded()?.len(), all, has_next), (3, 2, true));
    let first: CursorPage<User> = User::find_all().order_by(User::AGE.asc()).cursor(None, 1).exec(&db).await?;
    let next = first.next.clone().ok_or_else(|| Error::usage("no next"))?;
    let text = next.to_string();
    let parsed: Cursor = text.parse()?;
    let json: Cursor = serde_json::from_value(serde_json::to_value(&next)?)?;
    for cursor in [Cursor::from(text.clone()), parsed, json] {
        assert_eq!(cursor, next);
        let page = User::find_all().order_by(User::AGE.asc()).cursor(Some(cursor), 1).exec(&db).await?;
        assert_eq!((page.rows[0].name.as_str(), page.next.is_none(), page.previous.is_some()), ("Ann", true, true));
    }
    let page = User::find_all().order_by(User::AGE.asc()).cursor(next.into(), 1).exec(&db).await?;
    assert_eq!(page.rows.len(), 1);
    let pairs: Vec<(i64, String)> = User::find_all().select((User::ID, User::NAME)).order_by(User::ID.asc()).exec(&db).await?;
    assert_eq!(pairs[1].1, "Bo");
    let one: Option<(i64, Option<i32>)> =
        User::find_all().select((User::ID, User::AGE)).filter(User::NAME.eq("Bo")).one().exec(&db).await?;
    assert_eq!(one.map(|(_, age)| age), Some(Some(17)));
    let (least, most, total, mean, all): (Option<i32>, Option<i32>, Option<i64>, Option<f64>, i64) =
        User::find_all().select((min(User::AGE), max(User::AGE), sum(User::AGE), avg(User::AGE), count(User::ID))).one().exec(&db).await?;
    assert_eq!((least, most, total, mean, all), (Some(17), Some(31), Some(48), Some(24.0), 2));
    let roles: i64 = User::find_all().select(count_distinct(User::ROLE)).one().exec(&db).await?;
    assert_eq!(roles, 2);
    let by_role: Vec<(Role, i64, Option<f64>)> = User::find_all()
        .select((User::ROLE, count_all(), avg(User::AGE)))
        .group_by(User::ROLE)
        .order_by((count_all().desc(), User::ROLE.asc()))
        .having(count_all().gte(1).and(max(User::AGE).lt(100)))
        .exec(&db)
        .await?;
    assert_eq!(by_role.len(), 2);
    for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql, Dialect::Mariadb] {
        let sql = User::find_all().filter(User::AGE.gt(1)).limit(2).to_sql(dialect)?;
        assert!(sql.contains("users"), "{sql}");
    }
    let mut names = Vec::new();
    let mut rows = Post::find_all().order_by(Post::TITLE.asc()).include(Post::TAGS).stream(&db);
    while let Some(post) = rows.next().await {
        let post = post?;
        names.push((post.title.clone(), post.tags.loaded()?.len()));
    }
    assert_eq!(names[0], ("First".to_owned(), 2));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn errors_of_loading(db: Db) -> Result<()> {
    seed(&db).await?;
    let users = User::find_all().order_by(User::ID.asc()).exec(&db).await?;
    match users[0].posts.loaded() {
        Err(Error::NotLoaded { model, relation }) => assert_eq!((model.as_str(), relation.as_str()), ("User", "posts")),
        other => panic!("{other:?}"),
    }
    users[0].load(User::POSTS.filter(Post::PUBLISHED.eq(true)).include(Post::TAGS), &db).await?;
    assert_eq!(users[0].posts.loaded()?.len(), 2);
    db.expect_queries(0, async || users[0].load(User::POSTS, &db).await).await?;
    let users = User::find_all().order_by(User::ID.asc()).exec(&db).await?;
    db.expect_queries(1, async || users.load(User::POSTS, &db).await).await?;
    db.expect_queries(0, async || users.load(User::POSTS, &db).await).await?;
    assert_eq!(users[1].posts.loaded()?.len(), 0);
    let posts = Post::find_all().include(Post::USER.filter(User::NAME.eq("Nobody"))).exec(&db).await?;
    match posts[0].user.loaded() {
        Err(Error::NotFound { model, relation }) => assert_eq!((model.as_str(), relation.as_deref()), ("Post", Some("user"))),
        other => panic!("{other:?}"),
    }
    assert!(posts[0].user.get().is_none());
    assert_eq!(posts.len(), 3);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn writing(db: Db) -> Result<()> {
    let email = "ann@x.io".to_string();
    let ann = draft!(User { email: email.clone(), name: "Ann", age: Some(3), settings: json!({ "a": 1 }), profile: { bio: "Hello" } })
        .create(&db)
        .await?;
    assert_eq!((ann.settings.0["a"].as_i64(), ann.profile.loaded()?.map(|profile| profile.bio.as_str())), (Some(1), Some("Hello")));
    let mut draft = draft!(User { email: "bo@x.io", name: "Bo" });
    assert_eq!(draft.get(User::EMAIL), Some(&"bo@x.io".to_owned()));
    draft.set(User::NAME, "Bob").set(User::AGE, 4).set(User::AGE, None);
    let bo = draft.create(&db).await?;
    assert_eq!((bo.name.as_str(), bo.age), ("Bob", None));
    let mut edit = bo.edit();
    edit.set(User::NAME, "Bobby");
    edit.age = Some(4);
    edit.settings.0 = json!({ "x": [1, 2] });
    assert_eq!(edit.changed(), ["name", "age", "settings"]);
    assert_eq!((edit.previous(User::NAME), edit.get(User::NAME).map(String::as_str)), ("Bob".to_owned(), Some("Bobby")));
    let bo = edit.save(&db).await?;
    let bo = bo.increment(User::AGE, 5, &db).await?.decrement(User::AGE, 2, &db).await?;
    assert_eq!(bo.age, Some(7));
    let n = User::update_all().set(User::AGE, None).set(User::NAME, String::from("X")).filter(User::ID.eq(bo.id)).exec(&db).await?;
    assert_eq!((n, bo.reload(&db).await?.age), (1, None));
    let unchanged = User::update_all().set(User::NAME, "X").filter(User::ID.eq(bo.id)).exec(&db).await?;
    assert_eq!(unchanged, 1, "matched rows, not changed ones");
    let (found, created) =
        User::find_or_create(User::EMAIL.eq(&email), draft!(User { email: email.clone(), name: "Other" })).exec(&db).await?;
    assert_eq!((found.id, created), (ann.id, false));
    let drafts: Vec<Draft<User>> = (0..3).map(|n| draft!(User { email: format!("n{n}@x.io"), name: "N" })).collect();
    assert_eq!(User::bulk_create(drafts).exec(&db).await?.len(), 3);
    assert_eq!(User::bulk_create(Vec::new()).exec(&db).await?.len(), 0);
    assert_eq!(User::update_all().set(User::AGE, 1).every_row().exec(&db).await?, 5);
    assert_eq!(User::destroy_all().every_row().exec(&db).await?, 5);
    assert_eq!(User::find_all().only_deleted().exec(&db).await?.len(), 5);
    assert_eq!(User::restore_all().exec(&db).await?, 5);
    let posts = vec![draft!(Post { title: "1", user_id: ann.id }), draft!(Post { title: "2", user_id: ann.id, tags: [{ name: "t" }] })];
    assert!(Post::bulk_create(posts).exec(&db).await?.iter().all(|post| post.user_id == ann.id));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn relation_methods(db: Db) -> Result<()> {
    let users = seed(&db).await?;
    let (ann, bo) = (&users[0], &users[1]);
    let posts = ann.related(User::POSTS).order_by(Post::TITLE.asc()).exec(&db).await?;
    bo.relation(User::POSTS).add(&posts[0], &db).await?;
    bo.relation(User::POSTS).add(&posts[1..], &db).await?;
    assert_eq!((ann.relation(User::POSTS).count(&db).await?, bo.relation(User::POSTS).count(&db).await?), (0, 3));
    assert!(bo.relation(User::POSTS).has(&posts[0], &db).await?);
    let made = bo.relation(User::POSTS).create(draft!(Post { title: "New", user_id: bo.id }), &db).await?;
    assert_eq!(made.user_id, bo.id);
    let profile = ann.relation(User::PROFILE).create(draft!(Profile { bio: "Hi", user_id: ann.id }), &db).await?;
    assert_eq!(ann.related(User::PROFILE).one().exec(&db).await?.map(|profile| profile.id), Some(profile.id));
    assert_eq!(made.related(Post::USER).one().or_fail().exec(&db).await?.id, bo.id);
    made.relation(Post::USER).set(ann, &db).await?;
    assert_eq!(ann.relation(User::POSTS).count(&db).await?, 1);
    let tags = Tag::find_all().exec(&db).await?;
    made.relation(Post::TAGS).add(&tags, &db).await?;
    made.relation(Post::TAGS).add(tags.clone(), &db).await?;
    assert_eq!(made.relation(Post::TAGS).count(&db).await?, 2);
    made.relation(Post::TAGS).remove(&tags[0], &db).await?;
    made.relation(Post::TAGS).set(Vec::<Tag>::new(), &db).await?;
    assert_eq!(made.related(Post::TAGS).count().exec(&db).await?, 0);
    Ok(())
}

#[derive(Debug)]
enum ShopError {
    Sequor(Error),
    Parse(std::num::ParseIntError),
}

impl From<Error> for ShopError {
    fn from(error: Error) -> ShopError {
        ShopError::Sequor(error)
    }
}

impl From<std::num::ParseIntError> for ShopError {
    fn from(error: std::num::ParseIntError) -> ShopError {
        ShopError::Parse(error)
    }
}

async fn nested(db: Db, name: &str) -> Result<i64> {
    let held = name.to_owned();
    db.transaction(async |tx| {
        let user = draft!(User { email: format!("{held}@x.io"), name: &held }).create(tx).await?;
        let inner = tx
            .transaction(async |sp| {
                draft!(Post { title: &held, user_id: user.id }).create(sp).await?;
                if held.len() > 2 {
                    return Err(Error::usage("too long"));
                }
                Ok(1)
            })
            .await;
        assert_eq!(inner.is_ok(), held.len() <= 2);
        Ok(user.id)
    })
    .await
}

fn transfers(change: &Change<User>) -> Result<Option<User>> {
    change.after()
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn transactions(db: Db) -> Result<()> {
    let _ = transfers;
    let tasks: Vec<_> = ["ab", "cde"].into_iter().map(|name| tokio::spawn(nested(db.clone(), name))).collect();
    for task in tasks {
        task.await.map_err(Error::other)??;
    }
    assert_eq!((User::count().exec(&db).await?, Post::count().exec(&db).await?), (2, 1));
    let own = db
        .try_transaction::<i64, ShopError>(async |tx| {
            draft!(User { email: "x@x.io", name: "X" }).create(tx).await?;
            Ok("no number".parse::<i64>()?)
        })
        .await;
    assert!(matches!(own, Err(ShopError::Parse(ref error)) if error.to_string().contains("digit")));
    let none = db
        .try_transaction::<(), ShopError>(async |tx| {
            User::find_by_pk(0).or_fail().exec(tx).await?;
            Ok(())
        })
        .await;
    assert!(matches!(none, Err(ShopError::Sequor(Error::NotFound { .. }))));
    let tx: Transaction = db.begin().await?;
    assert_eq!(adults(&tx, 18).await?.len(), 0);
    tx.rollback().await?;
    let count = db.transaction(async |_tx| User::count().exec(&db.detached()).await).await;
    if db.dialect() != Dialect::Sqlite {
        assert_eq!(count?, 2);
    }
    let fails: Result<()> = db
        .transaction(async |tx| {
            User::update_all().set(User::AGE, 1).every_row().exec(tx).await?;
            let text: std::result::Result<i32, _> = "seven".parse::<i32>();
            text?;
            Ok(())
        })
        .await;
    assert!(fails.is_err());
    assert_eq!(User::count().filter(User::AGE.eq(1)).exec(&db).await?, 0);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn relation_methods_of_the_child(db: Db) -> Result<()> {
    let users = seed(&db).await?;
    let post = Post::find_one().or_fail().exec(&db).await?;
    assert!(post.relation(Post::USER).has(&users[0], &db).await?);
    post.relation(Post::USER).add(&users[1], &db).await?;
    assert_eq!((post.reload(&db).await?.user_id, post.user_id), (users[1].id, users[0].id));
    let made = post.relation(Post::USER).create(draft!(User { email: "cy@x.io", name: "Cy" }), &db).await?;
    let post = post.reload(&db).await?;
    assert_eq!((post.user_id, post.relation(Post::USER).count(&db).await?), (made.id, 1));
    match post.relation(Post::USER).set(&users, &db).await {
        Err(error) => assert!(error.to_string().contains("Post.user points to one row, not to 2"), "{error}"),
        Ok(()) => panic!("two rows in the place of one"),
    }
    assert!(post.relation(Post::USER).remove(&made, &db).await.is_err(), "the key must not be NULL");
    assert_eq!(User::find_by_pk(made.id).or_fail().exec(&db).await?.name, "Cy");
    Ok(())
}
