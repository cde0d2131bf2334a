//! When the chosen data layer cannot start, the other serves and says so; a database that exists is served as it is.

use crate::start::{Running, client, config, filled, postgres, sqlite};
use salacia::config::Layer;
use salacia::layers::{self, Layers};
use salacia_log::Events;
use serde_json::json;

#[tokio::test]
async fn what_sequor_refuses_makes_the_classic_layer_serve() {
    let place = sqlite();
    filled(&place).await;
    let unknown = config(format!("{}?colour=blue", place.config.url), Layer::Sequor);
    let layers = Layers::start(&unknown, &Events::default()).await.unwrap();
    assert_eq!((layers.chosen, layers.log.name()), ("sequor", "classic"));
    let reason = layers.reason.unwrap();
    assert!(reason.contains("colour"), "{reason}");
}

#[tokio::test]
async fn a_table_that_the_classic_layer_misses_makes_sequor_serve() {
    let place = sqlite();
    // An empty file: the classic layer makes no tables, Sequor does.
    let events = Events::default();
    let classic = salacia::config::Config { layer: Layer::Classic, ..place.config.clone() };
    let layers = Layers::start(&classic, &events).await.unwrap();
    assert_eq!((layers.chosen, layers.log.name()), ("classic", "sequor"));
    let running = Running::serve(layers, events).await;
    let health = running.json("/api/health").await;
    assert_eq!((health["status"].as_str(), health["dataLayer"]["serving"].as_str()), (Some("degraded"), Some("sequor")));
    assert!(health["dataLayer"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{health}");
    // Switching back needs no migration: now that the tables are there, the chosen one serves.
    let again = Running::start(&place, Layer::Classic).await;
    assert_eq!(again.json("/api/health").await["dataLayer"], json!({ "chosen": "classic", "serving": "classic" }));
}

/// The tables as Salacia's own Sequelize migrations left them.
const EXISTING: &str = include_str!("existing.sql");

#[tokio::test]
async fn a_database_that_sequelize_made_is_served_as_it_is() {
    let Some(place) = postgres().await else { return };
    let admin = client(&place.config.url).await;
    admin.batch_execute(EXISTING).await.unwrap();
    let columns = "SELECT string_agg(line, '\n' ORDER BY line) FROM (
        SELECT table_name || '.' || column_name || ' ' || udt_name || ' ' || coalesce(character_maximum_length::text, '-') || ' ' || is_nullable || ' ' || coalesce(column_default, '-') AS line
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT tablename || ' ' || indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey'
        UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f', 'c')
      ) lines";
    let describe = async || -> String { admin.query_one(columns, &[]).await.unwrap().get(0) };
    let before = describe().await;
    let db = layers::open(&place.config, &Events::default()).await.unwrap();
    assert_eq!(describe().await, before, "the database was changed");
    db.close().await.unwrap();
    for layer in [Layer::Sequor, Layer::Classic] {
        let running = Running::start(&place, layer).await;
        let (status, stored) =
            running.send("POST", "/api/messages", &json!({ "model": "m", "provider": "Old", "request": { "a": 1 } })).await;
        assert_eq!((status, stored["provider"].as_str()), (201, Some("Old")), "{stored}");
    }
    // What Sequor makes where there is nothing is the same.
    let fresh = postgres().await.unwrap();
    layers::open(&fresh.config, &Events::default()).await.unwrap().close().await.unwrap();
    let after: String = client(&fresh.config.url).await.query_one(columns, &[]).await.unwrap().get(0);
    assert_eq!(after, before.lines().filter(|line| !line.contains("SequelizeMeta")).collect::<Vec<_>>().join("\n"));
}
