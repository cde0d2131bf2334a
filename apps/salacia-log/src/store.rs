//! [`MessageLog`]: what a data layer does for Salacia.

use crate::{Filters, Message, MessageChange, NewMessage, PageQuery, Provider, Report, SliceQuery, Summary};
use async_trait::async_trait;
use std::fmt;
use uuid::Uuid;

/// What a data layer could not do.
#[derive(Debug)]
pub enum LogError {
    /// The database cannot be reached, or is too slow.
    Unavailable(String),
    /// The request names something that is not there, or breaks a rule of the database.
    Refused {
        /// The field that the request gave.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// Anything else.
    Failed(String),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Unavailable(message) | LogError::Failed(message) => f.write_str(message),
            LogError::Refused { field, message } => write!(f, "{field} {message}"),
        }
    }
}

impl std::error::Error for LogError {}

/// A data layer's answer.
pub type Result<T> = std::result::Result<T, LogError>;

/// The messages after or before a cursor.
#[derive(Debug)]
pub struct Slice {
    /// The messages, in the order that was asked for.
    pub messages: Vec<Message>,
    /// Whether there are more behind the last.
    pub has_more: bool,
    /// Whether there are some before the first.
    pub has_previous: bool,
}

impl Slice {
    /// Whether there are more in the direction of reading than were asked for.
    pub(crate) fn surplus(&self, query: &SliceQuery) -> bool {
        if query.backwards() { self.has_previous } else { self.has_more }
    }
}

/// A numbered page.
#[derive(Debug)]
pub struct NumberedPage {
    /// The messages.
    pub messages: Vec<Message>,
    /// How many there are in all.
    pub total: u64,
    /// Statistics over all that the filters let through.
    pub summary: Summary,
}

/// The log of messages, as a data layer keeps it.
#[async_trait]
pub trait MessageLog: Send + Sync {
    /// The layer's name, for the log and `/api/health`.
    fn name(&self) -> &'static str;

    /// Whether an index finds the messages that hold this term.
    fn indexes(&self, term: &str) -> bool;

    /// Asks the database whether it answers.
    async fn check(&self) -> Result<()>;

    /// The messages after or before a cursor.
    async fn slice(&self, query: &SliceQuery) -> Result<Slice>;

    /// A numbered page with its statistics.
    async fn page(&self, query: &PageQuery) -> Result<NumberedPage>;

    /// One message.
    async fn find(&self, id: Uuid) -> Result<Option<Message>>;

    /// Stores a message; [`LogError::Refused`] when its provider is unknown.
    async fn create(&self, new: NewMessage) -> Result<Message>;

    /// Stores many, all or none, and says how many.
    async fn create_many(&self, new: Vec<NewMessage>) -> Result<u64>;

    /// Changes a message; `None` when there is none.
    async fn update(&self, id: Uuid, change: MessageChange) -> Result<Option<Message>>;

    /// Sets or clears the error of every message that the filters let through.
    async fn mark(&self, filters: &Filters, error: Option<String>) -> Result<u64>;

    /// Removes a message; false when there is none.
    async fn delete(&self, id: Uuid) -> Result<bool>;

    /// Every statistic.
    async fn report(&self, filters: &Filters) -> Result<Report>;

    /// The providers, by name.
    async fn providers(&self) -> Result<Vec<Provider>>;
}
