//! The HTTP API and the pages.

mod events;
mod health;
mod messages;
mod problem;

use crate::layers::Layers;
use crate::pages;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use salacia_log::Events;
use std::sync::Arc;
use std::time::Instant;
use utoipa::OpenApi;

pub use messages::filters;
pub use problem::{Problem, parameters};

/// The largest body that is read, in bytes.
const LARGEST_BODY: usize = 2 * 1024 * 1024;

/// What every handler sees.
#[derive(Clone)]
pub struct App {
    /// The data layer.
    pub layers: Arc<Layers>,
    /// What browsers are told.
    pub events: Events,
    /// When the program began.
    pub began: Instant,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Salacia", description = "The log of an AI gateway: interactions with models, searched, paged and counted."),
    paths(
        messages::list,
        messages::by_cursor,
        messages::one,
        messages::create,
        messages::update,
        messages::remove,
        messages::statistics,
        events::listen,
        health::health
    )
)]
struct Documentation;

/// Everything that is served.
pub fn router(app: App) -> Router {
    let api = Router::new()
        .route("/api/messages", get(messages::list).post(messages::create))
        .route("/api/messages/stats", get(messages::statistics))
        .route("/api/messages/{id}", get(messages::one).patch(messages::update).put(messages::update).delete(messages::remove))
        .route("/api/v1/messages/cursor", get(messages::by_cursor))
        .route("/api/sse/messages", get(events::listen))
        .route("/api/health", get(health::health));
    let documentation = utoipa_swagger_ui::SwaggerUi::new("/docs").url("/openapi.json", Documentation::openapi());
    Router::new()
        .merge(api)
        .merge(pages::router())
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::not_allowed)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(axum::middleware::map_response(guard))
        .with_state(app)
        .merge(documentation)
}

/// Nothing is cached, framed, sniffed or run that is not ours.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let policy = "default-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("referrer-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
