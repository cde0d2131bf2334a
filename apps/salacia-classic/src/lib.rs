//! Salacia's other data layer: SQL written by hand, on `tokio-postgres` and `rusqlite`. It shares the schema with the first and nothing else.

mod postgres;
mod rows;
mod sql;
mod sqlite;
mod statistics;

use async_trait::async_trait;
use rows::{Cell, Row};
use salacia_log::{
    Direction, EventKind, Filters, LogError, Message, MessageChange, MessageLog, NewMessage, NumberedPage, PageQuery, Provider, Publisher,
    Report, Result, SEARCH_INDEX, Slice, SliceQuery, TRIGRAM_INDEX, indexed_words,
};
use sql::{Flavor, Param, Sql};
use uuid::Uuid;

/// What runs the SQL.
#[async_trait]
trait Database: Send + Sync {
    fn flavor(&self) -> Flavor;
    async fn rows(&self, sql: Sql) -> Result<Vec<Row>>;
    /// Runs all in one transaction; the rows that each touched.
    async fn execute(&self, all: Vec<Sql>) -> Result<Vec<u64>>;
}

/// The log, by hand.
pub struct ClassicLog {
    database: Box<dyn Database>,
    events: Publisher,
    search_index: bool,
}

impl ClassicLog {
    /// Opens a database that has Salacia's tables: `postgres://..` or `sqlite://..`, at most `connections` at once.
    pub async fn open(url: &str, connections: usize, events: Publisher) -> Result<ClassicLog> {
        let database: Box<dyn Database> = if url.starts_with("sqlite:") {
            Box::new(sqlite::Sqlite::open(url)?)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Box::new(postgres::Postgres::open(url, connections)?)
        } else {
            return Err(LogError::Failed("the classic data layer speaks postgres:// and sqlite://".into()));
        };
        let mut log = ClassicLog { database, events, search_index: false };
        log.check().await?;
        let mut sql = log.sql();
        match log.database.flavor() {
            Flavor::Sqlite => sql.push("SELECT name FROM sqlite_master WHERE name = ").bind(Param::Text(SEARCH_INDEX.into())),
            Flavor::Postgres => {
                sql.push("SELECT relname::text FROM pg_class WHERE oid = to_regclass(").bind(Param::Text(TRIGRAM_INDEX.into())).push(")")
            }
        };
        log.search_index = !log.database.rows(sql).await?.is_empty();
        Ok(log)
    }

    fn sql(&self) -> Sql {
        Sql::new(self.database.flavor(), self.search_index)
    }

    async fn messages(&self, sql: Sql) -> Result<Vec<Message>> {
        self.database.rows(sql).await?.into_iter().map(rows::message).collect()
    }

    async fn provider_id(&self, name: &str) -> Result<Uuid> {
        let mut sql = self.sql();
        sql.push("SELECT id FROM ai_providers WHERE name = ").bind(Param::Text(name.to_owned()));
        let found = self.database.rows(sql).await?.into_iter().next().and_then(|row| row.into_iter().next());
        match found {
            Some(cell) => rows::uuid(cell),
            None => Err(LogError::Refused { field: "provider", message: "is not a known provider".into() }),
        }
    }

    /// Tells the browsers of messages as they are stored.
    async fn tell(&self, kind: EventKind, ids: Vec<Uuid>) -> Result<()> {
        for id in ids {
            if let Some(message) = self.find(id).await? {
                self.events.publish(kind, message);
            }
        }
        Ok(())
    }

    async fn insertion(&self, new: NewMessage) -> Result<(Uuid, Sql)> {
        let id = Uuid::now_v7();
        let provider = match &new.provider {
            Some(name) => Some(self.provider_id(name).await?),
            None => None,
        };
        let mut sql = self.sql();
        sql.push(
            "INSERT INTO ai_interactions (id, provider_id, model, request, response, prompt_tokens, completion_tokens, total_tokens, \
                  response_time_ms, status_code, error, created_at) VALUES (",
        );
        let values = [
            Param::Uuid(Some(id)),
            Param::Uuid(provider),
            Param::Text(new.model),
            Param::Json(Some(new.request)),
            Param::Json(new.response),
            Param::Int(new.prompt_tokens),
            Param::Int(new.completion_tokens),
            Param::Int(new.total_tokens),
            Param::Int(new.response_time),
            Param::Int(new.status_code),
            Param::OptionalText(new.error),
            Param::Time(rows::now()),
        ];
        for (index, value) in values.into_iter().enumerate() {
            sql.push(if index == 0 { "" } else { ", " }).bind(value);
        }
        sql.push(")");
        Ok((id, sql))
    }
}

#[async_trait]
impl MessageLog for ClassicLog {
    fn name(&self) -> &'static str {
        "classic"
    }

    fn indexes(&self, term: &str) -> bool {
        self.search_index && indexed_words(term).is_some()
    }

    async fn check(&self) -> Result<()> {
        let mut sql = self.sql();
        sql.push("SELECT count(*) FROM ai_providers");
        self.database.rows(sql).await.map(drop)
    }

    async fn slice(&self, query: &SliceQuery) -> Result<Slice> {
        let backwards = query.backwards();
        let direction = if backwards { query.direction.reverse() } else { query.direction };
        let mut sql = self.sql();
        sql.messages().filter(&query.filters);
        if let Some(place) = &query.place {
            sql.behind(place, query.field, direction);
        }
        if let Some(count) = query.first {
            sql.first(query, direction, count);
        }
        sql.slice_order(query.field, direction).push(" LIMIT ").bind(Param::Big(i64::try_from(query.limit + 1).unwrap_or(i64::MAX)));
        let mut messages = self.messages(sql).await?;
        let wanted = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let surplus = messages.len() > wanted;
        messages.truncate(wanted);
        if backwards {
            messages.reverse();
        }
        let has_cursor = query.place.is_some();
        Ok(Slice {
            messages,
            has_more: if backwards { has_cursor } else { surplus },
            has_previous: if backwards { surplus } else { has_cursor },
        })
    }

    async fn page(&self, query: &PageQuery) -> Result<NumberedPage> {
        let mut sql = self.sql();
        sql.messages().filter(&query.filters).page_order(query.field, query.direction);
        let offset = i64::try_from((query.page - 1) * query.size).unwrap_or(i64::MAX);
        sql.push(" LIMIT ").bind(Param::Big(i64::try_from(query.size).unwrap_or(i64::MAX))).push(" OFFSET ").bind(Param::Big(offset));
        let messages = self.messages(sql).await?;
        let summary = self.summary(&query.filters).await?;
        Ok(NumberedPage { messages, total: u64::try_from(summary.total_messages).unwrap_or_default(), summary })
    }

    async fn find(&self, id: Uuid) -> Result<Option<Message>> {
        let mut sql = self.sql();
        sql.messages().push(" AND i.id = ").bind(Param::Uuid(Some(id)));
        Ok(self.messages(sql).await?.into_iter().next())
    }

    async fn create(&self, new: NewMessage) -> Result<Message> {
        let (id, sql) = self.insertion(new).await?;
        self.database.execute(vec![sql]).await?;
        let stored = self.find(id).await?.ok_or_else(|| LogError::Failed("the stored message is gone".into()))?;
        self.events.publish(EventKind::Created, stored.clone());
        Ok(stored)
    }

    async fn create_many(&self, new: Vec<NewMessage>) -> Result<u64> {
        let (mut ids, mut all) = (Vec::with_capacity(new.len()), Vec::with_capacity(new.len()));
        for one in new {
            let (id, sql) = self.insertion(one).await?;
            ids.push(id);
            all.push(sql);
        }
        let stored = self.database.execute(all).await?.into_iter().sum();
        self.tell(EventKind::Created, ids).await?;
        Ok(stored)
    }

    async fn update(&self, id: Uuid, change: MessageChange) -> Result<Option<Message>> {
        let sets = [
            ("response", change.response.map(Param::Json)),
            ("prompt_tokens", change.prompt_tokens.map(Param::Int)),
            ("completion_tokens", change.completion_tokens.map(Param::Int)),
            ("total_tokens", change.total_tokens.map(Param::Int)),
            ("response_time_ms", change.response_time.map(Param::Int)),
            ("status_code", change.status_code.map(Param::Int)),
            ("error", change.error.map(Param::OptionalText)),
        ];
        let given: Vec<_> = sets.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect();
        if given.is_empty() {
            return self.find(id).await;
        }
        let mut sql = self.sql();
        sql.push("UPDATE ai_interactions SET ");
        for (index, (name, value)) in given.into_iter().enumerate() {
            sql.push(if index == 0 { "" } else { ", " }).push(name).push(" = ").bind(value);
        }
        sql.push(" WHERE id = ").bind(Param::Uuid(Some(id)));
        self.database.execute(vec![sql]).await?;
        let stored = self.find(id).await?;
        if let Some(message) = &stored {
            self.events.publish(EventKind::Updated, message.clone());
        }
        Ok(stored)
    }

    async fn mark(&self, filters: &Filters, error: Option<String>) -> Result<u64> {
        let mut sql = self.sql();
        sql.push("UPDATE ai_interactions SET error = ")
            .bind(Param::OptionalText(error))
            .push(" WHERE id IN (SELECT i.id")
            .from()
            .filter(filters);
        sql.push(") RETURNING id");
        let ids: Vec<Uuid> = self.database.rows(sql).await?.into_iter().flatten().map(rows::uuid).collect::<Result<_>>()?;
        let count = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        self.tell(EventKind::Updated, ids).await?;
        Ok(count)
    }

    async fn delete(&self, id: Uuid) -> Result<bool> {
        let mut sql = self.sql();
        sql.push("DELETE FROM ai_interactions WHERE id = ").bind(Param::Uuid(Some(id)));
        Ok(self.database.execute(vec![sql]).await?.into_iter().sum::<u64>() > 0)
    }

    async fn report(&self, filters: &Filters) -> Result<Report> {
        self.whole_report(filters).await
    }

    async fn providers(&self) -> Result<Vec<Provider>> {
        let mut sql = self.sql();
        sql.push("SELECT id, name, type FROM ai_providers ORDER BY name");
        self.database.rows(sql).await?.into_iter().map(rows::provider).collect()
    }
}

/// The sort of a direction.
fn sort(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => " ASC",
        Direction::Descending => " DESC",
    }
}

/// The only cell of the only row.
fn single(rows: Vec<Row>) -> Option<Cell> {
    rows.into_iter().next().and_then(|row| row.into_iter().next())
}
