//! Salacia under load, open loop: each request has its moment, whether the one before is answered or not, and its time counts from that moment.
//!
//! Tier 1 (`SEQUOR_TIER=1`, release build): 100,000 interactions, 64 clients, 100 requests a second. Tier 0 only shows that nothing fails.

use crate::start::{Place, Running, postgres, sqlite};
use fastrand::Rng;
use salacia::config::Layer;
use salacia::models::{AiInteraction, AiProvider};
use salacia::{layers, search_index};
use salacia_log::{Direction, Events, Place as Cursor, SliceField};
use sequor::prelude::*;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const CLIENTS: usize = 64;
const WORDS: [&str; 12] =
    ["tide", "harbour", "ledger", "compiler", "orchard", "granite", "violin", "meadow", "saffron", "lantern", "glacier", "anchor"];

#[derive(Clone, Copy)]
struct Size {
    rows: usize,
    requests: usize,
}

fn long() -> bool {
    std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1")
}

fn size() -> Size {
    if long() { Size { rows: 100_000, requests: 3_000 } } else { Size { rows: 1_000, requests: 120 } }
}

fn sentence(random: &mut Rng, words: usize) -> String {
    (0..words).map(|_| WORDS[random.usize(..WORDS.len())]).collect::<Vec<_>>().join(" ")
}

/// Interactions of about a kilobyte; one in five thousand holds the rare word.
async fn fill(db: &Db, rows: usize) -> sequor::Result<DateTime<Utc>> {
    let mut random = Rng::with_seed(7);
    let names = ["OpenAI", "Anthropic", "Local"];
    let drafts = names.map(|name| draft!(AiProvider { name, kind: "x" }));
    let providers = AiProvider::bulk_create(drafts.to_vec()).exec(db).await?;
    let begin = Utc::now() - chrono::TimeDelta::days(30);
    for chunk in 0..rows.div_ceil(5_000) {
        let drafts = (chunk * 5_000..rows.min((chunk + 1) * 5_000)).map(|number| {
            let rare = if number % 5_000 == 4_321 { " zebrafish" } else { "" };
            let question = sentence(&mut random, 55) + rare;
            let failed = number % 19 == 0;
            draft!(AiInteraction {
                provider_id: providers[number % 3].id,
                model: format!("model-{}", number % 7),
                request: json!({ "messages": [{ "role": "user", "content": question }] }),
                response: Json(json!({ "choices": [{ "message": { "content": sentence(&mut random, 55) } }] })),
                total_tokens: random.i32(10..4_000),
                response_time_ms: random.i32(80..3_000),
                status_code: if failed { 529 } else { 200 },
                error: failed.then(|| "overloaded".to_owned()),
                created_at: begin + chrono::TimeDelta::seconds(i64::try_from(number).unwrap() * 20),
            })
        });
        AiInteraction::bulk_create(drafts.collect::<Vec<_>>()).hooks(false).exec(db).await?;
    }
    if db.dialect() == Dialect::Postgres {
        db.execute(sql!("ANALYZE")).await?;
    }
    Ok(begin)
}

/// A request of chance: 70 % lists, 20 % deep cursors, 10 % searches.
fn request(random: &mut Rng, begin: DateTime<Utc>, rows: usize) -> (&'static str, String) {
    match random.u32(..10) {
        0..7 => {
            let filter =
                ["", "&model=model-3", "&provider=Anthropic", "&hasError=true", "&minTokens=2000", "&sortDirection=asc"][random.usize(..6)];
            ("list", format!("/api/messages?limit=20{filter}"))
        }
        7..9 => {
            let at = begin + chrono::TimeDelta::seconds(i64::try_from(random.usize(..rows)).unwrap() * 20);
            let place = Cursor { created_at: at, id: Uuid::now_v7(), backwards: random.bool() };
            let cursor = place.write(SliceField::CreatedAt, Direction::Descending);
            ("deep cursor", format!("/api/messages?limit=20&cursor={cursor}"))
        }
        _ => {
            let term = ["zebrafish", "granite violin", "MEADOW", "no such words"][random.usize(..4)];
            ("search", format!("/api/messages?limit=20&searchTerm={}", term.replace(' ', "%20")))
        }
    }
}

type Times = BTreeMap<&'static str, Vec<Duration>>;

/// Sends requests at their moments, from 64 clients, none of which waits for an answer before it sends the next; gives the times and how many failed.
async fn open_loop(url: &str, plan: Vec<(&'static str, String)>, apart: Duration) -> (Times, usize) {
    let clients: Vec<_> = (0..CLIENTS).map(|_| reqwest::Client::new()).collect();
    let began = Instant::now() + Duration::from_millis(50);
    let mut sent = Vec::with_capacity(plan.len());
    for (number, (kind, path)) in plan.into_iter().enumerate() {
        let due = began + apart * u32::try_from(number).unwrap();
        tokio::time::sleep_until(due.into()).await;
        let (http, address) = (clients[number % CLIENTS].clone(), format!("{url}{path}"));
        sent.push(tokio::spawn(async move {
            let good = match http.get(address).send().await {
                Ok(answer) => answer.status() == 200 && answer.bytes().await.is_ok(),
                Err(_) => false,
            };
            (kind, due.elapsed(), good)
        }));
    }
    let (mut all, mut failures) = (Times::new(), 0);
    for request in sent {
        let (kind, time, good) = request.await.unwrap();
        failures += usize::from(!good);
        all.entry(kind).or_default().push(time);
    }
    (all, failures)
}

fn at(times: &mut [Duration], part: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * part / 100).min(times.len() - 1)]
}

/// One run; the 95th percentile of each kind.
async fn run(place: &Place, name: &str, size: Size, begin: DateTime<Utc>) -> BTreeMap<&'static str, Duration> {
    let running = Running::start(place, Layer::Sequor).await;
    let mut random = Rng::with_seed(11);
    let warm = (0..CLIENTS).map(|_| request(&mut random, begin, size.rows)).collect();
    open_loop(&running.url, warm, Duration::from_millis(40)).await;
    let plan = (0..size.requests).map(|_| request(&mut random, begin, size.rows)).collect();
    let (mut times, mut failed) = open_loop(&running.url, plan, Duration::from_millis(10)).await;
    let pages = (0..size.requests / 30).map(|number| ("page with statistics", format!("/api/messages?page={}", number % 50 + 1))).collect();
    let (with_statistics, also) = open_loop(&running.url, pages, Duration::from_millis(250)).await;
    times.extend(with_statistics);
    failed += also;
    println!("| {name} | requests | p50 | p95 | p99 | most |");
    let mut p95 = BTreeMap::new();
    for (kind, times) in &mut times {
        let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1_000.0);
        let shown = [50, 95, 99, 100].map(|part| ms(at(times, part)));
        println!("| {kind} | {} | {} |", times.len(), shown.join(" | "));
        p95.insert(*kind, at(times, 95));
    }
    assert_eq!(failed, 0, "{name}: requests failed");
    p95
}

async fn load(place: Place, database: &str) {
    let size = size();
    let db = layers::open(&place.config, &Events::default()).await.unwrap();
    let begin = fill(&db, size.rows).await.unwrap();
    let plain = run(&place, &format!("{database}, {} rows", size.rows), size, begin).await;
    let began = Instant::now();
    search_index::make(&db).await.unwrap();
    println!("{database}: the index took {:.1} s", began.elapsed().as_secs_f64());
    let indexed = run(&place, &format!("{database}, {} rows, optimised", size.rows), size, begin).await;
    if !long() || cfg!(debug_assertions) {
        return;
    }
    for (times, search) in [(plain, 300), (indexed, 50)] {
        for (kind, most) in [("list", 50), ("deep cursor", 50), ("search", search), ("page with statistics", 150)] {
            assert!(times[kind] < Duration::from_millis(most), "{database}: {kind} has a p95 of {:?}, not below {most} ms", times[kind]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn salacia_under_load_on_sqlite() {
    load(sqlite(), "SQLite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn salacia_under_load_on_postgres() {
    if let Some(place) = postgres().await {
        load(place, "PostgreSQL").await;
    }
}

/// What `before_update` and `after_update` add to an update.
#[tokio::test]
async fn hooks_cost_little() {
    let place = sqlite();
    let db = layers::open(&place.config, &Events::default()).await.unwrap();
    let stored = draft!(AiInteraction { model: "m", request: json!({}) }).create(&db).await.unwrap();
    let updates = if long() { 3_000 } else { 60 };
    let counted = salacia::hooks::updates();
    let mut best = [f64::MAX; 2];
    // One after the other in turns, in one transaction, so that neither has the better disk; the best of five rounds.
    for _ in 0..5 {
        for (with, best) in [true, false].into_iter().zip(&mut best) {
            let stored = stored.clone();
            let took = db.transaction(async |tx| {
                let began = Instant::now();
                for number in 0..updates {
                    let mut edit = stored.clone().edit();
                    edit.total_tokens = Some(number + 1);
                    if with {
                        edit.save(tx).await?
                    } else {
                        edit.hooks(false).save(tx).await?
                    };
                }
                Ok(began.elapsed().as_secs_f64() * 1e6 / f64::from(updates))
            });
            *best = best.min(took.await.unwrap());
        }
    }
    println!("an update takes {:.1} µs with hooks and {:.1} µs without", best[0], best[1]);
    // Other tests update too.
    assert!(salacia::hooks::updates() - counted >= 5 * u64::try_from(updates).unwrap());
    assert!(!long() || cfg!(debug_assertions) || best[0] - best[1] < 50.0, "{best:?}");
}
