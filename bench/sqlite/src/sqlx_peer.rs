//! sqlx on SQLite: many rows by `QueryBuilder::push_values` (https://docs.rs/sqlx).

#[path = "../../shared/sqlx.rs"]
mod shared;

pub use shared::Peer;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

type Database = sqlx::Sqlite;
const BEGIN: &str = "BEGIN IMMEDIATE";

macro_rules! p {
    ($n:literal) => {
        concat!("$", $n)
    };
}
use p;

/// Where the file is.
pub struct Way(pub String);

impl Way {
    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new().filename(&self.0).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal)
    }
}

mod many {
    use bench_harness::data::New;
    use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};

    const INSERT: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) ";

    pub async fn create(connection: &mut SqliteConnection, row: &New) -> i32 {
        let query =
            sqlx::query("INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)");
        let query = query.bind(&row.name).bind(&row.email).bind(row.age).bind(row.score).bind(row.active).bind(&row.bio);
        query.bind(row.created_at).execute(connection).await.expect("a row").last_insert_rowid() as i32
    }

    pub async fn insert(connection: &mut SqliteConnection, rows: &[New]) -> u64 {
        let mut transaction = connection.begin().await.expect("a transaction");
        let mut count = 0;
        // A statement takes 32,766 parameters.
        for chunk in rows.chunks(4_000) {
            let mut query = QueryBuilder::<Sqlite>::new(INSERT);
            query.push_values(chunk, |mut values, row| {
                values.push_bind(&row.name).push_bind(&row.email).push_bind(row.age).push_bind(row.score);
                values.push_bind(row.active).push_bind(&row.bio).push_bind(row.created_at);
            });
            count += query.build().execute(&mut *transaction).await.expect("rows").rows_affected();
        }
        transaction.commit().await.expect("a commit");
        count
    }

    pub async fn update(connection: &mut SqliteConnection, ids: &[i32], scores: &[f64]) {
        let mut transaction = connection.begin().await.expect("a transaction");
        for (id, score) in ids.iter().zip(scores) {
            let query = sqlx::query("UPDATE people SET score = $1 WHERE id = $2").bind(score).bind(id);
            query.execute(&mut *transaction).await.expect("a row");
        }
        transaction.commit().await.expect("a commit");
    }

    pub async fn upsert(connection: &mut SqliteConnection, rows: &[New], ids: &[i32]) -> u64 {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO inserted (id, name, email, age, score, active, bio, created_at) ");
        query.push_values(rows.iter().zip(ids), |mut values, (row, id)| {
            values.push_bind(id).push_bind(&row.name).push_bind(&row.email).push_bind(row.age).push_bind(row.score);
            values.push_bind(row.active).push_bind(&row.bio).push_bind(row.created_at);
        });
        query.push(" ON CONFLICT (id) DO UPDATE SET score = excluded.score, bio = excluded.bio");
        query.build().execute(connection).await.expect("rows").rows_affected()
    }
}
