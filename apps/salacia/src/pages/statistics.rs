//! The statistics, as figures and charts.

use super::{charts, layout};
use crate::http::{App, Problem, filters, parameters};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use salacia_log::Filters;

/// Statistics of the messages that the filters let through: all, without any.
pub async fn page(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let filters = match parameters(query.as_deref()).and_then(|all| filters(&all)) {
        Ok(filters) => filters,
        Err(Problem::Parameter(bad)) => return layout::failure(StatusCode::BAD_REQUEST, &bad.message),
        Err(other) => return other.into_response(),
    };
    let report = match app.layers.log.report(&filters).await {
        Ok(report) => report,
        Err(error) => {
            tracing::error!("{error}");
            return layout::failure(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer; try again later.");
        }
    };
    let summary = &report.summary;
    let figure = |label: &str, value: String| -> Markup {
        html! { div.figure { strong { (value) } span { (label) } } }
    };
    let milliseconds = |value: Option<i32>| value.map_or_else(|| "–".to_owned(), |value| format!("{value} ms"));
    let body = html! {
        h1 { "Statistics" }
        @if let Some(query) = query.filter(|_| filters != Filters::default()) {
            p { "Of the interactions of " a href=(format!("/?{query}")) { "this search" } ". " a href="/statistics" { "Of all" } }
        }
        div.figures {
            (figure("interactions", summary.total_messages.to_string()))
            (figure("succeeded", format!("{} %", summary.success_rate)))
            (figure("tokens", summary.total_tokens.to_string()))
            (figure("models", summary.unique_models.to_string()))
            (figure("mean response", format!("{} ms", summary.average_response_time)))
            (figure("median", milliseconds(report.response_times.p50)))
            (figure("95th percentile", milliseconds(report.response_times.p95)))
            (figure("99th percentile", milliseconds(report.response_times.p99)))
        }
        div.charts {
            (charts::columns("Interactions per hour", report.per_hour.iter().map(|part| (hour(&part.start), part.messages))))
            (charts::columns("Interactions per day", report.per_day.iter().map(|part| (part.start.get(..10).unwrap_or_default().to_owned(), part.messages))))
            (charts::bars("Top models", report.top_models.iter().map(|part| (part.model.clone(), part.messages))))
            (charts::bars("Tokens by model", report.tokens_by_model.iter().map(|part| (part.model.clone(), part.total_tokens))))
        }
    };
    layout::page("Statistics", &body).into_response()
}

fn hour(start: &str) -> String {
    start.get(..13).unwrap_or_default().replace('T', " ") + " h"
}
