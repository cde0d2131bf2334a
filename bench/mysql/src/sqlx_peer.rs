//! sqlx on MySQL and MariaDB: many rows by `QueryBuilder::push_values` (https://docs.rs/sqlx).

#[path = "../../shared/sqlx.rs"]
mod shared;

pub use shared::Peer;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

type Database = sqlx::MySql;
const BEGIN: &str = "START TRANSACTION";

macro_rules! p {
    ($n:literal) => {
        "?"
    };
}
use p;

/// The port of the server.
pub struct Way(pub u16);

impl Way {
    fn options(&self) -> MySqlConnectOptions {
        let options = MySqlConnectOptions::new().host("127.0.0.1").port(self.0).username("sequor").password("sequor");
        options.database("sequor").ssl_mode(MySqlSslMode::Disabled)
    }
}

mod many {
    use bench_harness::data::New;
    use sqlx::{Connection, MySql, MySqlConnection, QueryBuilder};

    pub async fn create(connection: &mut MySqlConnection, row: &New) -> i32 {
        const ONE: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
        let query = sqlx::query(ONE).bind(&row.name).bind(&row.email).bind(row.age).bind(row.score).bind(row.active);
        query.bind(&row.bio).bind(row.created_at).execute(connection).await.expect("a row").last_insert_id() as i32
    }

    pub async fn insert(connection: &mut MySqlConnection, rows: &[New]) -> u64 {
        let mut transaction = connection.begin().await.expect("a transaction");
        let mut count = 0;
        // A statement takes 65,535 parameters.
        for chunk in rows.chunks(9_000) {
            let mut query = QueryBuilder::<MySql>::new("INSERT INTO inserted (name, email, age, score, active, bio, created_at) ");
            query.push_values(chunk, |mut values, row| {
                values.push_bind(&row.name).push_bind(&row.email).push_bind(row.age).push_bind(row.score);
                values.push_bind(row.active).push_bind(&row.bio).push_bind(row.created_at);
            });
            count += query.build().execute(&mut *transaction).await.expect("rows").rows_affected();
        }
        transaction.commit().await.expect("a commit");
        count
    }

    pub async fn update(connection: &mut MySqlConnection, ids: &[i32], scores: &[f64]) {
        let mut query = QueryBuilder::<MySql>::new("UPDATE people SET score = CASE id");
        for (id, score) in ids.iter().zip(scores) {
            query.push(" WHEN ").push_bind(id).push(" THEN ").push_bind(score);
        }
        query.push(" END WHERE id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id);
        }
        query.push(")");
        query.build().execute(connection).await.expect("rows");
    }

    pub async fn upsert(connection: &mut MySqlConnection, rows: &[New], ids: &[i32]) -> u64 {
        let mut query = QueryBuilder::<MySql>::new("INSERT INTO inserted (id, name, email, age, score, active, bio, created_at) ");
        query.push_values(rows.iter().zip(ids), |mut values, (row, id)| {
            values.push_bind(id).push_bind(&row.name).push_bind(&row.email).push_bind(row.age).push_bind(row.score);
            values.push_bind(row.active).push_bind(&row.bio).push_bind(row.created_at);
        });
        query.push(" ON DUPLICATE KEY UPDATE score = VALUES(score), bio = VALUES(bio)");
        query.build().execute(connection).await.expect("rows");
        rows.len() as u64
    }
}
