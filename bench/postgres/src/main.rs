//! PostgreSQL: Sequor beside a hand-written client and beside its peers, interleaved in one process.
//!
//! `BENCH_POSTGRES=127.0.0.1:5432` names a server that trusts its own machine, with the user `sequor` and the database `postgres`.

mod arrays;
mod daily;
#[path = "../../models.rs"]
mod models;
#[cfg(feature = "peers")]
mod peers;
mod raw;
mod workloads;

fn main() {
    workloads::run();
}
