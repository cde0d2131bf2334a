//! What people write who come from another library, and from Rust: generic functions, sub-queries in lists, documents as they are, rows that a deletion gives back.

use crate::models::{All, Post, PostTag, Profile, User, seed};
use sequor::CiText;
use sequor::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Owner {
    Person(String),
    Company { people: Vec<String> },
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "habit_parts", paranoid, version, timestamps)]
pub struct Part {
    #[field(primary_key)]
    pub a: i32,
    #[field(primary_key)]
    pub b: i32,
    #[field(primary_key)]
    pub c: String,
    #[field(primary_key)]
    pub d: i64,
    #[field(primary_key)]
    pub e: bool,
    #[field(primary_key)]
    pub f: i16,
    #[field(primary_key)]
    pub g: String,
    #[field(primary_key)]
    pub h: i32,
    pub owner: Json<Owner>,
    pub former: Option<Json<Owner>>,
    pub rank: Option<i32>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

async fn row_of<M: Model>(db: &Db, key: M::Key) -> Result<M> {
    M::find_by_pk(key).or_fail().exec(db).await
}

fn parts() -> Vec<Draft<Part>> {
    let owner = || Owner::Company { people: vec!["Ann".into()] };
    (1..4)
        .map(|a| draft!(Part { a, b: 2, c: "c", d: 4, e: true, f: 6, g: "g", h: 8, owner: owner(), rank: (a > 1).then_some(10 - a) }))
        .collect()
}

#[sequor::test(models(All, Part))]
async fn by_their_keys(db: Db) -> sequor::Result<()> {
    let ann = seed(&db).await?.remove(0);
    assert_eq!(row_of::<User>(&db, ann.id).await?.name, "Ann");
    let link = PostTag::find_all().first().or_fail().exec(&db).await?;
    assert_eq!(row_of::<PostTag>(&db, (link.post_id, link.tag_id)).await?, link);
    let part = Part::bulk_create(parts()).exec(&db).await?.remove(1);
    assert_eq!(row_of::<Part>(&db, (2, 2, "c".to_owned(), 4, true, 6, "g".to_owned(), 8)).await?, part);
    assert_eq!(Part::find_by_pk((2, 2, "c", 4, true, 6, "g", 8)).exec(&db).await?, Some(part));
    Ok(())
}

#[sequor::test(models(Part))]
async fn documents_as_they_are(db: Db) -> sequor::Result<()> {
    let part = Part::bulk_create(parts()).exec(&db).await?.remove(0);
    assert_eq!(part.owner.0, Owner::Company { people: vec!["Ann".into()] });
    let mut edit = part.edit();
    edit.set(Part::FORMER, Owner::Person("Bo".into()));
    let part = edit.save(&db).await?;
    assert_eq!(part.former, Some(Json(Owner::Person("Bo".into()))));
    let n = Part::update_all().set(Part::OWNER, Owner::Person("Cy".into())).set(Part::FORMER, None).every_row().exec(&db).await?;
    assert_eq!((n, part.reload(&db).await?.former), (3, None));
    Ok(())
}

#[sequor::test(models(Part))]
async fn orders_with_nulls(db: Db) -> sequor::Result<()> {
    Part::bulk_create(parts()).exec(&db).await?;
    let sorted = async |order: sequor::Order<Part>| {
        let rows = Part::find_all().order_by((order, Part::A.asc())).exec(&db).await?;
        sequor::Result::<_>::Ok(rows.iter().map(|row| row.rank).collect::<Vec<_>>())
    };
    assert_eq!(sorted(Part::RANK.asc().nulls_first()).await?, [None, Some(7), Some(8)]);
    assert_eq!(sorted(Part::RANK.asc().nulls_last()).await?, [Some(7), Some(8), None]);
    assert_eq!(sorted(Part::RANK.desc().nulls_first()).await?, [None, Some(8), Some(7)]);
    assert_eq!(sorted(Part::RANK.desc().nulls_last()).await?, [Some(8), Some(7), None]);
    Ok(())
}

#[sequor::test(models(Part))]
async fn rows_that_go_and_come_back(db: Db) -> sequor::Result<()> {
    Part::bulk_create(parts()).exec(&db).await?;
    let by_a = |mut rows: Vec<Part>| {
        rows.sort_by_key(|row| row.a);
        rows
    };
    let gone = by_a(Part::destroy_all().filter(Part::RANK.is_not_null()).returning().exec(&db).await?);
    assert_eq!(gone, by_a(Part::find_all().only_deleted().exec(&db).await?), "as they are stored");
    assert_eq!(gone.iter().map(|row| (row.a, row.version, row.deleted_at.is_some())).collect::<Vec<_>>(), [(2, 1, true), (3, 1, true)]);
    let back = Part::restore_all().returning().filter(Part::A.eq(2)).exec(&db).await?;
    assert_eq!(
        (back.len(), back[0].deleted_at, &back[0]),
        (1, None, &Part::find_all().filter(Part::A.eq(2)).one().or_fail().exec(&db).await?)
    );
    let gone = by_a(Part::destroy_all().every_row().force().returning().exec(&db).await?);
    assert_eq!(gone.iter().map(|row| row.a).collect::<Vec<_>>(), [1, 2, 3], "deleted ones too");
    assert_eq!(Part::count().with_deleted().exec(&db).await?, 0);
    assert!(Part::destroy_all().filter(Part::A.eq(1)).returning().exec(&db).await?.is_empty());
    assert!(matches!(Part::destroy_all().returning().exec(&db).await, Err(Error::MissingFilter { .. })));
    Ok(())
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Post)]
pub struct Line {
    pub title: String,
    #[projection(expr = Post::USER.at(User::NAME))]
    pub writer: Option<String>,
    #[projection(expr = Post::TITLE.lower())]
    pub small: Option<String>,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = User)]
pub struct Writer {
    pub name: String,
    #[projection(expr = User::POSTS.count())]
    pub posts: i64,
    #[projection(expr = User::POSTS.aggregate(max(Post::TITLE)))]
    pub last: Option<String>,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Post)]
pub struct Written {
    pub title: String,
    #[projection(of = User)]
    pub user: Writer,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Profile)]
pub struct Shown {
    pub bio: String,
    #[projection(of = User)]
    pub user: Option<Writer>,
}

#[sequor::test(models(All))]
async fn relations_inside_of_inner_projections(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let rows = Post::find_all().project::<Written>().order_by(Post::TITLE.asc()).exec(&db).await?;
    let titles: Vec<&str> = rows.iter().map(|row| row.title.as_str()).collect();
    let writer = Writer { name: "Ann".into(), posts: 3, last: titles.last().map(|title| (*title).to_owned()) };
    assert!(rows.len() == 3 && rows.iter().all(|row| row.user == writer), "{rows:?}");
    draft!(Profile { bio: "Hi", user_id: 1 }).create(&db).await?;
    let page = Profile::find_all().project::<Shown>().page(1, 1).exec(&db).await?;
    assert_eq!(page.rows[0].user.as_ref().map(|user| user.posts), Some(3));
    Ok(())
}

#[sequor::test(models(All))]
async fn lists_and_queries(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let writers = || Post::find_all().filter(Post::PUBLISHED.eq(true)).select(Post::USER_ID);
    let found = User::find_all().filter(User::ID.is_in(writers())).exec(&db).await?;
    let others = User::find_all().filter(User::ID.not_in(writers())).exec(&db).await?;
    assert_eq!((found[0].name.as_str(), found.len(), others[0].name.as_str(), others.len()), ("Ann", 1, "Bo", 1));
    assert_eq!(User::count().filter(User::AGE.is_in(User::find_all().select(max(User::AGE)))).exec(&db).await?, 1);
    assert_eq!(User::count().filter((User::AGE + 1).is_in([32]).and(User::NAME.is_in(["Ann"].iter().copied()))).exec(&db).await?, 1);
    let lines = Post::find_all().project::<Line>().order_by(Post::TITLE.asc()).limit(1).exec(&db).await?;
    assert_eq!(lines, [Line { title: "First".into(), writer: Some("Ann".into()), small: Some("first".into()) }]);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "habit_names", index(expression("lower(name)"), name = "habit_lower"))]
pub struct Named {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
}

#[sequor::test]
async fn indexes_of_expressions(db: Db) -> sequor::Result<()> {
    let made = db.sync::<Named>(SyncMode::Create).await;
    if db.dialect() != Dialect::Mariadb {
        return made;
    }
    let Err(Error::Usage(error)) = made else { panic!("{made:?}") };
    assert!(
        error.to_string().contains("habit_lower of habit_names is of the expression lower(name), which MariaDB cannot index"),
        "{error}"
    );
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "habit_handles")]
pub struct Handle {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: CiText,
    pub nick: Option<CiText>,
}

#[sequor::test]
async fn text_without_case(db: Db) -> sequor::Result<()> {
    let made = db.sync::<Handle>(SyncMode::Create).await;
    if db.dialect().is_mysql() {
        assert!(matches!(made, Err(Error::Usage(_))), "{made:?}");
        return Ok(());
    }
    made?;
    let ann = draft!(Handle { name: "Ann", nick: String::from("A") }).create(&db).await?;
    assert_eq!(Handle::find_one().filter(Handle::NAME.eq("ANN").and(Handle::NICK.eq("a"))).exec(&db).await?, Some(ann));
    Ok(())
}

#[sequor::test]
async fn aggregates_of_run_time_models(db: Db) -> sequor::Result<()> {
    let attributes = json!({ "stars": "INTEGER", "kind": { "type": "ENUM", "values": ["pop", "it's rock"] } });
    let song = db.define(ModelDef::from_json(json!({ "name": "HabitSong", "attributes": attributes }))?)?;
    song.sync(SyncMode::Create).await?;
    assert!(song.create(json!({ "kind": "jazz" })).exec(&db).await.is_err());
    assert_eq!(song.create(json!({ "kind": "it's rock" })).exec(&db).await?.get("kind")?, "it's rock");
    let wrong = json!({ "name": "HabitWrong", "attributes": { "kind": { "type": "ENUM", "values": [] } } });
    let wrong = ModelDef::from_json(wrong).map(|_| ()).unwrap_err();
    assert!(wrong.to_string().contains("HabitWrong.kind: the values of an ENUM are a list of texts"), "{wrong}");
    song.bulk_create(json!([{ "stars": 1 }, { "stars": 5 }, { "stars": 3 }])).exec(&db).await?;
    let above = json!({ "where": { "stars": { "$gt": 1 } } });
    let least = song.min("stars", above.clone()).exec(&db).await?;
    assert_eq!(
        (least, song.max("stars", json!({})).exec(&db).await?, song.sum("stars", above).exec(&db).await?),
        (json!(3), json!(5), json!(8))
    );
    Ok(())
}
