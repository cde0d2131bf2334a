//! `/api/health`: whether the database answers, and which data layer serves.

use super::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::time::Instant;

/// Whether Salacia works.
#[utoipa::path(
    get, path = "/api/health", tag = "health",
    responses((status = 200, description = "it works"), (status = 503, description = "the database does not answer"))
)]
pub async fn health(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let began = Instant::now();
    let check = app.layers.log.check().await;
    let elapsed = began.elapsed().as_secs_f64() * 1000.0;
    if let Err(error) = &check {
        tracing::error!("the database does not answer: {error}");
    }
    let degraded = app.layers.reason.is_some();
    let status = match (&check, degraded) {
        (Err(_), _) => "unhealthy",
        (Ok(()), true) => "degraded",
        (Ok(()), false) => "healthy",
    };
    let mut layer = json!({ "chosen": app.layers.chosen, "serving": app.layers.log.name() });
    if let (Some(reason), Some(map)) = (&app.layers.reason, layer.as_object_mut()) {
        map.insert("reason".into(), reason.as_str().into());
    }
    let mut body = json!({
        "status": status,
        "database": { "connected": check.is_ok(), "responseTime": (elapsed * 100.0).round() / 100.0 },
        "dataLayer": layer,
        "updatedInteractions": crate::hooks::updates(),
        "uptime": app.began.elapsed().as_secs(),
    });
    if let (Some(db), Some(map)) = (&app.layers.db, body.as_object_mut()) {
        let pool = db.pool_status();
        map.insert("pool".into(), json!({ "max": pool.max, "inUse": pool.in_use, "idle": pool.idle, "waiting": pool.waiting }));
    }
    (if check.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}
