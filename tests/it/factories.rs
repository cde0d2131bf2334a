//! Fake data: it keeps to rules, relations and unique keys, and is the same for the same seed.

use sequor::Factory;
use sequor::prelude::*;
use std::collections::HashSet;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "factory_mood", rename_all = "snake_case")]
enum Mood {
    Calm,
    Glad,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "people", timestamps, paranoid)]
struct Person {
    #[field(primary_key, auto_increment)]
    id: i64,
    #[field(unique, validate(email), validate(len(max = 40)))]
    email: String,
    #[field(validate(len(min = 12, max = 20)))]
    name: String,
    #[field(unique, validate(len(max = 12)))]
    code: String,
    #[field(validate(min = 18), validate(max = 99))]
    age: i32,
    #[field(validate(is_in("EUR", "USD")))]
    currency: String,
    mood: Mood,
    #[field(default = 7)]
    level: i32,
    balance: Decimal,
    score: Option<f64>,
    born_on: NaiveDate,
    wakes_at: Option<NaiveTime>,
    seen_at: Option<DateTime<Utc>>,
    token: Uuid,
    picture: Option<Vec<u8>>,
    settings: Json,
    tags: Vec<String>,
    chief_id: Option<i64>,
    chief: BelongsTo<Option<Person>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
    passport: HasOne<Passport>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "passports")]
struct Passport {
    #[field(primary_key, default = Uuid::now_v7())]
    id: Uuid,
    #[field(unique)]
    person_id: i64,
    country: String,
    person: BelongsTo<Person>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "clubs")]
struct Club {
    #[field(primary_key)]
    slug: String,
    title: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "memberships")]
struct Membership {
    #[field(primary_key)]
    person_id: i64,
    #[field(primary_key)]
    club_slug: String,
    person: BelongsTo<Person>,
    #[relation(foreign_key = "club_slug")]
    club: BelongsTo<Club>,
}

#[sequor::test(models(Person, Passport, Club, Membership))]
async fn invented_rows_keep_to_rules_keys_and_relations(db: Db) -> sequor::Result<()> {
    let people = Factory::<Person>::new(300).create(&db).await?;
    assert_eq!(people.iter().map(|person| person.email.as_str()).collect::<HashSet<_>>().len(), 300);
    assert!(people.iter().all(|person| person.level == 7 && person.chief_id.is_none() && person.deleted_at.is_none()));
    assert!(people.iter().any(|person| person.score.is_none()) && people.iter().any(|person| person.score.is_some()));
    assert!(people.iter().any(|person| person.mood == Mood::Calm) && people.iter().any(|person| person.mood == Mood::Glad));
    // A second run meets the rows of the first.
    let more = Factory::<Person>::new(50)
        .belongs_to(Person::CHIEF, &people[..3])
        .set(Person::MOOD, Mood::Glad)
        .with(Person::AGE, |number| 20 + i32::try_from(number % 50).unwrap())
        .create(&db)
        .await?;
    assert!(more.iter().all(|person| people[..3].iter().any(|chief| Some(chief.id) == person.chief_id) && person.mood == Mood::Glad));
    assert_eq!((more[3].age, Person::count().exec(&db).await?), (23, 350));
    let wrong = Factory::<Person>::new(1).set(Person::AGE, 5).create(&db).await;
    assert!(matches!(wrong, Err(Error::Validation(_))), "{wrong:?}");
    assert_eq!(Person::count().exec(&db).await?, 350);
    Ok(())
}

#[sequor::test(models(Person, Passport, Club, Membership))]
async fn what_a_row_points_to_is_made_first(db: Db) -> sequor::Result<()> {
    // One passport a person: as many people are made.
    let passports = Factory::<Passport>::new(30).create(&db).await?;
    assert_eq!((passports.len(), Person::count().exec(&db).await?), (30, 30));
    assert_eq!(passports.iter().map(|passport| passport.person_id).collect::<HashSet<_>>().len(), 30);
    // The people who are there, and new clubs; a pair occurs once.
    let memberships = Factory::<Membership>::new(60).create(&db).await?;
    assert_eq!((memberships.len(), Person::count().exec(&db).await?, Club::count().exec(&db).await?), (60, 30, 6));
    let too_many = Factory::<Membership>::new(500).create(&db).await;
    let message = too_many.expect_err("180 pairs").to_string();
    assert!(message.contains("Membership has a unique key with too few values"), "{message}");
    assert_eq!(Membership::count().exec(&db).await?, 60);
    Ok(())
}

#[sequor::test(models(Person, Passport, Club, Membership))]
async fn the_same_seed_gives_the_same_rows(db: Db) -> sequor::Result<()> {
    let shown =
        |people: Vec<Person>| people.into_iter().map(|one| (one.email, one.name, one.balance, one.token, one.seen_at)).collect::<Vec<_>>();
    let first = shown(Factory::<Person>::new(20).seed(42).create(&db).await?);
    Person::destroy_all().every_row().force().exec(&db).await?;
    assert_eq!(shown(Factory::<Person>::new(20).seed(42).create(&db).await?), first);
    Person::destroy_all().every_row().force().exec(&db).await?;
    assert_ne!(shown(Factory::<Person>::new(20).seed(43).create(&db).await?), first);
    Ok(())
}
