//! Random queries over random rows: every database, under every strategy, must answer as a naive evaluator in memory does.
//!
//! 300 cases in tier 0, 10,000 in tier 1, or `SEQUOR_CASES`; `SEQUOR_SEED` repeats a run. The evaluator can be told to make a mistake; each mistake must show within 300 cases.

mod combined;
mod documents;
mod evaluate;
mod generate;
mod quantified;

use super::library::*;
use evaluate::{Bug, Evaluator};
use generate::{Counts, Generator, World};
use quantified::Asked;
use sequor::prelude::*;
use sequor::{ModelType, Strategy};
use serde_json::{Value as JsonValue, json};

const STRATEGIES: [Strategy; 3] = [Strategy::Sequential, Strategy::OneFlush, Strategy::Auto];

/// Puts the rows of a world into a table.
macro_rules! store {
    ($db:expr, $world:expr, $model:ident { $($column:ident),* }) => {
        $model::destroy_all().every_row().force().exec($db).await?;
        let rows = $world.rows(stringify!($model)).iter().map(|row| JsonValue::Object(row.clone()));
        let drafts = rows.map(|row| Draft::<$model>::from_json(row, ($($model::$column,)*)));
        $model::bulk_create(drafts.collect::<sequor::Result<Vec<_>>>()?).exec($db).await?;
    };
}

async fn store(db: &Db, world: &World) -> sequor::Result<()> {
    store!(db, world, Author { ID, NAME, BORN, BOSS_ID, DELETED_AT });
    store!(db, world, Badge { ID, CODE, AUTHOR_ID });
    store!(db, world, Book { ID, TITLE, KIND, PAGES, AUTHOR_ID, EDITOR_ID, DATA, MARKS, DELETED_AT });
    store!(db, world, Chapter { ID, TITLE, PLACE, BOOK_ID });
    store!(db, world, Label { ID, NAME });
    store!(db, world, BookLabel { BOOK_ID, LABEL_ID, WEIGHT });
    store!(db, world, Note { ID, TEXT, ABOUT_TYPE, ABOUT_ID });
    Ok(())
}

/// The answer of the database, and how many rows it counts without the limit.
async fn ask<M: ModelType + Asked + serde::Serialize>(db: &Db, query: &JsonValue, number: usize) -> sequor::Result<(JsonValue, u64)> {
    let strategy = STRATEGIES[number % STRATEGIES.len()];
    let mut options = query.clone();
    let asked = options.as_object_mut().and_then(|options| options.remove("asked"));
    let find = M::find_all().json_options(options)?.include_strategy(strategy);
    let find = asked.iter().fold(find, |find, asked| find.filter(M::asked(asked)));
    let count = find.clone().count().exec(db).await?;
    let rows = if number.is_multiple_of(4) && query.get("limit").is_none() && query.get("offset").is_none() {
        let mut rows = Vec::new();
        let mut stream = find.stream(db);
        while let Some(row) = stream.next().await {
            rows.push(row?);
        }
        rows
    } else {
        find.exec(db).await?
    };
    Ok((serde_json::to_value(rows)?, count))
}

/// The keys of the rows and of everything that was included: what the two answers have in common.
fn keys(answer: &JsonValue, query: &JsonValue) -> JsonValue {
    let includes = query.get("include").and_then(JsonValue::as_array).cloned().unwrap_or_default();
    let row = |row: &JsonValue| {
        let mut shown = serde_json::Map::new();
        shown.insert("id".into(), row.get("id").cloned().unwrap_or_default());
        for include in &includes {
            let name = include.get("association").and_then(JsonValue::as_str).unwrap_or_default();
            shown.insert(name.into(), row.get(name).map_or(JsonValue::from("not loaded"), |related| keys(related, include)));
        }
        JsonValue::Object(shown)
    };
    match answer {
        JsonValue::Array(rows) => rows.iter().map(row).collect(),
        JsonValue::Null => JsonValue::Null,
        one => row(one),
    }
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn databases_answer_as_a_naive_evaluator_does(db: Db) -> sequor::Result<()> {
    let long = std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1");
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let cases = number("SEQUOR_CASES").unwrap_or(if long { 10_000 } else { 300 });
    let seed = std::env::var("SEQUOR_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_240_229);
    println!("{}: SEQUOR_SEED={seed}", db.dialect().name());
    let mut generator = Generator::new(seed);
    let mut counts = Counts::default();
    let mut world = World::default();
    let bugs = [Bug::DropOperand, Bug::ForgetDeleted, Bug::LimitInAll];
    let mut found_after = [None; 3];
    let (nulls_last, texts_apart) = (db.dialect() == Dialect::Postgres, db.dialect() == Dialect::Sqlite);
    for number in 0..cases {
        if number % 60 == 0 {
            world = generator.world();
            store(&db, &world).await?;
        }
        let (model, query) = generator.query(&mut counts);
        let asked = match model {
            "Author" => ask::<Author>(&db, &query, number).await,
            "Book" => ask::<Book>(&db, &query, number).await,
            _ => ask::<Label>(&db, &query, number).await,
        };
        let (rows, count) = asked.map_err(|error| Error::usage(format!("case {number}: {model} {query}\n{error:#}")))?;
        let answer = json!({ "rows": keys(&rows, &query), "count": count });
        let right = Evaluator { world: &world, nulls_last, texts_apart, bug: None }.answer(model, &query);
        assert_eq!(answer, right, "case {number} (left the database, right the evaluator): {model} {query}");
        for (bug, found) in bugs.into_iter().zip(&mut found_after) {
            let mistaken = Evaluator { world: &world, nulls_last, texts_apart, bug: Some(bug) };
            if found.is_none() && mistaken.answer(model, &query) != answer {
                *found = Some(number + 1);
            }
        }
    }
    println!("{}: {cases} cases, planted bugs found after {found_after:?} cases", db.dialect().name());
    for (what, count) in counts.iter() {
        println!("  {count:>6} {what}");
        let enough = if cases >= 3_000 { 200 } else { 1 };
        assert!(count >= enough, "{what} occurred {count} times");
    }
    for (bug, found) in bugs.into_iter().zip(found_after) {
        assert!(found.is_some_and(|after| after <= 300), "{bug:?} was found after {found:?} cases");
    }
    Ok(())
}
