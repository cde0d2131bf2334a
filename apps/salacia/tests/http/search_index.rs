//! `salacia optimise`: the same answers as without it, whoever writes, on SQLite and PostgreSQL.

use crate::start::{Place, Running, filled, postgres, sqlite};
use salacia::config::Layer;
use salacia::{layers, search_index};
use salacia_log::Events;
use serde_json::json;

const TERMS: [&str; 9] = ["purr", "PURR", "the ", "marée", "MARÉE", "at", "%25", "%5C%22role", "nothing at all"];

async fn answers(running: &Running) -> Vec<(u16, String)> {
    let mut all = Vec::new();
    for term in TERMS {
        for path in ["/api/messages?limit=7", "/api/messages?page=1&hasError=false", "/api/messages/stats?model=gpt-4o"] {
            all.push(running.get(&format!("{path}&searchTerm={term}")).await);
        }
    }
    all
}

async fn found(running: &Running, term: &str) -> i64 {
    running.json(&format!("/api/messages/stats?searchTerm={term}")).await["totalMessages"].as_i64().unwrap()
}

async fn agree(place: &Place) {
    filled(place).await;
    let plain = Running::start(place, Layer::Sequor).await;
    let wanted = answers(&plain).await;
    assert!(wanted.iter().all(|(status, _)| *status == 200));
    let db = layers::open(&place.config, &Events::default()).await.unwrap();
    search_index::make(&db).await.unwrap();
    search_index::make(&db).await.unwrap();
    let (sequor, classic) = (Running::start(place, Layer::Sequor).await, Running::start(place, Layer::Classic).await);
    assert_eq!(answers(&sequor).await, wanted);
    assert_eq!(answers(&classic).await, wanted);
    for (writer, reader) in [(&sequor, &classic), (&classic, &sequor), (&plain, &sequor)] {
        let body = json!({ "model": "m", "request": { "messages": [{ "role": "user", "content": "an okapi" }] } });
        let (status, stored) = writer.send("POST", "/api/messages", &body).await;
        assert_eq!((status, found(reader, "OKAPI").await), (201, 1));
        let path = format!("/api/messages/{}", stored["id"].as_str().unwrap());
        writer.send("PATCH", &path, &json!({ "response": { "content": "a quokka" } })).await;
        assert_eq!((found(reader, "quokka").await, found(reader, "okapi").await), (1, 1));
        writer.send("PATCH", &path, &json!({ "response": null })).await;
        assert_eq!((found(reader, "quokka").await, found(reader, "okapi").await), (0, 1));
        writer.send("DELETE", &path, &json!({})).await;
        assert_eq!(found(reader, "okapi").await, 0);
    }
}

#[tokio::test]
async fn answers_as_before_on_sqlite() {
    agree(&sqlite()).await;
}

#[tokio::test]
async fn answers_as_before_on_postgres() {
    if let Some(place) = postgres().await {
        agree(&place).await;
    }
}
