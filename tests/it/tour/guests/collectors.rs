//! Collectors of stamps: values in slices and behind references, builders that change their mind, rows that lie in others, tests with errors of their own.

use sequor::prelude::*;
use sequor::{UsageErrorKind, ValidationItem};

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(rename_all = "kebab-case")]
pub enum Grade {
    Mint,
    LightlyUsed,
}

#[derive(Model, Clone, Debug, PartialEq)]
pub struct Collector {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    pub stamps: HasMany<Stamp>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(default_scope = Self::on_show)]
pub struct Stamp {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub motif: String,
    #[field(default = Grade::Mint)]
    pub grade: Grade,
    pub before: Option<Grade>,
    #[field(default = vec![])]
    pub scan: Vec<u8>,
    pub colours: Option<Vec<String>>,
    #[field(default = json!({}))]
    pub catalogue: Json,
    #[field(default = true)]
    pub shown: bool,
    pub collector_id: Option<i64>,
    pub collector: BelongsTo<Option<Collector>>,
}

impl Stamp {
    fn on_show(stamps: Find<Stamp>) -> Find<Stamp> {
        stamps.filter(Stamp::SHOWN.eq(true)).order_by(Stamp::MOTIF.asc())
    }
}

fn kind(refused: Result<impl std::fmt::Debug>) -> (UsageErrorKind, String) {
    match refused {
        Err(Error::Usage(error)) => (error.kind(), error.message.clone()),
        other => panic!("{other:?}"),
    }
}

#[sequor::test(models(Collector, Stamp))]
async fn slices_are_lists(db: Db) -> Result<()> {
    let scan = [1u8, 2, 255];
    let colours = ["red", "blue"];
    let owl = draft!(Stamp { motif: "Owl", scan: &scan[..2], colours: &colours }).create(&db).await?;
    let elk = draft!(Stamp { motif: "Elk", scan: b"\x01\xff", colours: &colours[1..] }).create(&db).await?;
    assert_eq!((owl.scan.as_slice(), elk.colours.as_deref()), (&[1, 2][..], Some(&["blue".to_owned()][..])));
    for filter in [Stamp::SCAN.eq(b"\x01\xff"), Stamp::SCAN.eq(&[1, 255]), Stamp::COLOURS.eq(&colours[1..])] {
        assert_eq!(Stamp::find_all().filter(filter).exec(&db).await?, [elk.clone()]);
    }
    let of = |filter: Filter<Stamp>| Stamp::update_all().filter(filter);
    of(Stamp::ID.eq(owl.id)).set(Stamp::SCAN, &scan).set(Stamp::COLOURS, &["green"]).exec(&db).await?;
    let owl = owl.reload(&db).await?;
    assert_eq!((owl.scan, owl.colours), (scan.to_vec(), Some(vec!["green".to_owned()])));
    Ok(())
}

#[sequor::test(models(Collector, Stamp))]
async fn paths_take_what_is_at_hand(db: Db) -> Result<()> {
    for (motif, year, used) in [("Owl", 1901u16, false), ("Elk", 1950, true)] {
        draft!(Stamp { motif, catalogue: json!({ "year": year, "used": used, "names": ["a", motif] }) }).create(&db).await?;
    }
    let (key, year, used, name) = ("year".to_owned(), 1950u16, true, "Elk".to_owned());
    let years = [1950i64, 7];
    for filter in [
        Stamp::CATALOGUE.path(&key).eq(year),
        Stamp::CATALOGUE.path(&key).gte(&1950),
        Stamp::CATALOGUE.path(&key).is_in(&years),
        Stamp::CATALOGUE.path(key).between(&1940i16, 1960u32),
        Stamp::CATALOGUE.path("used").eq(&used),
        Stamp::CATALOGUE.path(format!("names[{}]", 1)).eq(&name),
        Stamp::CATALOGUE.path("names[1]").is_in(["x", "Elk"].iter()),
    ] {
        assert_eq!(Stamp::find_all().filter(filter).pluck(Stamp::MOTIF).exec(&db).await?, ["Elk"]);
    }
    Ok(())
}

/// What a caller says later counts, as it does in a struct.
#[sequor::test(models(Collector, Stamp))]
async fn the_later_of_two_values_counts(db: Db) -> Result<()> {
    let owl = draft!(Stamp { motif: "Owl" }).create(&db).await?;
    let mut update = Stamp::update_all().set(Stamp::BEFORE, None).set(Stamp::MOTIF, "?").filter(Stamp::ID.eq(owl.id));
    if owl.grade == Grade::Mint {
        update = update.set(Stamp::BEFORE, Grade::Mint).set(Stamp::MOTIF, "Barn owl");
    }
    let rows = update.returning().exec(&db).await?;
    assert_eq!((rows.len(), rows[0].before, rows[0].motif.as_str()), (1, Some(Grade::Mint), "Barn owl"));
    Ok(())
}

#[sequor::test(models(Collector, Stamp))]
async fn rows_that_lie_in_others_are_loaded_together(db: Db) -> Result<()> {
    for (name, motifs) in [("Ann", vec!["Elk", "Owl"]), ("Bo", vec!["Yak"])] {
        let stamps: Vec<Draft<Stamp>> = motifs.into_iter().map(|motif| draft!(Stamp { motif })).collect();
        draft!(Collector { name, stamps }).create(&db).await?;
    }
    let collectors = Collector::find_all().include(Collector::STAMPS).order_by(Collector::ID.asc()).exec(&db).await?;
    let mut stamps = Vec::new();
    for collector in &collectors {
        stamps.extend(collector.stamps.loaded()?);
    }
    let elk_and_yak: Vec<&Stamp> = stamps.iter().copied().filter(|stamp| stamp.motif != "Owl").collect();
    db.expect_queries(1, async || elk_and_yak.load(Stamp::COLLECTOR, &db).await).await?;
    let names = |stamp: &Stamp| stamp.collector.loaded().ok().flatten().map(|collector| collector.name.clone());
    // They are the rows inside of the collectors.
    let [owl, yak] = [&collectors[0].stamps.loaded()?[1], &collectors[1].stamps.loaded()?[0]];
    assert_eq!((names(owl), names(yak)), (None, Some("Bo".to_owned())));
    Ok(())
}

#[sequor::test(models(Collector, Stamp))]
async fn a_label_that_is_none_is_the_clients_mistake(db: Db) -> Result<()> {
    let owl = draft!(Stamp { motif: "Owl" }).create(&db).await?;
    let columns = (Stamp::MOTIF, Stamp::GRADE, Stamp::BEFORE);
    let body = json!({ "motif": "Elk", "grade": "LightlyUsed", "before": "" });
    let of = |refused: Result<()>| match refused {
        Err(Error::Validation(refused)) => {
            refused.items.into_iter().map(|ValidationItem { path, message, .. }| (path, message)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let expected = [
        ("grade", "Stamp.grade: the text is none of mint, lightly-used"),
        ("before", "Stamp.before: the text is none of mint, lightly-used"),
    ];
    let expected = expected.map(|(path, message)| (path.to_owned(), message.to_owned()));
    assert_eq!(of(Draft::<Stamp>::from_json(body.clone(), columns).map(|_| ())), expected);
    assert_eq!(of(owl.clone().edit().assign(body, columns).map(|_| ())), expected);
    let fine = owl.edit().assign(json!({ "grade": "lightly-used", "before": null }), columns)?.save(&db).await?;
    assert_eq!((fine.grade, fine.before), (Grade::LightlyUsed, None));
    Ok(())
}

/// What an HTTP layer answers with 400 has a kind of its own.
#[sequor::test(models(Collector, Stamp))]
async fn pages_that_are_none_have_a_kind(db: Db) -> Result<()> {
    let stamps = Stamp::find_all;
    assert_eq!(kind(stamps().page(0, 10).exec(&db).await).0, UsageErrorKind::Page);
    assert_eq!(kind(stamps().page(1, 0).exec(&db).await).0, UsageErrorKind::Page);
    assert_eq!(kind(stamps().order_by(Stamp::ID.asc()).cursor(None, 0).exec(&db).await).0, UsageErrorKind::Page);
    let damaged = Some(Cursor::from("bm9uZQ".to_owned()));
    assert_eq!(kind(stamps().order_by(Stamp::ID.asc()).cursor(damaged, 5).exec(&db).await).0, UsageErrorKind::Cursor);
    Ok(())
}

/// The default scope filters and sorts; it does not group, so that the column would be that of any row.
#[sequor::test(models(Collector, Stamp))]
async fn a_column_beside_an_aggregate_under_a_scope(db: Db) -> Result<()> {
    draft!(Stamp { motif: "Owl" }).create(&db).await?;
    let (kind, message) = kind(Stamp::find_all().select((Stamp::GRADE, count_all())).exec(&db).await);
    assert_eq!(kind, UsageErrorKind::Refused);
    assert!(message.contains(".group_by(Stamp::GRADE)"), "{message}");
    let grouped: Vec<(Grade, i64)> = Stamp::find_all().select((Stamp::GRADE, count_all())).group_by(Stamp::GRADE).exec(&db).await?;
    assert_eq!(grouped, [(Grade::Mint, 1)]);
    Ok(())
}

#[sequor::test(models(Collector, Stamp))]
async fn an_alias_that_nothing_has(db: Db) -> Result<()> {
    draft!(Stamp { motif: "Owl" }).create(&db).await?;
    let groups = || Stamp::find_all().select((Stamp::GRADE, count_all().alias("n"))).group_by(Stamp::GRADE);
    let (kind_, message) = kind(groups().order_by(alias("m").desc()).exec(&db).await);
    assert_eq!(kind_, UsageErrorKind::Query);
    assert_eq!(message, "Stamp: no alias \"m\" to sort by: there are n; name what is selected by .alias(\"m\")");
    let (_, message) = kind(Stamp::find_all().order_by(alias("m").asc()).exec(&db).await);
    assert!(message.contains("nothing selected has an alias"), "{message}");
    assert_eq!(groups().order_by(alias("n").desc()).exec(&db).await?, [(Grade::Mint, 1)]);
    Ok(())
}

enum Trouble {
    Database(Error),
    Text(std::num::ParseIntError),
}

impl std::fmt::Debug for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Database(error) => write!(f, "{error}"),
            Trouble::Text(error) => write!(f, "no number: {error}"),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Database(error)
    }
}

impl From<std::num::ParseIntError> for Trouble {
    fn from(error: std::num::ParseIntError) -> Self {
        Trouble::Text(error)
    }
}

#[sequor::test(models(Collector, Stamp))]
async fn a_test_returns_an_error_of_its_own(db: Db) -> std::result::Result<(), Trouble> {
    let name = "7".parse::<i32>()?.to_string();
    draft!(Collector { name }).create(&db).await?;
    Ok(())
}

#[sequor::test(models(Collector))]
async fn a_test_returns_any_error(db: Db) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let found = Collector::find_all().filter(Collector::ID.eq("7".parse::<i64>()?)).exec(&db).await?;
    assert!(found.is_empty());
    Ok(())
}
