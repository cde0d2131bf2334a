//! Every route of the OpenAPI document, driven with input that its description forbids or does not expect.

use crate::start::{Place, Running, filled, postgres, sqlite};
use fastrand::Rng;
use salacia::config::Layer;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Texts that have broken other programs.
const TEXTS: [&str; 16] = [
    "' OR 1=1 --",
    "'; DROP TABLE ai_interactions; --",
    "\" UNION SELECT api_key FROM ai_providers --",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "${jndi:ldap://x}",
    "../../etc/passwd",
    "\u{202e}di",
    "\r\nset-cookie: x=1",
    "$1 ? :name {x}",
    "%",
    "_\\",
    "1e309",
    "-1",
    "99999999999999999999",
    "NaN",
];

fn text(random: &mut Rng) -> String {
    match random.u32(..8) {
        0 => "x".repeat(random.usize(101..5_000)),
        1 => random.i64(..).to_string(),
        2 => "é".repeat(random.usize(1..200)),
        _ => TEXTS[random.usize(..TEXTS.len())].to_owned(),
    }
}

fn any(random: &mut Rng, depth: usize) -> Value {
    match random.u32(..if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => random.bool().into(),
        2 => random.i64(..).into(),
        3 => json!(f64::from(random.i32(..)) / 7.0),
        4 => text(random).into(),
        5 => json!({ "$ne": null }),
        6 => (0..random.usize(..4)).map(|_| any(random, depth - 1)).collect(),
        _ => Value::Object((0..random.usize(..4)).map(|_| (text(random), any(random, depth - 1))).collect()),
    }
}

/// A schema with its reference followed.
fn followed<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(path) => document.pointer(path.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// The fields of an operation's body.
fn fields(document: &Value, operation: &Value) -> Option<Vec<String>> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
    let properties = followed(document, schema)["properties"].as_object()?;
    Some(properties.keys().cloned().collect())
}

fn encoded(pairs: &[(String, String)]) -> String {
    serde_urlencoded::to_string(pairs).unwrap()
}

struct Driven<'a> {
    running: &'a Running,
    client: reqwest::Client,
    statuses: BTreeMap<u16, usize>,
}

impl Driven<'_> {
    async fn send(&mut self, method: &str, path: &str, body: Option<String>) {
        let mut request = self.client.request(method.to_uppercase().parse().unwrap(), format!("{}{path}", self.running.url));
        if let Some(body) = body.clone() {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        assert!(answer.headers().get("set-cookie").is_none());
        assert!(status < 500, "{method} {path} {body:?}: {status}");
        *self.statuses.entry(status).or_default() += 1;
        let text = answer.text().await.unwrap();
        if (400..500).contains(&status) {
            assert!(
                kind.as_deref().is_some_and(|kind| kind.starts_with("application/problem+json") || text.contains("limit")),
                "{path}: {kind:?} {text}"
            );
            for inside in ["SELECT", "INSERT", "sqlite", "postgres", "src/", "panicked", "api_key"] {
                assert!(!text.contains(inside) || path.contains(inside), "{method} {path} leaks {inside}: {text}");
            }
        }
    }

    /// One operation, once, with parameters and a body of chance.
    async fn operation(&mut self, document: &Value, method: &str, path: &str, operation: &Value, random: &mut Rng) {
        let mut address = path.to_owned();
        let mut pairs = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            if parameter["in"] == "path" {
                let id = if random.bool() { text(random) } else { "00000000-0000-0000-0000-00000000000a".to_owned() };
                let id = encoded(&[("v".into(), id)])[2..].replace('+', "%20");
                address = address.replace(&format!("{{{name}}}"), &id);
            } else if random.u32(..3) == 0 {
                pairs.push((name.to_owned(), text(random)));
            }
        }
        if random.u32(..10) == 0 {
            pairs.push((text(random), text(random)));
        }
        if !pairs.is_empty() {
            address = format!("{address}?{}", encoded(&pairs));
        }
        let body = fields(document, operation).map(|fields| match random.u32(..6) {
            0 => "{\"model\":".to_owned(),
            1 => any(random, 3).to_string(),
            _ => {
                let mut body: Map<String, Value> =
                    fields.into_iter().filter_map(|field| random.bool().then(|| (field, any(random, 2)))).collect();
                // At least one thing about it is wrong, so that nothing may be stored.
                body.insert("surprise".into(), any(random, 1));
                Value::Object(body).to_string()
            }
        });
        self.send(method, &address, body).await;
    }
}

async fn drive(place: &Place, layer: Layer) {
    filled(place).await;
    let running = Running::start(place, layer).await;
    let document = running.json("/openapi.json").await;
    let before = running.json("/api/messages/stats").await;
    let mut random = Rng::with_seed(20_250_817);
    let mut driven = Driven { running: &running, client: reqwest::Client::new(), statuses: BTreeMap::new() };
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        // A stream of events has no end; tests/http/events.rs listens to it.
        if path == "/api/sse/messages" {
            continue;
        }
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            for _ in 0..60 {
                driven.operation(&document, method, path, operation, &mut random).await;
            }
        }
    }
    // Lists, cursors, one, create, update, delete, statistics, health.
    assert!(operations >= 8, "{operations} operations are documented");
    let refused: usize = driven.statuses.iter().filter(|(status, _)| **status >= 400).map(|(_, count)| count).sum();
    assert!(refused > operations * 20, "{:?}", driven.statuses);
    assert_eq!(running.json("/api/messages/stats").await, before, "something was stored");
}

#[tokio::test]
async fn every_route_stands_bad_input_on_sqlite() {
    let place = sqlite();
    drive(&place, Layer::Sequor).await;
}

#[tokio::test]
async fn every_route_stands_bad_input_on_postgres() {
    let Some(place) = postgres().await else { return };
    drive(&place, Layer::Sequor).await;
}
