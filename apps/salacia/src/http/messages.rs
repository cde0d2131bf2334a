//! `/api/messages`: pages, cursors, one, create, update, delete, statistics.

use super::{App, Problem, parameters};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use salacia_log::{BadParameter, Filters, MessageChange, MessageView, NewMessage, PageQuery, Place, SliceQuery, Summary};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

type Answer<T> = Result<T, Problem>;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    count: usize,
    limit: u64,
    has_more: bool,
    sort_by: &'static str,
    sort_direction: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct Cursors {
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<String>,
}

/// Messages after or before a cursor.
#[derive(Serialize, ToSchema)]
pub struct SliceAnswer {
    data: Vec<MessageView>,
    meta: Meta,
    cursors: Cursors,
}

#[derive(Serialize, ToSchema)]
pub struct SortAnswer {
    field: &'static str,
    direction: &'static str,
}

/// A numbered page.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageAnswer {
    messages: Vec<MessageView>,
    current_page: u64,
    page_size: u64,
    total_items: u64,
    total_pages: u64,
    has_previous_page: bool,
    has_next_page: bool,
    sort: SortAnswer,
    filters: Value,
    stats: Summary,
}

fn pairs(all: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    all.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

fn key(text: &str) -> Answer<uuid::Uuid> {
    text.parse().map_err(|_| BadParameter { name: "id".into(), message: "Invalid id parameter. Must be a UUID.".into() }.into())
}

/// Messages: with `page`, a numbered page; else after or before a cursor.
#[utoipa::path(
    get, path = "/api/messages", tag = "messages",
    params(
        ("limit" = Option<u64>, Query, description = "1 to 100; 20"),
        ("cursor" = Option<String>, Query, description = "what an earlier answer gave in `cursors`"),
        ("sortBy" = Option<String>, Query, description = "createdAt or id"),
        ("page" = Option<u64>, Query, description = "a numbered page, from 1"),
        ("pageSize" = Option<u64>, Query, description = "1 to 100; 20"),
        ("sortField" = Option<String>, Query, description = "createdAt, model, totalTokens or responseTime"),
        ("sortDirection" = Option<String>, Query, description = "asc or desc; desc"),
        ("model" = Option<String>, Query), ("provider" = Option<String>, Query, description = "the provider's name"),
        ("startDate" = Option<String>, Query), ("endDate" = Option<String>, Query), ("hasError" = Option<bool>, Query),
        ("minTokens" = Option<i32>, Query), ("maxTokens" = Option<i32>, Query),
        ("minResponseTime" = Option<i32>, Query), ("maxResponseTime" = Option<i32>, Query),
        ("searchTerm" = Option<String>, Query, description = "in the text of request or response, in any case"),
    ),
    responses((status = 200, body = SliceAnswer), (status = 400, description = "a parameter that cannot be"))
)]
pub async fn list(State(app): State<App>, RawQuery(query): RawQuery) -> Answer<Response> {
    let all = parameters(query.as_deref())?;
    if all.iter().any(|(name, _)| name == "page") {
        return Ok(page(&app, &all).await?.into_response());
    }
    Ok(slice(&app, &all).await?.into_response())
}

/// Messages after or before a cursor.
#[utoipa::path(
    get, path = "/api/v1/messages/cursor", tag = "messages",
    params(
        ("limit" = Option<u64>, Query, description = "1 to 100; 20"),
        ("cursor" = Option<String>, Query, description = "what an earlier answer gave in `cursors`"),
        ("sortBy" = Option<String>, Query, description = "createdAt or id"),
        ("sortDirection" = Option<String>, Query, description = "asc or desc; desc"),
        ("searchTerm" = Option<String>, Query, description = "in the text of request or response, in any case; the other filters as for `/api/messages`"),
    ),
    responses((status = 200, body = SliceAnswer), (status = 400, description = "a parameter that cannot be"))
)]
pub async fn by_cursor(State(app): State<App>, RawQuery(query): RawQuery) -> Answer<Json<SliceAnswer>> {
    slice(&app, &parameters(query.as_deref())?).await
}

async fn slice(app: &App, all: &[(String, String)]) -> Answer<Json<SliceAnswer>> {
    let query = SliceQuery::parse(pairs(all))?;
    let slice = app.layers.log.slice(&query).await?;
    let place = |message: Option<&salacia_log::Message>, backwards: bool| {
        message.map(|message| Place { created_at: message.created_at, id: message.id, backwards }.write(query.field, query.direction))
    };
    let cursors = Cursors {
        next: place(slice.messages.last().filter(|_| slice.has_more), false),
        prev: place(slice.messages.first().filter(|_| slice.has_previous), true),
    };
    let meta = Meta {
        count: slice.messages.len(),
        limit: query.limit,
        has_more: slice.has_more,
        sort_by: query.field.name(),
        sort_direction: query.direction.name(),
    };
    Ok(Json(SliceAnswer { data: slice.messages.into_iter().map(MessageView::from).collect(), meta, cursors }))
}

async fn page(app: &App, all: &[(String, String)]) -> Answer<Json<PageAnswer>> {
    let query = PageQuery::parse(pairs(all))?;
    let page = app.layers.log.page(&query).await?;
    let pages = page.total.div_ceil(query.size);
    Ok(Json(PageAnswer {
        messages: page.messages.into_iter().map(MessageView::from).collect(),
        current_page: query.page,
        page_size: query.size,
        total_items: page.total,
        total_pages: pages,
        has_previous_page: query.page > 1,
        has_next_page: query.page < pages,
        sort: SortAnswer { field: query.field.name(), direction: query.direction.name() },
        filters: query.filters.to_json(),
        stats: page.summary,
    }))
}

/// One message.
#[utoipa::path(
    get, path = "/api/messages/{id}", tag = "messages", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = MessageView), (status = 400, description = "not a UUID"), (status = 404, description = "no such message"))
)]
pub async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<Json<MessageView>> {
    let found = app.layers.log.find(key(&id)?).await?;
    found.map(|message| Json(message.into())).ok_or(Problem::NotFound("message"))
}

/// Stores a message.
#[utoipa::path(
    post, path = "/api/messages", tag = "messages", request_body = NewMessage,
    responses((status = 201, body = MessageView), (status = 400, description = "not JSON"), (status = 422, description = "a field that cannot be"))
)]
pub async fn create(State(app): State<App>, body: Result<Json<NewMessage>, JsonRejection>) -> Answer<Response> {
    let Json(new) = body?;
    let problems = new.problems();
    if !problems.is_empty() {
        return Err(Problem::Fields(problems));
    }
    let stored = app.layers.log.create(new).await?;
    let location = format!("/api/messages/{}", stored.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(MessageView::from(stored))).into_response())
}

/// Changes a message: an absent field stays, `null` empties it.
#[utoipa::path(
    patch, path = "/api/messages/{id}", tag = "messages", params(("id" = uuid::Uuid, Path)), request_body = MessageChange,
    responses((status = 200, body = MessageView), (status = 404, description = "no such message"), (status = 422, description = "a field that cannot be"))
)]
pub async fn update(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Result<Json<MessageChange>, JsonRejection>,
) -> Answer<Json<MessageView>> {
    let id = key(&id)?;
    let Json(change) = body?;
    let problems = change.problems();
    if !problems.is_empty() {
        return Err(Problem::Fields(problems));
    }
    let stored = app.layers.log.update(id, change).await?;
    stored.map(|message| Json(message.into())).ok_or(Problem::NotFound("message"))
}

/// Removes a message.
#[utoipa::path(
    delete, path = "/api/messages/{id}", tag = "messages", params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "it is gone"), (status = 404, description = "no such message"))
)]
pub async fn remove(State(app): State<App>, Path(id): Path<String>) -> Answer<StatusCode> {
    if app.layers.log.delete(key(&id)?).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::NotFound("message")) }
}

/// Statistics over the messages that the filters let through.
#[utoipa::path(
    get, path = "/api/messages/stats", tag = "messages",
    params(
        ("model" = Option<String>, Query), ("provider" = Option<String>, Query, description = "the provider's name"),
        ("startDate" = Option<String>, Query), ("endDate" = Option<String>, Query), ("hasError" = Option<bool>, Query),
        ("minTokens" = Option<i32>, Query), ("maxTokens" = Option<i32>, Query),
        ("minResponseTime" = Option<i32>, Query), ("maxResponseTime" = Option<i32>, Query),
        ("searchTerm" = Option<String>, Query, description = "in the text of request or response, in any case"),
    ),
    responses((status = 200, body = salacia_log::Report), (status = 400, description = "a parameter that cannot be"))
)]
pub async fn statistics(State(app): State<App>, RawQuery(query): RawQuery) -> Answer<Json<Value>> {
    let filters = filters(&parameters(query.as_deref())?)?;
    let report = app.layers.log.report(&filters).await?;
    let mut body = serde_json::to_value(report).unwrap_or_default();
    if let Some(map) = body.as_object_mut() {
        map.insert("filters".into(), filters.to_json());
    }
    Ok(Json(body))
}

/// The filters among parameters; anything else is an error.
pub fn filters(all: &[(String, String)]) -> Answer<Filters> {
    let mut filters = Filters::default();
    for (name, value) in pairs(all) {
        if !filters.take(name, value)? {
            let short: String = name.chars().take(60).collect();
            return Err(BadParameter { message: format!("Unknown parameter {short:?}."), name: short }.into());
        }
    }
    Ok(filters)
}
