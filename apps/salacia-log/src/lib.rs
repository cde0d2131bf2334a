//! What Salacia's log of AI interactions is: messages, searches, statistics, and [`MessageLog`], behind which a data layer stands.

mod events;
mod message;
mod preview;
mod scans;
mod search;
mod statistics;
mod store;

pub use events::{Event, EventKind, Events, Publisher};
pub use message::{Message, MessageChange, MessageView, NewMessage, Provider, iso_time};
pub use scans::FewScans;
pub use search::{BadParameter, Direction, Filters, PageField, PageQuery, Place, SliceField, SliceQuery, indexed_words};
pub use statistics::{ByModel, ByTime, Report, ResponseTimes, Summary, Totals, rank};
pub use store::{LogError, MessageLog, NumberedPage, Result, Slice};

/// The table of SQLite's index of full search.
pub const SEARCH_INDEX: &str = "ai_interactions_search";

/// The last that is made of PostgreSQL's indexes of full search.
pub const TRIGRAM_INDEX: &str = "ai_interactions_response_search";
