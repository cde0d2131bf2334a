//! Schemas that nobody would write for a model: reserved words, quotes and spaces in names, enums of two tables, cycles, generated columns, domains, partial,
//! covering and expression indexes, defaults of every type. They are read, written down, made anew from that, and unmade.

use sequor::prelude::*;
use sequor::{Dialect, Generator, Migration, Schema};

fn script(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => include_str!("../../fixtures/schemas/odd/postgres.sql"),
        Dialect::Mysql | Dialect::Mariadb => include_str!("../../fixtures/schemas/odd/mysql.sql"),
        Dialect::Sqlite => include_str!("../../fixtures/schemas/odd/sqlite.sql"),
    }
}

#[sequor::test]
async fn what_a_database_holds_is_written_down_and_made_anew(db: Db) -> sequor::Result<()> {
    let original = Migration::new("1-original").with("up.sql", script(db.dialect())).with("down.sql", "");
    Migrator::new([original]).up(&db).await?;
    let found = db.catalog().await?;
    let plan = db.drift(&found).await?;
    assert!(plan.is_empty(), "{plan:#?}");
    let schema = Schema::from_json(&found.to_json())?;
    let plan = db.drift(&schema).await?;
    assert!(plan.is_empty(), "through its snapshot: {plan:#?}");

    let made = Generator::to_schema(schema.clone()).dialects([db.dialect()]).generate(&Schema::default())?.expect("tables");
    assert_eq!(made.irreversible, None);
    let anew = made.files.iter().fold(Migration::new("2-anew"), |migration, (file, text)| migration.with(file.clone(), text.clone()));
    let away = Migration::new("1-original").with("up.sql", script(db.dialect())).with("down.sql", made.files["down.sql"].clone());
    Migrator::new([away]).down(&db).await?;
    let left = db.catalog().await?;
    assert!(left.tables.is_empty() && left.enums.is_empty() && left.views.is_empty() && left.others.is_empty(), "{left:#?}");

    let anew = Migrator::new([anew]).ignore_missing();
    anew.up(&db).await?;
    let plan = db.drift(&schema).await?;
    assert!(plan.is_empty(), "made anew: {plan:#?}");
    anew.down(&db).await?;
    assert!(db.catalog().await?.tables.is_empty());
    Ok(())
}
