//! A server that has no connection left.

use crate::connections::{Account, Bed, has_server, run, until};
use sequor::prelude::*;
use sequor::{ConnectionErrorKind, Migration};
use sequor_tools::faultd::Proxy;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How many sessions the user may have.
const MOST: u32 = 3;

/// A user who may have few sessions: its name, and the URL for it.
async fn few(bed: &Bed, db: &Db) -> sequor::Result<(String, String)> {
    let name = format!("sequor_few_{}", std::process::id());
    let text = if bed.database == "postgres" {
        format!("CREATE ROLE {name} LOGIN PASSWORD 'few' CONNECTION LIMIT {MOST};\nGRANT ALL ON ALL TABLES IN SCHEMA public TO {name};")
    } else {
        format!("CREATE USER {name}@'%' IDENTIFIED BY 'few' WITH MAX_USER_CONNECTIONS {MOST};\nGRANT ALL ON *.* TO {name}@'%';")
    };
    Migrator::new([Migration::new("1-few").with("up.sql", text.clone())]).up(db).await?;
    let (scheme, rest) = bed.url.split_once("://").expect("a URL");
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    Ok((name.clone(), format!("{scheme}://{name}:few@{place}")))
}

async fn forget(bed: &Bed, db: &Db, name: &str) -> sequor::Result<()> {
    let text =
        if bed.database == "postgres" { format!("DROP OWNED BY {name};\nDROP ROLE {name};") } else { format!("DROP USER {name}@'%';") };
    Migrator::new([Migration::new("2-none").with("up.sql", text)]).ignore_missing().up(db).await.map(drop)
}

fn is_full(error: &Error) -> bool {
    matches!(error, Error::Connection(error) if error.kind() == ConnectionErrorKind::ServerFull)
}

async fn works(bed: &Bed) -> sequor::Result<()> {
    let db = bed.db(1).await?;
    draft!(Account { id: 1, balance: 1 }).create(&db).await?;
    let (name, url) = few(bed, &db).await?;
    let address = url.rsplit_once('@').and_then(|(_, rest)| rest.split(['/', '?']).next()).expect("a place");
    let address = std::net::ToSocketAddrs::to_socket_addrs(address)?.next().expect("an address");
    let proxy = Proxy::before(address, 1)?;
    let connect = async |max| Db::options(&proxy.url(&url)).pool(Pool { max, acquire: secs(10), ..Pool::default() }).connect().await;
    // A pool that may have more than the server has: what it has goes round.
    let big = connect(20).await?;
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let big = big.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    Account::count().exec(&big).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await.map_err(Error::other)??;
    }
    assert!(proxy.lines() <= usize::try_from(MOST).unwrap_or(0), "{} lines", proxy.lines());
    big.close().await?;
    // Four pools that have no connection now.
    let mut others = Vec::new();
    for _ in 0..4 {
        let pool = Pool { max: 1, idle: millis(20), evict: millis(10), ..Pool::default() };
        others.push(Db::options(&proxy.url(&url)).pool(pool).connect().await?);
        until("its connection is closed again", async || proxy.lines() == 0).await;
    }
    // The server may be a moment behind with counting.
    let big = connect(3).await?;
    let holders = [big.begin().await?, big.begin().await?, big.begin().await?];
    let (ended, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let before = proxy.opened();
    let start = Instant::now();
    let readers: Vec<_> = others
        .iter()
        .map(|other| {
            let (other, ended, refused) = (other.clone(), ended.clone(), refused.clone());
            tokio::spawn(async move {
                while !ended.load(Ordering::SeqCst) {
                    match Account::count().exec(&other).await {
                        Err(error) if is_full(&error) => drop(refused.fetch_add(1, Ordering::SeqCst)),
                        Err(error) => panic!("{error}"),
                        Ok(_) => return,
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (attempts, took) = (proxy.opened() - before, start.elapsed().as_secs_f64());
    assert!(f64::from(u32::try_from(attempts).unwrap_or(u32::MAX)) <= 4.0 * (1.0 + 2.0 * took), "{attempts} attempts in {took} s");
    assert!(refused.load(Ordering::SeqCst) > 100, "who comes is told at once");
    for holder in holders {
        holder.rollback().await?;
    }
    big.close().await?;
    let free = Instant::now();
    until("three of the four work", async || readers.iter().filter(|reader| reader.is_finished()).count() >= 3).await;
    assert!(free.elapsed() < crate::connections::PATIENCE, "{:?}", free.elapsed());
    ended.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.map_err(Error::other)?;
    }
    for other in others {
        other.close().await?;
    }
    forget(bed, &db, &name).await?;
    db.close().await
}

// C-19
mod a_full_server_is_asked_seldom_and_what_there_is_goes_round {
    use super::*;

    fn on(database: &'static str) {
        if has_server(database) {
            run(database, async |bed: Arc<Bed>| works(&bed).await);
        }
    }

    #[test]
    fn postgres() {
        on("postgres");
    }

    #[test]
    fn mysql() {
        on("mysql");
    }
}
