//! diesel-async, and deadpool over it (https://docs.rs/diesel-async/latest/diesel_async/pooled_connection).

#[path = "../../shared/diesel.rs"]
mod shared;

use bench_harness::{Seen, Stage};
use chrono::{DateTime, Utc};

use diesel::prelude::*;
pub use diesel::sql_types::Datetime as Instant;
pub use diesel_async::RunQueryDsl;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncConnection, AsyncMysqlConnection};
pub use shared::Peer;
use shared::{Person, people};
use std::cell::OnceCell;

type Line = AsyncMysqlConnection;
type Time = chrono::NaiveDateTime;
const BEGIN: &str = "START TRANSACTION";

fn time(instant: DateTime<Utc>) -> Time {
    instant.naive_utc()
}

macro_rules! go {
    ($query:expr) => {
        $query.await
    };
}
use go;

/// The server's URL.
pub struct Way(pub String, OnceCell<Pool<AsyncMysqlConnection>>);

impl Way {
    pub fn new(url: String) -> Self {
        Way(url, OnceCell::new())
    }

    async fn connect(&self) -> AsyncMysqlConnection {
        AsyncMysqlConnection::establish(&self.0).await.expect("a connection")
    }

    fn tasks(&self, stage: Stage, tasks: u32, operations: u32) -> Option<Seen> {
        let connect = || {
            let _inside = stage.crowd.enter();
            Pool::builder(AsyncDieselConnectionManager::<AsyncMysqlConnection>::new(&self.0)).max_size(10).build().expect("a pool")
        };
        let pool = self.1.get_or_init(connect).clone();
        Some(stage.spread(tasks, operations, move |key| {
            let pool = pool.clone();
            async move {
                let mut connection = pool.get().await.expect("a connection");
                people::table.find(key).first::<Person>(&mut connection).await.expect("a row").id
            }
        }))
    }
}

mod many {
    use super::BEGIN;
    use super::shared::{Event, events, inserted, keyed, new};
    use bench_harness::data::New;
    use diesel::define_sql_function;
    use diesel::prelude::*;
    use diesel_async::{AsyncMysqlConnection, RunQueryDsl};

    define_sql_function! { fn last_insert_id() -> Unsigned<BigInt>; }

    /// There is no RETURNING for MySQL; the key is asked for by a second statement, as https://docs.diesel.rs/main/diesel/fn.insert_into.html has it.
    pub async fn create(connection: &mut AsyncMysqlConnection, row: &New) -> i32 {
        diesel::insert_into(inserted::table).values(new(row)).execute(connection).await.expect("a row");
        diesel::select(last_insert_id()).get_result::<u64>(connection).await.expect("a key") as i32
    }

    pub async fn insert(connection: &mut AsyncMysqlConnection, rows: &[New]) -> u64 {
        let mut count = 0;
        // A statement takes 65,535 parameters.
        for chunk in rows.chunks(9_000) {
            let rows: Vec<_> = chunk.iter().map(|row| new(row)).collect();
            count += diesel::insert_into(inserted::table).values(&rows).execute(connection).await.expect("rows") as u64;
        }
        count
    }

    /// A row at a time: what many rows would have been given cannot be named in `ON DUPLICATE KEY UPDATE`.
    pub async fn upsert(connection: &mut AsyncMysqlConnection, rows: &[New], ids: &[i32]) -> u64 {
        diesel::sql_query(BEGIN).execute(connection).await.expect("a transaction");
        for (row, id) in rows.iter().zip(ids) {
            let insert = diesel::insert_into(inserted::table).values(keyed(row, *id)).on_conflict(diesel::dsl::DuplicatedKeys).do_update();
            insert.set((inserted::score.eq(row.score), inserted::bio.eq(row.bio.as_deref()))).execute(connection).await.expect("a row");
        }
        diesel::sql_query("COMMIT").execute(connection).await.expect("a commit");
        rows.len() as u64
    }

    pub async fn stream(connection: &mut AsyncMysqlConnection, mut each: impl FnMut(Event)) {
        use futures_util::TryStreamExt;
        let mut rows = events::table.load_stream::<Event>(connection).await.expect("rows");
        while let Some(row) = rows.try_next().await.expect("a row") {
            each(row);
        }
    }
}
