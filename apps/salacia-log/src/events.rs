//! [`Events`]: what connected browsers are told, with the last 1,000 kept for those that reconnect.

use crate::{Message, MessageView, Provider};
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;

const KEPT: usize = 1_000;

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It was stored.
    Created,
    /// It was changed.
    Updated,
}

impl EventKind {
    /// The event's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Created => "message:created",
            EventKind::Updated => "message:updated",
        }
    }
}

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number: greater than those before it, also than those that the program gave before it was started again.
    pub id: u64,
    /// What happened.
    pub kind: EventKind,
    /// The message and its provider, as JSON.
    pub data: Arc<str>,
}

struct Recent {
    last: u64,
    events: VecDeque<Event>,
}

/// Where events are published and read.
#[derive(Clone)]
pub struct Events {
    sender: broadcast::Sender<Event>,
    recent: Arc<Mutex<Recent>>,
}

/// The half that a data layer publishes to.
pub type Publisher = Events;

#[derive(Serialize)]
struct Data {
    message: MessageView,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Provider>,
}

impl Default for Events {
    fn default() -> Events {
        let last = u64::try_from(chrono::Utc::now().timestamp_micros()).unwrap_or_default();
        Events { sender: broadcast::Sender::new(KEPT), recent: Arc::new(Mutex::new(Recent { last, events: VecDeque::new() })) }
    }
}

impl Events {
    /// Tells every connected browser.
    pub fn publish(&self, kind: EventKind, message: Message) {
        let data = Data { provider: message.provider.clone(), message: message.into() };
        let Ok(text) = serde_json::to_string(&data) else { return };
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.last += 1;
        let event = Event { id: recent.last, kind, data: text.into() };
        if recent.events.len() == KEPT {
            recent.events.pop_front();
        }
        recent.events.push_back(event.clone());
        // No browser is connected: nobody misses it.
        let _ = self.sender.send(event);
    }

    /// What came after an event, and what will come; nothing is lost or told twice in between.
    pub fn subscribe(&self, after: Option<u64>) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = after.map_or_else(Vec::new, |last| recent.events.iter().filter(|event| event.id > last).cloned().collect());
        (missed, self.sender.subscribe())
    }
}
