//! A cinema whose tables lie in schemas of their own: keys from one to another, tables of one name in two of them, through rows, counters, soft deletion.

use sequor::prelude::*;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "cinema_kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    Short,
    FeatureFilm,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "cinema_art.films", timestamps, paranoid)]
pub struct Film {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(max = 80)))]
    pub title: String,
    #[field(default = Kind::FeatureFilm)]
    pub kind: Kind,
    #[field(default = 0)]
    pub shows_count: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
    #[relation(dependent = "destroy")]
    pub shows: HasMany<Show>,
    pub actors: BelongsToMany<Actor, Casting>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(schema = "cinema_art", index(columns("name"), unique))]
pub struct Actor {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(validate(len(max = 50)))]
    pub name: String,
    pub films: BelongsToMany<Film, Casting>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "cinema_art.castings")]
pub struct Casting {
    #[field(primary_key)]
    pub film_id: i64,
    #[field(primary_key)]
    pub actor_id: i64,
    pub role: Option<String>,
}

/// Its key points into another schema.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "cinema_house.shows", paranoid, index(columns("film_id", "starts_at desc")))]
pub struct Show {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub starts_at: DateTime<Utc>,
    #[field(default = Decimal::new(1050, 2), db_type = "decimal(8, 2)")]
    pub price: Decimal,
    pub film_id: i64,
    #[relation(counter_cache = "shows_count", touch)]
    pub film: BelongsTo<Film>,
    pub deleted_at: Option<DateTime<Utc>>,
}

/// A table without a schema whose key points to one that has one.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "cinema_tickets")]
pub struct Ticket {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub seat: String,
    pub show_id: i64,
    #[relation(on_delete = "cascade")]
    pub show: BelongsTo<Show>,
}

models!(pub type Cinema = Film, Actor, Casting, Show, Ticket);

#[sequor::test]
async fn keys_from_schema_to_schema(db: Db) -> sequor::Result<()> {
    db.sync::<Cinema>(SyncMode::Force).await?;
    let plan = db.sync_plan::<Cinema>().await?;
    assert!(plan.is_empty(), "{plan:#?}");
    db.sync::<Cinema>(SyncMode::Alter).await?;
    let done = shown(&db).await;
    // On MySQL, where schemas are databases, they outlive the test's own.
    db.drop_tables::<Cinema>().await?;
    done
}

async fn shown(db: &Db) -> Result<()> {
    let noon = "2026-03-01T12:00:00Z".parse::<DateTime<Utc>>()?;
    let film = draft!(Film {
        title: "Metropolis",
        actors: [{ name: "Brigitte" }, { name: "Gustav" }],
        shows: [{ starts_at: noon }, { starts_at: noon, price: Decimal::new(800, 2) }],
    })
    .create(db)
    .await?
    .reload(db)
    .await?;
    assert_eq!((film.shows_count, film.kind), (2, Kind::FeatureFilm));
    let tree = Film::find_all()
        .include(Film::ACTORS.order_by(Actor::NAME.asc()).include(Actor::FILMS))
        .include(Film::SHOWS.filter(Show::PRICE.lt(Decimal::new(9, 0))))
        .exec(db)
        .await?;
    assert_eq!((tree[0].actors.loaded()?[0].films.loaded()?[0].id, tree[0].shows.loaded()?.len()), (film.id, 1));
    let show = &tree[0].shows.loaded()?[0];
    let ticket = draft!(Ticket { seat: "A1", show }).create(db).await?;
    let found =
        Ticket::find_all().filter(Ticket::SHOW.is(Show::FILM.is(Film::TITLE.eq("Metropolis")))).include(Ticket::SHOW.include(Show::FILM));
    assert_eq!(found.one().or_fail().exec(db).await?.show.loaded()?.film.loaded()?.title, "Metropolis");
    let orphan = draft!(Ticket { seat: "A2", show_id: 999 }).create(db).await.unwrap_err();
    assert!(matches!(&orphan, Error::ForeignKeyConstraint { .. }) && orphan.to_string().contains("show_id"), "{orphan}");
    let sums: Vec<(String, Option<Decimal>)> =
        Film::find_all().select((Film::TITLE, Film::SHOWS.aggregate(sum(Show::PRICE)))).exec(db).await?;
    assert_eq!(sums, [("Metropolis".to_owned(), Some(Decimal::new(1850, 2)))]);
    film.destroy(db).await?;
    assert_eq!((Film::count().exec(db).await?, Show::count().exec(db).await?), (0, 0));
    film.restore(db).await?;
    assert_eq!((Show::count().exec(db).await?, ticket.reload(db).await?.show_id), (2, ticket.show_id));
    let (gustav, created) = Actor::upsert(draft!(Actor { name: "Gustav" })).exec(db).await?;
    assert_eq!((gustav.name.as_str(), created), ("Gustav", false));
    Casting::truncate().exec(db).await?;
    assert_eq!(Casting::count().exec(db).await?, 0);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "cinema_art.reports", index(columns("year")))]
pub struct Report {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(max = 20)))]
    pub name: String,
    pub year: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "cinema_house.reports", index(columns("year")))]
pub struct HouseReport {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(max = 20)))]
    pub name: String,
    pub year: i32,
}

#[sequor::test]
async fn one_name_in_two_schemas(db: Db) -> sequor::Result<()> {
    db.sync::<(Report, HouseReport)>(SyncMode::Force).await?;
    let plan = db.sync_plan::<(Report, HouseReport)>().await?;
    assert!(plan.is_empty(), "{plan:#?}");
    draft!(Report { name: "May", year: 2026 }).create(&db).await?;
    let twice = draft!(Report { name: "May", year: 2027 }).create(&db).await.unwrap_err();
    assert!(matches!(&twice, Error::UniqueConstraint { fields, .. } if fields == &["name"]), "{twice}");
    draft!(HouseReport { name: "May", year: 2026 }).create(&db).await?;
    assert_eq!((Report::count().exec(&db).await?, HouseReport::count().exec(&db).await?), (1, 1));
    db.drop_tables::<(Report, HouseReport)>().await
}
