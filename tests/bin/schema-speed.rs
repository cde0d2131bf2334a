//! How quick the work on schemas is, in a release build: `cargo run --release -p sequor-tests --features all --bin sequor-tests-schema-speed`.
//!
//! 200 tables of 10 columns with two indexes and a foreign key each: the difference of two descriptions, reading a live database, `migrate status` as a whole process,
//! and rows of fake data. Medians; with `SEQUOR_POSTGRES_URL` and `SEQUOR_MYSQL_URL` on those servers, too. With arguments it is a command line without models.

use sequor::prelude::*;
use sequor::testing::Place;
use sequor::{Factory, Generator, Migration, Schema};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "customers", timestamps)]
struct Customer {
    #[field(primary_key, auto_increment)]
    id: i64,
    #[field(unique, validate(email))]
    email: String,
    #[field(validate(len(min = 1, max = 80)))]
    name: String,
    age: i32,
    city: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

const TABLES: usize = 200;
const ROWS: usize = 100_000;

/// A description of 200 tables; `wide` has one column more in each tenth.
fn tables(wide: bool) -> sequor::Result<Schema> {
    let table = |number: usize| {
        let mut columns = json!({ "id": { "type": "i64", "auto_increment": true } });
        for column in 1..10 {
            let ty = ["text", "i32", "datetime(6)", "bool", "varchar(80)"][column % 5];
            columns[format!("column_{column}")] = json!({ "type": ty, "nullable": column % 2 == 0 });
        }
        if wide && number.is_multiple_of(10) {
            columns["more"] = json!({ "type": "i32", "nullable": true });
        }
        let mut table = json!({
            "columns": columns, "primary_key": ["id"],
            "indexes": [{ "name": format!("t{number}_a"), "on": ["column_1"] }, { "name": format!("t{number}_b"), "on": ["column_4", "column_6"], "unique": true }],
        });
        if number > 0 {
            table["columns"]["parent_id"] = json!({ "type": "i64", "nullable": true });
            let target = format!("t{}", number - 1);
            table["foreign_keys"] = json!([{ "name": format!("t{number}_f"), "columns": ["parent_id"], "table": target, "target": ["id"], "on_delete": "CASCADE" }]);
        }
        (format!("t{number}"), table)
    };
    let tables: serde_json::Map<String, serde_json::Value> = (0..TABLES).map(table).collect();
    Schema::from_json(&json!({ "version": 1, "tables": tables }))
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        return sequor::cli::App::without_models().run();
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn measure() -> sequor::Result<()> {
    for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
        let (from, to) = (tables(false)?, tables(true)?);
        let generator = Generator::to_schema(to).dialects([dialect]);
        let mut times = Vec::new();
        for _ in 0..21 {
            let start = Instant::now();
            let plan = generator.plan(&from, dialect)?;
            times.push(start.elapsed());
            assert_eq!(plan.len(), TABLES / 10);
        }
        println!("diff of {TABLES} tables for {}: {:.1} ms", dialect.name(), median(times));
    }
    for database in ["sqlite", "postgres", "mysql"] {
        if let Some(place) = Place::open(database).await? {
            let result = on(database, &place).await;
            place.remove().await?;
            result?;
        }
    }
    Ok(())
}

async fn on(database: &str, place: &Place) -> sequor::Result<()> {
    let file = std::env::temp_dir().join(format!("sequor-speed-{}.db", std::process::id()));
    let url = if database == "sqlite" { format!("sqlite://{}", file.display()) } else { place.url().to_owned() };
    let db = Db::connect(&url).await?;
    let made = Generator::to_schema(tables(false)?).dialects([db.dialect()]).generate(&Schema::default())?;
    let made = made.ok_or_else(|| sequor::Error::usage("no tables"))?;
    let folder = std::env::temp_dir().join(format!("sequor-speed-{}", std::process::id()));
    let migration = folder.join("migrations/20240101000000-start");
    std::fs::create_dir_all(&migration)?;
    for (file, text) in &made.files {
        std::fs::write(migration.join(file), text)?;
    }
    let start = made.files.into_iter().fold(Migration::new("20240101000000-start"), |one, (file, text)| one.with(file, text));
    Migrator::new([start]).up(&db).await?;
    let mut times = Vec::new();
    for _ in 0..11 {
        let start = Instant::now();
        assert!(db.catalog().await?.tables.len() >= TABLES);
        times.push(start.elapsed());
    }
    println!("reading {TABLES} tables of {database}: {:.1} ms", median(times));

    let mut times = Vec::new();
    for _ in 0..21 {
        let start = Instant::now();
        let mut status = Command::new(std::env::current_exe()?);
        let done = status.current_dir(&folder).args(["migrate", "status", "--url", &url]).stdout(Stdio::null()).status()?;
        assert!(done.success());
        times.push(start.elapsed());
    }
    println!("migrate status on {database}: {:.1} ms", median(times));
    std::fs::remove_dir_all(&folder)?;

    db.sync::<Customer>(SyncMode::Create).await?;
    Factory::<Customer>::new(1000).create(&db).await?;
    let start = Instant::now();
    Factory::<Customer>::new(ROWS).seed(7).create(&db).await?;
    let took = start.elapsed().as_secs_f64();
    println!("fake data on {database}: {:.0} rows/s", ROWS as f64 / took);
    db.close().await?;
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
    Ok(())
}
