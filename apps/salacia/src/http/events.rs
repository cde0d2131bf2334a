//! `/api/sse/messages`: server-sent events, with the last 1,000 for a browser that comes back.

use super::App;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_core::Stream;
use std::convert::Infallible;
use std::time::Duration;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::BroadcastStream;

fn wire(event: &salacia_log::Event) -> Event {
    Event::default().id(event.id.to_string()).event(event.kind.name()).data(&*event.data)
}

/// What happens to messages, as it happens.
#[utoipa::path(
    get, path = "/api/sse/messages", tag = "events",
    params(("Last-Event-ID" = Option<u64>, Header, description = "what came after it is sent first")),
    responses((status = 200, description = "events `message:created` and `message:updated`", content_type = "text/event-stream"))
)]
pub async fn listen(State(app): State<App>, headers: HeaderMap) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let after = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let (missed, receiver) = app.events.subscribe(after);
    let missed = tokio_stream::iter(missed.into_iter().map(|event| Ok(wire(&event))));
    // A browser that is too slow loses its line; it comes back with its last number, and misses nothing.
    let live = BroadcastStream::new(receiver).take_while(Result::is_ok).filter_map(|event| event.ok().map(|event| Ok(wire(&event))));
    Sse::new(missed.chain(live)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)).text("heart-beat"))
}
