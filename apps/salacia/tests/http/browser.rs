//! The pages in a real browser: scripts run, the log fills itself on, nothing stored is run as a script.

use crate::driver::Browser;
use crate::start::{Running, filled, sqlite};
use salacia::config::Layer;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_work() {
    let Some(browser) = Browser::start().await else { return };
    let place = sqlite();
    filled(&place).await;
    let running = Running::start(&place, Layer::Sequor).await;
    let evil = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">";
    let body = json!({ "model": evil, "request": { "messages": [{ "role": "user", "content": evil }] }, "error": evil });
    let (_, stored) = running.send("POST", "/api/messages", &body).await;

    browser.open(&format!("{}/", running.url)).await;
    assert!(browser.text().await.contains("<script>document.title"));
    assert_eq!(browser.run("return document.title").await, "Log · Salacia");
    browser.picture("salacia-log-narrow", 500).await;
    browser.picture("salacia-log", 1_300).await;
    // Scrolling to the end fetches on, until every row is there.
    for seen in [21, 41, 61, 81, 101, 121] {
        browser.run("document.querySelector('tbody tr:last-child').scrollIntoView()").await;
        browser.until(&format!("return document.querySelector('tbody tr:nth-child({seen}):not(.more)') !== null")).await;
    }
    assert_eq!(browser.run("return document.querySelectorAll('tbody tr.more').length").await, 0);

    browser.open(&format!("{}/", running.url)).await;
    browser.run("document.querySelector('[name=searchTerm]').value = 'purr'; document.querySelector('form.filters button').click()").await;
    browser.until("return location.search.includes('purr') && document.readyState === 'complete'").await;
    let found = browser.text().await;
    assert!(found.contains("Why do cats purr?") && !found.contains("Olympus"), "{found}");
    browser.run("document.querySelector('tbody a').click()").await;
    browser.until("return document.querySelector('section.json pre') !== null").await;
    browser.run("history.back()").await;
    browser.until("return document.body.innerText.includes('Why do cats purr?')").await;

    browser.open(&format!("{}/messages/{}", running.url, stored["id"].as_str().unwrap())).await;
    assert!(browser.text().await.contains("onerror") && browser.run("return document.title").await != "run");
    browser.picture("salacia-message", 1_300).await;
    browser.open(&format!("{}/statistics?searchTerm=purr", running.url)).await;
    assert!(browser.text().await.contains("Of the interactions of this search"));
    browser.open(&format!("{}/statistics", running.url)).await;
    browser.picture("salacia-statistics", 1_300).await;
    assert_eq!(browser.run("return document.querySelectorAll('figure.chart svg').length").await, 4);
    browser.open(&format!("{}/docs/", running.url)).await;
    browser.until("return document.body.innerText.includes('/api/messages/stats')").await;
    browser.open(&format!("{}/?cursor=forged", running.url)).await;
    assert!(browser.text().await.contains("Invalid cursor parameter"));
}
