//! PostgreSQL: Sequor beside a hand-written client and beside its peers, interleaved in one process.
//!
//! `BENCH_POSTGRES=127.0.0.1:5432` names a server that trusts its own machine, with the user `sequor` and the database `postgres`.

mod arrays;
#[cfg(feature = "peers")]
mod diesel_async_peer;
#[cfg(feature = "peers")]
mod diesel_peer;
mod hand;
#[path = "../../shared/models.rs"]
mod models;
mod raw;
#[cfg(feature = "peers")]
#[path = "../../shared/sea_orm.rs"]
mod sea_orm_peer;
#[path = "../../shared/sequor.rs"]
mod sequor_contender;
#[cfg(feature = "peers")]
mod sqlx_peer;
#[cfg(feature = "peers")]
mod tokio_postgres_peer;

use bench_harness::hand::ByHand;
use bench_harness::setup::{Spelling, statements};
use bench_harness::{Entry, Process, Stage, Suite, Tables, Work, delayed, entry};
use sequor_contender::{Kind, Sequor};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

const SPELLING: Spelling = Spelling {
    key: "serial PRIMARY KEY",
    text: "text",
    number: "float8",
    truth: "bool",
    instant: "timestamptz",
    numbers: "FROM generate_series(1,{n}) i",
    joined: "'{t}'||({i})",
    minutes: "'2024-01-01Z'::timestamptz + i*'1 minute'::interval",
    div: "/",
};

struct Server(Stage, RefCell<raw::Raw>);

impl Server {
    fn run(&self, sql: &str) {
        self.0.wait(self.1.borrow_mut().run(sql));
    }
}

impl Tables for Server {
    fn state(&self, table: &str) -> String {
        let mut state = Vec::new();
        let sql = format!("SELECT count(*), sum(score), sum(length(bio)) FROM {table}");
        self.0.wait(self.1.borrow_mut().query(&sql, |body| state.extend_from_slice(body)));
        String::from_utf8_lossy(&state).into_owned()
    }

    fn empty(&self) {
        self.run("TRUNCATE inserted");
    }
}

fn entries(stage: Stage, port: u16) -> Vec<Entry> {
    let url = format!("postgres://sequor@127.0.0.1:{port}/postgres");
    let sequor = |name: &'static str, kind| {
        let url = url.clone();
        entry(name, move || Box::new(Sequor::connect(name, kind, stage, url.clone())))
    };
    let mut entries = vec![
        entry("by hand", move || Box::new(ByHand::new("by hand", stage, hand::Hand::connect(stage, port, false)))),
        sequor("Sequor", Kind::Whole),
        entry("one flush by hand", move || Box::new(ByHand::new("one flush by hand", stage, hand::Hand::connect(stage, port, true)))),
        sequor("Sequor with 20 hooks", Kind::Hooks),
        sequor("Sequor with a hook for each change", Kind::Capture),
        sequor("Sequor with change tracking", Kind::Tracking),
    ];
    #[cfg(feature = "peers")]
    {
        let by_hand = "tokio-postgres by hand";
        entries.push(entry(by_hand, move || Box::new(ByHand::new(by_hand, stage, tokio_postgres_peer::Peer::connect(stage, port)))));
        entries.push(entry("sqlx", move || Box::new(ByHand::new("sqlx", stage, sqlx_peer::Peer::connect(stage, sqlx_peer::Way(port))))));
        let at = url.clone();
        let diesel = move || diesel_peer::Peer::connect(stage, diesel_peer::Way(at.clone()));
        entries.push(entry("diesel", move || Box::new(ByHand::new("diesel", stage, diesel()))));
        let at = url.clone();
        let diesel = move || diesel_async_peer::Peer::connect(stage, diesel_async_peer::Way::new(at.clone()));
        entries.push(entry("diesel-async", move || Box::new(ByHand::new("diesel-async", stage, diesel()))));
        let at = url.clone();
        entries.push(entry("SeaORM", move || Box::new(sea_orm_peer::Peer::connect(stage, at.clone(), 9_000))));
    }
    entries.extend(Process::node(url.clone()));
    entries.extend(Process::toasty(url.replace("postgres://", "postgresql://")));
    entries
}

fn main() {
    let address: SocketAddr = std::env::var("BENCH_POSTGRES").expect("BENCH_POSTGRES=127.0.0.1:port").parse().expect("an address");
    let stage = Stage::on_one_thread();
    let suite = Suite::new("PostgreSQL");
    let port = address.port();
    if suite.serves(&|| entries(stage, port)) {
        return;
    }
    let server = Server(stage, RefCell::new(stage.wait(raw::Raw::connect(address, "sequor", "postgres"))));
    for statement in statements(&SPELLING, suite.wants_any(&[Work::Cursor, Work::Stream])) {
        server.run(&statement);
    }
    server.run("ANALYZE");
    let far = delayed(port, Duration::from_millis(1));
    suite.all(entries(stage, port), Some(entries(stage, far)), &server);
}
