//! diesel on SQLite.

#[path = "../../shared/diesel.rs"]
mod shared;

use bench_harness::{Seen, Stage};
use chrono::{DateTime, Utc};
pub use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
pub use diesel::sql_types::TimestamptzSqlite as Instant;
pub use shared::Peer;
use shared::{Person, people};

type Line = SqliteConnection;
type Time = DateTime<Utc>;
const BEGIN: &str = "BEGIN IMMEDIATE";

fn time(instant: DateTime<Utc>) -> Time {
    instant
}

macro_rules! go {
    ($query:expr) => {
        $query
    };
}
use go;

/// Where the file is.
pub struct Way(pub String, std::cell::OnceCell<Pool<ConnectionManager<SqliteConnection>>>);

impl Way {
    pub fn new(path: &str) -> Self {
        Way(path.to_owned(), std::cell::OnceCell::new())
    }

    async fn connect(&self) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(&self.0).expect("a connection");
        connection.batch_execute(crate::SETTINGS).expect("settings");
        connection
    }

    /// Its pool is r2d2, its calls block (https://docs.rs/diesel/latest/diesel/r2d2).
    fn tasks(&self, stage: Stage, tasks: u32, operations: u32) -> Option<Seen> {
        let pool = self
            .1
            .get_or_init(|| Pool::builder().max_size(10).test_on_check_out(false).build(ConnectionManager::new(&self.0)).expect("a pool"))
            .clone();
        Some(stage.spread(tasks, operations, move |key| {
            let pool = pool.clone();
            async move {
                let find = move || {
                    let row: Person = people::table.find(key).first(&mut *pool.get().expect("a connection")).expect("a row");
                    row.id
                };
                tokio::task::spawn_blocking(find).await.expect("no panic")
            }
        }))
    }
}

mod many {
    use super::shared::{Event, events, inserted, keyed, new};
    use bench_harness::data::New;
    use diesel::prelude::*;

    pub async fn create(connection: &mut SqliteConnection, row: &New) -> i32 {
        diesel::insert_into(inserted::table).values(new(row)).returning(inserted::id).get_result(connection).expect("a row")
    }

    pub async fn insert(connection: &mut SqliteConnection, rows: &[New]) -> u64 {
        let write = |connection: &mut SqliteConnection| {
            let mut count = 0;
            // A statement takes 32,766 parameters.
            for chunk in rows.chunks(4_000) {
                let rows: Vec<_> = chunk.iter().map(new).collect();
                count += diesel::insert_into(inserted::table).values(&rows).execute(connection)?;
            }
            QueryResult::Ok(count)
        };
        connection.immediate_transaction(write).expect("rows") as u64
    }

    pub async fn upsert(connection: &mut SqliteConnection, rows: &[New], ids: &[i32]) -> u64 {
        use diesel::upsert::excluded;
        let rows: Vec<_> = rows.iter().zip(ids).map(|(row, id)| keyed(row, *id)).collect();
        let upsert = diesel::insert_into(inserted::table).values(&rows).on_conflict(inserted::id).do_update();
        let changes = (inserted::score.eq(excluded(inserted::score)), inserted::bio.eq(excluded(inserted::bio)));
        upsert.set(changes).execute(connection).expect("rows") as u64
    }

    pub async fn stream(connection: &mut SqliteConnection, mut each: impl FnMut(Event)) {
        for row in events::table.load_iter::<Event, diesel::connection::DefaultLoadingMode>(connection).expect("rows") {
            each(row.expect("a row"));
        }
    }
}
