//! From a random description to another, with rows in the tables: afterwards the database is as the second one says, what can survive has, and the way back
//! leads to the first. `SEQUOR_SCHEMA_PAIRS` says how many pairs (20; 500 in tier 1), `SEQUOR_SCHEMA_SEED` where they begin.

mod describe;

use describe::{Dice, Made, random};
use sequor::__private::{RawPart, RawSql};
use sequor::prelude::*;
use sequor::{Generator, Migration, Schema};

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

async fn column(db: &Db, table: &str, column: &str) -> sequor::Result<Vec<Option<String>>> {
    let (quote, kind) = if db.dialect().is_mysql() { ('`', "CHAR") } else { ('"', "TEXT") };
    let text = format!("SELECT CAST({quote}{column}{quote} AS {kind}) FROM {quote}{table}{quote} ORDER BY {quote}id{quote}");
    let rows: Vec<(Option<String>,)> = db.query_as(RawSql::new(vec![RawPart::Text(text.into())])).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

fn migration(name: &str, generator: &Generator, from: &Schema) -> sequor::Result<Migration> {
    let mut made = Migration::new(name);
    let Some(generated) = generator.generate(from)? else { return Ok(made.with("up.sql", "").with("down.sql", "")) };
    assert_eq!(generated.irreversible, None, "{:#?}", generated.steps);
    for (file, text) in generated.files {
        made = made.with(file, text);
    }
    Ok(made.with("down.none.sql", ""))
}

async fn pair(db: &Db, seed: u64) -> sequor::Result<()> {
    let mut dice = Dice::new(seed);
    let first = random(&mut dice);
    let second = first.changed(&mut dice);
    let generator = |made: &Made| Generator::to_schema(made.schema()).dialects([db.dialect()]);
    let start = migration(&format!("1-start-{seed}"), &generator(&first), &Schema::default())?;
    let mut towards = generator(&second);
    for rename in &second.renames {
        towards = towards.rename(rename);
    }
    for fill in &second.fills {
        towards = towards.fill(fill)?;
    }
    Migrator::new([start.clone()]).up(db).await?;
    let plan = db.drift(&first.schema()).await?;
    assert!(plan.is_empty(), "after the start: {plan:#?}");
    for sql in first.rows(db.dialect()) {
        db.execute_sql_script(&sql).await?;
    }
    let mut kept = Vec::new();
    for (table, name, now) in second.survivors(&first) {
        kept.push((now, column(db, &table, &name).await?));
    }

    let all = Migrator::new([start, migration(&format!("2-change-{seed}"), &towards, &first.schema())?]);
    all.up(db).await?;
    let plan = db.drift(&second.schema()).await?;
    assert!(plan.is_empty(), "after the change: {plan:#?}");
    for ((table, name), values) in kept {
        assert_eq!(column(db, &table, &name).await?, values, "{table}.{name}");
    }

    for (table, name) in second.orphans(&first) {
        let quote = if db.dialect().is_mysql() { '`' } else { '"' };
        db.execute_sql_script(&format!("UPDATE {quote}{table}{quote} SET {quote}{name}{quote} = NULL")).await?;
    }
    all.down(db).await?;
    let plan = db.drift(&first.schema()).await?;
    assert!(plan.is_empty(), "after the way back: {plan:#?}");
    all.down_all(db).await?;
    let left = db.catalog().await?;
    assert!(left.tables.is_empty() && left.enums.is_empty(), "{left:?}");
    Ok(())
}

#[sequor::test]
async fn any_description_leads_to_any_other_and_back(db: Db) -> sequor::Result<()> {
    let start = setting("SEQUOR_SCHEMA_SEED", 1);
    let pairs = if std::env::var("SEQUOR_TIER").as_deref() == Ok("1") { 500 } else { 20 };
    for seed in start..start + setting("SEQUOR_SCHEMA_PAIRS", pairs) {
        let outcome = pair(&db, seed).await;
        assert!(outcome.is_ok(), "pair {seed} (SEQUOR_SCHEMA_SEED={seed} SEQUOR_SCHEMA_PAIRS=1): {:#}", outcome.unwrap_err());
    }
    Ok(())
}
