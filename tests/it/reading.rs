//! Tour sections 3 and 4: finders, includes, pages, cursors, aggregates, projections.

use crate::models::*;
use sequor::prelude::*;

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn finds_by_key_filter_order_and_limit(db: Db) -> sequor::Result<()> {
    let users = seed(&db).await?;
    let (ann, bo) = (&users[0], &users[1]);
    assert_eq!(User::find_by_pk(ann.id).exec(&db).await?.map(|user| user.email), Some("ann@x.io".to_owned()));
    assert!(User::find_by_pk(999).exec(&db).await?.is_none());
    assert!(matches!(User::find_by_pk(999).or_fail().exec(&db).await, Err(Error::NotFound { .. })));
    let adults = User::find_all()
        .filter(User::AGE.gte(18).and(User::NAME.ilike("%ANN%").or(User::ROLE.is_in([Role::Admin]))))
        .filter(!User::EMAIL.ends_with("@spam.io"))
        .order_by((User::CREATED_AT.desc(), User::ID.asc()))
        .limit(10)
        .offset(0)
        .exec(&db)
        .await?;
    assert_eq!(adults.len(), 1);
    assert_eq!(adults[0].id, ann.id);
    let one = User::find_one().filter(User::EMAIL.eq("bo@x.io")).exec(&db).await?;
    assert_eq!(one.map(|user| user.id), Some(bo.id));
    assert_eq!(User::count().filter(User::AGE.gt(30)).exec(&db).await?, 1);
    let RowsAndCount { rows, count } = User::find_and_count_all().limit(1).exec(&db).await?;
    assert_eq!((rows.len(), count), (1, 2));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn loads_include_trees_in_one_statement_a_list(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let users = db
        .expect_queries(3, async || {
            User::find_all()
                .include(User::PROFILE)
                .include(
                    User::POSTS
                        .filter(Post::PUBLISHED.eq(true))
                        .order_by(Post::TITLE.desc())
                        .limit(3)
                        .include(Post::TAGS)
                        .include(Post::USER),
                )
                .order_by(User::ID.asc())
                .exec(&db)
                .await
        })
        .await?;
    let posts = users[0].posts.loaded()?;
    assert_eq!(posts.iter().map(|post| post.title.as_str()).collect::<Vec<_>>(), ["Second", "First"]);
    assert_eq!(posts[1].tags.loaded()?.len(), 2);
    assert_eq!(posts[1].tags.through()?.len(), 2);
    assert_eq!(posts[0].user.loaded()?.name, "Ann");
    assert!(users[0].profile.loaded()?.is_none());
    assert!(users[1].posts.loaded()?.is_empty());
    assert!(matches!(posts[0].user.loaded()?.posts.loaded(), Err(Error::NotLoaded { .. })));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn limits_children_per_parent(db: Db) -> sequor::Result<()> {
    let users = seed(&db).await?;
    draft!(Post { title: "Of Bo", user_id: users[1].id }).create(&db).await?;
    let users = User::find_all().include(User::POSTS.order_by(Post::TITLE.asc()).limit(1)).order_by(User::ID.asc()).exec(&db).await?;
    let titles: Vec<&str> = users.iter().filter_map(|user| user.posts.get()).flatten().map(|post| post.title.as_str()).collect();
    assert_eq!(titles, ["First", "Of Bo"]);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn filters_by_relations(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let writers = User::find_all().filter(User::POSTS.any(Post::PUBLISHED.eq(true))).exec(&db).await?;
    assert_eq!(writers.len(), 1);
    assert_eq!(User::count().filter(User::POSTS.none(Post::PUBLISHED.eq(true))).exec(&db).await?, 1);
    assert_eq!(User::count().filter(User::POSTS.all(Post::PUBLISHED.eq(true))).exec(&db).await?, 1);
    assert_eq!(Post::count().filter(Post::USER.is(User::ROLE.eq(Role::Admin))).exec(&db).await?, 3);
    assert_eq!(User::count().filter(User::POSTS.count().gt(2)).exec(&db).await?, 1);
    let required = User::find_all().include(User::POSTS.filter(Post::TITLE.eq("First")).required()).exec(&db).await?;
    assert_eq!(required.len(), 1);
    let tagged = Post::find_all().filter(Post::TAGS.any(Tag::NAME.eq("rust"))).exec(&db).await?;
    assert_eq!(tagged.len(), 1);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn aggregates_groups_and_projects(db: Db) -> sequor::Result<()> {
    let users = seed(&db).await?;
    let (total, average): (i64, Option<f64>) = User::find_all().select((count_all(), avg(User::AGE))).one().exec(&db).await?;
    assert_eq!((total, average), (2, Some(24.0)));
    let by_flag: Vec<(bool, i64)> = Post::find_all()
        .select((Post::PUBLISHED, count_all().alias("n")))
        .group_by(Post::PUBLISHED)
        .having(count_all().gt(1))
        .order_by(alias("n").desc())
        .exec(&db)
        .await?;
    assert_eq!(by_flag, [(true, 2)]);
    let names: Vec<UserName> = User::find_all().project::<UserName>().order_by(User::ID.asc()).exec(&db).await?;
    assert_eq!(names[0], UserName { id: users[0].id, name: "Ann".into() });
    let views: Vec<PostView> = Post::find_all().project::<PostView>().order_by(Post::TITLE.asc()).exec(&db).await?;
    assert_eq!((views[0].title.as_str(), views[0].user.name.as_str(), views[0].tags), ("First", "Ann", 2));
    let age: Option<Option<i32>> = User::find_all().select(User::AGE).order_by(User::ID.asc()).one().exec(&db).await?;
    assert_eq!(age, Some(Some(31)));
    Ok(())
}

#[sequor::test(models(Tag, PostTag, Post, User, Profile))]
async fn pages_and_cursors_walk_every_row_once(db: Db) -> sequor::Result<()> {
    let drafts: Vec<Draft<Tag>> = (0..25).map(|number| draft!(Tag { name: format!("tag {:02}", number % 25) })).collect();
    Tag::bulk_create(drafts).exec(&db).await?;
    let page = Tag::find_all().order_by(Tag::ID.asc()).page(2, 10).exec(&db).await?;
    assert_eq!((page.rows.len(), page.count, page.pages, page.has_next, page.has_previous), (10, 25, 3, true, true));
    let mut cursor = None;
    let mut seen = Vec::new();
    loop {
        let page = Tag::find_all().order_by(Tag::NAME.desc()).cursor(cursor.clone(), 10).exec(&db).await?;
        seen.extend(page.rows.iter().map(|tag| tag.name.clone()));
        match page.next {
            Some(next) => cursor = Some(next),
            None => {
                let before = Tag::find_all().order_by(Tag::NAME.desc()).cursor(page.previous, 10).exec(&db).await?;
                assert_eq!(before.rows.len(), 10);
                assert_eq!(before.rows[9].name, "tag 05");
                break;
            }
        }
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let foreign = Tag::find_all().order_by(Tag::NAME.asc()).cursor(cursor, 10).exec(&db).await;
    assert!(matches!(foreign, Err(Error::Usage(_))));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn searches_json_by_path(db: Db) -> sequor::Result<()> {
    draft!(User { email: "c@x.io", name: "C", settings: json!({ "theme": { "dark": true, "size": 12 }, "tags": ["a", "b"] }) })
        .create(&db)
        .await?;
    draft!(User { email: "d@x.io", name: "D" }).create(&db).await?;
    assert_eq!(User::count().filter(User::SETTINGS.path("theme.size").eq(12)).exec(&db).await?, 1);
    assert_eq!(User::count().filter(User::SETTINGS.path("theme.dark").eq(true)).exec(&db).await?, 1);
    assert_eq!(User::count().filter(User::SETTINGS.path("tags[1]").eq("b")).exec(&db).await?, 1);
    assert_eq!(User::count().filter(User::SETTINGS.as_text().ilike("%DARK%")).exec(&db).await?, 1);
    assert_eq!(User::count().filter(User::SETTINGS.path("theme").exists()).exec(&db).await?, 1);
    assert!(matches!(User::count().filter(User::SETTINGS.path("a..b").eq(1)).exec(&db).await, Err(Error::Usage(_))));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn loads_lazily_for_one_and_for_a_slice(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let users = User::find_all().order_by(User::ID.asc()).exec(&db).await?;
    db.expect_queries(1, async || users.load(User::POSTS, &db).await).await?;
    db.expect_queries(0, async || users.load(User::POSTS, &db).await).await?;
    assert_eq!(users[0].posts.loaded()?.len(), 3);
    let post = Post::find_one().filter(Post::TITLE.eq("First")).exec(&db).await?.ok_or_else(|| Error::usage("no post"))?;
    post.load(Post::TAGS, &db).await?;
    post.load(Post::USER, &db).await?;
    assert_eq!(post.tags.loaded()?.len(), 2);
    assert_eq!(post.user.loaded()?.name, "Ann");
    let mut rows = Post::find_all().stream(&db);
    let mut count = 0;
    while let Some(row) = rows.next().await {
        row?;
        count += 1;
    }
    assert_eq!(count, 3);
    Ok(())
}

/// MySQL keeps the types that a prepared statement first met, and would read a text behind a number as one.
#[sequor::test]
async fn one_statement_takes_values_of_other_kinds(db: Db) -> sequor::Result<()> {
    for _ in 0..2 {
        let (a, b) = ("Ann", 7_i64);
        assert_eq!(db.query_as::<(String, i64)>(sql!("SELECT {a} AS a, {b} AS b")).await?, [("Ann".to_owned(), 7)]);
        let b = "Bob";
        assert_eq!(db.query_as::<(String, String)>(sql!("SELECT {a} AS a, {b} AS b")).await?, [("Ann".to_owned(), "Bob".to_owned())]);
        let (a, b) = (2.5_f64, "7");
        assert_eq!(db.query_as::<(f64, String)>(sql!("SELECT {a} AS a, {b} AS b")).await?, [(2.5, "7".to_owned())]);
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn reads_raw_sql(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let (age, role) = (18, Role::Admin);
    let users: Vec<User> = db.query_as(sql!("SELECT * FROM users WHERE age > {age} AND role = {role}")).await?;
    assert_eq!(users.len(), 1);
    let id = users[0].id;
    let n = db.execute(sql!("UPDATE users SET age = {age} WHERE id = {id}")).await?;
    assert_eq!(n, 1);
    let counted: Vec<(i64,)> = db.query_as(sql!("SELECT count(*) FROM users")).await?;
    assert_eq!(counted, [(2,)]);
    Ok(())
}
