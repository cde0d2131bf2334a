//! The HTTP API.

mod login;
mod owned;
mod problem;

use crate::models::User;
use crate::tokens::{Keys, Use};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{get, post};
use sequor::prelude::*;
use std::path::PathBuf;

pub use problem::Problem;

/// What every handler sees.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub keys: Keys,
    pub files: PathBuf,
    /// Whether one-time codes are shown in answers; elsewhere they go by mail.
    pub shows_codes: bool,
}

/// The user whose access token came with the request.
pub struct SignedIn(pub User);

impl FromRequestParts<App> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<SignedIn, Problem> {
        let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Problem::Unauthorized)?;
        let claims = app.keys.read(token, Use::Access).ok_or(Problem::Unauthorized)?;
        let user = User::find_by_pk(claims.sub).exec(&app.db).await?;
        // Logging out raises the version: every older token is dead.
        user.filter(|user| user.token_version == claims.version && user.confirmed).map(SignedIn).ok_or(Problem::Unauthorized)
    }
}

/// What there is, for whoever opens the address that the program prints.
async fn index() -> axum::Json<serde_json::Value> {
    let routes = json!({
        "POST /register": "{ email, name, password }",
        "POST /confirm": "{ email, code }: the one-time code, for tokens",
        "POST /login": "{ email, password }, for tokens",
        "POST /refresh": "{ refreshToken }",
        "POST /logout": "revokes every token of the user",
        "GET /me": "with `authorization: Bearer ..`, as everything below",
        "GET, POST /social": "{ provider, providerUserId }",
        "GET, POST /payments": "{ amount, currency }, with `idempotency-key: ..`",
        "POST /payments/{id}/{authorize, capture, refund, fail}": "the next state",
        "GET, POST /files?name=..": "the body is the content",
        "GET, DELETE /files/{id}": "the content",
    });
    axum::Json(json!({ "name": "Accounts", "routes": routes }))
}

/// Everything that is served.
pub fn router(app: App) -> Router {
    let small = Router::new()
        .route("/", get(index))
        .route("/register", post(login::register))
        .route("/confirm", post(login::confirm))
        .route("/login", post(login::login))
        .route("/refresh", post(login::refresh))
        .route("/logout", post(login::logout))
        .route("/me", get(login::me))
        .route("/social", get(owned::social).post(owned::link))
        .route("/payments", get(owned::payments).post(owned::pay))
        .route("/payments/{id}/{step}", post(owned::step))
        .layer(DefaultBodyLimit::max(64 * 1024));
    let files = Router::new()
        .route("/files", get(owned::files).post(owned::upload))
        .route("/files/{id}", get(owned::download).delete(owned::remove))
        .layer(DefaultBodyLimit::max(crate::files::LARGEST));
    let wrong_method = async || Problem::Bad(StatusCode::METHOD_NOT_ALLOWED, "This address does not take that method.".into());
    small.merge(files).fallback(async || Problem::NotFound).method_not_allowed_fallback(wrong_method).with_state(app)
}
