//! Three applications' schemas, rebuilt: made from nothing, read back, changed, and unmade again.

use sequor::__private::ColumnType;
use sequor::__private::core::schema::{Action, Default as ColumnDefault, ForeignKeyDef, IndexDef, TableColumn, TableDef, TableName};
use sequor::prelude::*;
use sequor::{Generator, Migration, QueryEvent, Schema, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn read(text: &str) -> Schema {
    let tables = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    Schema { tables: tables.map(|(name, columns)| table(name, columns)).collect(), ..Schema::default() }.arranged()
}

fn table(name: &str, columns: &str) -> TableDef {
    let mut made = TableDef::new(TableName::new(name.to_owned()));
    made.columns.push(TableColumn { nullable: false, auto_increment: true, ..TableColumn::new("id", ColumnType::I64) });
    made.primary_key = vec!["id".into()];
    for column in columns.split(", ") {
        let (name, rest) = column.split_once(' ').unwrap();
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
        // `v255u`
        let kind = rest[..end].trim_end_matches('u');
        let marks = &rest[kind.len()..];
        let (marks, target) = marks.split_once('>').map_or((marks, None), |(marks, target)| (marks, Some(target)));
        let (flags, default) = marks.split_once('=').map_or((marks, None), |(flags, default)| (flags, Some(default)));
        let mut column = TableColumn::new(name.to_owned(), ty(kind));
        column.nullable = !flags.contains('!');
        let unique = flags.contains('u') || default.is_some_and(|default| default.trim_end_matches('*').ends_with('u'));
        let index = marks.contains('*');
        if let Some(default) = default.map(|default| default.trim_end_matches(['*', 'u'])) {
            column.default = ColumnDefault::Value(match &column.ty {
                ColumnType::Bool => Value::Bool(default == "1"),
                ColumnType::VarChar(_) => Value::Text(default.trim_matches('\'').to_owned()),
                ColumnType::Decimal(_) => Value::Decimal(default.parse().unwrap()),
                _ => Value::I64(default.parse().unwrap()),
            });
        }
        if let Some(target) = target {
            made.foreign_keys.push(ForeignKeyDef {
                name: None,
                columns: vec![name.to_owned().into()],
                table: TableName::new(target.to_owned()),
                target: vec!["id".into()],
                on_delete: Some(if column.nullable { Action::SetNull } else { Action::Cascade }),
                on_update: None,
                deferrable: None,
            });
        }
        if unique || index {
            made.indexes.push(IndexDef { unique, constraint: unique && name.len() % 2 == 0, ..IndexDef::on([name.to_owned()]) });
        }
        made.columns.push(column);
    }
    made
}

fn ty(kind: &str) -> ColumnType {
    match kind {
        "t" => ColumnType::Text,
        "i" => ColumnType::I32,
        "l" => ColumnType::I64,
        "b" => ColumnType::Bool,
        "d" => ColumnType::DateTime(6),
        "D" => ColumnType::Date,
        "f" => ColumnType::F64,
        "m" => ColumnType::Decimal(Some((10, 2))),
        "j" => ColumnType::Json(true),
        "y" => ColumnType::Bytes,
        _ => ColumnType::VarChar(kind.trim_start_matches('v').parse().unwrap()),
    }
}

async fn whole_way(db: &Db, text: &str) -> sequor::Result<()> {
    let schema = read(text);
    assert!(schema.tables.len() > 30);
    let generator = Generator::to_schema(schema.clone()).dialects([db.dialect()]);
    let made = generator.generate(&Schema::default())?.expect("tables");
    // A snapshot says as much as the description.
    let again = generator.generate(&made.schema()?)?;
    assert!(again.is_none(), "{:#?}", again.map(|again| again.steps));
    let mut migration = Migration::new("1-all");
    for (file, text) in made.files {
        migration = migration.with(file, text);
    }
    let migrator = Migrator::new([migration]);
    migrator.up(db).await?;
    let plan = db.drift(&schema).await?;
    assert!(plan.is_empty(), "{plan:#?}");
    assert_eq!(db.catalog().await?.tables.len(), schema.tables.len());
    migrator.down(db).await?;
    assert!(db.catalog().await?.tables.is_empty());
    Ok(())
}

#[sequor::test]
async fn a_tracker_s_schema_is_made_read_and_unmade(db: Db) -> sequor::Result<()> {
    whole_way(&db, include_str!("../../fixtures/schemas/redmine.txt")).await
}

#[sequor::test]
async fn a_social_network_s_schema_is_made_read_and_unmade(db: Db) -> sequor::Result<()> {
    whole_way(&db, include_str!("../../fixtures/schemas/mastodon.txt")).await
}

#[sequor::test]
async fn a_shop_s_schema_is_made_read_and_unmade(db: Db) -> sequor::Result<()> {
    whole_way(&db, include_str!("../../fixtures/schemas/solidus.txt")).await
}

/// How many statements a reading of the catalog sends.
async fn queries(db: &Db) -> sequor::Result<usize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    db.global_hooks().before_query("count", move |_query: &QueryEvent<'_>, _cx| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    });
    let found = db.catalog().await;
    db.global_hooks().remove("count");
    found.map(|_| asked.load(Ordering::SeqCst))
}

#[sequor::test]
async fn a_catalog_takes_the_same_number_of_queries_whatever_it_holds(db: Db) -> sequor::Result<()> {
    db.execute_sql_script("CREATE TABLE t0 (id integer PRIMARY KEY, n integer CHECK (n > 0))").await?;
    let few = queries(&db).await?;
    assert!((1..=12).contains(&few), "{few}");
    for number in 1..=60 {
        let parent = number - 1;
        db.execute_sql_script(&format!(
            "CREATE TABLE t{number} (id integer PRIMARY KEY, n integer CHECK (n > 0), up integer, FOREIGN KEY (up) REFERENCES t{parent} (id))"
        ))
        .await?;
        db.execute_sql_script(&format!("CREATE INDEX t{number}_n ON t{number} (n)")).await?;
    }
    assert_eq!(queries(&db).await?, few, "61 tables ask for more");
    Ok(())
}
