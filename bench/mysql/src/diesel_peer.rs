//! diesel over MariaDB's client library.

#[path = "../../shared/diesel.rs"]
mod shared;

use bench_harness::{Seen, Stage};
use chrono::{DateTime, Utc};
pub use diesel::RunQueryDsl;
use diesel::prelude::*;
pub use diesel::sql_types::Datetime as Instant;
pub use shared::Peer;

type Line = MysqlConnection;
type Time = chrono::NaiveDateTime;
const BEGIN: &str = "START TRANSACTION";

fn time(instant: DateTime<Utc>) -> Time {
    instant.naive_utc()
}

macro_rules! go {
    ($query:expr) => {
        $query
    };
}
use go;

/// The server's URL.
pub struct Way(pub String);

impl Way {
    async fn connect(&self) -> MysqlConnection {
        MysqlConnection::establish(&self.0).expect("a connection")
    }

    /// Many tasks are diesel-async's affair.
    fn tasks(&self, _: Stage, _: u32, _: u32) -> Option<Seen> {
        None
    }
}

mod many {
    use super::BEGIN;
    use super::shared::{Event, events, inserted, keyed, new};
    use bench_harness::data::New;
    use diesel::define_sql_function;
    use diesel::prelude::*;

    define_sql_function! { fn last_insert_id() -> Unsigned<BigInt>; }

    /// There is no RETURNING for MySQL; the key is asked for by a second statement, as https://docs.diesel.rs/main/diesel/fn.insert_into.html has it.
    pub async fn create(connection: &mut MysqlConnection, row: &New) -> i32 {
        diesel::insert_into(inserted::table).values(new(row)).execute(connection).expect("a row");
        diesel::select(last_insert_id()).get_result::<u64>(connection).expect("a key") as i32
    }

    pub async fn insert(connection: &mut MysqlConnection, rows: &[New]) -> u64 {
        let mut count = 0;
        // A statement takes 65,535 parameters.
        for chunk in rows.chunks(9_000) {
            let rows: Vec<_> = chunk.iter().map(|row| new(row)).collect();
            count += diesel::insert_into(inserted::table).values(&rows).execute(connection).expect("rows") as u64;
        }
        count
    }

    /// A row at a time: what many rows would have been given cannot be named in `ON DUPLICATE KEY UPDATE`.
    pub async fn upsert(connection: &mut MysqlConnection, rows: &[New], ids: &[i32]) -> u64 {
        diesel::sql_query(BEGIN).execute(connection).expect("a transaction");
        for (row, id) in rows.iter().zip(ids) {
            let insert = diesel::insert_into(inserted::table).values(keyed(row, *id)).on_conflict(diesel::dsl::DuplicatedKeys).do_update();
            insert.set((inserted::score.eq(row.score), inserted::bio.eq(row.bio.as_deref()))).execute(connection).expect("a row");
        }
        diesel::sql_query("COMMIT").execute(connection).expect("a commit");
        rows.len() as u64
    }

    pub async fn stream(connection: &mut MysqlConnection, mut each: impl FnMut(Event)) {
        for row in events::table.load_iter::<Event, diesel::connection::DefaultLoadingMode>(connection).expect("rows") {
            each(row.expect("a row"));
        }
    }
}
