//! [`FewScans`]: searches that no index serves, and that would read the whole log, a few at once.

use crate::{
    Filters, Message, MessageChange, MessageLog, NewMessage, NumberedPage, PageQuery, Provider, Report, Result, Slice, SliceQuery,
};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

/// So many searches may read the whole log at once. The others wait without a connection, so that lists find one.
const AT_ONCE: usize = 2;
/// So many messages are searched before the whole log is: words that many messages hold are found among these.
const NEWEST: u64 = 500;

/// A data layer, whose full searches wait for each other.
pub struct FewScans {
    log: Arc<dyn MessageLog>,
    permits: Semaphore,
}

impl FewScans {
    /// Around a data layer.
    pub fn new(log: Arc<dyn MessageLog>) -> FewScans {
        FewScans { log, permits: Semaphore::new(AT_ONCE) }
    }

    /// Waits where these filters make the database read the whole log.
    async fn turn(&self, filters: &Filters) -> Option<SemaphorePermit<'_>> {
        let reads_all = filters.search_term.as_deref().is_some_and(|term| !self.log.indexes(term));
        // Nobody closes the semaphore.
        if reads_all { self.permits.acquire().await.ok() } else { None }
    }
}

#[async_trait]
impl MessageLog for FewScans {
    fn name(&self) -> &'static str {
        self.log.name()
    }

    fn indexes(&self, term: &str) -> bool {
        self.log.indexes(term)
    }

    async fn check(&self) -> Result<()> {
        self.log.check().await
    }

    async fn slice(&self, query: &SliceQuery) -> Result<Slice> {
        if query.filters.search_term.as_deref().is_some_and(|term| !self.log.indexes(term)) {
            let among_newest = self.log.slice(&SliceQuery { first: Some(NEWEST), ..query.clone() }).await?;
            if among_newest.surplus(query) {
                return Ok(among_newest);
            }
        }
        let _turn = self.turn(&query.filters).await;
        self.log.slice(query).await
    }

    async fn page(&self, query: &PageQuery) -> Result<NumberedPage> {
        let _turn = self.turn(&query.filters).await;
        self.log.page(query).await
    }

    async fn find(&self, id: Uuid) -> Result<Option<Message>> {
        self.log.find(id).await
    }

    async fn create(&self, new: NewMessage) -> Result<Message> {
        self.log.create(new).await
    }

    async fn create_many(&self, new: Vec<NewMessage>) -> Result<u64> {
        self.log.create_many(new).await
    }

    async fn update(&self, id: Uuid, change: MessageChange) -> Result<Option<Message>> {
        self.log.update(id, change).await
    }

    async fn mark(&self, filters: &Filters, error: Option<String>) -> Result<u64> {
        let _turn = self.turn(filters).await;
        self.log.mark(filters, error).await
    }

    async fn delete(&self, id: Uuid) -> Result<bool> {
        self.log.delete(id).await
    }

    async fn report(&self, filters: &Filters) -> Result<Report> {
        let _turn = self.turn(filters).await;
        self.log.report(filters).await
    }

    async fn providers(&self) -> Result<Vec<Provider>> {
        self.log.providers().await
    }
}
