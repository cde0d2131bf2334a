//! The log on Sequor: what [`MessageLog`] asks, in Sequor's words.

mod filters;
mod statistics;

use crate::models::{AiInteraction, AiProvider};
use crate::search_index;
use async_trait::async_trait;
use filters::{behind, condition, first, in_order, page_order, slice_order};
use salacia_log::{
    Filters, LogError, Message, MessageChange, MessageLog, NewMessage, NumberedPage, PageQuery, Provider, Report, Slice, SliceQuery,
};
use sequor::prelude::*;

/// The log, on Sequor.
pub struct SequorLog {
    db: Db,
}

impl SequorLog {
    /// The log in a database whose tables are there.
    pub fn new(db: Db) -> SequorLog {
        SequorLog { db }
    }

    async fn draft(&self, new: NewMessage) -> Result<Draft<AiInteraction>, LogError> {
        let provider_id = match &new.provider {
            Some(name) => Some(self.provider_id(name).await?),
            None => None,
        };
        Ok(draft!(AiInteraction {
            provider_id,
            model: new.model,
            request: new.request,
            response: new.response.map(Json),
            prompt_tokens: new.prompt_tokens,
            completion_tokens: new.completion_tokens,
            total_tokens: new.total_tokens,
            response_time_ms: new.response_time,
            status_code: new.status_code,
            error: new.error,
        }))
    }

    async fn provider_id(&self, name: &str) -> Result<Uuid, LogError> {
        let found: Option<Uuid> =
            AiProvider::find_all().filter(AiProvider::NAME.eq(name)).select(AiProvider::ID).one().exec(&self.db).await.map_err(failed)?;
        found.ok_or_else(|| LogError::Refused { field: "provider", message: "is not a known provider".into() })
    }
}

#[async_trait]
impl MessageLog for SequorLog {
    fn name(&self) -> &'static str {
        "sequor"
    }

    fn indexes(&self, term: &str) -> bool {
        search_index::serves(&self.db, term)
    }

    async fn check(&self) -> Result<(), LogError> {
        AiProvider::count().exec(&self.db).await.map(drop).map_err(failed)
    }

    async fn slice(&self, query: &SliceQuery) -> Result<Slice, LogError> {
        let backwards = query.backwards();
        let direction = if backwards { query.direction.reverse() } else { query.direction };
        let index = search_index::narrows(&self.db, &query.filters).await.map_err(failed)?;
        let mut find = AiInteraction::find_all().filter(in_order(&self.db, &query.filters, index)).include(AiInteraction::PROVIDER);
        if let Some(place) = &query.place {
            find = find.filter(behind(place, query.field, direction));
        }
        if let Some(count) = query.first {
            find = find.filter(first(&self.db, query, direction, count));
        }
        let find = slice_order(find, query.field, direction).limit(query.limit + 1);
        let mut rows = find.exec(&self.db).await.map_err(failed)?;
        let wanted = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let surplus = rows.len() > wanted;
        rows.truncate(wanted);
        if backwards {
            rows.reverse();
        }
        let messages = rows.into_iter().map(message).collect::<Result<_>>().map_err(failed)?;
        let has_cursor = query.place.is_some();
        Ok(Slice {
            messages,
            has_more: if backwards { has_cursor } else { surplus },
            has_previous: if backwards { surplus } else { has_cursor },
        })
    }

    async fn page(&self, query: &PageQuery) -> Result<NumberedPage, LogError> {
        let find = AiInteraction::find_all().filter(condition(&self.db, &query.filters)).include(AiInteraction::PROVIDER);
        let find = page_order(find, query.field, query.direction).limit(query.size).offset((query.page - 1) * query.size);
        let rows = find.exec(&self.db).await.map_err(failed)?;
        let messages = rows.into_iter().map(message).collect::<Result<_>>().map_err(failed)?;
        let summary = statistics::summary(&self.db, &query.filters).await.map_err(failed)?;
        Ok(NumberedPage { messages, total: u64::try_from(summary.total_messages).unwrap_or_default(), summary })
    }

    async fn find(&self, id: Uuid) -> Result<Option<Message>, LogError> {
        let found = AiInteraction::find_by_pk(id).include(AiInteraction::PROVIDER).exec(&self.db).await.map_err(failed)?;
        found.map(message).transpose().map_err(failed)
    }

    async fn create(&self, new: NewMessage) -> Result<Message, LogError> {
        let stored = self.draft(new).await?.create(&self.db).await.map_err(failed)?;
        stored.load(AiInteraction::PROVIDER, &self.db).await.map_err(failed)?;
        message(stored).map_err(failed)
    }

    async fn create_many(&self, new: Vec<NewMessage>) -> Result<u64, LogError> {
        let mut drafts = Vec::with_capacity(new.len());
        for one in new {
            drafts.push(self.draft(one).await?);
        }
        let rows = AiInteraction::bulk_create(drafts).hooks(false).exec(&self.db).await.map_err(failed)?;
        Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }

    /// An unmanaged transaction, as the original has it: the row is locked, changed and read in it.
    async fn update(&self, id: Uuid, change: MessageChange) -> Result<Option<Message>, LogError> {
        let tx = self.db.begin().await.map_err(failed)?;
        let find = AiInteraction::find_by_pk(id).lock(Lock::Update);
        let Some(found) = find.exec(&tx).await.map_err(failed)? else {
            tx.rollback().await.map_err(failed)?;
            return Ok(None);
        };
        let mut edit = found.edit();
        if let Some(response) = change.response {
            edit.response = response.map(Json);
        }
        let fields = [
            (AiInteraction::PROMPT_TOKENS, change.prompt_tokens),
            (AiInteraction::COMPLETION_TOKENS, change.completion_tokens),
            (AiInteraction::TOTAL_TOKENS, change.total_tokens),
            (AiInteraction::RESPONSE_TIME_MS, change.response_time),
            (AiInteraction::STATUS_CODE, change.status_code),
        ];
        for (column, value) in fields {
            if let Some(value) = value {
                edit.set(column, value);
            }
        }
        if let Some(error) = change.error {
            edit.error = error;
        }
        let stored = edit.save(&tx).await.map_err(failed)?;
        stored.load(AiInteraction::PROVIDER, &tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        message(stored).map(Some).map_err(failed)
    }

    async fn mark(&self, filters: &Filters, error: Option<String>) -> Result<u64, LogError> {
        AiInteraction::update_all()
            .set(AiInteraction::ERROR, error)
            .filter(condition(&self.db, filters))
            .exec(&self.db)
            .await
            .map_err(failed)
    }

    async fn delete(&self, id: Uuid) -> Result<bool, LogError> {
        let count = AiInteraction::destroy_all().filter(AiInteraction::ID.eq(id)).exec(&self.db).await.map_err(failed)?;
        Ok(count > 0)
    }

    async fn report(&self, filters: &Filters) -> Result<Report, LogError> {
        statistics::report(&self.db, filters).await.map_err(failed)
    }

    async fn providers(&self) -> Result<Vec<Provider>, LogError> {
        let rows = AiProvider::find_all().order_by(AiProvider::NAME.asc()).exec(&self.db).await.map_err(failed)?;
        Ok(rows.into_iter().map(|row| Provider { id: row.id, name: row.name, kind: row.kind }).collect())
    }
}

/// A stored interaction, whose provider is loaded, as a message.
pub fn message(row: AiInteraction) -> Result<Message> {
    let provider =
        row.provider.loaded()?.map(|provider| Provider { id: provider.id, name: provider.name.clone(), kind: provider.kind.clone() });
    Ok(Message {
        id: row.id,
        model: row.model,
        provider,
        request: row.request.0,
        response: row.response.map(|json| json.0),
        prompt_tokens: row.prompt_tokens,
        completion_tokens: row.completion_tokens,
        total_tokens: row.total_tokens,
        response_time_ms: row.response_time_ms,
        status_code: row.status_code,
        error: row.error,
        created_at: row.created_at,
    })
}

fn failed(error: Error) -> LogError {
    match &error {
        Error::Connection(_) | Error::Timeout { .. } => LogError::Unavailable(error.to_string()),
        _ => LogError::Failed(error.to_string()),
    }
}
