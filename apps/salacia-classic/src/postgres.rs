//! PostgreSQL by `tokio-postgres`, with a pool by `deadpool`.

use crate::rows::{Cell, Row};
use crate::sql::{Flavor, Param, Sql};
use async_trait::async_trait;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use salacia_log::{LogError, Result};
use std::str::FromStr;
use std::time::Duration;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

pub struct Postgres {
    pool: Pool,
}

fn failed(error: tokio_postgres::Error) -> LogError {
    match error.as_db_error() {
        Some(error) if error.code().code().starts_with("57") || error.code().code().starts_with("08") => {
            LogError::Unavailable(error.message().into())
        }
        Some(error) => LogError::Failed(error.message().into()),
        None => LogError::Unavailable(error.to_string()),
    }
}

impl Postgres {
    pub fn open(url: &str, connections: usize) -> Result<Postgres> {
        let (plain, verified) = tls(url);
        let config = Config::from_str(&plain).map_err(|error| LogError::Failed(error.to_string()))?;
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = if verified {
            Manager::from_config(config, MakeRustlsConnect::new(client_config()?), manager)
        } else {
            Manager::from_config(config, NoTls, manager)
        };
        let seconds = Some(Duration::from_secs(10));
        let pool = Pool::builder(manager)
            .max_size(connections.max(1))
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: seconds, create: seconds, recycle: seconds })
            .build()
            .map_err(|error| LogError::Failed(error.to_string()))?;
        Ok(Postgres { pool })
    }

    async fn client(&self) -> Result<Object> {
        self.pool.get().await.map_err(|error| LogError::Unavailable(error.to_string()))
    }
}

/// tokio-postgres knows `require`, not `verify-full`; whoever asks for verification gets `require` over a line that verifies.
fn tls(url: &str) -> (String, bool) {
    let verified = ["sslmode=verify-full", "sslmode=verify-ca", "sslmode=require"].iter().any(|mode| url.contains(mode));
    (url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require"), verified)
}

fn client_config() -> Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        roots.add(certificate).map_err(|error| LogError::Failed(error.to_string()))?;
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(|error| LogError::Failed(error.to_string()))?.with_root_certificates(roots).with_no_client_auth())
}

fn value(param: &Param) -> &(dyn ToSql + Sync) {
    match param {
        Param::Text(value) => value,
        Param::OptionalText(value) => value,
        Param::Int(value) => value,
        Param::Big(value) => value,
        Param::Time(value) => value,
        Param::Uuid(value) => value,
        Param::Json(value) => value,
    }
}

fn cell(row: &tokio_postgres::Row, index: usize) -> std::result::Result<Cell, tokio_postgres::Error> {
    let ty = row.columns()[index].type_();
    Ok(match *ty {
        Type::INT4 => row.try_get::<_, Option<i32>>(index)?.map_or(Cell::Null, |number| Cell::Int(number.into())),
        Type::INT8 => row.try_get::<_, Option<i64>>(index)?.map_or(Cell::Null, Cell::Int),
        Type::FLOAT8 => row.try_get::<_, Option<f64>>(index)?.map_or(Cell::Null, Cell::Real),
        Type::UUID => row.try_get::<_, Option<uuid::Uuid>>(index)?.map_or(Cell::Null, Cell::Uuid),
        Type::JSONB | Type::JSON => row.try_get::<_, Option<serde_json::Value>>(index)?.map_or(Cell::Null, Cell::Json),
        Type::TIMESTAMPTZ => row.try_get::<_, Option<chrono::DateTime<chrono::Utc>>>(index)?.map_or(Cell::Null, Cell::Time),
        _ => row.try_get::<_, Option<String>>(index)?.map_or(Cell::Null, Cell::Text),
    })
}

#[async_trait]
impl crate::Database for Postgres {
    fn flavor(&self) -> Flavor {
        Flavor::Postgres
    }

    async fn rows(&self, sql: Sql) -> Result<Vec<Row>> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&sql.text).await.map_err(failed)?;
        let params: Vec<&(dyn ToSql + Sync)> = sql.params.iter().map(value).collect();
        let rows = client.query(&statement, &params).await.map_err(failed)?;
        rows.iter().map(|row| (0..row.len()).map(|index| cell(row, index).map_err(failed)).collect()).collect()
    }

    async fn execute(&self, all: Vec<Sql>) -> Result<Vec<u64>> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let mut touched = Vec::with_capacity(all.len());
        for sql in &all {
            let statement = transaction.prepare_cached(&sql.text).await.map_err(failed)?;
            let params: Vec<&(dyn ToSql + Sync)> = sql.params.iter().map(value).collect();
            touched.push(transaction.execute(&statement, &params).await.map_err(failed)?);
        }
        transaction.commit().await.map_err(failed)?;
        Ok(touched)
    }
}
