//! One scenario: an empty database, its models, its seed, its steps, and their answers.

use crate::compare::{self, Uuids};
use crate::statements::Counter;
use crate::steps::{self, Scene};
use sequor::prelude::*;
use sequor::testing::Place;
use serde_json::{Value as Json, json};

/// What came of a scenario.
pub struct Outcome {
    pub failure: Option<String>,
    pub deviated: bool,
    pub steps: usize,
    pub compared: usize,
}

impl Outcome {
    pub fn failed(why: impl Into<String>) -> Outcome {
        Outcome { failure: Some(why.into()), deviated: false, steps: 0, compared: 0 }
    }
}

pub async fn scenario(scenario: Json, dialect: String, statements: bool) -> Outcome {
    let place = match Place::open(&dialect).await {
        Ok(Some(place)) => place,
        Ok(None) => return Outcome::failed(format!("no server for {dialect}")),
        Err(error) => return Outcome::failed(format!("no database: {error:#}")),
    };
    let outcome = match Db::connect(place.url()).await {
        Ok(db) => {
            let outcome = play(&scenario, &dialect, db.clone(), statements).await;
            let _ = db.close().await;
            outcome
        }
        Err(error) => Outcome::failed(format!("cannot connect: {error:#}")),
    };
    if let Err(error) = place.remove().await {
        return Outcome::failed(format!("cannot clean up: {error:#}"));
    }
    outcome
}

fn list<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    json[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The answers that are right: the one of this database and, where that only echoes what was given, the one of the first; and the first one.
fn accepted(scenario: &Json, number: usize, marked: &str, answer: &Json) -> (Vec<Json>, Json) {
    let base = scenario["expect"][number].clone();
    let Some(mut other) = scenario["expectByDialect"][marked].get(number.to_string()).cloned() else { return (vec![base.clone()], base) };
    let either = other["loose"] == json!(true) || other.get("error").is_some();
    // An update on MariaDB counts changed rows; the matched ones, which the others count, are right as well.
    if marked == "mariadb"
        && other.get("affected").is_some()
        && other["affected"] != answer["affected"]
        && base["affected"] == answer["affected"]
    {
        other["affected"] = base["affected"].clone();
    }
    (if either { vec![other, base.clone()] } else { vec![other] }, base)
}

async fn play(scenario: &Json, dialect: &str, db: Db, statements: bool) -> Outcome {
    let mut scene = Scene::new(db.clone());
    if let Err(error) = prepare(scenario, &db, &mut scene).await {
        return Outcome::failed(format!("preparing: {error:#}"));
    }
    let counter = statements.then(|| Counter::watch(&db));
    let marked = if dialect == "mysql" { "mariadb" } else { dialect };
    let mut uuids = Uuids::default();
    let mut outcome = Outcome { failure: None, deviated: false, steps: 0, compared: 0 };
    let keep = scenario["keepTimestamps"] == json!(true);
    for (number, step) in list(scenario, "steps").iter().enumerate() {
        outcome.steps += 1;
        let answer = steps::step(&mut scene, step).await;
        let (accepted, first) = accepted(scenario, number, marked, &answer);
        outcome.compared += 1;
        let sent = counter.as_ref().map(Counter::take);
        let mut why = None;
        let mut fits = false;
        for expected in &accepted {
            match compare::answer_or(expected, &first, &answer, &mut uuids, keep) {
                Ok(()) => {
                    fits = true;
                    break;
                }
                Err(difference) => why = why.or(Some(difference)),
            }
        }
        if !fits {
            let deviations = list(scenario, "deviation").iter().filter(|deviation| {
                deviation["step"].as_u64() == Some(number as u64)
                    && deviation["dialects"].as_array().is_none_or(|list| list.iter().any(|dialect| dialect == marked))
            });
            for deviation in deviations {
                let error_where_a_row_was =
                    answer.get("error").is_some() && accepted.iter().all(|expected| expected.get("error").is_none());
                match deviation.get("better") {
                    None => fits |= !error_where_a_row_was,
                    Some(better) => fits |= compare::better(better, &answer, &mut uuids, keep).is_ok(),
                }
            }
            outcome.deviated |= fits;
        } else if let Some(sent) = sent
            && !outcome.deviated
            && answer.get("error").is_none()
        {
            // Once an answer differs on purpose, other rows are there.
            let recorded = accepted.iter().filter_map(|expected| expected["sequelizeQueries"].as_u64()).max();
            if let Some(most) = crate::statements::allowed(&db, dialect, (scenario, step), recorded).filter(|most| sent > *most) {
                let all = outcome.failure.get_or_insert_default();
                *all += &format!("step {number}: {sent} statements, at most {most} are allowed: {step}\n");
            }
        }
        if !fits {
            let step_text = serde_json::to_string(step).unwrap_or_default();
            let shown: String = step_text.chars().take(2000).collect();
            let all = outcome.failure.get_or_insert_default();
            *all += &format!(
                "step {number} {shown}\n  {}\n  expected {}\n  got      {}\n",
                why.unwrap_or_default(),
                cut(&accepted[0]),
                cut(&answer)
            );
        }
    }
    outcome
}

fn cut(json: &Json) -> String {
    json.to_string().chars().take(4000).collect()
}

async fn prepare(scenario: &Json, db: &Db, scene: &mut Scene) -> sequor::Result<()> {
    for model in list(scenario, "models") {
        scene.define(model)?;
    }
    for association in list(scenario, "associations") {
        db.associate(association.clone())?;
    }
    if scenario["sync"] != json!(false) {
        db.sync_all(SyncMode::Create).await?;
    }
    for seed in list(scenario, "seed") {
        let model = db.model(seed["model"].as_str().unwrap_or_default())?.unscoped();
        let mut options = seed["options"].as_object().cloned().unwrap_or_default();
        options.insert("hooks".into(), json!(false));
        options.insert("validate".into(), json!(false));
        for row in list(seed, "rows") {
            model.create_with(row.clone(), Json::Object(options.clone())).await?;
        }
    }
    scene.take_hooks();
    Ok(())
}
