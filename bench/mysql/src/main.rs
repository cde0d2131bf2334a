//! MariaDB: Sequor beside a hand-written client and beside its peers, interleaved in one process.
//!
//! `BENCH_MYSQL=127.0.0.1:3306` names a MariaDB with the user `sequor`, the password `sequor` and the database `sequor`.

#[path = "../../models.rs"]
mod models;
#[cfg(feature = "peers")]
mod peers;
mod raw;
mod workloads;

fn main() {
    workloads::run();
}
