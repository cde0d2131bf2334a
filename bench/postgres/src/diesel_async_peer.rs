//! diesel-async, and deadpool over it (https://docs.rs/diesel-async/latest/diesel_async/pooled_connection).

#[path = "../../shared/diesel.rs"]
mod shared;

use bench_harness::{Seen, Stage};
use chrono::{DateTime, Utc};

use diesel::prelude::*;
pub use diesel::sql_types::Timestamptz as Instant;
pub use diesel_async::RunQueryDsl;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncConnection, AsyncPgConnection};
pub use shared::Peer;
use shared::{Person, people};
use std::cell::OnceCell;

type Line = AsyncPgConnection;
type Time = DateTime<Utc>;
const BEGIN: &str = "BEGIN";

fn time(instant: DateTime<Utc>) -> Time {
    instant
}

macro_rules! go {
    ($query:expr) => {
        $query.await
    };
}
use go;

/// The server's URL.
pub struct Way(pub String, OnceCell<Pool<AsyncPgConnection>>);

impl Way {
    pub fn new(url: String) -> Self {
        Way(url, OnceCell::new())
    }

    async fn connect(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.0).await.expect("a connection")
    }

    fn tasks(&self, stage: Stage, tasks: u32, operations: u32) -> Option<Seen> {
        let connect = || {
            let _inside = stage.crowd.enter();
            Pool::builder(AsyncDieselConnectionManager::<AsyncPgConnection>::new(&self.0)).max_size(10).build().expect("a pool")
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
    use super::shared::{Event, events, inserted, keyed, new};
    use bench_harness::data::New;
    use diesel::prelude::*;
    use diesel::upsert::excluded;
    use diesel_async::{AsyncPgConnection, RunQueryDsl};

    pub async fn create(connection: &mut AsyncPgConnection, row: &New) -> i32 {
        diesel::insert_into(inserted::table).values(new(row)).returning(inserted::id).get_result(connection).await.expect("a row")
    }

    pub async fn insert(connection: &mut AsyncPgConnection, rows: &[New]) -> u64 {
        let mut count = 0;
        // A statement takes 65,535 parameters.
        for chunk in rows.chunks(9_000) {
            let rows: Vec<_> = chunk.iter().map(|row| new(row)).collect();
            let insert = diesel::insert_into(inserted::table).values(&rows).returning(inserted::id);
            count += insert.get_results::<i32>(connection).await.expect("rows").len() as u64;
        }
        count
    }

    pub async fn upsert(connection: &mut AsyncPgConnection, rows: &[New], ids: &[i32]) -> u64 {
        let rows: Vec<_> = rows.iter().zip(ids).map(|(row, id)| keyed(row, *id)).collect();
        let upsert = diesel::insert_into(inserted::table).values(&rows).on_conflict(inserted::id).do_update();
        let changes = (inserted::score.eq(excluded(inserted::score)), inserted::bio.eq(excluded(inserted::bio)));
        upsert.set(changes).execute(connection).await.expect("rows") as u64
    }

    pub async fn stream(connection: &mut AsyncPgConnection, mut each: impl FnMut(Event)) {
        use futures_util::TryStreamExt;
        let mut rows = events::table.load_stream::<Event>(connection).await.expect("rows");
        while let Some(row) = rows.try_next().await.expect("a row") {
            each(row);
        }
    }
}
