//! Both data layers answer every request with the same bytes.

use crate::start::{Place, Running, filled, postgres, sqlite};
use salacia::config::Layer;
use serde_json::json;

/// A random request for a list, a page or statistics.
fn request(random: &mut fastrand::Rng) -> String {
    let mut path = [
        "/api/messages?sortBy=createdAt",
        "/api/messages?sortBy=id",
        "/api/messages?page=1",
        "/api/messages?page=3",
        "/api/messages/stats?",
    ][random.usize(..5)]
    .to_owned();
    if path.contains("sortBy") {
        path += &format!("&limit={}", random.u32(1..40));
    } else if path.contains("page") {
        path += &format!("&pageSize={}", random.u32(1..40));
        path += ["", "&sortField=model", "&sortField=totalTokens", "&sortField=responseTime"][random.usize(..4)];
    }
    if !path.contains("stats") {
        path += ["", "&sortDirection=asc", "&sortDirection=desc"][random.usize(..3)];
    }
    for filter in [
        "model=gpt-4o",
        "provider=Anthropic",
        "provider=nobody",
        "hasError=true",
        "hasError=false",
        "minTokens=20",
        "maxTokens=38",
        "minResponseTime=900",
        "maxResponseTime=1300",
        "searchTerm=CAT",
        "searchTerm=mar%C3%A9e",
        "searchTerm=100%25_x",
        "searchTerm=%5C%22role",
        "startDate=2020-01-01",
        "endDate=2020-01-01",
        "endDate=2100-01-01T10:00:00Z",
    ] {
        let name = filter.split('=').next().unwrap_or_default();
        if random.u32(..9) == 0 && !path.contains(&format!("{name}=")) {
            path += &format!("&{filter}");
        }
    }
    path.replace("?&", "?")
}

async fn compare(place: &Place) {
    filled(place).await;
    let (sequor, classic) = (Running::start(place, Layer::Sequor).await, Running::start(place, Layer::Classic).await);
    assert_eq!((sequor.layers.log.name(), classic.layers.log.name()), ("sequor", "classic"));
    let mut random = fastrand::Rng::with_seed(20_250_809);
    for _ in 0..250 {
        let path = request(&mut random);
        let (one, other) = (sequor.get(&path).await, classic.get(&path).await);
        assert_eq!(one, other, "{path}");
        assert_eq!(one.0, 200, "{path}: {}", one.1);
    }
    // A cursor of one layer is a cursor of the other.
    let next = sequor.json("/api/messages?limit=5").await["cursors"]["next"].as_str().unwrap().to_owned();
    let path = format!("/api/messages?limit=5&cursor={next}");
    assert_eq!(sequor.get(&path).await, classic.get(&path).await);
    writes(&sequor, &classic).await;
}

/// What one layer writes, the other reads.
async fn writes(sequor: &Running, classic: &Running) {
    for (writer, reader) in [(sequor, classic), (classic, sequor)] {
        let body = json!({ "model": "gpt-4o", "provider": "OpenAI", "request": { "messages": [{ "role": "user", "content": "été 'quoted' \\ 🌊" }] }, "totalTokens": 7, "responseTime": 12, "statusCode": 200 });
        let (status, stored) = writer.send("POST", "/api/messages", &body).await;
        assert_eq!(status, 201, "{stored}");
        let path = format!("/api/messages/{}", stored["id"].as_str().unwrap());
        assert_eq!(reader.json(&path).await, stored);
        let change = json!({ "error": "cut off", "totalTokens": null, "response": { "choices": [{ "message": { "content": "late" } }] } });
        let (status, changed) = writer.send("PATCH", &path, &change).await;
        assert_eq!((status, changed["error"].as_str(), changed["isSuccess"].as_bool()), (200, Some("cut off"), Some(false)), "{changed}");
        assert!(changed.get("totalTokens").is_none() && changed["responsePreview"] == "late");
        assert_eq!(reader.get(&path).await, writer.get(&path).await);
        assert_eq!(writer.send("PATCH", "/api/messages/00000000-0000-0000-0000-000000000000", &change).await.0, 404);
        assert_eq!(writer.send("DELETE", &path, &json!({})).await.0, 204);
        assert_eq!((reader.get(&path).await.0, writer.send("DELETE", &path, &json!({})).await.0), (404, 404));
    }
    let marked = salacia_log::Filters { model: Some("llama3.1:8b".into()), ..Default::default() };
    let count = sequor.layers.log.mark(&marked, Some("checked".into())).await.unwrap();
    assert_eq!((count, classic.layers.log.mark(&marked, None).await.unwrap()), (40, 40));
    let many = |name: &str| vec![salacia_log::NewMessage { model: name.into(), request: json!({}), ..Default::default() }; 25];
    assert_eq!(sequor.layers.log.create_many(many("bulk-a")).await.unwrap(), 25);
    assert_eq!(classic.layers.log.create_many(many("bulk-b")).await.unwrap(), 25);
    let mut half_wrong = many("bulk-c");
    half_wrong[20].provider = Some("nobody".into());
    for layer in [sequor, classic] {
        assert!(layer.layers.log.create_many(half_wrong.clone()).await.is_err());
        let counted = layer.json("/api/messages/stats?model=bulk-c").await;
        assert_eq!(counted["totalMessages"], 0);
    }
}

#[tokio::test]
async fn sqlite_answers_alike() {
    compare(&sqlite()).await;
}

#[tokio::test]
async fn postgres_answers_alike() {
    if let Some(place) = postgres().await {
        compare(&place).await;
    }
}

#[test]
fn the_classic_layer_holds_no_sequor() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let tree = std::process::Command::new(cargo)
        .args(["tree", "--offline", "--package", "salacia-classic", "--edges", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("tokio-postgres") && tree.contains("rusqlite"), "{tree}");
    assert!(!tree.contains("sequor"), "{tree}");
}
