//! SQLite: Sequor beside rusqlite by hand and beside its peers, interleaved in one process.
//!
//! `BENCH_SQLITE=/folder` says where the file goes; a folder in memory measures the processor, not the disk.

#[cfg(feature = "peers")]
mod diesel_peer;
mod hand;
#[path = "../../shared/models.rs"]
mod models;
#[cfg(feature = "peers")]
#[path = "../../shared/sea_orm.rs"]
mod sea_orm_peer;
#[path = "../../shared/sequor.rs"]
mod sequor_contender;
#[cfg(feature = "peers")]
mod sqlx_peer;

use bench_harness::hand::ByHand;
use bench_harness::setup::{Spelling, statements};
use bench_harness::{Entry, Process, Stage, Suite, Tables, Work, entry};
use rusqlite::Connection;
use sequor_contender::{Kind, Sequor};

const SPELLING: Spelling = Spelling {
    key: "integer PRIMARY KEY AUTOINCREMENT",
    text: "text",
    number: "real",
    truth: "integer",
    instant: "text",
    numbers: "FROM (WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<{n}) SELECT i FROM g)",
    joined: "'{t}'||({i})",
    minutes: "strftime('%Y-%m-%d %H:%M:%f000+00:00', '2024-01-01', '+'||i||' minutes')",
    div: "/",
};

/// How every contender opens the file.
pub const SETTINGS: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000";

struct File(Connection);

impl Tables for File {
    fn state(&self, table: &str) -> String {
        let sql = format!("SELECT count(*), sum(score), sum(length(bio)) FROM {table}");
        self.0
            .query_row(&sql, [], |row| {
                Ok(format!("{:?}", (row.get::<_, i64>(0)?, row.get::<_, Option<f64>>(1)?, row.get::<_, Option<i64>>(2)?)))
            })
            .expect("a state")
    }

    fn empty(&self) {
        self.0.execute_batch("DELETE FROM inserted").expect("an empty table");
    }
}

fn entries(stage: Stage, path: &str) -> Vec<Entry> {
    let url = format!("sqlite://{path}");
    let (inline, off) = (format!("{url}?inline=on"), format!("{url}?inline=off"));
    let sequor = |name: &'static str, kind, url: &str| {
        let url = url.to_owned();
        entry(name, move || Box::new(Sequor::connect(name, kind, stage, url.clone())))
    };
    let at = path.to_owned();
    let mut entries = vec![
        entry("rusqlite by hand", move || Box::new(ByHand::new("rusqlite by hand", stage, hand::Hand::open(&at)))),
        sequor("Sequor", Kind::Whole, &url),
        sequor("Sequor with inline=on", Kind::Whole, &inline),
        sequor("Sequor with inline=off", Kind::Whole, &off),
        sequor("Sequor with 20 hooks", Kind::Hooks, &url),
        sequor("Sequor with a hook for each change", Kind::Capture, &url),
        sequor("Sequor with change tracking", Kind::Tracking, &url),
    ];
    #[cfg(feature = "peers")]
    {
        let at = path.to_owned();
        entries
            .push(entry("sqlx", move || Box::new(ByHand::new("sqlx", stage, sqlx_peer::Peer::connect(stage, sqlx_peer::Way(at.clone()))))));
        let at = path.to_owned();
        entries.push(entry("diesel", move || {
            Box::new(ByHand::new("diesel", stage, diesel_peer::Peer::connect(stage, diesel_peer::Way::new(&at))))
        }));
        entries.push(entry("SeaORM", move || Box::new(sea_orm_peer::Peer::connect(stage, url.clone(), 4_000))));
    }
    let (node, toasty) = (format!("sqlite:{path}"), format!("sqlite:{path}"));
    entries.extend(Process::node(node));
    entries.extend(Process::toasty(toasty));
    entries
}

fn main() {
    let path = format!("{}/bench.db", std::env::var("BENCH_SQLITE").expect("BENCH_SQLITE=/folder"));
    let stage = Stage::on_workers();
    let suite = Suite::new("SQLite");
    if suite.serves(&|| entries(stage, &path)) {
        return;
    }
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{path}{end}"));
    }
    let file = File(Connection::open(&path).expect("a database"));
    file.0.execute_batch(SETTINGS).expect("settings");
    for statement in statements(&SPELLING, suite.wants_any(&[Work::Cursor, Work::Stream])) {
        file.0.execute_batch(&statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    file.0.execute_batch("ANALYZE").expect("statistics");
    suite.all(entries(stage, &path), None, &file);
}
