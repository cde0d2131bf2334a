//! A festival, by a person who knows the tour alone: what it permits, in pairs that nothing else has put together.

use sequor::prelude::*;
use sequor::{CursorPage, Page, Transaction};
use std::collections::{BTreeSet, HashMap, HashSet};

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[db_enum(name = "fest_genre", rename_all = "kebab-case")]
pub enum Genre {
    HipHop,
    Jazz,
    DrumAndBass,
}

#[derive(DbType, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub String);

#[derive(DbType, Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Fee(pub Decimal);

#[derive(DbType, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub NaiveDate);

#[derive(Embed, Clone, Debug, PartialEq)]
pub struct Contact {
    pub mail: Option<String>,
    pub country: Code,
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rider {
    pub towels: u32,
    pub loud: bool,
    pub genres: Vec<String>,
    pub food: HashMap<String, Option<i64>>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "fest_bands", timestamps, paranoid, version, userstamps, default_scope = "Band::named")]
pub struct Band {
    #[field(primary_key)]
    pub code: Code,
    #[field(validate(len(min = 2, max = 40)))]
    pub name: String,
    #[field(default = Genre::Jazz)]
    pub genre: Genre,
    pub second: Option<Genre>,
    #[field(default = Fee(Decimal::new(10_050, 2)))]
    pub fee: Fee,
    pub founded: Option<Day>,
    #[field(embed)]
    pub contact: Contact,
    #[field(default = Json(Rider::default()))]
    pub rider: Json<Rider>,
    #[field(default = json!([]))]
    pub links: Json,
    pub scores: Vec<i32>,
    #[field(column = "match")]
    pub r#match: bool,
    pub version: i32,
    pub created_by: Option<String>,
    pub updated_by: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
    #[relation(foreign_key = "band_code")]
    pub shows: HasMany<Show>,
    #[relation(foreign_key = "band_code")]
    pub logo: HasOne<Logo>,
    #[relation(foreign_key = "band_code", other_key = "stage_id")]
    pub stages: BelongsToMany<Stage, Show>,
}

impl Band {
    pub fn named(q: Find<Band>) -> Find<Band> {
        q.filter(Band::NAME.ne("?"))
    }

    pub fn of(genre: Genre) -> impl Scope<Band> {
        move |q: Find<Band>| q.filter(Band::GENRE.eq(genre))
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "fest_logos")]
pub struct Logo {
    #[field(primary_key, auto_increment)]
    pub id: u32,
    pub bytes: Vec<u8>,
    #[field(unique)]
    pub band_code: Code,
    #[relation(foreign_key = "band_code", on_delete = "cascade")]
    pub band: BelongsTo<Band>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "fest_stages", unique(columns("name", "tent")))]
pub struct Stage {
    #[field(primary_key, auto_increment)]
    pub id: i16,
    pub name: String,
    #[field(default = false)]
    pub tent: bool,
    pub part_of_id: Option<i16>,
    #[relation(foreign_key = "part_of_id")]
    pub part_of: BelongsTo<Option<Stage>>,
    #[relation(foreign_key = "part_of_id")]
    pub parts: HasMany<Stage>,
    #[relation(foreign_key = "stage_id", other_key = "band_code")]
    pub bands: BelongsToMany<Band, Show>,
    #[relation(foreign_key = "stage_id")]
    pub shows: HasMany<Show>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "fest_shows")]
pub struct Show {
    #[field(primary_key)]
    pub band_code: Code,
    #[field(primary_key)]
    pub stage_id: i16,
    #[field(default = 45)]
    pub minutes: i32,
    pub starts: Option<NaiveTime>,
    #[relation(foreign_key = "band_code", on_delete = "cascade")]
    pub band: BelongsTo<Band>,
    #[relation(foreign_key = "stage_id")]
    pub stage: BelongsTo<Stage>,
}

models!(pub type Fest = Band, Logo, Stage, Show);

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Stage)]
struct StageName {
    name: String,
    #[projection(of = Stage)]
    part_of: Option<StagePart>,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Stage)]
struct StagePart {
    name: String,
    #[projection(expr = Stage::SHOWS.aggregate(sum(Show::MINUTES)))]
    minutes: Option<i64>,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Show)]
struct ShowLine {
    minutes: i32,
    #[projection(of = Stage)]
    stage: StageName,
    #[projection(expr = Show::BAND.at(Band::NAME).upper())]
    band: String,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Band)]
struct BandLine {
    code: Code,
    genre: Genre,
    #[projection(expr = Band::CONTACT.at(Contact::COUNTRY))]
    country: Code,
    #[projection(of = Logo)]
    logo: Option<LogoSize>,
    #[projection(of = Show)]
    shows: Vec<ShowLine>,
    #[projection(expr = Band::RIDER.path("towels").as_number())]
    towels: Option<f64>,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Logo)]
struct LogoSize {
    id: u32,
}

fn code(text: &str) -> Code {
    Code(text.to_owned())
}

fn day(year: i32, month: u32, day: u32) -> Day {
    Day(NaiveDate::from_ymd_opt(year, month, day).unwrap())
}

async fn build(db: &Db) -> Result<Vec<Stage>> {
    let field = draft!(Stage { name: "Field", parts: [{ name: "Left" }, { name: "Right", tent: true }] }).create(db).await?;
    let stages = Stage::find_all().order_by(Stage::ID.asc()).exec(db).await?;
    assert_eq!(stages.iter().filter(|stage| stage.part_of_id == Some(field.id)).count(), 2);
    let contact = |country: &str| Contact { mail: Some(format!("x@{country}.io")), country: code(country) };
    let rider =
        Rider { towels: 7, loud: true, genres: vec!["a".into()], food: HashMap::from([("tea".into(), Some(2)), ("ham".into(), None)]) };
    Band::bulk_create([
        draft!(Band {
            code: code("a"),
            name: "Ants",
            contact: contact("uk"),
            scores: vec![3, 1],
            r#match: true,
            rider: rider,
            founded: day(1999, 1, 2)
        }),
        draft!(Band {
            code: code("b"),
            name: "Bees",
            genre: Genre::HipHop,
            second: Genre::Jazz,
            contact: contact("se"),
            scores: [],
            r#match: false,
            fee: Fee(Decimal::new(5, 1))
        }),
        draft!(Band {
            code: code("c"),
            name: "Cats",
            genre: Genre::DrumAndBass,
            contact: contact("uk"),
            scores: [9],
            r#match: true,
            founded: day(2020, 5, 6),
            fee: Fee(Decimal::ZERO)
        }),
    ])
    .exec(db)
    .await?;
    draft!(Logo { bytes: vec![0_u8, 255], band_code: code("a") }).create(db).await?;
    Show::bulk_create(
        (0..3_usize).map(|at| draft!(Show { band_code: code(["a", "a", "b"][at]), stage_id: stages[at].id, minutes: 30 + at as i32 })),
    )
    .exec(db)
    .await?;
    Ok(stages)
}

#[sequor::test(models(Fest))]
async fn keys_of_ones_own_type(db: Db) -> Result<()> {
    let stages = build(&db).await?;
    let ants = Band::find_by_pk(code("a")).or_fail().include(Band::LOGO).include(Band::STAGES.order_by(Stage::ID.asc())).exec(&db).await?;
    assert_eq!(ants.logo.loaded()?.map(|logo| logo.bytes.clone()), Some(vec![0, 255]));
    assert_eq!(ants.stages.through()?.iter().map(|show| show.minutes).collect::<Vec<_>>(), [30, 31]);
    assert_eq!((ants.rider.food["tea"], ants.founded, ants.r#match), (Some(2), Some(day(1999, 1, 2)), true));
    let wanted: HashSet<Code> = [code("a"), code("c")].into();
    assert_eq!(Band::count().filter(Band::CODE.is_in(&wanted)).exec(&db).await?, 2);
    assert_eq!(Band::count().filter(Band::CODE.is_in(wanted)).exec(&db).await?, 2);
    assert_eq!(Band::count().filter(Band::GENRE.not_in(BTreeSet::from([Genre::Jazz]))).exec(&db).await?, 2);
    assert_eq!(Band::count().filter(Band::FOUNDED.gte(day(2000, 1, 1)).or(Band::FEE.lt(Fee(Decimal::ONE)))).exec(&db).await?, 2);
    assert_eq!(Band::count().filter(Band::FEE.between(Fee(Decimal::ZERO), Fee(Decimal::ONE))).exec(&db).await?, 2);
    assert_eq!(Band::count().filter(Band::SECOND.is_null() & Band::MATCH.eq(true)).exec(&db).await?, 2);
    assert_eq!(Band::count().filter(Band::CONTACT.at(Contact::COUNTRY).eq(code("uk"))).exec(&db).await?, 2);
    let shows = Show::find_by_pk((code("a"), stages[0].id))
        .or_fail()
        .include(Show::BAND.include(Band::LOGO))
        .include(Show::STAGE)
        .exec(&db)
        .await?;
    assert_eq!((shows.band.loaded()?.name.as_str(), shows.stage.loaded()?.name.as_str()), ("Ants", "Field"));
    let mut by_genre: Vec<(Genre, i64, Option<Fee>)> =
        Band::find_all().select((Band::GENRE, count_all(), max(Band::FEE))).group_by(Band::GENRE).exec(&db).await?;
    by_genre.sort_by_key(|row| row.0);
    assert_eq!(by_genre[0], (Genre::HipHop, 1, Some(Fee(Decimal::new(5, 1)))));
    let (first, last): (Option<Day>, Option<Day>) =
        Band::find_all().select((min(Band::FOUNDED), max(Band::FOUNDED))).one().exec(&db).await?;
    assert_eq!((first, last), (Some(day(1999, 1, 2)), Some(day(2020, 5, 6))));
    Ok(())
}

#[sequor::test(models(Fest))]
async fn nested_projections(db: Db) -> Result<()> {
    build(&db).await?;
    let lines = Band::find_all().project::<BandLine>().order_by(Band::CODE.asc()).exec(&db).await?;
    assert_eq!((lines[0].towels, lines[0].logo.is_some(), lines[1].logo.is_some(), &lines[2].shows[..]), (Some(7.0), true, false, &[][..]));
    let bees = &lines[1].shows[0];
    assert_eq!((bees.band.as_str(), bees.minutes, bees.stage.name.as_str()), ("BEES", 32, "Right"));
    assert_eq!(bees.stage.part_of, Some(StagePart { name: "Field".into(), minutes: Some(30) }));
    let page: Page<ShowLine> = Show::find_all()
        .project::<ShowLine>()
        .filter(Show::BAND.is(Band::MATCH.eq(true)))
        .order_by(Show::MINUTES.desc())
        .page(1, 1)
        .exec(&db)
        .await?;
    assert_eq!((page.rows[0].minutes, page.count, page.has_next), (31, 2, true));
    let mut stream = std::pin::pin!(Show::find_all().project::<ShowLine>().order_by(Show::MINUTES.asc()).stream(&db));
    let mut minutes = Vec::new();
    while let Some(line) = stream.next().await {
        minutes.push(line?.minutes);
    }
    assert_eq!(minutes, [30, 31, 32]);
    Ok(())
}

async fn walk<M: Model + Clone>(find: impl Fn() -> Find<M>, key: impl Fn(&M) -> String, db: &Db) -> Result<Vec<String>> {
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let page: CursorPage<M> = find().cursor(cursor, 1).exec(db).await?;
        seen.extend(page.rows.iter().map(&key));
        let Some(next) = page.next else { return Ok(seen) };
        let text = serde_json::to_string(&next)?;
        cursor = Some(serde_json::from_str::<Cursor>(&text)?);
    }
}

#[sequor::test(models(Fest))]
async fn cursors_of_each_type(db: Db) -> Result<()> {
    build(&db).await?;
    let codes = |band: &Band| band.code.0.clone();
    assert_eq!(walk(|| Band::find_all().order_by(Band::FEE.desc()), codes, &db).await?, ["a", "b", "c"]);
    assert_eq!(walk(|| Band::find_all().order_by(Band::GENRE.asc()).include(Band::SHOWS), codes, &db).await?.len(), 3);
    assert_eq!(walk(|| Band::find_all().order_by((Band::MATCH.desc(), Band::NAME.desc())), codes, &db).await?, ["c", "a", "b"]);
    let founded = walk(|| Band::find_all().order_by(Band::FOUNDED.desc()), codes, &db).await?;
    assert_eq!(founded.iter().collect::<HashSet<_>>().len(), 3, "{founded:?}");
    let minutes = |show: &Show| show.minutes.to_string();
    let mut shows =
        walk(|| Show::find_all().order_by(Show::BAND_CODE.desc()).filter(Show::STAGE.is(Stage::NAME.ne("x"))), minutes, &db).await?;
    assert_eq!(shows.remove(0), "32");
    shows.sort();
    assert_eq!(shows, ["30", "31"]);
    Ok(())
}

async fn rename(db: &Db, from: &str, to: &str) -> Result<Band> {
    let mut band = Band::find_by_pk(code(from)).or_fail().exec(db).await?.edit();
    band.name = to.into();
    band.rider.0.genres.push("new".into());
    band.contact.mail = None;
    band.links = json!({ "a": [1, { "b": null }] }).into();
    assert_eq!(band.previous(Band::NAME).len(), 4);
    band.save(db).await
}

#[sequor::test(models(Fest))]
async fn writes_in_blocks(db: Db) -> Result<()> {
    let stages = build(&db).await?;
    let renamed = db
        .transaction_with(Tx::serializable().retry(3).timeout(secs(20)), async |tx| {
            let band = rename(tx, "a", "Aunts").await?;
            let failed: Result<()> = tx
                .transaction(async |inner| {
                    rename(inner, "b", "Bears").await?;
                    band.relation(Band::STAGES).with(Show::MINUTES, 5).set([&stages[2]], inner).await?;
                    Err(Error::usage("no"))
                })
                .await;
            assert!(failed.is_err());
            band.relation(Band::STAGES).with(Show::MINUTES, 6).add(stages[2].id, tx).await?;
            Ok(band)
        })
        .await?;
    assert_eq!((renamed.version, renamed.links["a"][1]["b"].is_null(), renamed.rider.genres.len()), (1, true, 2));
    assert_eq!(renamed.relation(Band::STAGES).count(&db).await?, 3);
    assert_eq!(Band::find_by_pk(code("b")).or_fail().exec(&db).await?.name, "Bees");
    let tx: Transaction = db.begin().await?;
    assert_eq!(Band::destroy_all().filter(Band::SHOWS.none(Show::MINUTES.gt(0))).exec(&tx).await?, 1);
    tx.rollback().await?;
    let (band, made) = Band::find_or_create(
        Band::CODE.eq(code("d")).and(Band::NAME.eq("Dogs")),
        draft!(Band { contact: Contact { mail: None, country: code("fi") }, scores: [], r#match: false, code: code("d"), name: "Dogs" }),
    )
    .exec(&db)
    .await?;
    assert!(made && band.fee == Fee(Decimal::new(10_050, 2)));
    let again = draft!(Band {
        code: code("d"),
        name: "Ducks",
        contact: band.contact.clone(),
        scores: [1],
        r#match: true,
        second: Some(Genre::HipHop)
    });
    let (band, made) = Band::upsert(again).exec(&db).await?;
    assert_eq!((made, band.name.as_str(), band.second), (false, "Ducks", Some(Genre::HipHop)));
    let n = Band::update_all()
        .set(Band::FEE, Fee(Decimal::TWO))
        .set(Band::SECOND, None)
        .set(Band::RIDER, Band::RIDER.set_path("towels", 9))
        .set(Band::CONTACT.at(Contact::MAIL), "new@x.io")
        .filter(Band::GENRE.eq(Genre::Jazz).and(Band::CODE.is_in([code("a"), code("d")])))
        .exec(&db)
        .await?;
    assert_eq!(n, 2);
    let rows = Band::find_all().scope(Band::of(Genre::Jazz)).order_by(Band::CODE.asc()).exec(&db).await?;
    assert_eq!(rows.iter().map(|band| (band.rider.towels, band.fee.0)).collect::<Vec<_>>(), [(9, Decimal::TWO); 2]);
    let mut edits: Vec<Edit<Band>> = rows.into_iter().map(|band| band.edit()).collect();
    for (at, edit) in edits.iter_mut().enumerate() {
        edit.set(Band::SCORES, vec![at as i32]);
        edit.set(Band::FOUNDED, (at == 0).then(|| day(2001, 2, 3)));
    }
    edits.save(&db).await?;
    let scores: Vec<(Vec<i32>, Option<Day>)> =
        Band::find_all().scope(Band::of(Genre::Jazz)).select((Band::SCORES, Band::FOUNDED)).order_by(Band::CODE.asc()).exec(&db).await?;
    assert_eq!(scores, [(vec![0], Some(day(2001, 2, 3))), (vec![1], None)]);
    Ok(())
}

#[sequor::test(models(Fest))]
async fn sql_in_every_place(db: Db) -> Result<()> {
    build(&db).await?;
    let (genre, fee, least, ants, tent) = (Genre::Jazz, Fee(Decimal::ONE), Some(1), code("a"), true);
    let rows: Vec<(String, i32)> = db
        .query_as(sql!("SELECT band_code, minutes FROM fest_shows WHERE minutes > {least} AND band_code = {ants} ORDER BY minutes"))
        .await?;
    assert_eq!(rows, [("a".to_owned(), 30), ("a".to_owned(), 31)]);
    let bands: Vec<Band> = db.query_as(sql!("SELECT * FROM fest_bands WHERE genre = {genre} AND fee > {fee}")).await?;
    assert_eq!(bands.len(), 1);
    let names: Vec<StageNameOnly> = db.query_as(sql!("SELECT name FROM fest_stages WHERE tent = {tent}")).await?;
    assert_eq!(names, [StageNameOnly { name: "Right".into() }]);
    let counts: Vec<i64> = db.query_as(sql!("SELECT COUNT(*) FROM fest_bands WHERE name <> '{{}}'")).await?;
    assert_eq!(counts, [3]);
    let part = "Be%";
    assert_eq!(Band::find_all().filter(sql!("name LIKE {part}").into()).exec(&db).await?.len(), 1);
    let json: Result<Draft<Stage>> = Draft::<Stage>::from_json(json!({ "name": "x", "id": 9 }), (Stage::NAME, Stage::TENT));
    assert!(matches!(json, Err(Error::Validation(_))), "{json:?}");
    Ok(())
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Stage)]
struct StageNameOnly {
    name: String,
}

#[sequor::test(models(Fest))]
async fn tasks_and_their_errors(db: Db) -> Result<()> {
    build(&db).await?;
    let tasks: Vec<_> = ["a", "b", "x"]
        .map(|key| {
            let db = db.clone();
            tokio::spawn(async move {
                let band = Band::find_by_pk(code(key)).or_fail().exec(&db).await?;
                band.load(Band::SHOWS.order_by(Show::MINUTES.desc()).include(Show::STAGE), &db).await?;
                let minutes = band.shows.loaded()?.iter().map(|show| i64::from(show.minutes)).sum::<i64>();
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>((band.name.parse::<i64>().unwrap_or(minutes), band))
            })
        })
        .into_iter()
        .collect();
    let mut sums = Vec::new();
    for task in tasks {
        match task.await.map_err(Error::other)? {
            Ok((minutes, _)) => sums.push(minutes),
            Err(error) => assert!(matches!(error.downcast_ref::<Error>(), Some(Error::NotFound { .. })), "{error}"),
        }
    }
    assert_eq!(sums, [61, 32]);
    let band = Band::find_by_pk(code("a")).or_fail().include(Band::SHOWS.include(Show::STAGE.include(Stage::PART_OF))).exec(&db).await?;
    let back: Band = serde_json::from_value(serde_json::to_value(&band)?)?;
    assert_eq!(back, band);
    band.destroy(&db).await?;
    assert!(matches!(Show::find_all().include(Show::BAND).one().or_fail().exec(&db).await?.band.loaded(), Err(Error::NotFound { .. })));
    assert_eq!(Show::find_all().include(Show::BAND.required()).exec(&db).await?.len(), 1);
    Band::find_by_pk(code("a")).with_deleted().or_fail().exec(&db).await?.restore(&db).await?;
    assert_eq!(Band::count().filter(Band::STAGES.any(Stage::PART_OF.is(Stage::NAME.eq("Field")))).exec(&db).await?, 2);
    Ok(())
}
