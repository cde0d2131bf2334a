//! What a user owns: social logins, files, payments. Every query is filtered by the user.

use super::{App, Problem, SignedIn};
use crate::files;
use crate::models::{File, Payment, SocialAuth, User};
use crate::payments::{self, Asked};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sequor::Page;
use sequor::prelude::*;
use serde::{Deserialize, Serialize};

type Answer<T> = std::result::Result<T, Problem>;

fn bad(detail: &str) -> Problem {
    Problem::Bad(StatusCode::UNPROCESSABLE_ENTITY, detail.to_owned())
}

fn key(text: &str) -> Answer<i64> {
    text.parse().map_err(|_| Problem::NotFound)
}

pub async fn social(State(app): State<App>, SignedIn(user): SignedIn) -> Answer<Json<Vec<SocialAuth>>> {
    Ok(Json(user.related(User::SOCIAL_AUTHS).order_by(SocialAuth::ID.asc()).exec(&app.db).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Link {
    provider: String,
    provider_user_id: String,
}

pub async fn link(State(app): State<App>, SignedIn(user): SignedIn, body: Result<Json<Link>, JsonRejection>) -> Answer<Response> {
    let Json(Link { provider, provider_user_id }) = body?;
    let linked = draft!(SocialAuth { user_id: user.id, provider, provider_user_id }).create(&app.db).await?;
    Ok((StatusCode::CREATED, Json(linked)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    name: String,
}

pub async fn upload(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    query: Result<Query<Upload>, QueryRejection>,
    headers: HeaderMap,
    content: Result<Bytes, BytesRejection>,
) -> Answer<Response> {
    let (Query(Upload { name }), content) = (query?, content?);
    let mime_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/octet-stream");
    if name.contains(|letter: char| letter.is_control() || matches!(letter, '/' | '\\')) || name.starts_with('.') {
        return Err(bad("A file's name holds no path and no control characters."));
    }
    let stored = files::store(user.id, &name, mime_type, &content, &app.files, &app.db).await?;
    Ok((StatusCode::CREATED, Json(stored)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    page: Option<u64>,
}

/// The page that a query asks for, from 1.
fn page(query: Pages) -> Answer<u64> {
    match query?.page {
        None => Ok(1),
        Some(page @ 1..=1_000_000) => Ok(page),
        Some(_) => Err(bad("A page is a number from 1 to 1000000.")),
    }
}

/// A page of rows, in the letters of the rest of the API.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Paged<T> {
    rows: Vec<T>,
    count: u64,
    page: u64,
    page_size: u64,
    pages: u64,
    has_next: bool,
    has_previous: bool,
}

fn paged<T: Serialize>(page: Page<T>) -> Response {
    let Page { rows, count, page, page_size, pages, has_next, has_previous } = page;
    Json(Paged { rows, count, page, page_size, pages, has_next, has_previous }).into_response()
}

type Pages = Result<Query<Paging>, QueryRejection>;

pub async fn files(State(app): State<App>, SignedIn(user): SignedIn, query: Pages) -> Answer<Response> {
    let page = page(query)?;
    let files = File::find_all().filter(File::USER_ID.eq(user.id)).order_by(File::ID.desc()).page(page, 20).exec(&app.db).await?;
    Ok(paged(files))
}

async fn own_file(app: &App, user: &User, id: &str) -> Answer<File> {
    let found = File::find_one().filter(File::ID.eq(key(id)?).and(File::USER_ID.eq(user.id))).exec(&app.db).await?;
    found.ok_or(Problem::NotFound)
}

pub async fn download(State(app): State<App>, SignedIn(user): SignedIn, Path(id): Path<String>) -> Answer<Response> {
    let file = own_file(&app, &user, &id).await?;
    let content = tokio::fs::read(app.files.join(&file.path)).await.map_err(Error::from)?;
    // Never shown in place: what a user uploads is not run in our name.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, content).into_response())
}

pub async fn remove(State(app): State<App>, SignedIn(user): SignedIn, Path(id): Path<String>) -> Answer<StatusCode> {
    let file = own_file(&app, &user, &id).await?;
    files::remove(file, &app.files, &app.db).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    /// As text, so that no client's floating point touches it.
    amount: String,
    currency: String,
}

pub async fn pay(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    headers: HeaderMap,
    body: Result<Json<Pay>, JsonRejection>,
) -> Answer<Response> {
    let Json(Pay { amount, currency }) = body?;
    let amount: Decimal = amount.parse().map_err(|_| bad("The amount is a decimal number, as text."))?;
    if amount.scale() > 2 || amount <= Decimal::ZERO || amount >= Decimal::from(10_000_000_000_i64) {
        return Err(bad("The amount is above 0, below 10000000000 and has at most two decimals."));
    }
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).ok_or_else(|| bad("Send an Idempotency-Key."))?;
    match payments::ask(user.id, key, amount, &currency, &app.db).await? {
        Asked::Created(payment) => Ok((StatusCode::CREATED, Json(payment)).into_response()),
        Asked::Known(payment) => Ok(Json(payment).into_response()),
        Asked::Conflict => Err(Problem::Conflict("This Idempotency-Key was used for another payment.".into())),
    }
}

pub async fn payments(State(app): State<App>, SignedIn(user): SignedIn, query: Pages) -> Answer<Response> {
    let page = page(query)?;
    let payments =
        Payment::find_all().filter(Payment::USER_ID.eq(user.id)).order_by(Payment::ID.desc()).page(page, 20).exec(&app.db).await?;
    Ok(paged(payments))
}

pub async fn step(State(app): State<App>, SignedIn(user): SignedIn, Path((id, step)): Path<(String, String)>) -> Answer<Json<Payment>> {
    match payments::step(user.id, key(&id)?, &step, &app.db).await? {
        None => Err(Problem::NotFound),
        Some(Ok(payment)) => Ok(Json(payment)),
        Some(Err(status)) => Err(Problem::Conflict(format!("A payment that is {status} cannot be taken there."))),
    }
}
