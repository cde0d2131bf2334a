//! What the tour names in one form, in the other forms that follow from it.

use crate::models::*;
use sequor::prelude::*;
use sequor::{CursorPage, Page};
use std::sync::Arc;

#[derive(Embed, Clone, Debug, PartialEq)]
struct Spot {
    lat: f64,
    lng: f64,
}

#[derive(Embed, Clone, Debug, PartialEq)]
struct Address {
    city: String,
    #[field(embed)]
    spot: Spot,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "places")]
struct Place {
    #[field(primary_key, auto_increment)]
    id: i64,
    #[field(embed)]
    address: Address,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = User)]
struct UserName {
    id: i64,
    name: String,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = User)]
struct UserTitles {
    name: String,
    #[projection(of = Post, relation = User::POSTS.order_by(Post::TITLE.asc()))]
    posts: Vec<Title>,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Post)]
struct Title {
    title: String,
}

async fn many(db: &Db, count: i32) -> Result<()> {
    let draft = |number: i32| draft!(User { email: format!("u{number}@x.io"), name: format!("U{number:04}"), age: number % 7 });
    User::bulk_create((0..count).map(draft)).exec(db).await?;
    Ok(())
}

#[sequor::test(models(Place))]
async fn structs_embedded_in_embedded_ones(db: Db) -> Result<()> {
    let address = |city: &str, lat| Address { city: city.into(), spot: Spot { lat, lng: 0.5 } };
    draft!(Place { address: address("Ulm", 48.4) }).create(&db).await?;
    draft!(Place { address: address("Rome", 41.9) }).create(&db).await?;
    let lat = Place::ADDRESS.at(Address::SPOT).at(Spot::LAT);
    let found = Place::find_all().filter(lat.gt(45.0)).order_by(lat.desc()).exec(&db).await?;
    assert_eq!(found.iter().map(|place| place.address.city.as_str()).collect::<Vec<_>>(), ["Ulm"]);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn projections_in_every_shape(db: Db) -> Result<()> {
    many(&db, 5).await?;
    let name = |row: &UserName| row.name.clone();
    let first: Option<UserName> = User::find_by_pk(1).project::<UserName>().exec(&db).await?;
    assert_eq!(first.as_ref().map(name).as_deref(), Some("U0000"));
    let first: UserName = User::find_by_pk(1).or_fail().project::<UserName>().exec(&db).await?;
    assert_eq!(first.id, 1);
    assert!(matches!(User::find_by_pk(99).project::<UserName>().or_fail().exec(&db).await, Err(Error::NotFound { .. })));
    let one = User::find_one().filter(User::NAME.eq("U0003")).project::<UserName>().exec(&db).await?;
    assert_eq!(one.map(|row| row.id), Some(4));
    let page: Page<UserName> = User::find_all().order_by(User::ID.asc()).page(2, 2).project::<UserName>().exec(&db).await?;
    assert_eq!((page.rows.iter().map(|row| row.id).collect::<Vec<_>>(), page.count), (vec![3, 4], 5));
    let RowsAndCount { rows, count } = User::find_and_count_all().limit(2).project::<UserName>().exec(&db).await?;
    assert_eq!((rows.len(), count), (2, 5));
    let pair: Option<(i64, String)> = User::find_by_pk(2).select((User::ID, User::NAME)).exec(&db).await?;
    assert_eq!(pair, Some((2, "U0001".into())));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn cursors_over_projections(db: Db) -> Result<()> {
    many(&db, 5).await?;
    for number in [1, 2, 3] {
        draft!(Post { title: format!("t{number}"), user_id: 3 }).create(&db).await?;
    }
    // The order's column is none of the projection's.
    let find = || User::find_all().order_by(User::AGE.desc());
    let first: CursorPage<UserName> = find().project::<UserName>().cursor(None, 2).exec(&db).await?;
    assert_eq!(first.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [5, 4]);
    let second = find().cursor(first.next, 2).project::<UserName>().exec(&db).await?;
    assert_eq!(second.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [3, 2]);
    let back = find().project::<UserName>().cursor(second.previous, 2).exec(&db).await?;
    assert_eq!(back.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [5, 4]);
    let listed: CursorPage<UserTitles> = find().project::<UserTitles>().cursor(second.next, 2).exec(&db).await?;
    assert_eq!((listed.rows.len(), listed.next), (1, None));
    let listed = find().project::<UserTitles>().cursor(None, 3).exec(&db).await?;
    let titles: Vec<&str> = listed.rows[2].posts.iter().map(|post| post.title.as_str()).collect();
    assert_eq!((titles, listed.next.is_some()), (vec!["t1", "t2", "t3"], true));
    let pairs: CursorPage<(i64, String)> = find().select((User::ID, User::NAME)).cursor(None, 1).exec(&db).await?;
    assert_eq!((pairs.rows.len(), pairs.next.is_some()), (1, true));
    let refused = find().select((User::AGE, count_all())).group_by(User::AGE).cursor(None, 1).exec(&db).await;
    assert!(matches!(refused, Err(Error::Usage(error)) if error.kind == sequor::UsageErrorKind::Cursor));
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn streams_of_projections(db: Db) -> Result<()> {
    many(&db, 1203).await?;
    draft!(Post { title: "only", user_id: 1 }).create(&db).await?;
    let (mut names, mut read) = (User::find_all().order_by(User::AGE.desc()).limit(1100).project::<UserName>().stream(&db), Vec::new());
    while let Some(row) = names.next().await {
        read.push(row?.id);
    }
    let expected = User::find_all().order_by((User::AGE.desc(), User::ID.desc())).limit(1100).exec(&db).await?;
    assert_eq!(read, expected.iter().map(|user| user.id).collect::<Vec<_>>());
    let (mut listed, mut posts, mut users) = (User::find_all().project::<UserTitles>().stream(&db), 0, 0);
    while let Some(row) = listed.next().await {
        posts += row?.posts.len();
        users += 1;
    }
    assert_eq!((users, posts), (1203, 1));
    let (mut pairs, mut sum) = (User::find_all().select((User::ID, User::AGE)).stream(&db), 0);
    while let Some(row) = pairs.next().await {
        sum += row?.0;
    }
    assert_eq!(sum, 1203 * 1204 / 2);
    let (mut groups, mut ages) = (User::find_all().select((User::AGE, count_all())).group_by(User::AGE).stream(&db), 0);
    while let Some(row) = groups.next().await {
        row?;
        ages += 1;
    }
    assert_eq!(ages, 7);
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn values_and_conditions(db: Db) -> Result<()> {
    many(&db, 9).await?;
    let (age, none): (Option<i32>, Option<i32>) = (Some(3), None);
    for filter in [
        User::AGE.eq(&age).and(User::ID.lt(9)),
        User::AGE.eq(3) & User::ID.eq(4),
        User::NAME.eq(Arc::<str>::from("U0003")) | User::AGE.eq(&none),
        User::ID.eq(4) & (User::AGE.eq(0) | User::AGE.eq(3)),
    ] {
        let ids: Vec<i64> = User::find_all().filter(filter.clone()).exec(&db).await?.iter().map(|user| user.id).collect();
        assert_eq!(ids, [4], "{filter:?}");
    }
    let ann = draft!(User { email: "ann@x.io", name: Arc::<str>::from("Ann"), age: &age }).create(&db).await?;
    assert_eq!((ann.age, ann.name.as_str()), (Some(3), "Ann"));
    assert_eq!(ann.created_at, ann.updated_at, "a new row was created and changed at one instant");
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn rows_of_relation_methods(db: Db) -> Result<()> {
    many(&db, 1).await?;
    let post = draft!(Post { title: "Hi", user_id: 1 }).create(&db).await?;
    let tags = Tag::bulk_create(["a", "b"].map(|name| draft!(Tag { name }))).exec(&db).await?;
    let handle = || post.relation(Post::TAGS);
    // A row that is named twice is linked once, and is there.
    handle().add([&tags[0], &tags[0]], &db).await?;
    assert!(handle().has([&tags[0], &tags[0]], &db).await?);
    assert_eq!(handle().count(&db).await?, 1);
    handle().set(&[tags[0].clone(), tags[1].clone()], &db).await?;
    assert!(handle().has(tags.iter().collect::<Vec<&Tag>>(), &db).await?);
    handle().remove(tags.iter().collect::<Vec<_>>(), &db).await?;
    assert_eq!(handle().count(&db).await?, 0);
    Ok(())
}
