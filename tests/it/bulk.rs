//! Tour section 5 at size: ten thousand drafts, duplicates, races, and that what fails leaves nothing behind.

use crate::models::*;
use sequor::prelude::*;

fn user(number: i32) -> Draft<User> {
    draft!(User { email: format!("u{number}@x.io"), name: format!("U{number}"), age: number })
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn ten_thousand_drafts_keep_their_order(db: Db) -> sequor::Result<()> {
    let users = User::bulk_create((0..10_000).rev().map(user)).exec(&db).await?;
    assert_eq!(users.len(), 10_000);
    assert!(users.iter().zip((0..10_000).rev()).all(|(user, number)| user.age == Some(number)));
    for place in [0, 1, 4_999, 9_999] {
        let stored = User::find_by_pk(users[place].id).or_fail().exec(&db).await?;
        assert_eq!(stored.email, users[place].email);
    }
    assert_eq!(User::count().exec(&db).await?, 10_000);
    let n = User::bulk_create((10_000..12_000).map(user)).without_returning().exec(&db).await?;
    assert_eq!((n, User::count().exec(&db).await?), (2_000, 12_000));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn a_batch_that_fails_leaves_nothing(db: Db) -> sequor::Result<()> {
    let mut drafts: Vec<Draft<User>> = (0..5_000).map(user).collect();
    drafts.push(user(17));
    match User::bulk_create(drafts).exec(&db).await {
        Err(Error::UniqueConstraint { fields, .. }) => assert_eq!(fields, ["email"]),
        other => panic!("{:?}", other.map(|rows| rows.len())),
    }
    assert_eq!(User::count().exec(&db).await?, 0);
    let mut drafts: Vec<Draft<User>> = (0..3).map(user).collect();
    drafts.push(draft!(User { email: "no address", name: "" }));
    match User::bulk_create(drafts).exec(&db).await {
        Err(Error::Validation(error)) => assert!(error.items.iter().any(|item| item.path.ends_with("email")), "{error:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(User::count().exec(&db).await?, 0);
    draft!(Tag { name: "taken" }).create(&db).await?;
    let graph = draft!(User {
        email: "ann@x.io",
        name: "Ann",
        profile: { bio: "Hi" },
        posts: [{ title: "A", tags: [{ name: "new" }] }, { title: "B", tags: [{ name: "taken" }] }],
    });
    match graph.create(&db).await {
        Err(Error::UniqueConstraint { fields, .. }) => assert_eq!(fields, ["name"]),
        other => panic!("{other:?}"),
    }
    let left = (
        User::count().exec(&db).await?,
        Profile::count().exec(&db).await?,
        Post::count().exec(&db).await?,
        Tag::count().exec(&db).await?,
        PostTag::count().exec(&db).await?,
    );
    assert_eq!(left, (0, 0, 0, 1, 0));
    let invalid = draft!(User { email: "bo@x.io", name: "Bo", posts: [{ title: "A", user: { email: "no", name: "X" } }] });
    assert!(
        db.expect_queries(0, async || Ok::<bool, Error>(invalid.create(&db).await.is_err())).await?,
        "validated before the first statement"
    );
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn duplicates_are_changed_or_ignored(db: Db) -> sequor::Result<()> {
    let first = User::bulk_create([user(1), user(2), user(3)]).exec(&db).await?;
    let again =
        || vec![draft!(User { email: "u2@x.io", name: "Second", age: 20 }), draft!(User { email: "u9@x.io", name: "Ninth", age: 90 })];
    let rows = User::bulk_create(again()).update_on_duplicate((User::NAME, User::AGE)).exec(&db).await?;
    assert_eq!(
        rows.iter().map(|user| (user.email.as_str(), user.name.as_str())).collect::<Vec<_>>(),
        [("u2@x.io", "Second"), ("u9@x.io", "Ninth")]
    );
    assert_eq!((rows[0].id, rows[0].age), (first[1].id, Some(20)));
    let stored = User::find_by_pk(first[1].id).or_fail().exec(&db).await?;
    assert_eq!((stored.name.as_str(), stored.age, stored.created_at), ("Second", Some(20), first[1].created_at));
    assert!(stored.updated_at >= first[1].updated_at);
    let one =
        User::bulk_create([draft!(User { email: "u2@x.io", name: "Third", age: 1 })]).update_on_duplicate(User::NAME).exec(&db).await?;
    assert_eq!((one[0].name.as_str(), one[0].age), ("Third", Some(20)));
    User::bulk_create(again()).ignore_duplicates().exec(&db).await?;
    let kept = User::find_one().filter(User::EMAIL.eq("u2@x.io")).or_fail().exec(&db).await?;
    assert_eq!((kept.name.as_str(), User::count().exec(&db).await?), ("Third", 4));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn a_hundred_tasks_find_or_create_one_row(db: Db) -> sequor::Result<()> {
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let db = db.clone();
            tokio::spawn(async move {
                Tag::find_or_create(Tag::NAME.eq("one"), draft!(Tag { name: "one" }))
                    .exec(&db)
                    .await
                    .map(|(tag, created)| (tag.id, created, number))
            })
        })
        .collect();
    let (mut ids, mut created) = (std::collections::BTreeSet::new(), 0);
    for task in tasks {
        let (id, is_new, _) = task.await.map_err(Error::other)??;
        ids.insert(id);
        created += u32::from(is_new);
    }
    assert_eq!((ids.len(), created, Tag::count().exec(&db).await?), (1, 1, 1));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn many_edits_are_one_statement(db: Db) -> sequor::Result<()> {
    let users = User::bulk_create((0..50).map(user)).exec(&db).await?;
    let mut edits: Vec<Edit<User>> = users.iter().cloned().map(User::edit).collect();
    for (number, edit) in edits.iter_mut().enumerate() {
        edit.name = format!("New {number}");
        edit.age = (number % 2 == 0).then_some(7);
    }
    let saved = db.expect_queries(1, async || edits.save(&db).await).await?;
    assert!(saved.iter().enumerate().all(|(number, user)| user.name == format!("New {number}") && user.id == users[number].id));
    let stored = User::find_all().order_by(User::ID.asc()).exec(&db).await?;
    assert_eq!(stored, saved);
    assert_eq!(User::count().filter(User::AGE.is_null()).exec(&db).await?, 25);
    Ok(())
}

/// Where a statement compares each row with its conditions it is run for two hundred rows at a time.
#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn hundreds_of_edits_are_few_statements(db: Db) -> sequor::Result<()> {
    let tags = Tag::bulk_create((0..450).map(|number| draft!(Tag { name: format!("t{number}") }))).exec(&db).await?;
    let edits = |word: &str| -> Vec<Edit<Tag>> {
        let edit = |tag: &Tag| {
            let mut edit = tag.clone().edit();
            edit.name = format!("{word} {}", tag.name);
            edit
        };
        tags.iter().map(edit).collect()
    };
    edits("first").save(&db).await?;
    db.expect_queries(if db.dialect().is_mysql() { 2 } else { 1 }, async || edits("again").save(&db).await).await?;
    let trips = if db.dialect().is_mysql() { 5 } else { 2 };
    let saved = db.expect_round_trips(trips, async || edits("second").save(&db).await).await?;
    assert!(saved.iter().enumerate().all(|(number, tag)| tag.name == format!("second t{number}") && tag.id == tags[number].id));
    assert_eq!(Tag::find_all().order_by(Tag::ID.asc()).exec(&db).await?, saved);
    // One that is gone takes all of them back.
    tags[449].clone().destroy(&db).await?;
    assert!(matches!(edits("third").save(&db).await, Err(Error::NotFound { .. })));
    assert_eq!(Tag::count().filter(Tag::NAME.starts_with("second")).exec(&db).await?, 449);
    Ok(())
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    Low,
    High,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "shelves", version)]
pub struct Shelf {
    #[field(primary_key)]
    pub room: String,
    #[field(primary_key)]
    pub number: i32,
    pub grade: Grade,
    pub price: Option<Decimal>,
    pub notes: Json,
    pub labels: Vec<String>,
    pub version: i64,
}

async fn shelves(db: &Db, count: i32) -> sequor::Result<Vec<Shelf>> {
    let shelf = |number| draft!(Shelf { room: "hall", number, grade: Grade::Low, notes: json!({ "n": number }), labels: vec![] });
    Shelf::bulk_create((0..count).map(shelf)).exec(db).await
}

#[sequor::test(models(Shelf))]
async fn edits_of_different_columns_and_types_are_stored_as_they_are(db: Db) -> sequor::Result<()> {
    let rows = shelves(&db, 60).await?;
    let mut edits: Vec<Edit<Shelf>> = rows.into_iter().map(Shelf::edit).collect();
    for (number, edit) in edits.iter_mut().enumerate() {
        edit.grade = Grade::High;
        if number % 2 == 0 {
            edit.price = Some(Decimal::new(i64::try_from(number).unwrap(), 2));
        }
        if number == 59 {
            edit.labels = vec!["a,b".into(), "\"c\"".into()];
            *edit.notes = json!([null, "x"]);
        }
    }
    let saved = edits.save(&db).await?;
    assert_eq!(saved.iter().map(|shelf| shelf.number).collect::<Vec<_>>(), (0..60).collect::<Vec<_>>());
    let stored = Shelf::find_all().order_by(Shelf::NUMBER.asc()).exec(&db).await?;
    assert_eq!(stored, saved);
    assert!(stored.iter().all(|shelf| shelf.grade == Grade::High && shelf.version == 1));
    assert_eq!((stored[58].price, stored[57].price), (Some(Decimal::new(58, 2)), None));
    assert_eq!(stored[59].labels, ["a,b", "\"c\""]);
    Ok(())
}

#[sequor::test(models(Shelf))]
async fn one_outdated_row_among_many_is_found(db: Db) -> sequor::Result<()> {
    let rows = shelves(&db, 40).await?;
    let mut other = rows[17].clone().edit();
    other.price = Some(Decimal::ONE);
    other.save(&db).await?;
    let changed = |rows: &[Shelf]| -> Vec<Edit<Shelf>> {
        let edit = |row: &Shelf| {
            let mut edit = row.clone().edit();
            edit.grade = Grade::High;
            edit
        };
        rows.iter().map(edit).collect()
    };
    match changed(&rows).save(&db).await {
        Err(Error::OptimisticLock { versions, .. }) => assert_eq!(*versions, (0, Some(1))),
        other => panic!("{:?}", other.map(|rows| rows.len())),
    }
    assert_eq!(Shelf::count().filter(Shelf::GRADE.eq(Grade::High)).exec(&db).await?, 0);
    let rows = Shelf::find_all().order_by(Shelf::NUMBER.asc()).exec(&db).await?;
    rows[3].clone().destroy(&db).await?;
    assert!(changed(&rows).save(&db).await.is_err());
    assert_eq!(Shelf::count().filter(Shelf::GRADE.eq(Grade::High)).exec(&db).await?, 0);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn a_row_that_is_edited_twice_gets_both_changes(db: Db) -> sequor::Result<()> {
    let ann = user(1).create(&db).await?;
    let (mut named, mut aged) = (ann.clone().edit(), ann.clone().edit());
    named.name = "Anna".into();
    aged.age = Some(40);
    vec![named, aged].save(&db).await?;
    let stored = User::find_by_pk(ann.id).or_fail().exec(&db).await?;
    assert_eq!((stored.name.as_str(), stored.age), ("Anna", Some(40)));
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "ticks")]
pub struct Tick {
    pub at: DateTime<Utc>,
    #[field(primary_key, auto_increment)]
    pub id: i64,
}

#[sequor::test(models(Tick))]
async fn what_comes_back_is_the_same_for_every_statement_of_a_bulk(db: Db) -> sequor::Result<()> {
    // The first instant is finer than any database keeps, so it comes back; seven rows are several statements where lists have fixed sizes.
    let at = |number: i64| DateTime::from_timestamp(1_700_000_000 + number, if number == 0 { 123_456_789 } else { 0 }).unwrap();
    let made = Tick::bulk_create((0..7).map(|number| draft!(Tick { at: at(number) }))).exec(&db).await?;
    let stored = Tick::find_all().order_by(Tick::ID.asc()).exec(&db).await?;
    assert_eq!(made.iter().map(|tick| tick.id).collect::<Vec<_>>(), stored.iter().map(|tick| tick.id).collect::<Vec<_>>());
    assert_eq!(made[1..], stored[1..]);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "stocks", timestamps, version)]
pub struct Stock {
    #[field(primary_key)]
    pub id: i64,
    #[field(unique)]
    pub code: String,
    pub count: i32,
    pub price: Option<Decimal>,
    pub note: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

fn stock(number: i32, note: &str) -> Draft<Stock> {
    draft!(Stock { id: i64::from(number), code: format!("s{number}"), count: number * 2, price: Decimal::new(number.into(), 1), note })
}

#[sequor::test(models(Stock))]
async fn rows_of_an_upsert_are_what_is_stored_be_they_old_or_new(db: Db) -> sequor::Result<()> {
    let old = Stock::bulk_create((0..250).map(|number| stock(number, "old"))).exec(&db).await?;
    for (first, last) in [(100, 350), (200, 207), (349, 351)] {
        let drafts = (first..last).map(|number| stock(number, "new"));
        let drafts = drafts.map(|mut draft| {
            draft.set(Stock::COUNT, 7);
            draft
        });
        let rows = Stock::bulk_create(drafts).conflict_on(Stock::ID).update_on_duplicate((Stock::COUNT, Stock::PRICE)).exec(&db).await?;
        let stored = Stock::find_all()
            .filter(Stock::ID.gte(i64::from(first)))
            .filter(Stock::ID.lt(i64::from(last)))
            .order_by(Stock::ID.asc())
            .exec(&db)
            .await?;
        assert_eq!(rows, stored);
    }
    let stored = Stock::find_all().filter(Stock::ID.lt(250)).order_by(Stock::ID.asc()).exec(&db).await?;
    assert_eq!(stored[..100], old[..100]);
    let kept = |stock: &Stock| (stock.count, stock.note.as_deref() == Some("old"), stock.created_at == old[150].created_at);
    assert_eq!((kept(&stored[150]), stored[150].version), ((7, true, true), old[150].version + 1));
    Ok(())
}

#[sequor::test(models(Stock))]
async fn the_named_key_decides_wherever_it_is_named(db: Db) -> sequor::Result<()> {
    Stock::bulk_create((0..3).map(|number| stock(number, "old"))).exec(&db).await?;
    let again = |id: i64, count: i32| [draft!(Stock { id, code: "s1", count })];
    Stock::bulk_create(again(10, 8)).conflict_on(Stock::CODE).update_on_duplicate(Stock::COUNT).exec(&db).await?;
    assert_eq!(Stock::find_by_pk(1).or_fail().exec(&db).await?.count, 8);
    Stock::bulk_create(again(11, 9)).update_on_duplicate(Stock::COUNT).conflict_on(Stock::CODE).exec(&db).await?;
    assert_eq!(Stock::find_by_pk(1).or_fail().exec(&db).await?.count, 9);
    assert_eq!(Stock::count().exec(&db).await?, 3);
    Ok(())
}

#[sequor::test(models(Stock))]
async fn an_upsert_tells_the_key_of_the_row_that_it_met(db: Db) -> sequor::Result<()> {
    Stock::bulk_create((0..3).map(|number| stock(number, "old"))).exec(&db).await?;
    // A collation may call these equal, and MySQL meets old rows by any key: the rows that come back are those that are stored, or nothing is.
    for (id, code) in [(10, "S1"), (2, "s0")] {
        let draft = draft!(Stock { id, code, count: 9 });
        let met = Stock::bulk_create([draft]).conflict_on(Stock::CODE).update_on_duplicate(Stock::COUNT).exec(&db).await;
        match met {
            Ok(rows) => assert_eq!(Stock::find_by_pk(rows[0].id).or_fail().exec(&db).await?, rows[0]),
            Err(error) => assert!(matches!(error, Error::UniqueConstraint { .. }), "{error:?}"),
        }
    }
    Ok(())
}
