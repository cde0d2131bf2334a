//! The pages for people: rendered on the server, filled on by htmx.

mod charts;
mod detail;
mod layout;
mod log;
mod statistics;

use crate::http::App;
use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// The pages and what they need.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(log::page))
        .route("/rows", get(log::rows))
        .route("/messages/{id}", get(detail::page))
        .route("/statistics", get(statistics::page))
        .route("/assets/htmx.js", get(htmx))
        .route("/assets/salacia.css", get(style))
}

async fn htmx() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "max-age=86400")];
    (headers, include_str!("../assets/htmx.min.js"))
}

async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=86400")];
    (headers, include_str!("../assets/salacia.css"))
}
