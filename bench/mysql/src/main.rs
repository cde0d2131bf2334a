//! MariaDB: Sequor beside a hand-written client and beside its peers, interleaved in one process.
//!
//! `BENCH_MYSQL=127.0.0.1:3306` names a server with the account `sequor` (password `sequor`) and the database `sequor`.

#[cfg(feature = "peers")]
mod diesel_async_peer;
#[cfg(feature = "peers")]
mod diesel_peer;
mod hand;
#[path = "../../shared/models.rs"]
mod models;
#[cfg(feature = "peers")]
mod mysql_async_peer;
mod raw;
#[cfg(feature = "peers")]
#[path = "../../shared/sea_orm.rs"]
mod sea_orm_peer;
#[path = "../../shared/sequor.rs"]
mod sequor_contender;
#[cfg(feature = "peers")]
mod sqlx_peer;

use bench_harness::hand::ByHand;
use bench_harness::setup::{Spelling, statements};
use bench_harness::{Entry, Process, Stage, Suite, Tables, Work, delayed, entry};
use sequor_contender::{Kind, Sequor};
use std::cell::RefCell;
use std::time::Duration;

const SPELLING: Spelling = Spelling {
    key: "int PRIMARY KEY AUTO_INCREMENT",
    text: "varchar(255)",
    number: "double",
    truth: "tinyint(1)",
    instant: "datetime(6)",
    numbers: "FROM (SELECT seq AS i FROM seq_1_to_{n}) g",
    joined: "CONCAT('{t}', {i})",
    minutes: "'2024-01-01' + INTERVAL i MINUTE",
    div: "DIV",
};

struct Server(RefCell<raw::Raw>);

impl Tables for Server {
    fn state(&self, table: &str) -> String {
        let mut raw = self.0.borrow_mut();
        let mut statement = raw.prepare(&format!("SELECT count(*), sum(score), CAST(sum(length(bio)) AS SIGNED) FROM {table}"));
        let mut state = String::new();
        raw.execute(&mut statement, &[], |mut row| state = format!("{} {} {}", row.i64(), row.f64(), row.i64()));
        state
    }

    fn empty(&self) {
        self.0.borrow_mut().run("TRUNCATE inserted");
    }
}

fn entries(stage: Stage, port: u16) -> Vec<Entry> {
    let url = format!("mysql://sequor:sequor@127.0.0.1:{port}/sequor");
    let sequor = |name: &'static str, kind| {
        let url = url.clone();
        entry(name, move || Box::new(Sequor::connect(name, kind, stage, url.clone())))
    };
    let mut entries = vec![
        entry("by hand", move || Box::new(ByHand::new("by hand", stage, hand::Hand::connect(port)))),
        sequor("Sequor", Kind::Whole),
        sequor("Sequor with 20 hooks", Kind::Hooks),
        sequor("Sequor with a hook for each change", Kind::Capture),
        sequor("Sequor with change tracking", Kind::Tracking),
    ];
    #[cfg(feature = "peers")]
    {
        let by_hand = "mysql_async by hand";
        entries.push(entry(by_hand, move || Box::new(ByHand::new(by_hand, stage, mysql_async_peer::Peer::connect(stage, port)))));
        entries.push(entry("sqlx", move || Box::new(ByHand::new("sqlx", stage, sqlx_peer::Peer::connect(stage, sqlx_peer::Way(port))))));
        let at = url.clone();
        let diesel = move || diesel_peer::Peer::connect(stage, diesel_peer::Way(at.clone()));
        entries.push(entry("diesel", move || Box::new(ByHand::new("diesel", stage, diesel()))));
        // Over the line that the others have: it would change to the server's socket.
        let at = format!("{url}?prefer_socket=false");
        let diesel = move || diesel_async_peer::Peer::connect(stage, diesel_async_peer::Way::new(at.clone()));
        entries.push(entry("diesel-async", move || Box::new(ByHand::new("diesel-async", stage, diesel()))));
        let at = url.clone();
        entries.push(entry("SeaORM", move || Box::new(sea_orm_peer::Peer::connect(stage, at.clone(), 9_000))));
    }
    entries.extend(Process::node(url.clone()));
    entries.extend(Process::toasty(url.replace("mysql://", "mariadb://")));
    entries
}

fn main() {
    let address = std::env::var("BENCH_MYSQL").expect("BENCH_MYSQL=127.0.0.1:port");
    let port: u16 = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let stage = Stage::on_one_thread();
    let suite = Suite::new("MariaDB");
    if suite.serves(&|| entries(stage, port)) {
        return;
    }
    let server = Server(RefCell::new(hand::connect(port)));
    for statement in statements(&SPELLING, suite.wants_any(&[Work::Cursor, Work::Stream])) {
        server.0.borrow_mut().run(&statement);
    }
    let far = delayed(port, Duration::from_millis(1));
    suite.all(entries(stage, port), Some(entries(stage, far)), &server);
}
