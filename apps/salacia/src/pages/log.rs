//! The log: search, filters, and rows without end.

use super::layout;
use crate::http::{App, Problem, parameters};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use salacia_log::{Message, MessageView, Place, SliceQuery, iso_time};

/// The whole page.
pub async fn page(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let list = match list(&app, query.as_deref()).await {
        Ok(list) => list,
        Err(response) => return response,
    };
    let providers: Vec<String> = app.layers.log.providers().await.unwrap_or_default().into_iter().map(|provider| provider.name).collect();
    let body = html! {
        h1 { "Interactions" }
        (form(&list, &providers))
        @if list.messages.is_empty() {
            p.empty { "No interaction matches. " a href="/" { "Show all" } }
        } @else {
            table {
                thead { tr {
                    th { "When" } th { "Model" } th { "Provider" } th { "Asked" } th { "Answered" } th.number { "Tokens" } th.number { "ms" } th { "Status" }
                } }
                tbody { (rows_of(&list)) }
            }
        }
    };
    layout::page("Log", &body).into_response()
}

/// More rows, for the end of the table.
pub async fn rows(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    match list(&app, query.as_deref()).await {
        Ok(list) => rows_of(&list).into_response(),
        Err(response) => response,
    }
}

struct List {
    query: SliceQuery,
    messages: Vec<Message>,
    next: Option<String>,
    /// The filters as a query string, if there are any.
    filtered: Option<String>,
}

async fn list(app: &App, query: Option<&str>) -> Result<List, Response> {
    let bad = |problem: Problem| match problem {
        Problem::Parameter(bad) => layout::failure(StatusCode::BAD_REQUEST, &bad.message),
        other => other.into_response(),
    };
    let all = parameters(query).map_err(bad)?;
    let parsed = SliceQuery::parse(all.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let query = parsed.map_err(|error| layout::failure(StatusCode::BAD_REQUEST, &error.message))?;
    let slice = app.layers.log.slice(&query).await.map_err(|error| {
        tracing::error!("{error}");
        layout::failure(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer; try again later.")
    })?;
    let last = slice.messages.last().filter(|_| slice.has_more);
    let next = last.map(|message| {
        let place = Place { created_at: message.created_at, id: message.id, backwards: false };
        let mut pairs: Vec<(String, String)> = all.iter().filter(|(name, _)| name != "cursor").cloned().collect();
        pairs.push(("cursor".into(), place.write(query.field, query.direction)));
        serde_urlencoded::to_string(pairs).unwrap_or_default()
    });
    let sorting = |name: &str| ["cursor", "limit", "sortBy", "sortDirection"].contains(&name);
    let filters: Vec<&(String, String)> = all.iter().filter(|(name, value)| !sorting(name) && !value.is_empty()).collect();
    let filtered = (!filters.is_empty()).then(|| serde_urlencoded::to_string(filters).unwrap_or_default());
    Ok(List { query, messages: slice.messages, next, filtered })
}

fn form(list: &List, providers: &[String]) -> Markup {
    let (filters, figures) = (&list.query.filters, list.filtered.as_ref());
    let number =
        |name: &str, label: &str, value: Option<i32>| html! { label { (label) input type="number" min="0" name=(name) value=[value]; } };
    let day = |time: Option<chrono::DateTime<chrono::Utc>>| time.map(|time| time.format("%Y-%m-%d").to_string());
    html! {
        form.filters method="get" action="/" role="search" {
            label.wide { "Search" input type="search" name="searchTerm" maxlength="500" value=[filters.search_term.as_ref()] placeholder="in requests and answers"; }
            label { "Model" input type="text" name="model" maxlength="100" value=[filters.model.as_ref()]; }
            label { "Provider"
                select name="provider" {
                    option value="" { "any" }
                    @for name in providers { option value=(name) selected[filters.provider.as_ref() == Some(name)] { (name) } }
                }
            }
            label { "Outcome"
                select name="hasError" {
                    option value="" { "any" }
                    option value="false" selected[filters.has_error == Some(false)] { "success" }
                    option value="true" selected[filters.has_error == Some(true)] { "error" }
                }
            }
            label { "From" input type="date" name="startDate" value=[day(filters.start_date)]; }
            label { "To" input type="date" name="endDate" value=[day(filters.end_date)]; }
            (number("minTokens", "Tokens from", filters.min_tokens))
            (number("maxTokens", "Tokens to", filters.max_tokens))
            div.send { button type="submit" { "Search" } @if let Some(query) = figures { a href=(format!("/statistics?{query}")) { "Statistics of these" } a href="/" { "Clear" } } }
        }
    }
}

fn rows_of(list: &List) -> Markup {
    html! {
        @for message in &list.messages { (row(message.clone())) }
        // The last row asks for more when it comes into view, and is replaced by them.
        @if let Some(next) = &list.next {
            tr.more hx-get=(format!("/rows?{next}")) hx-trigger="revealed" hx-swap="outerHTML" { td colspan="8" { a href=(format!("/?{next}")) { "More" } } }
        }
    }
}

fn row(message: Message) -> Markup {
    let (id, at) = (message.id, message.created_at);
    let (model, provider, tokens, took, status) = (
        message.model.clone(),
        message.provider.as_ref().map(|provider| provider.name.clone()),
        message.total_tokens,
        message.response_time_ms,
        message.status_code,
    );
    let failure = message.error.clone();
    let view = MessageView::from(message);
    html! {
        tr.failed[!view.is_success] {
            td.when { a href=(format!("/messages/{id}")) { time datetime=(iso_time(at)) { (at.format("%Y-%m-%d %H:%M:%S")) } } }
            td.model { (model) }
            td.provider { (provider.unwrap_or_default()) }
            td.text { (view.request_preview) }
            td.text { (view.response_preview.or(failure).unwrap_or_default()) }
            td.number data-name="tokens" { @if let Some(tokens) = tokens { (tokens) } }
            td.number data-name="ms" { @if let Some(took) = took { (took) } }
            td { @if let Some(status) = status { span.status { (status) } } }
        }
    }
}
