//! Servers that change their roles under the program: the connections to one that only reads are replaced, and the URL's other host is found.

use crate::connections::{Account, Bed, has_server, is_tier_one, note, run, until};
use sequor::prelude::*;
use sequor_tools::servers::{self, Server};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the roles change.
fn rounds() -> u32 {
    if is_tier_one() { 20 } else { 2 }
}

async fn write(db: &Db) -> sequor::Result<u64> {
    Account::update_all().set(Account::BALANCE, Account::BALANCE + 1).filter(Account::ID.eq(1)).exec(db).await
}

async fn prepare(url: &str) -> sequor::Result<Db> {
    let db = Db::connect(url).await?;
    db.sync::<Account>(SyncMode::Create).await?;
    draft!(Account { id: 1, balance: 0 }).create(&db).await?;
    Ok(db)
}

/// A URL of both hosts, which takes only one that writes.
fn of_both(one: &Server, two: &Server) -> String {
    let (before, after) = one.url().split_once('@').expect("a user");
    let (place, database) = after.split_once('/').expect("a database");
    format!("{before}@{place},127.0.0.1:{}/{database}?target_session_attrs=read-write", two.port())
}

/// Lets one server only read, and the other one write.
async fn turn(control: &Db, reads: bool) -> sequor::Result<()> {
    let postgres = control.dialect() == sequor::Dialect::Postgres;
    match (postgres, reads) {
        (true, true) => control.execute(sql!("ALTER SYSTEM SET default_transaction_read_only = on")).await?,
        (true, false) => {
            // The session itself would only read.
            let tx = control.begin().await?;
            tx.rollback().await?;
            control.execute(sql!("ALTER SYSTEM RESET default_transaction_read_only")).await?
        }
        (false, true) => control.execute(sql!("SET GLOBAL read_only = 1")).await?,
        (false, false) => control.execute(sql!("SET GLOBAL read_only = 0")).await?,
    };
    if postgres {
        control.query_as::<(bool,)>(sql!("SELECT pg_reload_conf()")).await?;
    }
    Ok(())
}

async fn works(database: &str) -> sequor::Result<()> {
    let both = [servers::lasting(database).map_err(Error::usage)?, servers::lasting(database).map_err(Error::usage)?];
    let controls = [prepare(both[0].url()).await?, prepare(both[1].url()).await?];
    // The account of the tests may write on a server that only reads: one that may not is made.
    let url = of_both(&both[0], &both[1]);
    let url = if database == "mysql" {
        for control in &controls {
            control.execute(sql!("CREATE USER writer@'127.0.0.1' IDENTIFIED BY 'w'")).await?;
            control.execute(sql!("GRANT ALL ON sequor.* TO writer@'127.0.0.1'")).await?;
        }
        url.replace("sequor:sequor@", "writer:w@")
    } else {
        url
    };
    turn(&controls[1], true).await?;
    let retry = Retry { max: 100, delay: millis(20), max_delay: millis(100) };
    let db = Db::options(&url).pool(Pool { max: 4, min: 2, ..Pool::default() }).retry(retry).connect().await?;
    write(&db).await?;
    let mut longest = Duration::ZERO;
    for round in 0..rounds() {
        let (old, new) = if round % 2 == 0 { (0, 1) } else { (1, 0) };
        turn(&controls[new], false).await?;
        turn(&controls[old], true).await?;
        let start = Instant::now();
        until("writes go to the new primary", async || {
            let before = Account::find_by_pk(1).or_fail().exec(&controls[new]).await.map_or(0, |row| row.balance);
            let _ = write(&db).await;
            Account::find_by_pk(1).or_fail().exec(&controls[new]).await.is_ok_and(|row| row.balance > before)
        })
        .await;
        longest = longest.max(start.elapsed());
        // No connection to the old one is left over: all writes succeed, many at once.
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move { write(&db).await })
            })
            .collect();
        for writer in writers {
            writer.await.map_err(Error::other)??;
        }
    }
    note(&format!("| {database} | the roles change | {} | writes go on after {longest:?} |", rounds()));
    assert!(longest < crate::connections::PATIENCE, "{longest:?}");
    db.close().await
}

fn on(database: &'static str) {
    if has_server(database) {
        run(database, async |_bed: Arc<Bed>| works(database).await);
    }
}

// C-05
mod writes_follow_the_primary {
    #[test]
    fn postgres() {
        super::on("postgres");
    }

    #[test]
    fn mysql() {
        super::on("mysql");
    }
}

/// A standby that is promoted while its primary is gone, again and again: the one host of the URL dies, the other one takes over.
async fn promoted() -> sequor::Result<()> {
    let primary = servers::lasting("postgres").map_err(Error::usage)?;
    prepare(primary.url()).await?.close().await?;
    let standby = servers::standby(&primary).map_err(Error::usage)?;
    let retry = Retry { max: 100, delay: millis(20), max_delay: millis(100) };
    let db = Db::options(&of_both(&primary, &standby)).retry(retry).connect().await?;
    write(&db).await?;
    let control = Db::connect(standby.url()).await?;
    until("it has followed", async || Account::find_by_pk(1).or_fail().exec(&control).await.is_ok_and(|row| row.balance == 1)).await;
    drop(primary);
    let start = Instant::now();
    control.query_as::<(bool,)>(sql!("SELECT pg_promote()")).await?;
    until("the other one takes writes", async || write(&db).await.is_ok()).await;
    note(&format!("| postgres | a standby is promoted | 1 | writes go on after {:?} |", start.elapsed()));
    assert!(start.elapsed() < crate::connections::PATIENCE, "{:?}", start.elapsed());
    control.close().await?;
    db.close().await
}

// C-05
#[test]
fn a_promoted_standby_takes_the_writes() {
    if has_server("postgres") {
        run("postgres", async |_bed: Arc<Bed>| promoted().await);
    }
}
