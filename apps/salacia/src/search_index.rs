//! The optional indexes: trigrams for full search, by `pg_trgm` on PostgreSQL and by FTS5 on SQLite, and the interactions of one model in the order of lists.

use salacia_log::{Filters, SEARCH_INDEX, TRIGRAM_INDEX, indexed_words};
use sequor::prelude::*;

/// So many rows are not few.
const MANY: i64 = 1_001;

/// Says that the index is there; the database handle carries it.
#[derive(Clone, Copy, Debug)]
pub struct SearchIndex;

/// Which interaction a row of SQLite's index is: the index knows numbers, the log has UUIDs.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "ai_interactions_search_rows")]
pub struct SearchedRow {
    #[field(primary_key, auto_increment)]
    pub number: i64,
    #[field(unique)]
    pub id: Uuid,
}

/// Makes the indexes if they are not there.
///
/// # Errors
/// `Database` when the extension may not be created; `Connection` as every statement.
pub async fn make(db: &Db) -> Result<()> {
    ordered(db).await?;
    if is_there(db).await? {
        println!("full search has its index already");
        return Ok(());
    } else if db.dialect() == Dialect::Postgres {
        trigrams(db).await?;
    } else {
        db.transaction(async |tx| fts5(tx).await).await?;
    }
    println!("full search has its index; a server that runs already uses it after its next start");
    Ok(())
}

/// Whether the index has been made.
///
/// # Errors
/// As every statement.
pub async fn is_there(db: &Db) -> Result<bool> {
    let found: Vec<(String,)> = if db.dialect() == Dialect::Postgres {
        db.query_as(sql!("SELECT relname::text FROM pg_class WHERE oid = to_regclass({TRIGRAM_INDEX})")).await?
    } else {
        db.query_as(sql!("SELECT name FROM sqlite_master WHERE name = {SEARCH_INDEX}")).await?
    };
    Ok(!found.is_empty())
}

/// Whether the index finds the interactions that hold a term.
pub fn serves(db: &Db, term: &str) -> bool {
    db.extras().get::<SearchIndex>().is_some() && indexed_words(term).is_some()
}

/// The interactions whose text holds these words, by SQLite's index.
pub fn holding(words: String) -> Filter<crate::models::AiInteraction> {
    let numbers = Filter::raw(sql!("number IN (SELECT rowid FROM ai_interactions_search WHERE ai_interactions_search MATCH {words})"));
    crate::models::AiInteraction::ID.in_query(SearchedRow::find_all().filter(numbers).select(SearchedRow::ID))
}

/// Whether SQLite's index leaves few rows of a search: words that nearly every row holds are found sooner without it.
///
/// # Errors
/// As every statement.
pub async fn narrows(db: &Db, filters: &Filters) -> Result<bool> {
    let index = db.extras().get::<SearchIndex>().filter(|_| db.dialect() == Dialect::Sqlite);
    let Some(words) = index.and_then(|_| indexed_words(filters.search_term.as_deref()?)) else { return Ok(true) };
    let found: Vec<(i64,)> = db
        .query_as(sql!(
            "SELECT count(*) FROM (SELECT rowid FROM ai_interactions_search WHERE ai_interactions_search MATCH {words} LIMIT {MANY})"
        ))
        .await?;
    Ok(found.first().is_none_or(|(count,)| *count < MANY))
}

/// By the model's own index SQLite finds all interactions of a model and sorts them, whole rows at a time, for the twenty of a list.
async fn ordered(db: &Db) -> Result<()> {
    db.execute(sql!("CREATE INDEX IF NOT EXISTS ai_interactions_model_created_at_idx ON ai_interactions (model, created_at)")).await?;
    Ok(())
}

async fn trigrams(db: &Db) -> Result<()> {
    db.execute(sql!("CREATE EXTENSION IF NOT EXISTS pg_trgm")).await?;
    db.execute(sql!(
        "CREATE INDEX IF NOT EXISTS ai_interactions_request_search ON ai_interactions USING gin (CAST(request AS text) gin_trgm_ops)"
    ))
    .await?;
    db.execute(sql!(
        "CREATE INDEX IF NOT EXISTS ai_interactions_response_search ON ai_interactions USING gin (CAST(response AS text) gin_trgm_ops)"
    ))
    .await?;
    // How often words occur: without it the planner takes the index for a word that every row holds.
    db.execute(sql!("ANALYZE ai_interactions")).await?;
    Ok(())
}

/// The index holds no text of its own; triggers keep it, whoever writes.
async fn fts5(tx: &Db) -> Result<()> {
    tables(tx).await?;
    tx.execute(sql!("INSERT INTO ai_interactions_search_rows (id) SELECT id FROM ai_interactions")).await?;
    tx.execute(sql!(
        "INSERT INTO ai_interactions_search (rowid, text) SELECT r.number, i.request || char(10) || coalesce(i.response, '')
         FROM ai_interactions i JOIN ai_interactions_search_rows r ON r.id = i.id"
    ))
    .await?;
    tx.execute(sql!(
        "CREATE TRIGGER ai_interactions_search_insert AFTER INSERT ON ai_interactions BEGIN
           INSERT INTO ai_interactions_search_rows (id) VALUES (new.id);
           INSERT INTO ai_interactions_search (rowid, text) SELECT number, new.request || char(10) || coalesce(new.response, '')
             FROM ai_interactions_search_rows WHERE id = new.id;
         END"
    ))
    .await?;
    tx.execute(sql!(
        "CREATE TRIGGER ai_interactions_search_update AFTER UPDATE OF id, request, response ON ai_interactions BEGIN
           DELETE FROM ai_interactions_search WHERE rowid = (SELECT number FROM ai_interactions_search_rows WHERE id = old.id);
           UPDATE ai_interactions_search_rows SET id = new.id WHERE id = old.id;
           INSERT INTO ai_interactions_search (rowid, text) SELECT number, new.request || char(10) || coalesce(new.response, '')
             FROM ai_interactions_search_rows WHERE id = new.id;
         END"
    ))
    .await?;
    tx.execute(sql!(
        "CREATE TRIGGER ai_interactions_search_delete AFTER DELETE ON ai_interactions BEGIN
           DELETE FROM ai_interactions_search WHERE rowid = (SELECT number FROM ai_interactions_search_rows WHERE id = old.id);
           DELETE FROM ai_interactions_search_rows WHERE id = old.id;
         END"
    ))
    .await?;
    Ok(())
}

async fn tables(tx: &Db) -> Result<()> {
    tx.execute(sql!("CREATE TABLE ai_interactions_search_rows (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE)"))
        .await?;
    tx.execute(sql!("CREATE VIRTUAL TABLE ai_interactions_search USING fts5(text, content='', contentless_delete=1, tokenize='trigram')"))
        .await?;
    Ok(())
}
