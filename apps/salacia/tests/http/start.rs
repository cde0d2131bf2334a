//! Starts Salacia on a free port, on a database of its own.

use salacia::config::{Config, Layer};
use salacia::http::{App, router};
use salacia::layers::{self, Layers};
use salacia_log::Events;
use sequor::prelude::*;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// A running Salacia.
pub struct Running {
    pub url: String,
    pub layers: Arc<Layers>,
}

/// A database of a test's own.
pub struct Place {
    pub config: Config,
    _folder: Option<tempfile::TempDir>,
}

/// A database that somebody else made.
pub fn known(url: String, layer: Layer) -> Place {
    Place { config: config(url, layer), _folder: None }
}

pub fn config(url: String, layer: Layer) -> Config {
    let pool = Pool { max: 4, ..Pool::default() };
    Config { url, address: "127.0.0.1:0".into(), layer, production: false, pool }
}

pub fn sqlite() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("salacia.db").display());
    Place { config: config(url, Layer::Sequor), _folder: Some(folder) }
}

/// A fresh database on the server of the test run; `None`, said aloud, without one.
pub async fn postgres() -> Option<Place> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(server) = std::env::var("SEQUOR_POSTGRES_URL").ok().filter(|url| !url.is_empty()) else {
        eprintln!("SKIPPED on PostgreSQL: SEQUOR_POSTGRES_URL is not set; cargo xtask test starts a server");
        return None;
    };
    let name = format!("salacia_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    client(&server).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (head, tail) = server.split_once('?').map_or((server.as_str(), None), |(head, tail)| (head, Some(tail)));
    let base = head.rsplit_once('/').unwrap().0;
    let url = tail.map_or_else(|| format!("{base}/{name}"), |tail| format!("{base}/{name}?{tail}"));
    Some(Place { config: config(url, Layer::Sequor), _folder: None })
}

/// A line to a PostgreSQL server, beside both data layers.
pub async fn client(url: &str) -> tokio_postgres::Client {
    let (client, line) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(line);
    client
}

impl Running {
    /// Serves under a data layer.
    pub async fn start(place: &Place, layer: Layer) -> Running {
        let config = Config { layer, ..place.config.clone() };
        let events = Events::default();
        // The tables are made by Sequor, whichever layer serves.
        layers::open(&config, &events).await.unwrap().close().await.unwrap();
        let layers = Layers::start(&config, &events).await.unwrap();
        Running::serve(layers, events).await
    }

    pub async fn serve(layers: Layers, events: Events) -> Running {
        let layers = Arc::new(layers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = App { layers: layers.clone(), events, began: Instant::now() };
        tokio::spawn(async move { axum::serve(listener, router(app)).await });
        Running { url, layers }
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn json(&self, path: &str) -> Value {
        let (status, text) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let method = method.parse().unwrap();
        let answer = reqwest::Client::new().request(method, format!("{}{path}", self.url)).json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }
}

/// Demo data in a place.
pub async fn filled(place: &Place) {
    let db = layers::open(&place.config, &Events::default()).await.unwrap();
    salacia::demo::fill(&db).await.unwrap();
    db.close().await.unwrap();
}
