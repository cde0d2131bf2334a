//! The optional index of full search: trigrams on PostgreSQL.

use sequor::prelude::*;

/// Makes the index if it is not there.
///
/// # Errors
/// `Usage` on a database that has none to offer; `Database` when the extension may not be created.
pub async fn make(db: &Db) -> Result<()> {
    if db.dialect() != Dialect::Postgres {
        return Err(Error::usage("salacia optimise makes PostgreSQL's trigram index; SQLite searches without one"));
    }
    db.execute(sql!("CREATE EXTENSION IF NOT EXISTS pg_trgm")).await?;
    db.execute(sql!(
        "CREATE INDEX IF NOT EXISTS ai_interactions_request_search ON ai_interactions USING gin (CAST(request AS text) gin_trgm_ops)"
    ))
    .await?;
    db.execute(sql!(
        "CREATE INDEX IF NOT EXISTS ai_interactions_response_search ON ai_interactions USING gin (CAST(response AS text) gin_trgm_ops)"
    ))
    .await?;
    println!("full search has its index");
    Ok(())
}
