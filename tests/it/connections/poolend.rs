//! Connecting, health and the end of a pool.

use super::{Account, PATIENCE, on_each_server, until};
use sequor::ConnectionErrorKind;
use sequor::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

on_each_server! {
    async fn close_waits_for_running_work(bed) {
        let db = bed.db(2).await?;
        let tx = db.begin().await?;
        draft!(Account { id: 1, balance: 10 }).create(&tx).await?;
        let closing = { let db = db.clone(); tokio::spawn(async move { db.close().await }) };
        until("it is closing", async || db.authenticate().await.is_err()).await;
        assert!(!closing.is_finished());
        tx.commit().await?;
        closing.await.map_err(Error::other)??;
        assert_eq!(db.pool_status().idle, 0);
        let again = bed.db(1).await?;
        assert_eq!(Account::count().exec(&again).await?, 1);
        again.close().await
    }

    async fn close_stops_what_does_not_end(bed) {
        let (db, watch) = (bed.db(2).await?, bed.db(1).await?);
        let stuck = { let (db, bed) = (db.clone(), bed.clone()); tokio::spawn(async move { bed.minute(&db).await }) };
        until("it runs", async || db.pool_status().in_use == 1).await;
        // The server has to have begun the statement.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let start = Instant::now();
        let error = db.close_within(millis(200)).await.unwrap_err();
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(200) && took < PATIENCE, "{took:?}");
        assert!(matches!(error, Error::Timeout { .. }), "{error}");
        assert!(error.to_string().contains("1 of 2") && error.to_string().contains("connections.rs:"), "{error}");
        assert!(stuck.await.map_err(Error::other)?.is_err() || bed.database == "mysql");
        until("nothing runs on the server", async || bed.minutes_running(&watch).await.is_ok_and(|count| count == 0)).await;
        watch.close().await
    }

    async fn health_tells_what_is(bed) {
        let db = bed.db(2).await?;
        let health = db.health().await;
        assert!(health.ok && health.error.is_none() && health.latency_micros > 0);
        let json = serde_json::to_value(&health)?;
        assert_eq!(json["pool"]["max"], 2);
        db.close().await?;
        let health = db.health().await;
        assert!(!health.ok && health.error.is_some_and(|error| error.contains("closed")));
        Ok(())
    }
}

/// A server that hangs up at once, and counts.
async fn rude() -> sequor::Result<(u16, Arc<AtomicU32>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (port, count) = (listener.local_addr()?.port(), Arc::new(AtomicU32::new(0)));
    let seen = count.clone();
    tokio::spawn(async move {
        while let Ok((line, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            drop(line);
        }
    });
    Ok((port, count))
}

#[tokio::test]
async fn connecting_is_tried_again_as_often_as_said() -> sequor::Result<()> {
    for scheme in ["postgres", "mysql"] {
        let (port, count) = rude().await?;
        let url = format!("{scheme}://ann:secret@127.0.0.1:{port}/app");
        let options = Db::options(&url).retry(Retry { max: 3, delay: millis(5), max_delay: millis(10) });
        let Err(error) = options.connect().await else { panic!("nobody is there") };
        let transient = matches!(&error, Error::Connection(error) if error.kind().is_transient());
        assert_eq!(count.load(Ordering::SeqCst), if transient { 3 } else { 1 }, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_get_better_is_tried_once() -> sequor::Result<()> {
    for variable in ["SEQUOR_POSTGRES_URL", "SEQUOR_MYSQL_URL"] {
        let Ok(server) = std::env::var(variable) else { continue };
        let base = server.rsplit_once('/').map_or(server.as_str(), |(base, _)| base);
        let start = Instant::now();
        let url = format!("{base}/no_such_database_here");
        let options = Db::options(&url).retry(Retry { max: 5, delay: secs(10), ..Retry::default() });
        let Err(error) = options.connect().await else { panic!("there is no such database") };
        assert!(
            matches!(&error, Error::Connection(error) if error.kind() == ConnectionErrorKind::UnknownDatabase
            || error.kind() == ConnectionErrorKind::AccessDenied),
            "{error}"
        );
        assert!(start.elapsed() < secs(8));
    }
    Ok(())
}

#[tokio::test]
async fn a_closed_port_is_refused_at_once() {
    for scheme in ["postgres", "mysql"] {
        let start = Instant::now();
        let Err(error) = Db::connect(&format!("{scheme}://ann:secret@127.0.0.1:1/app")).await else { panic!("nobody listens there") };
        assert!(start.elapsed() < secs(8));
        assert!(matches!(&error, Error::Connection(error) if error.kind() == ConnectionErrorKind::Refused), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[test]
fn the_production_page_explains_every_setting() {
    let page = include_str!("../../../docs/src/production.md");
    let source =
        concat!(include_str!("../../../crates/sequor-orm/src/db/options.rs"), include_str!("../../../crates/sequor-orm/src/db/replica.rs"));
    let methods = source.lines().filter_map(|line| {
        let line = line.trim().strip_prefix("pub fn ")?;
        let name = line.split(['(', '<']).next()?;
        (line.contains("self") && !["pool", "retry"].contains(&name)).then_some(name)
    });
    let debug = format!("{:?} {:?}", Pool::default(), Retry::default());
    let fields: Vec<&str> = debug.split([' ', ',', '{']).filter_map(|word| word.strip_suffix(':')).collect();
    assert!(fields.len() >= 12, "{fields:?}");
    for name in fields.into_iter().chain(methods) {
        assert!(page.contains(&format!("`{name}`")), "docs/src/production.md does not explain {name}");
    }
    // What the tables say is the default is the default.
    for (name, value) in defaults() {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap_or_default();
        let said = row.split('|').nth(3).unwrap_or_default().trim();
        assert_eq!(said, value, "the default of {name} in docs/src/production.md");
    }
}

/// The defaults of the pool and of connecting, as the page writes them.
fn defaults() -> Vec<(&'static str, String)> {
    let time = |time: Duration| match time.as_secs() {
        long if long % 60 == 0 && long > 60 => format!("{} min", long / 60),
        short => format!("{short} s"),
    };
    let (pool, retry) = (Pool::default(), Retry::default());
    let waiters = format!("{},{:03}", pool.max_waiters / 1000, pool.max_waiters % 1000);
    vec![
        ("max", pool.max.to_string()),
        ("min", pool.min.to_string()),
        ("acquire", time(pool.acquire)),
        ("idle", time(pool.idle)),
        ("evict", time(pool.evict)),
        ("lifetime", pool.lifetime.map(time).unwrap_or_default()),
        ("max_uses", pool.max_uses.map_or("none".to_owned(), |uses| uses.to_string())),
        ("max_waiters", waiters),
        ("hold_warning", pool.hold_warning.map(time).unwrap_or_default()),
        ("delay", time(retry.delay)),
        ("max_delay", time(retry.max_delay)),
    ]
}
