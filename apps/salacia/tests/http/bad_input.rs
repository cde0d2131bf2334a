//! Wrong requests get the right 4xx; nothing is stored, nothing leaks.

use crate::start::{Running, filled, postgres, sqlite};
use salacia::config::Layer;
use serde_json::json;

async fn refuse(running: &Running) {
    let before = running.json("/api/messages/stats").await;
    for (path, status) in [
        ("/api/messages?limit=abc", 400),
        ("/api/messages?limit=101", 400),
        ("/api/messages?limit=10&limit=20", 400),
        ("/api/messages?sortBy=id;drop%20table%20ai_interactions", 400),
        ("/api/messages?sortDirection=DESC;--", 400),
        ("/api/messages?cursor=AAAA", 400),
        ("/api/messages?cursor=%00", 400),
        ("/api/messages?page=0", 400),
        ("/api/messages?page=1&sortField=created_at", 400),
        ("/api/messages?page=99999999999999999999", 400),
        ("/api/messages?minTokens=1e3", 400),
        ("/api/messages?startDate=yesterday", 400),
        ("/api/messages?searchTerm=%00", 400),
        ("/api/messages?model[$ne]=x", 400),
        ("/api/messages/stats?limit=5", 400),
        ("/api/messages/not-a-uuid", 400),
        ("/api/messages/00000000-0000-0000-0000-000000000001", 404),
        ("/api/nothing", 404),
    ] {
        let (found, text) = running.get(path).await;
        assert_eq!(found, status, "{path}: {text}");
        assert!(!text.to_lowercase().contains("select") && !text.contains("sqlite") && !text.contains("ai_interactions"), "{path}: {text}");
    }
    let limit = running.get("/api/messages?limit=0").await;
    assert_eq!(limit, (400, r#"{"error":"Invalid limit parameter. Must be a number between 1 and 100."}"#.to_owned()));
    for other in ["/api/messages?page=1&limit=5", "/api/messages?limit=5&limit=5"] {
        let (_, text) = running.get(other).await;
        assert!(text.contains("\"status\":400"), "the original has no such answer: {text}");
    }
    for (body, status, field) in [
        (json!({ "request": {} }), 422, "model"),
        (json!({ "model": "", "request": {} }), 422, "model"),
        (json!({ "model": "x".repeat(101), "request": {} }), 422, "model"),
        (json!({ "model": "x", "request": "text" }), 422, "request"),
        (json!({ "model": "x", "request": { "a": "nul \u{0}" } }), 422, "request"),
        (json!({ "model": "x", "request": {}, "statusCode": 99 }), 422, "statusCode"),
        (json!({ "model": "x", "request": {}, "totalTokens": -1 }), 422, "totalTokens"),
        (json!({ "model": "x", "request": {}, "totalTokens": 3_000_000_000_i64 }), 422, "totalTokens"),
        (json!({ "model": "x", "request": {}, "surprise": 1 }), 422, "surprise"),
        (json!({ "model": "x", "request": {}, "provider": "'; DROP TABLE ai_providers; --" }), 422, "provider"),
        (json!({ "model": { "$ne": null }, "request": {} }), 422, "model"),
    ] {
        let (found, problem) = running.send("POST", "/api/messages", &body).await;
        assert_eq!((found, problem["status"].as_u64()), (status, Some(status.into())), "{body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(field), "{problem}");
    }
    let client = reqwest::Client::new();
    let url = format!("{}/api/messages", running.url);
    let post = |body: Vec<u8>, kind: &str| client.post(&url).header("content-type", kind).body(body).send();
    let status = |answer: Result<reqwest::Response, reqwest::Error>| answer.unwrap().status().as_u16();
    assert_eq!(status(post(b"{".to_vec(), "application/json").await), 400);
    assert_eq!(status(post(b"{}".to_vec(), "text/plain").await), 415);
    assert_eq!(status(post(vec![b' '; 10 * 1024 * 1024], "application/json").await), 413);
    let deep = format!("{{\"model\":\"x\",\"request\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(status(post(deep.into_bytes(), "application/json").await), 400);
    assert_eq!(status(client.put(format!("{}/api/health", running.url)).send().await), 405);
    assert_eq!(running.json("/api/messages/stats").await, before, "something was stored");
}

#[tokio::test]
async fn is_refused_on_sqlite() {
    let place = sqlite();
    filled(&place).await;
    for layer in [Layer::Sequor, Layer::Classic] {
        refuse(&Running::start(&place, layer).await).await;
    }
}

#[tokio::test]
async fn is_refused_on_postgres() {
    let Some(place) = postgres().await else { return };
    filled(&place).await;
    for layer in [Layer::Sequor, Layer::Classic] {
        refuse(&Running::start(&place, layer).await).await;
    }
}
