//! A database that dies is a 503 until it is back, on the API and on the pages, without a restart, under both data layers.

use crate::start::{Running, filled, known, postgres};
use salacia::config::Layer;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A line to the server that can be cut: every connection ends, and new ones are refused.
async fn open_line(port: u16, server: &str) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let (port, target) = (listener.local_addr().unwrap().port(), server.to_owned());
    let accepting = tokio::spawn(async move {
        // The connections end with this task.
        let mut lines = tokio::task::JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let target = target.clone();
            lines.spawn(async move {
                let Ok(mut server) = TcpStream::connect(&target).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, accepting)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_dies_is_a_503_until_it_is_back() {
    let Some(place) = postgres().await else { return };
    filled(&place).await;
    let (head, tail) = place.config.url.split_once('@').unwrap();
    let (server, rest) = tail.split_once('/').unwrap();
    for layer in [Layer::Sequor, Layer::Classic] {
        let (port, line) = open_line(0, server).await;
        let cut = known(format!("{head}@127.0.0.1:{port}/{rest}"), layer);
        let running = Running::start(&cut, layer).await;
        let paths = ["/api/messages", "/api/messages?searchTerm=purr", "/api/messages/stats", "/api/health", "/", "/statistics"];
        for path in paths {
            assert_eq!(running.get(path).await.0, 200, "{path}");
        }
        line.abort();
        let _ = line.await;
        for path in paths {
            let (status, text) = running.get(path).await;
            assert_eq!(status, 503, "{path}: {text}");
            assert!(!text.contains("refused") && !text.contains("127.0.0.1"), "{path} leaks: {text}");
        }
        let body = json!({ "model": "m", "request": {} });
        assert_eq!(running.send("POST", "/api/messages", &body).await.0, 503);
        let (_, line) = open_line(port, server).await;
        for path in paths {
            assert_eq!(running.get(path).await.0, 200, "{path} when it is back");
        }
        assert_eq!(running.json("/api/messages/stats?model=m").await["totalMessages"], 0);
        line.abort();
    }
}
