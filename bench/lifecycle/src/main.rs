//! What hooks cost, and what SQLite's thread costs: each case beside its plain form, in rounds that take turns; the minimum of each counts.
//!
//! `SEQUOR_POSTGRES_URL` and `SEQUOR_MYSQL_URL` name servers whose table `measured_rows` may be dropped; without them only SQLite is measured. Words choose cases:
//! `bench-lifecycle hooks 'sqlite, in place'`; with `plain` or `hooked` beside them a profiler sees that side alone.

use sequor::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "measured_rows")]
pub struct Row {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    pub count: i32,
}

const ROUNDS: usize = 40;

/// Whether a case was asked for; all are where nobody asks.
fn is_wanted(case: &str) -> bool {
    let sides = ["plain", "hooked"];
    let mut words = std::env::args().skip(1).filter(|word| !sides.contains(&word.as_str())).peekable();
    words.peek().is_none() || words.any(|word| word == case)
}

/// Whether this side of a case was asked for.
fn is_side(side: &str) -> bool {
    let mut words = std::env::args().skip(1).filter(|word| word == "plain" || word == "hooked").peekable();
    words.peek().is_none() || words.any(|word| word == side)
}

fn least(times: &[Duration]) -> f64 {
    times.iter().min().map_or(f64::NAN, |least| least.as_secs_f64() * 1e6)
}

async fn create_many(db: &Db, times: u32) -> Result<Duration> {
    let start = Instant::now();
    for number in 0..times {
        black_box(draft!(Row { name: "a name", count: i32::try_from(number).unwrap_or(0) }).create(db).await?);
    }
    Ok(start.elapsed() / times)
}

/// Twenty hooks that do nothing, ten of the model and ten of all models, half of them before the statement.
fn no_ops(db: &Db) {
    for number in 0..5 {
        let name = format!("none-{number}");
        db.hooks::<Row>().before_create(&name, |_, _| Box::pin(async { Ok(()) }));
        db.hooks::<Row>().after_create(&name, |_, _| Box::pin(async { Ok(()) }));
        db.global_hooks().before_save(&name, |_, _| Box::pin(async { Ok(()) }));
        db.global_hooks().after_save(&name, |_, _| Box::pin(async { Ok(()) }));
    }
}

async fn hooks_of_one_write() -> Result<()> {
    if !is_wanted("hooks") {
        return Ok(());
    }
    // In place: what a thread adds, and how much it differs from run to run, is more than what hooks cost.
    let (plain, hooked) = (Db::connect("sqlite::memory:?inline=on").await?, Db::connect("sqlite::memory:?inline=on").await?);
    no_ops(&hooked);
    for db in [&plain, &hooked] {
        db.sync::<Row>(SyncMode::Force).await?;
    }
    // A write with hooks behind its statement is a transaction; the plain one beside it is one too.
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        if is_side("plain") {
            without.push(plain.transaction(async |tx| create_many(tx, 200).await).await?);
        }
        if is_side("hooked") {
            with.push(hooked.transaction(async |tx| create_many(tx, 200).await).await?);
        }
    }
    println!(
        "one insert in a transaction, sqlite: {:.2} µs; with 20 hooks {:.2} µs; the hooks {:.2} µs",
        least(&without),
        least(&with),
        least(&with) - least(&without)
    );
    Ok(())
}

async fn update_all(db: &Db, to: i32) -> Result<Duration> {
    let start = Instant::now();
    let rows = Row::update_all().set(Row::COUNT, to).every_row().exec(db).await?;
    assert_eq!(rows, 1000);
    Ok(start.elapsed())
}

async fn capture(name: &str, url: &str) -> Result<()> {
    if !is_wanted(name) {
        return Ok(());
    }
    let (plain, hooked) = (Db::connect(url).await?, Db::connect(url).await?);
    plain.sync::<Row>(SyncMode::Force).await?;
    let drafts: Vec<_> = (0..1000).map(|number| draft!(Row { name: format!("row {number}"), count: 0 })).collect();
    Row::bulk_create(drafts).exec(&plain).await?;
    hooked.global_hooks().after_change("capture", |change, _| {
        black_box((change.operation(), change.key()));
        Box::pin(async { Ok(()) })
    });
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let to = i32::try_from(round).unwrap_or(0);
        if is_side("plain") {
            without.push(update_all(&plain, 2 * to).await?);
        }
        if is_side("hooked") {
            with.push(update_all(&hooked, 2 * to + 1).await?);
        }
    }
    let (without, with) = (least(&without), least(&with));
    println!("update of 1,000 rows, {name}: {without:.0} µs; with a hook that gets each change {with:.0} µs; {:.2}×", with / without);
    Ok(())
}

async fn look_up(db: &Db, times: i64) -> Result<Duration> {
    let start = Instant::now();
    for id in 1..=times {
        black_box(Row::find_by_pk(id).exec(db).await?);
    }
    Ok(start.elapsed() / u32::try_from(times).unwrap_or(1))
}

fn by_hand(connection: &rusqlite::Connection, times: i64) -> rusqlite::Result<Duration> {
    let start = Instant::now();
    for id in 1..=times {
        let mut statement = connection.prepare_cached("SELECT id, name, count FROM measured_rows WHERE id = ?1")?;
        let mut rows = statement.query([id])?;
        if let Some(row) = rows.next()? {
            black_box(Row { id: row.get(0)?, name: row.get(1)?, count: row.get(2)? });
        }
    }
    Ok(start.elapsed() / u32::try_from(times).unwrap_or(1))
}

async fn look_ups(file: &str, whose: &str) -> Result<()> {
    let thread = Db::connect(&format!("sqlite://{file}")).await?;
    let inline = Db::connect(&format!("sqlite://{file}?inline=on")).await?;
    let floor = rusqlite::Connection::open(file).map_err(Error::other)?;
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(by_hand(&floor, 500).map_err(Error::other)?);
        b.push(look_up(&inline, 500).await?);
        c.push(look_up(&thread, 500).await?);
    }
    let (a, b, c) = (least(&a), least(&b), least(&c));
    println!(
        "look-up by key, sqlite, {whose}: by hand {a:.2} µs; in place {b:.2} µs ({:.2}×); through the thread {c:.2} µs ({:.2}×)",
        b / a,
        c / a
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    hooks_of_one_write().await?;
    let path = std::env::temp_dir().join(format!("sequor-lifecycle-{}.db", std::process::id()));
    let file = path.display().to_string();
    capture("sqlite", &format!("sqlite://{file}")).await?;
    capture("sqlite, in place", &format!("sqlite://{file}?inline=on")).await?;
    for (name, variable) in [("postgres", "SEQUOR_POSTGRES_URL"), ("mariadb", "SEQUOR_MYSQL_URL")] {
        if let Ok(url) = std::env::var(variable) {
            capture(name, &url).await?;
        }
    }
    if !is_wanted("look-ups") {
        return clean(&file);
    }
    look_ups(&file, "main task").await?;
    let spawned = file.clone();
    tokio::spawn(async move { look_ups(&spawned, "spawned task").await }).await.map_err(Error::other)??;
    clean(&file)
}

fn clean(file: &str) -> Result<()> {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{file}{end}"));
    }
    Ok(())
}
