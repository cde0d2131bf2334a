//! Servers that say nothing: every await has its deadline, and nothing of a silent line is left in the pool.
//!
//! SQLite has no line that could fall silent.

use super::{Account, Bed, PATIENCE, has_server, note, sized, until};
use sequor::ConnectionErrorKind;
use sequor::prelude::*;
use sequor_tools::faultd::{Fault, Proxy, Way};
use std::time::{Duration, Instant};

/// A proxy before the server of a bed.
pub fn before(bed: &Bed) -> Proxy {
    let address = bed.url.rsplit_once('@').map_or("", |(_, rest)| rest).split(['/', '?']).next().unwrap_or_default();
    let address = std::net::ToSocketAddrs::to_socket_addrs(&address).expect("host and port").next().expect("an address");
    Proxy::before(address, 7).expect("a port")
}

fn on(database: &'static str, test: impl AsyncFn(&Bed, &Proxy) -> sequor::Result<()>) {
    if has_server(database) {
        super::run(database, async |bed| {
            let proxy = before(&bed);
            test(&bed, &proxy).await
        });
    }
}

macro_rules! on_both_servers {
    ($($(#[$meta:meta])* async fn $name:ident($bed:ident, $proxy:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;
            async fn test($bed: &Bed, $proxy: &Proxy) -> sequor::Result<()> $body
            #[test]
            fn postgres() {
                on("postgres", test);
            }
            #[test]
            fn mysql() {
                on("mysql", test);
            }
        }
    )*};
}

const LIMIT: Duration = Duration::from_millis(500);

/// A pool behind the proxy whose statements have a limit.
async fn limited(bed: &Bed, proxy: &Proxy, max: usize) -> sequor::Result<Db> {
    bed.db(1).await?.close().await?;
    Db::options(&proxy.url(&bed.url)).pool(Pool { max, acquire: secs(10), ..Pool::default() }).statement_timeout(LIMIT).connect().await
}

fn in_time(start: Instant, what: &str) {
    let took = start.elapsed();
    assert!(took >= LIMIT && took < PATIENCE, "{what} took {took:?}");
}

fn kind(error: &Error) -> Option<ConnectionErrorKind> {
    match error {
        Error::Connection(error) => Some(error.kind()),
        _ => None,
    }
}

/// Something that is begun while answers are held.
async fn outside(db: &Db, proxy: &Proxy, step: u32) -> Error {
    proxy.set(Way::Down, Fault::Hold);
    let start = Instant::now();
    let error = match step {
        // On PostgreSQL BEGIN goes out with the first statement.
        4 => db.transaction(async |tx| Account::count().exec(tx).await).await.unwrap_err(),
        5 => db.authenticate().await.unwrap_err(),
        _ => Account::find_all().stream(db).next().await.expect("an answer").unwrap_err(),
    };
    in_time(start, &format!("step {step}"));
    proxy.heal();
    until("the connection is back or gone", async || db.pool_status().in_use == 0).await;
    error
}

on_both_servers! {
    // C-20, promise 5
    async fn a_held_commit_is_unknown_at_its_deadline(bed, proxy) {
        let db = limited(bed, proxy, 2).await?;
        let tx = db.begin().await?;
        draft!(Account { id: 1, balance: 1 }).create(&tx).await?;
        proxy.set(Way::Down, Fault::Hold);
        let start = Instant::now();
        let error = tx.commit().await.unwrap_err();
        in_time(start, "commit");
        assert_eq!(kind(&error), Some(ConnectionErrorKind::CommitUnknown), "{error}");
        proxy.heal();
        until("the connection is back or gone", async || db.pool_status().in_use == 0).await;
        assert_eq!(Account::count().exec(&db).await?, 1);
        // The time of the whole transaction ends it too, where statements have none.
        db.close().await?;
        let db = Db::options(&proxy.url(&bed.url)).connect().await?;
        let start = Instant::now();
        let error = db.transaction_with(Tx::read_committed().timeout(LIMIT), async |tx| {
            draft!(Account { id: 2, balance: 2 }).create(tx).await?;
            proxy.set(Way::Down, Fault::Hold);
            Ok(())
        }).await.unwrap_err();
        in_time(start, "the transaction");
        assert_eq!(kind(&error), Some(ConnectionErrorKind::CommitUnknown), "{error}");
        proxy.heal();
        db.close().await
    }

    async fn every_step_of_a_transaction_has_a_deadline(bed, proxy) {
        let db = limited(bed, proxy, 2).await?;
        for step in 0..8 {
            let tx = db.begin().await?;
            Account::count().exec(&tx).await?;
            if (4..7).contains(&step) {
                // Its connection serves what comes now.
                tx.rollback().await?;
                let error = outside(&db, proxy, step).await;
                assert!(matches!(error, Error::Timeout { .. }), "step {step}: {error}");
                continue;
            }
            proxy.set(Way::Down, Fault::Hold);
            let start = Instant::now();
            let error = match step {
                0 => tx.rollback().await.unwrap_err(),
                1 => draft!(Account { id: 1, balance: 1 }).create(&tx).await.unwrap_err(),
                2 => tx.transaction(async |_| Ok(())).await.unwrap_err(),
                7 => tx.authenticate().await.unwrap_err(),
                _ => Account::find_all().stream(&tx).next().await.expect("an answer").unwrap_err(),
            };
            in_time(start, &format!("step {step}"));
            assert!(matches!(error, Error::Timeout { .. }), "step {step}: {error}");
            proxy.heal();
            until("the connections are back or gone", async || db.pool_status().in_use <= 1).await;
        }
        until("all are back", async || db.pool_status().in_use == 0).await;
        assert_eq!(Account::count().exec(&db).await?, 0);
        db.close().await
    }

    // C-01
    async fn a_line_that_falls_silent_at_release_costs_its_successor_little(bed, proxy) {
        let (size, rounds) = sized((2, 1), (5, 40));
        bed.db(1).await?.close().await?;
        let db = Db::options(&proxy.url(&bed.url)).pool(Pool { max: size, acquire: secs(10), ..Pool::default() }).connect().await?;
        let mut longest = Duration::ZERO;
        for _ in 0..rounds {
            let mut loans = Vec::new();
            for id in 0..i64::try_from(size).unwrap_or(1) {
                let tx = db.begin().await?;
                draft!(Account { id, balance: 1 }).create(&tx).await?;
                loans.push(tx);
            }
            proxy.set(Way::Up, Fault::Swallow);
            // Rolled back as they come back, to a peer that is not there.
            drop(loans);
            tokio::time::sleep(Duration::from_millis(50)).await;
            proxy.heal();
            let start = Instant::now();
            let reads = (0..size).map(|_| { let db = db.clone(); tokio::spawn(async move { Account::count().exec(&db).await }) });
            for read in reads.collect::<Vec<_>>() {
                assert_eq!(read.await.map_err(Error::other)??, 0);
            }
            longest = longest.max(start.elapsed());
            assert!(longest < PATIENCE, "{longest:?}");
            until("all are back", async || db.pool_status().in_use == 0).await;
            assert!(db.pool_status().idle <= size, "{:?}", db.pool_status());
        }
        note(&format!("| {} | lines silent at release | {} | the successor waits at most {longest:?} |", bed.database, rounds * size));
        db.close().await
    }

    // C-04
    async fn lines_that_were_cut_while_idle_are_seen_before_they_are_used(bed, proxy) {
        bed.db(1).await?.close().await?;
        let db = Db::options(&proxy.url(&bed.url)).pool(Pool { max: 3, min: 3, ..Pool::default() }).connect().await?;
        for end in [sequor_tools::faultd::End::Closed, sequor_tools::faultd::End::Reset] {
            for _ in 0..sized(10, 100) {
                proxy.end_lines(end);
                // A connection in steady use is looked at every other millisecond only.
                tokio::time::sleep(Duration::from_millis(10)).await;
                for _ in 0..5 {
                    Account::count().exec(&db).await?;
                }
            }
        }
        db.close().await
    }

    // C-11
    async fn a_byte_that_arrives_wrong_is_an_error_or_another_value(bed, proxy) {
        bed.db(1).await?.close().await?;
        let step = sized(41, 1);
        for place in (0..600).step_by(step) {
            proxy.heal();
            proxy.set(Way::Down, Fault::FlipAfter(place));
            let url = format!("{}{}connect_timeout=1", proxy.url(&bed.url), if bed.url.contains('?') { "&" } else { "?" });
            // Lengths that promise more than comes end at the deadline.
            let work = async {
                let db = Db::options(&url).statement_timeout(millis(100)).connect().await?;
                let read = Account::find_all().exec(&db).await;
                db.close_within(millis(100)).await.ok();
                read
            };
            let read = tokio::time::timeout(Duration::from_secs(30), work).await;
            assert!(read.is_ok(), "hangs when byte {place} is wrong");
        }
        Ok(())
    }
}
