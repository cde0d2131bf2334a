//! Derives and impls that people add by habit, beside ours.

use sequor::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[db_enum(rename_all = "snake_case")]
pub enum Grade {
    #[default]
    VeryGood,
    Poor,
}

/// Serde's derives in other lists, before and behind ours; signs in between that are no code.
#[derive(Serialize)]
/* a; b } */
#[derive(Clone, Debug, PartialEq, sequor::DbEnum)]
#[db_enum(name = "a;b}")]
#[cfg_attr(all(), derive(serde::Deserialize))]
pub enum Sort {
    Wide,
    Narrow,
}

macro_rules! kinds {
    ($name:ident: $($kind:ident),+) => {
        #[derive(DbEnum, Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum $name { $($kind),+ }
    };
}
kinds!(Kind: Tall, Short);

macro_rules! passed {
    ($(#[$with:meta])* $name:ident) => {
        $(#[$with])*
        pub enum $name {
            Up,
            Down,
        }
    };
}
passed!(
    #[derive(Clone, Debug, PartialEq, DbEnum, Serialize, Deserialize)]
    Side
);

#[derive(DbEnum, Clone, Debug, PartialEq)]
pub enum Spoken {
    Loud,
    Quiet,
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Spoken::Loud { "LOUD!" } else { "hush" })
    }
}

impl std::str::FromStr for Spoken {
    type Err = String;

    fn from_str(text: &str) -> Result<Spoken, String> {
        if text == "LOUD!" { Ok(Spoken::Loud) } else { Err(format!("{text}?")) }
    }
}

impl Serialize for Spoken {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(DbType, Clone, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Code(pub String);

#[derive(Embed, Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Place {
    pub city: String,
    pub zip: Option<String>,
}

#[derive(Model, Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Pupil {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(default = Grade::Poor)]
    pub grade: Grade,
    pub wish: Option<Grade>,
    pub sort: Option<Size>,
    pub spoken: Option<Voice>,
    pub code: Code,
    #[field(embed)]
    pub place: Place,
    pub grades: Json<Vec<Grade>>,
    pub mentor_id: Option<i64>,
    pub mentor: BelongsTo<Option<Pupil>>,
    #[relation(foreign_key = "mentor_id")]
    pub pupils: HasMany<Pupil>,
}

#[derive(Projection, Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[projection(of = Pupil)]
pub struct PupilView {
    pub grade: Grade,
    pub code: Code,
    #[projection(embed)]
    pub place: Place,
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Size {
    Wide,
    Narrow,
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Voice {
    Loud,
    Quiet,
}

impl fmt::Display for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("said")
    }
}

#[test]
fn enums_that_have_these_traits_already() -> sequor::Result<()> {
    let all = (Grade::VeryGood, Sort::Wide, Kind::Tall, Side::Up, Spoken::Loud);
    assert_eq!(serde_json::to_value(&all)?, json!(["VeryGood", "Wide", "Tall", "Up", "LOUD!"]));
    let back: (Grade, Sort, Kind, Side) = serde_json::from_value(json!(["Poor", "Narrow", "Short", "Down"]))?;
    assert_eq!(back, (Grade::Poor, Sort::Narrow, Kind::Short, Side::Down));
    assert_eq!((Grade::VeryGood.to_string(), "poor".parse::<Grade>()?), ("very_good".to_owned(), Grade::Poor));
    assert_eq!((Spoken::Quiet.to_string(), "LOUD!".parse::<Spoken>()), ("hush".to_owned(), Ok(Spoken::Loud)));
    assert_eq!(serde_json::from_value::<Spoken>(json!("Quiet"))?, Spoken::Quiet, "a trait that nobody else has is ours still");
    Ok(())
}

#[sequor::test(models(Pupil))]
async fn labels_in_the_json_of_models_whatever_serde_says(db: Db) -> sequor::Result<()> {
    let place = Place { city: "York".into(), zip: None };
    let given = (Grade::VeryGood, Size::Wide, Voice::Quiet);
    let ann = draft!(Pupil {
        wish: given.0,
        sort: given.1,
        spoken: given.2,
        code: Code("a".into()),
        place: place.clone(),
        grades: vec![Grade::VeryGood]
    })
    .create(&db)
    .await?;
    let json = serde_json::to_value(&ann)?;
    assert_eq!(
        (&json["grade"], &json["wish"], &json["sort"], &json["spoken"]),
        (&json!("poor"), &json!("very_good"), &json!("Wide"), &json!("Quiet"))
    );
    assert_eq!(json["grades"], json!(["VeryGood"]), "what is in a document is serde's");
    let back: Pupil = serde_json::from_value(json)?;
    assert_eq!(back, ann);
    let columns = (Pupil::WISH, Pupil::SORT, Pupil::CODE, Pupil::PLACE, Pupil::GRADES);
    let body = json!({ "wish": "poor", "sort": "Narrow", "code": "b", "place": { "city": "Hull", "zip": "1" }, "grades": ["Poor"] });
    let bo = Draft::<Pupil>::from_json(body, columns)?.create(&db).await?;
    assert_eq!((bo.wish, bo.sort, &bo.grades.0), (Some(Grade::Poor), Some(Size::Narrow), &vec![Grade::Poor]));
    let views = Pupil::find_all().project::<PupilView>().order_by(Pupil::ID.asc()).exec(&db).await?;
    assert_eq!(serde_json::to_value(&views[0])?, json!({ "grade": "Poor", "code": "a", "place": { "city": "York", "zip": null } }));
    Ok(())
}

#[sequor::test(models(Pupil))]
async fn rows_by_default_and_in_sets(db: Db) -> sequor::Result<()> {
    let made = Pupil::default();
    assert_eq!((made.id, made.grade, made.mentor.get().is_none()), (0, Grade::VeryGood, true));
    assert!(made.pupils.loaded().is_err_and(|error| matches!(error, Error::NotLoaded { .. })));
    let ann = draft!(Pupil { code: Code::default(), place: Place::default(), grades: Vec::new() }).create(&db).await?;
    let bo = draft!(Pupil { code: Code::default(), place: Place::default(), grades: Vec::new(), mentor_id: ann.id }).create(&db).await?;
    let made = Pupil { id: bo.id, mentor_id: Some(ann.id), ..Pupil::default() };
    made.load(Pupil::MENTOR, &db).await?;
    assert_eq!(made.mentor.loaded()?.map(|mentor| mentor.id), Some(ann.id));
    let set: HashSet<Pupil> = [ann.clone(), bo.clone(), ann.clone()].into();
    assert!(set.len() == 2 && set.contains(&bo));
    Ok(())
}
