//! Tour sections 3, 4 and 8: reading, as it is written there.

use crate::models::*;
use sequor::prelude::*;
use sequor::{CursorPage, Page};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "interactions", timestamps)]
pub struct Interaction {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub model: String,
    pub request: Json,
    pub response_time_ms: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = User)]
struct UserName {
    id: i64,
    name: String,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = User)]
struct Renamed {
    #[projection(column = "name")]
    called: String,
    #[projection(column = User::AGE)]
    years: Option<i32>,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Post)]
struct PostView {
    id: Uuid,
    title: String,
    #[projection(of = User)]
    user: UserName,
    #[projection(expr = Post::TAGS.count())]
    tags: i64,
}

struct Params {
    cursor: Option<Cursor>,
}

async fn interactions(db: &Db) -> sequor::Result<()> {
    for (model, times) in [("gpt", 5_i32), ("claude", 4), ("llama", 1)] {
        for time in 0..times {
            let text = if time == 0 { "Hello there" } else { "Bye" };
            draft!(Interaction {
                model,
                request: json!({ "messages": [{ "role": "user", "content": text }], "n": time, "a.b": { "c": [1, 2] } }),
                response_time_ms: if time == 3 { None } else { Some(time * 10) },
            })
            .create(db)
            .await?;
        }
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn finders(db: Db) -> sequor::Result<()> {
    let seeded = seed(&db).await?;
    let user: Option<User> = User::find_by_pk(seeded[0].id).exec(&db).await?;
    assert!(user.is_some());
    let user: User = User::find_by_pk(seeded[0].id).or_fail().exec(&db).await?;
    let users: Vec<User> = User::find_all()
        .filter(User::AGE.gte(18).and(User::NAME.ilike("%ann%").or(User::ROLE.is_in([Role::Admin]))))
        .filter(!User::EMAIL.ends_with("@spam.io"))
        .order_by((User::CREATED_AT.desc(), User::ID.asc()))
        .limit(10)
        .offset(0)
        .exec(&db)
        .await?;
    assert!(users.contains(&user));
    let page: Page<User> = User::find_all().order_by(User::ID.asc()).page(1, 1).exec(&db).await?;
    assert_eq!(
        (page.rows.len(), page.count, page.page, page.page_size, page.pages, page.has_next, page.has_previous),
        (1, 2, 1, 1, 2, true, false)
    );
    let params = Params { cursor: None };
    let c: CursorPage<User> = User::find_all().order_by(User::CREATED_AT.desc()).cursor(params.cursor, 20).exec(&db).await?;
    assert_eq!((c.rows.len(), c.next, c.previous), (2, None, None));
    let RowsAndCount { rows, count } = User::find_and_count_all().limit(20).exec(&db).await?;
    assert_eq!((rows.len(), count), (2, 2));
    let n: u64 = User::count().filter(User::AGE.gt(30)).exec(&db).await?;
    assert_eq!(n, 1);
    let names: Vec<UserName> = User::find_all().project::<UserName>().order_by(User::ID.asc()).exec(&db).await?;
    assert_eq!(names[0].name, seeded[0].name);
    let called = User::find_all().project::<Renamed>().filter(User::ID.eq(seeded[0].id)).one().or_fail().exec(&db).await?;
    assert_eq!(called, Renamed { called: seeded[0].name.clone(), years: seeded[0].age });
    let one: Option<User> = User::find_one().filter(User::EMAIL.eq("ann@x.io")).exec(&db).await?;
    assert_eq!(one, User::find_all().filter(User::EMAIL.eq("ann@x.io")).one().exec(&db).await?);
    let mut rows = User::find_all().stream(&db);
    let mut seen = 0;
    while let Some(row) = rows.next().await {
        row?;
        seen += 1;
    }
    assert_eq!(seen, 2);
    let plan = User::find_all().explain(&db).await?;
    assert!(!plan.to_string().is_empty());
    let sql = User::find_all().to_sql(Dialect::Postgres)?;
    assert!(sql.contains("\"users\"") && !sql.contains('*'), "{sql}");
    if db.dialect() != Dialect::Sqlite {
        db.transaction(async |tx| {
            let locked = User::find_all().lock(Lock::Update).skip_locked().exec(tx).await?;
            assert_eq!(locked.len(), 2);
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[sequor::test(models(Interaction))]
async fn aggregates_and_json(db: Db) -> sequor::Result<()> {
    interactions(&db).await?;
    let (total, avg): (i64, Option<f64>) =
        Interaction::find_all().select((count_all(), avg(Interaction::RESPONSE_TIME_MS))).one().exec(&db).await?;
    assert_eq!(total, 10);
    assert!(avg.is_some_and(|avg| (avg - 16.25_f64 / 1.3).abs() < 100.0));
    let by_model: Vec<(String, i64)> = Interaction::find_all()
        .select((Interaction::MODEL, count_all().alias("n")))
        .group_by(Interaction::MODEL)
        .having(count_all().gt(3))
        .order_by(alias("n").desc())
        .exec(&db)
        .await?;
    assert_eq!(by_model, [("gpt".to_owned(), 5), ("claude".to_owned(), 4)]);
    let hits = Interaction::find_all()
        .filter(Interaction::REQUEST.path("messages[0].role").eq("user").or(Interaction::REQUEST.as_text().ilike("%hello%")))
        .exec(&db)
        .await?;
    assert_eq!(hits.len(), 10);
    let few = Interaction::find_all().filter(Interaction::REQUEST.path("n").gte(3)).exec(&db).await?;
    assert_eq!(few.len(), 3);
    for (filter, found) in [
        (Interaction::REQUEST.path("n").between(1, 2), 4),
        (Interaction::REQUEST.path("n").not_between(0, 2), 3),
        (Interaction::REQUEST.path("n").is_in([3, 4]), 3),
        (Interaction::REQUEST.path("n").not_in([3, 4]), 7),
        (Interaction::REQUEST.path("messages[0].content").is_in(["Bye"]), 7),
        (Interaction::REQUEST.path("messages[0].content").is_in(&["Bye".to_owned()]), 7),
        (Interaction::REQUEST.path("messages[0].content").is_in(Vec::<String>::new()), 0),
        (Interaction::REQUEST.path("messages[0].content").like("B%"), 7),
        (Interaction::REQUEST.path("messages[0].content").not_like("B%"), 3),
        (Interaction::REQUEST.path("messages[0].content").ilike("hello%"), 3),
        (Interaction::REQUEST.path("messages[0].content").not_ilike("hello%"), 7),
        (Interaction::REQUEST.path("messages[0].content").starts_with("Hello"), 3),
        (Interaction::REQUEST.path("messages[0].content").ends_with("there"), 3),
    ] {
        assert_eq!(Interaction::count().filter(filter.clone()).exec(&db).await?, found, "{filter:?}");
    }
    let dotted = Interaction::find_all().filter(Interaction::REQUEST.path("[\"a.b\"].c[1]").eq(2)).exec(&db).await?;
    assert_eq!(dotted.len(), 10);
    let times: Vec<Option<i32>> =
        Interaction::find_all().select(Interaction::RESPONSE_TIME_MS).order_by(Interaction::ID.asc()).limit(2).exec(&db).await?;
    assert_eq!(times, [Some(0), Some(10)]);
    let most: Option<i32> = Interaction::find_all().select(max(Interaction::RESPONSE_TIME_MS)).one().exec(&db).await?;
    assert_eq!(most, Some(40));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn include_trees(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let users = User::find_all()
        .include(User::PROFILE)
        .include(
            User::POSTS.filter(Post::PUBLISHED.eq(true)).order_by(Post::CREATED_AT.desc()).limit(3).include(Post::TAGS).include(Post::USER),
        )
        .order_by(User::ID.asc())
        .exec(&db)
        .await?;
    for post in users[0].posts.loaded()? {
        assert_eq!(post.user.loaded()?.id, users[0].id);
    }
    let with_posts = User::find_all().include(User::POSTS.filter(Post::PUBLISHED.eq(true)).required()).exec(&db).await?;
    assert_eq!(with_posts.len(), 1);
    assert_eq!(User::find_all().filter(User::POSTS.any(Post::PUBLISHED.eq(true))).exec(&db).await?.len(), 1);
    assert_eq!(User::find_all().filter(User::POSTS.none(Post::PUBLISHED.eq(true))).exec(&db).await?.len(), 1);
    // Ann has a post that is not published; Bo has none at all.
    assert_eq!(User::find_all().filter(User::POSTS.all(Post::PUBLISHED.eq(true))).exec(&db).await?.len(), 1);
    let of_admins = Post::find_all().filter(Post::USER.is(User::ROLE.eq(users[0].role))).exec(&db).await?;
    assert!(!of_admins.is_empty());
    let counted = User::find_all().filter(User::POSTS.count().gt(1)).exec(&db).await?;
    assert_eq!(counted.len(), 1);
    let loaded = User::find_all().order_by(User::ID.asc()).exec(&db).await?;
    loaded[0].load(User::POSTS, &db).await?;
    loaded.load(User::POSTS, &db).await?;
    assert_eq!((loaded[0].posts.loaded()?.len(), users[0].posts.loaded()?.len()), (3, 2));
    let views: Vec<PostView> = Post::find_all().project::<PostView>().order_by(Post::ID.asc()).exec(&db).await?;
    assert_eq!(views[0].user.name, "Ann");
    assert_eq!(views.iter().map(|view| view.tags).sum::<i64>(), i64::try_from(PostTag::count().exec(&db).await?).unwrap());
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn raw_sql(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let (age, role, id) = (18, Role::Admin, 1_i64);
    let rows: Vec<User> = db.query_as(sql!("SELECT * FROM users WHERE age > {age} OR role = {role}")).await?;
    assert!(!rows.is_empty());
    let n = db.execute(sql!("UPDATE users SET age = {age} WHERE id = {id}")).await?;
    assert_eq!(n, 1);
    let pairs: Vec<(i64, String)> = db.query_as(sql!("SELECT id, name FROM users ORDER BY id")).await?;
    assert_eq!(pairs.len(), 2);
    let count: Vec<i64> = db.query_as(sql!("SELECT count(*) FROM users")).await?;
    let names: Vec<String> = db.query_as(sql!("SELECT name FROM users ORDER BY name")).await?;
    let ages: Vec<Option<i32>> = db.query_as(sql!("SELECT age FROM users WHERE id = {id}")).await?;
    let (ids, none, some): (Vec<i64>, [i64; 0], &[String]) = (vec![id, 77], [], &["Bo".to_owned(), "Cy".to_owned()]);
    for (rows, found) in [
        (db.query_as::<User>(sql!("SELECT * FROM users WHERE id IN ({ids})")).await?, 1),
        (db.query_as::<User>(sql!("SELECT * FROM users WHERE id in {ids}")).await?, 1),
        (db.query_as::<User>(sql!("SELECT * FROM users WHERE name NOT IN ( {some} )")).await?, 1),
        (db.query_as::<User>(sql!("SELECT * FROM users WHERE id IN ({none})")).await?, 0),
        (db.query_as::<User>(sql!("SELECT * FROM users WHERE id NOT IN ({none})")).await?, 2),
        (db.query_as::<User>(sql!("SELECT * FROM users WHERE id IN ({id}, {age})")).await?, 1),
    ] {
        assert_eq!(rows.len(), found);
    }
    assert_eq!(User::count().filter(sql!("name = 'Zoe' OR id IN ({ids})").into()).filter(User::ID.gt(id)).exec(&db).await?, 0);
    assert_eq!((count, names, ages), (vec![2], vec!["Ann".to_owned(), "Bo".to_owned()], vec![Some(18)]));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn values_convert(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let (owned, borrowed, age) = (String::from("Ann"), &String::from("Ann"), Some(31));
    let wanted: Vec<String> = vec!["Ann".into(), "Bo".into()];
    User::find_all().filter(User::NAME.eq(owned)).exec(&db).await?;
    User::find_all().filter(User::NAME.eq(borrowed)).exec(&db).await?;
    User::find_all().filter(User::AGE.eq(age)).exec(&db).await?;
    User::find_all().filter(User::AGE.eq(31)).exec(&db).await?;
    let both = User::find_all().filter(User::NAME.is_in(&wanted)).exec(&db).await?;
    assert_eq!(both.len(), 2);
    let none = User::find_all().filter(User::NAME.is_in(Vec::<String>::new())).exec(&db).await?;
    assert!(none.is_empty());
    let columns = User::find_all().filter(User::CREATED_AT.lte(User::UPDATED_AT)).exec(&db).await?;
    assert_eq!(columns.len(), 2);
    let between = User::find_all().filter(User::AGE.between(10, 90)).exec(&db).await?;
    assert!(!between.is_empty());
    Ok(())
}
