//! Streams that are dropped, cut or forgotten, and closing while somebody listens.

use crate::connections::{Account, Bed, PATIENCE, is_tier_one, note, on_each_server, run, sized, until};
use sequor::prelude::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Ten million rows that are made while they are read.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "endless", view = "SELECT 1 AS id")]
pub struct Endless {
    #[field(primary_key)]
    pub id: i64,
}

async fn endless(db: &Db) -> sequor::Result<()> {
    let rows = match db.dialect() {
        // In the list of columns, not behind FROM: there all rows would be made first.
        Dialect::Postgres => "SELECT generate_series(1::bigint, 10000000) AS id",
        Dialect::Mariadb => "SELECT seq AS id FROM seq_1_to_10000000",
        Dialect::Mysql => {
            "WITH d (n) AS (VALUES ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7), ROW(8), ROW(9)) \
             SELECT a.n + b.n * 10 + c.n * 100 + d.n * 1000 + e.n * 10000 + f.n * 100000 + g.n * 1000000 + 1 AS id \
             FROM d a, d b, d c, d d, d e, d f, d g"
        }
        Dialect::Sqlite => "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 10000000) SELECT id FROM n",
    };
    db.execute_sql_script(&format!("CREATE VIEW endless AS {rows}")).await
}

/// Sessions of this database beside the watcher's.
async fn sessions(watch: &Db, bed: &Bed) -> sequor::Result<i64> {
    let text = match bed.database {
        "postgres" => sql!("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"),
        "mysql" => sql!("SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"),
        _ => return Ok(0),
    };
    Ok(watch.query_as::<(i64,)>(text).await?[0].0)
}

on_each_server! {
    // C-17
    async fn a_long_stream_that_is_dropped_costs_the_next_reader_little(bed) {
        let db = bed.db(2).await?;
        endless(&db).await?;
        draft!(Account { id: 1, balance: 7 }).create(&db).await?;
        let mut waits = Vec::new();
        for round in 0..sized(20, 1000) {
            let mut rows = Endless::find_all().unordered().stream(&db);
            for _ in 0..=round % 3 {
                assert!(rows.next().await.is_some_and(|row| row.is_ok()), "round {round}");
            }
            drop(rows);
            if round % 10 == 0 && bed.database == "postgres" {
                let copied = db.execute(sql!("COPY endless FROM STDIN")).await;
                assert!(copied.is_err(), "COPY is refused");
            }
            let start = Instant::now();
            assert_eq!(Account::find_by_pk(1).or_fail().exec(&db).await?.balance, 7);
            waits.push(start.elapsed());
        }
        waits.sort_unstable();
        let (median, late) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
        note(&format!("| {} | a stream of 10,000,000 rows is dropped | {} | the next read takes {median:?}, 99 of 100 at most {late:?} |", bed.database, waits.len()));
        // Tier 1 has the machine to itself.
        assert!(late < if is_tier_one() { Duration::from_millis(100) } else { PATIENCE }, "{late:?}");
        until("all are back", async || db.pool_status().in_use == 0).await;
        db.close().await
    }

    // A stream that nobody reads on, and that is never dropped, keeps its connection; closing ends it all the same and says where it was made.
    async fn a_forgotten_stream_ends_with_the_pool(bed) {
        let (db, watch) = (bed.db(2).await?, bed.db(1).await?);
        endless(&db).await?;
        let mut rows = Endless::find_all().unordered().stream(&db);
        assert!(rows.next().await.is_some_and(|row| row.is_ok()));
        std::mem::forget(rows);
        // The connection that made the view is cleaned before it is back.
        until("the stream alone has one", async || db.pool_status().in_use == 1).await;
        // Who comes next has the other connection, and no second stream takes that.
        assert_eq!(Account::count().exec(&db).await?, 0);
        let start = Instant::now();
        let error = db.close_within(millis(200)).await.expect_err("somebody has a connection");
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
        assert!(matches!(error, Error::Timeout { .. }) && error.to_string().contains("leaks.rs:"), "{error}");
        note(&format!("| {} | a forgotten stream | closed after {:?} |", bed.database, start.elapsed()));
        until("its session has ended", async || sessions(&watch, &bed).await.is_ok_and(|count| count == 0)).await;
        watch.close().await
    }
}

async fn close_while_listening(bed: &Bed) -> sequor::Result<()> {
    let (db, watch) = (bed.db(2).await?, bed.db(1).await?);
    let mut listener = db.listen("jobs").await?;
    let lock = db.lock("close").await?;
    let stuck = {
        let (db, url) = (db.clone(), bed.url.clone());
        tokio::spawn(async move { (db.execute(sql!("SELECT pg_sleep(60)")).await, url) })
    };
    let waiting = tokio::spawn(async move { listener.next().await });
    // Sessions alone say nothing: one of them may be a connection that nobody uses.
    let stuck_sessions = sql!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query = 'SELECT pg_sleep(60)'"
    );
    until("it runs", async || watch.query_as::<(i64,)>(stuck_sessions.clone()).await.is_ok_and(|rows| rows[0].0 == 1)).await;
    let limit = millis(300);
    let start = Instant::now();
    let error = db.close_within(limit).await.expect_err("a query is stuck");
    let took = start.elapsed();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(took >= limit && took < PATIENCE, "{took:?}");
    note(&format!("| postgres | close() with a stuck query, a listener and a lock | limit {limit:?} | ended after {took:?} |"));
    // Tier 1 has the machine to itself.
    assert!(!is_tier_one() || took < limit + millis(200), "{took:?}");
    assert!(stuck.await.map_err(Error::other)?.0.is_err());
    let heard = waiting.await.map_err(Error::other)?;
    assert!(!matches!(heard, Some(Ok(_))), "the listener has ended: {heard:?}");
    assert!(!lock.is_held());
    until("no session is left", async || sessions(&watch, bed).await.is_ok_and(|count| count == 0)).await;
    watch.close().await
}

// P-08: only PostgreSQL has listeners.
#[test]
fn close_ends_listeners_and_locks_too() {
    run("postgres", async |bed: Arc<Bed>| close_while_listening(&bed).await);
}
