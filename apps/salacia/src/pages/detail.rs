//! One interaction with its JSON.

use super::layout;
use crate::http::App;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;
use salacia_log::iso_time;
use serde_json::Value;

/// The page of one message.
pub async fn page(State(app): State<App>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse() else { return layout::failure(StatusCode::BAD_REQUEST, "The key of an interaction is a UUID.") };
    let message = match app.layers.log.find(id).await {
        Ok(Some(message)) => message,
        Ok(None) => return layout::failure(StatusCode::NOT_FOUND, "There is no such interaction; it may have been removed."),
        Err(error) => {
            tracing::error!("{error}");
            return layout::failure(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer; try again later.");
        }
    };
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let number = |value: Option<i32>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    let body = html! {
        h1 { (message.model) }
        dl {
            dt { "Key" } dd { code { (message.id) } }
            dt { "When" } dd { (iso_time(message.created_at)) }
            dt { "Provider" } dd { @match &message.provider { Some(provider) => { (provider.name) " (" (provider.kind) ")" } None => "–" } }
            dt { "Tokens" } dd {
                (number(message.total_tokens))
                @if let (Some(asked), Some(told)) = (message.prompt_tokens, message.completion_tokens) { " (" (asked) " asked, " (told) " answered)" }
            }
            dt { "Response time" } dd { (number(message.response_time_ms)) @if message.response_time_ms.is_some() { " ms" } }
            dt { "Status" } dd { (number(message.status_code)) }
            @if let Some(error) = &message.error { dt { "Error" } dd.error { (error) } }
        }
        div.documents {
            section.json { h2 { "Request" } pre { (pretty(&message.request)) } }
            @if let Some(response) = &message.response { section.json { h2 { "Response" } pre { (pretty(response)) } } }
        }
    };
    layout::page(&message.model, &body).into_response()
}
