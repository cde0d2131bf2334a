//! What Salacia's log of AI interactions is: messages, searches, statistics, and [`MessageLog`], behind which a data layer stands.

mod events;
mod message;
mod preview;
mod search;
mod statistics;
mod store;

pub use events::{Event, EventKind, Events, Publisher};
pub use message::{Message, MessageChange, MessageView, NewMessage, Provider, iso_time};
pub use search::{BadParameter, Direction, Filters, PageField, PageQuery, Place, SliceField, SliceQuery};
pub use statistics::{ByModel, ByTime, Report, ResponseTimes, Summary, Totals, rank};
pub use store::{LogError, MessageLog, NumberedPage, Result, Slice};
