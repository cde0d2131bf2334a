//! Schemas that nobody would write for a model: reserved words, quotes and spaces in names, enums of two tables, cycles, generated columns, domains, partial,
//! covering and expression indexes, defaults of every type. They are read, written down, made anew from that, and unmade.

use sequor::prelude::*;
use sequor::{Dialect, Generator, Migration, Schema};

fn script(dialect: Dialect) -> String {
    match dialect {
        Dialect::Postgres => include_str!("../../fixtures/schemas/odd/postgres.sql").to_owned(),
        // MySQL has no type for UUIDs, and indexes of expressions.
        Dialect::Mysql => {
            let expressions = "CREATE INDEX lowered ON lat ((lower(n)), (concat(n, 'it''s \\\\ so')));";
            include_str!("../../fixtures/schemas/odd/mysql.sql").replace(" u uuid,", " u char(36),") + expressions
        }
        Dialect::Mariadb => include_str!("../../fixtures/schemas/odd/mysql.sql").to_owned(),
        Dialect::Sqlite => include_str!("../../fixtures/schemas/odd/sqlite.sql").to_owned(),
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

#[sequor::test]
async fn a_check_that_mysql_refuses_is_refused_before(db: Db) -> sequor::Result<()> {
    let table = |check: &str, action: &str| {
        json!({ "version": 1, "tables": {
            "aims": { "columns": { "id": { "type": "i64", "auto_increment": true } }, "primary_key": ["id"] },
            "arrows": {
                "columns": { "id": { "type": "i64", "auto_increment": true }, "aim_id": { "type": "i64", "nullable": true }, "way": { "type": "i32" } },
                "primary_key": ["id"], "checks": { "straight": check },
                "foreign_keys": [{ "name": "aimed", "columns": ["aim_id"], "table": "aims", "target": ["id"], "on_update": action }],
            },
        } })
    };
    let cases = [
        ("id > 0", "RESTRICT", Some("names the column id, which counts by itself")),
        ("way > 0 OR aim_id > 3", "CASCADE", Some("names the column aim_id, which the foreign key to aims changes (ON UPDATE CASCADE")),
        ("way > 0 OR aim_id > 3", "RESTRICT", None),
        ("way > 0", "CASCADE", None),
    ];
    for (check, action, refused) in cases {
        let generator = Generator::to_schema(Schema::from_json(&table(check, action))?).dialects([db.dialect()]);
        let made = generator.generate(&Schema::default());
        if let Some(refused) = refused.filter(|_| db.dialect().is_mysql()) {
            let error = made.unwrap_err().to_string();
            assert!(error.contains(refused) && error.contains("the check straight of arrows"), "{error}");
            continue;
        }
        let made = made?.expect("tables").files.into_iter().fold(Migration::new("1-arrows"), |made, (file, text)| made.with(file, text));
        let migrator = Migrator::new([made]);
        migrator.up(&db).await?;
        migrator.down(&db).await?;
    }
    Ok(())
}
