//! Connected browsers are told what happens, and told what they missed.

use crate::start::{Running, filled, sqlite};
use salacia::config::Layer;
use serde_json::{Value, json};

struct Listener {
    answer: reqwest::Response,
    text: String,
}

impl Listener {
    async fn connect(running: &Running, last: Option<&str>) -> Listener {
        let mut request = reqwest::Client::new().get(format!("{}/api/sse/messages", running.url));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        Listener { answer: request.send().await.unwrap(), text: String::new() }
    }

    /// The next event: its number, name and data.
    async fn next(&mut self) -> (String, String, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let part = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(|text| text.trim().to_owned());
                let found = (part("id:"), part("event:"), part("data:"));
                self.text = rest.to_owned();
                if let (Some(id), Some(name), Some(data)) = found {
                    return (id, name, serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            let chunk = self.answer.chunk().await.unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn reach_those_who_listen_and_those_who_come_back() {
    for layer in [Layer::Sequor, Layer::Classic] {
        let place = sqlite();
        filled(&place).await;
        let running = Running::start(&place, layer).await;
        let mut listener = Listener::connect(&running, None).await;
        let body = json!({ "model": "gpt-4o", "provider": "OpenAI", "request": {}, "statusCode": 200 });
        let (_, stored) = running.send("POST", "/api/messages", &body).await;
        let (first, name, data) = listener.next().await;
        assert_eq!((name.as_str(), &data["message"]), ("message:created", &stored));
        assert_eq!((data["provider"]["name"].as_str(), data["provider"]["type"].as_str()), (Some("OpenAI"), Some("openai")));
        let path = format!("/api/messages/{}", stored["id"].as_str().unwrap());
        let (_, changed) = running.send("PATCH", &path, &json!({ "totalTokens": 5 })).await;
        let (second, name, data) = listener.next().await;
        assert_eq!((name.as_str(), &data["message"]), ("message:updated", &changed));
        // A change that is refused tells nobody; the next event is the next change.
        assert_eq!(running.send("PATCH", &path, &json!({ "totalTokens": -5 })).await.0, 422);
        running.send("PATCH", &path, &json!({ "totalTokens": 6 })).await;
        let (third, _, data) = listener.next().await;
        assert_eq!(data["message"]["totalTokens"], 6);
        drop(listener);
        let mut again = Listener::connect(&running, Some(&first)).await;
        assert_eq!((again.next().await.0, again.next().await.0), (second, third.clone()));
        // So do those of many at once.
        let many = vec![salacia_log::NewMessage { model: "many".into(), request: json!({}), ..Default::default() }; 3];
        assert_eq!(running.layers.log.create_many(many).await.unwrap(), 3);
        let marked = salacia_log::Filters { model: Some("many".into()), ..Default::default() };
        assert_eq!(running.layers.log.mark(&marked, Some("checked".into())).await.unwrap(), 3);
        for name in ["message:created", "message:updated"] {
            for _ in 0..3 {
                let (_, found, data) = again.next().await;
                assert_eq!((found.as_str(), data["message"]["model"].as_str()), (name, Some("many")));
            }
        }
        // A program that was started again numbers on: who comes back to it misses nothing either.
        let restarted = Running::start(&place, layer).await;
        restarted.send("PATCH", &path, &json!({ "totalTokens": 7 })).await;
        let mut back = Listener::connect(&restarted, Some(&third)).await;
        assert_eq!(back.next().await.2["message"]["totalTokens"], 7);
    }
}
