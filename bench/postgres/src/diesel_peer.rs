//! diesel over libpq.

#[path = "../../shared/diesel.rs"]
mod shared;

use bench_harness::{Seen, Stage};
use chrono::{DateTime, Utc};
pub use diesel::RunQueryDsl;
use diesel::prelude::*;
pub use diesel::sql_types::Timestamptz as Instant;
pub use shared::Peer;

type Line = PgConnection;
type Time = DateTime<Utc>;
const BEGIN: &str = "BEGIN";

fn time(instant: DateTime<Utc>) -> Time {
    instant
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
    async fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.0).expect("a connection")
    }

    /// Many tasks are diesel-async's affair.
    fn tasks(&self, _: Stage, _: u32, _: u32) -> Option<Seen> {
        None
    }
}

mod many {
    use super::shared::{Event, events, inserted, keyed, new};
    use bench_harness::data::New;
    use diesel::prelude::*;
    use diesel::upsert::excluded;

    pub async fn create(connection: &mut PgConnection, row: &New) -> i32 {
        diesel::insert_into(inserted::table).values(new(row)).returning(inserted::id).get_result(connection).expect("a row")
    }

    pub async fn insert(connection: &mut PgConnection, rows: &[New]) -> u64 {
        let mut count = 0;
        // A statement takes 65,535 parameters.
        for chunk in rows.chunks(9_000) {
            let rows: Vec<_> = chunk.iter().map(|row| new(row)).collect();
            let insert = diesel::insert_into(inserted::table).values(&rows).returning(inserted::id);
            count += insert.get_results::<i32>(connection).expect("rows").len() as u64;
        }
        count
    }

    pub async fn upsert(connection: &mut PgConnection, rows: &[New], ids: &[i32]) -> u64 {
        let rows: Vec<_> = rows.iter().zip(ids).map(|(row, id)| keyed(row, *id)).collect();
        let upsert = diesel::insert_into(inserted::table).values(&rows).on_conflict(inserted::id).do_update();
        let changes = (inserted::score.eq(excluded(inserted::score)), inserted::bio.eq(excluded(inserted::bio)));
        upsert.set(changes).execute(connection).expect("rows") as u64
    }

    pub async fn stream(connection: &mut PgConnection, mut each: impl FnMut(Event)) {
        for row in events::table.load_iter::<Event, diesel::pg::PgRowByRowLoadingMode>(connection).expect("rows") {
            each(row.expect("a row"));
        }
    }
}
