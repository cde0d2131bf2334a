//! SQLite: Sequor beside rusqlite by hand and beside its peers, interleaved in one process.
//!
//! `BENCH_SQLITE=/folder` says where the file goes; a folder in memory measures the processor, not the disk.

#[path = "../../models.rs"]
mod models;
#[cfg(feature = "peers")]
mod peers;
mod workloads;

fn main() {
    workloads::run();
}
