//! sqlx on PostgreSQL: many rows by UNNEST, as its FAQ advises (https://github.com/launchbadge/sqlx/blob/main/FAQ.md).

#[path = "../../shared/sqlx.rs"]
mod shared;

pub use shared::Peer;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

type Database = sqlx::Postgres;
const BEGIN: &str = "BEGIN";

macro_rules! p {
    ($n:literal) => {
        concat!("$", $n)
    };
}
use p;

/// The port of the server.
pub struct Way(pub u16);

impl Way {
    fn options(&self) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(self.0).username("sequor").database("postgres");
        options.ssl_mode(PgSslMode::Disable)
    }
}

mod many {
    use bench_harness::data::New;
    use sqlx::PgConnection;

    pub async fn create(connection: &mut PgConnection, row: &New) -> i32 {
        const ONE: &str =
            "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
        let query = sqlx::query_scalar(ONE).bind(&row.name).bind(&row.email).bind(row.age).bind(row.score).bind(row.active);
        query.bind(&row.bio).bind(row.created_at).fetch_one(connection).await.expect("a row")
    }

    macro_rules! columns {
        ($query:expr, $rows:expr) => {
            $query
                .bind($rows.iter().map(|row| &*row.name).collect::<Vec<_>>())
                .bind($rows.iter().map(|row| &*row.email).collect::<Vec<_>>())
                .bind($rows.iter().map(|row| row.age).collect::<Vec<_>>())
                .bind($rows.iter().map(|row| row.score).collect::<Vec<_>>())
                .bind($rows.iter().map(|row| row.active).collect::<Vec<_>>())
                .bind($rows.iter().map(|row| row.bio.as_deref()).collect::<Vec<_>>())
                .bind($rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
        };
    }

    pub async fn insert(connection: &mut PgConnection, rows: &[New]) -> u64 {
        const UNNEST: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) \
            SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[], $4::float8[], $5::bool[], $6::text[], $7::timestamptz[]) RETURNING id";
        let keys: Vec<i32> = columns!(sqlx::query_scalar(UNNEST), rows).fetch_all(connection).await.expect("rows");
        keys.len() as u64
    }

    pub async fn update(connection: &mut PgConnection, ids: &[i32], scores: &[f64]) {
        const MANY: &str =
            "UPDATE people SET score = new.score FROM UNNEST($1::int4[], $2::float8[]) AS new(id, score) WHERE people.id = new.id";
        sqlx::query(MANY).bind(ids).bind(scores).execute(connection).await.expect("rows");
    }

    pub async fn upsert(connection: &mut PgConnection, rows: &[New], ids: &[i32]) -> u64 {
        const UPSERT: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at, id) \
            SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[], $4::float8[], $5::bool[], $6::text[], $7::timestamptz[], $8::int4[]) \
            ON CONFLICT (id) DO UPDATE SET score = excluded.score, bio = excluded.bio RETURNING id";
        let keys: Vec<i32> = columns!(sqlx::query_scalar(UPSERT), rows).bind(ids).fetch_all(connection).await.expect("rows");
        keys.len() as u64
    }
}
