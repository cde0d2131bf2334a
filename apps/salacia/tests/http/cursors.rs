//! Cursors in both directions meet every message once, whatever the filters, also where many were stored in the same microsecond.

use crate::start::{Place, Running, postgres, sqlite};
use salacia::config::Layer;
use salacia::layers;
use salacia::models::AiInteraction;
use salacia_log::Events;
use sequor::prelude::*;
use std::collections::BTreeSet;

async fn ties(place: &Place) {
    let db = layers::open(&place.config, &Events::default()).await.unwrap();
    let at = "2025-08-09T05:12:56.123456Z".parse::<DateTime<Utc>>().unwrap();
    let drafts = (0..90_i64).map(|number| {
        let text = if number % 3 == 0 { "needle" } else { "hay" };
        // Thirty share a microsecond; the others differ by one, within one millisecond.
        let created_at = at + chrono::TimeDelta::microseconds(if number < 30 { 0 } else { number });
        draft!(AiInteraction { model: "m", request: json!({ "messages": [{ "role": "user", "content": text }] }), created_at })
    });
    AiInteraction::bulk_create(drafts).exec(&db).await.unwrap();
    db.close().await.unwrap();
}

/// `query` begins with the limit.
async fn walk(running: &Running, query: &str, expected: usize) {
    let (mut seen, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = running.json(&format!("/api/messages?{query}{cursor}")).await;
        let ids: Vec<String> = page["data"].as_array().unwrap().iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect();
        if query.contains("needle") {
            assert!(page["data"].as_array().unwrap().iter().all(|message| message["requestPreview"] == "needle"));
        }
        seen.extend(ids.clone());
        pages.push((ids, page["cursors"]["prev"].as_str().map(str::to_owned)));
        assert_eq!(page["meta"]["hasMore"].as_bool().unwrap(), page["cursors"]["next"].is_string());
        match page["cursors"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (expected, expected), "{query}");
    // Back again: `prev` of a page is the page before it.
    assert_eq!(pages[0].1, None);
    for pair in pages.windows(2) {
        let back = running.json(&format!("/api/messages?{query}&cursor={}", pair[1].1.as_ref().unwrap())).await;
        let ids: Vec<&str> = back["data"].as_array().unwrap().iter().map(|message| message["id"].as_str().unwrap()).collect();
        assert_eq!(ids, pair[0].0, "{query}");
    }
}

async fn both_layers(place: &Place) {
    ties(place).await;
    for layer in [Layer::Sequor, Layer::Classic] {
        let running = Running::start(place, layer).await;
        for sort in ["", "&sortDirection=asc", "&sortBy=id", "&sortBy=id&sortDirection=asc"] {
            walk(&running, &format!("limit=7{sort}"), 90).await;
            walk(&running, &format!("limit=7{sort}&searchTerm=NEEDLE"), 30).await;
        }
        let first = running.json("/api/v1/messages/cursor?limit=7").await;
        let foreign = first["cursors"]["next"].as_str().unwrap();
        assert_eq!(running.get(&format!("/api/messages?sortBy=id&cursor={foreign}")).await.0, 400);
        assert_eq!(running.get(&format!("/api/messages?cursor={}", &foreign[1..])).await.0, 400);
    }
}

#[tokio::test]
async fn every_message_once_on_sqlite() {
    both_layers(&sqlite()).await;
}

#[tokio::test]
async fn every_message_once_on_postgres() {
    if let Some(place) = postgres().await {
        both_layers(&place).await;
    }
}

/// A search looks among the newest messages first, and at all where these do not fill its page; nobody sees which.
async fn far_apart(place: &Place) {
    let db = layers::open(&place.config, &Events::default()).await.unwrap();
    let at = "2025-08-09T05:12:56Z".parse::<DateTime<Utc>>().unwrap();
    let drafts = (0..1_600_i64).map(|number| {
        let text = if number % 100 == 7 { "needle" } else { "hay" };
        let created_at = at + chrono::TimeDelta::milliseconds(number);
        let model = format!("model-{}", number % 2);
        draft!(AiInteraction { model, request: json!({ "messages": [{ "role": "user", "content": text }] }), created_at })
    });
    AiInteraction::bulk_create(drafts).hooks(false).exec(&db).await.unwrap();
    db.close().await.unwrap();
    for layer in [Layer::Sequor, Layer::Classic] {
        let running = Running::start(place, layer).await;
        for limit in [2, 4, 5, 9, 16] {
            for sort in ["", "&sortDirection=asc", "&sortBy=id"] {
                walk(&running, &format!("limit={limit}{sort}&searchTerm=nEEdle&model=model-1"), 16).await;
                walk(&running, &format!("limit={limit}{sort}&searchTerm=needle&model=model-0"), 0).await;
            }
        }
    }
}

#[tokio::test]
async fn a_search_beyond_the_newest_messages_on_sqlite() {
    far_apart(&sqlite()).await;
}

#[tokio::test]
async fn a_search_beyond_the_newest_messages_on_postgres() {
    if let Some(place) = postgres().await {
        far_apart(&place).await;
    }
}
