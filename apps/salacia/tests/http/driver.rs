//! A browser, driven by the WebDriver protocol (W3C): JSON over HTTP.

use base64::Engine;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A session of a browser; it ends with the test.
pub struct Browser {
    driver: Child,
    session: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The whole group: the browser is the driver's child.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.driver.id())]).status();
        let _ = self.driver.wait();
    }
}

async fn post(url: &str, body: &Value) -> Value {
    let answer: Value = reqwest::Client::new().post(url).json(body).send().await.unwrap().json().await.unwrap();
    let value = answer["value"].clone();
    assert!(value["error"].is_null(), "{url}: {value}");
    value
}

impl Browser {
    /// A browser; `None`, said aloud, without one.
    pub async fn start() -> Option<Browser> {
        let Some(program) = std::env::var("SEQUOR_WEBDRIVER").ok().filter(|path| !path.is_empty()) else {
            eprintln!("SKIPPED in a browser: SEQUOR_WEBDRIVER is not set; cargo xtask test installs one");
            return None;
        };
        let mut command = Command::new(program);
        let mut driver = command.arg("--port=0").process_group(0).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let started =
            lines.map_while(Result::ok).find_map(|line| line.split_once("successfully on port ").map(|(_, port)| port.to_owned()));
        let port = started.unwrap();
        let mut browser = Browser { driver, session: format!("http://127.0.0.1:{}/session", port.trim_end_matches('.')) };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1300,900",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments } } } });
        let session = post(&browser.session, &wanted).await["sessionId"].as_str().unwrap().to_owned();
        browser.session = format!("{}/{session}", browser.session);
        Some(browser)
    }

    pub async fn open(&self, url: &str) {
        post(&format!("{}/url", self.session), &json!({ "url": url })).await;
    }

    /// What a piece of JavaScript returns.
    pub async fn run(&self, script: &str) -> Value {
        post(&format!("{}/execute/sync", self.session), &json!({ "script": script, "args": [] })).await
    }

    /// Keeps a picture of the page, at this width, among the artefacts of the test: `target/tmp/screenshots`.
    pub async fn picture(&self, name: &str, width: u32) {
        post(&format!("{}/window/rect", self.session), &json!({ "width": width, "height": 1_000 })).await;
        let answer: Value = reqwest::get(format!("{}/screenshot", self.session)).await.unwrap().json().await.unwrap();
        let picture = base64::prelude::BASE64_STANDARD.decode(answer["value"].as_str().unwrap()).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    /// What the page shows.
    pub async fn text(&self) -> String {
        self.run("return document.body.innerText").await.as_str().unwrap().to_owned()
    }

    /// Asks again until a piece of JavaScript returns true.
    pub async fn until(&self, script: &str) {
        let began = Instant::now();
        while self.run(script).await != Value::Bool(true) {
            assert!(began.elapsed() < Duration::from_secs(20), "never true: {script}; the page:\n{}", self.text().await);
        }
    }
}
