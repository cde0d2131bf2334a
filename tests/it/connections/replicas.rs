//! Which server a read goes to: replicas, the primary after a write, and what becomes of a replica that dies.

use super::{Account, Bed, on_each_server, run, until};
use sequor::ReplicaChoice;
use sequor::prelude::*;
use sequor_tools::faultd::{End, Proxy};
use sequor_tools::servers;
use std::sync::Arc;

/// A database whose only row says which server it is.
async fn server(bed: &Bed, balance: i64) -> sequor::Result<Bed> {
    let place = Bed::open(bed.database).await?.expect("the first one is there");
    let db = place.db(1).await?;
    draft!(Account { id: 1, balance }).create(&db).await?;
    db.close().await?;
    Ok(place)
}

async fn asked(db: &Db) -> sequor::Result<i64> {
    Ok(Account::find_by_pk(1).or_fail().exec(db).await?.balance)
}

on_each_server! {
    async fn reads_go_to_replicas_and_to_the_primary_after_a_write(bed) {
        let (primary, one, two) = (server(&bed, 0).await?, server(&bed, 1).await?, server(&bed, 2).await?);
        let connect = async |window, choice| {
            Db::options(&primary.url).read_replicas([&one.url, &two.url]).read_your_writes(window).replica_choice(choice)
                .pool(Pool { max: 2, ..Pool::default() }).register::<Account>().connect().await
        };
        let db = connect(millis(0), ReplicaChoice::RoundRobin).await?;
        let mut seen = [asked(&db).await?, asked(&db).await?, asked(&db).await?];
        seen.sort_unstable();
        assert!(seen == [1, 1, 2] || seen == [1, 2, 2], "{seen:?}");
        // What must be right or may write goes to the primary.
        assert_eq!(asked(&db.primary()).await?, 0);
        assert_eq!(Account::find_by_pk(1).or_fail().primary().exec(&db).await?.balance, 0);
        assert_eq!(Account::find_all().filter(Account::BALANCE.eq(0)).primary().count().exec(&db).await?, 1);
        assert_eq!(db.transaction(async |tx| asked(tx).await).await?, 0);
        assert_eq!(db.query_as::<(i64,)>(sql!("SELECT balance FROM accounts")).await?, [(0,)]);
        if bed.database != "sqlite" {
            assert_eq!(Account::find_all().lock(sequor::Lock::Update).exec(&db).await?[0].balance, 0);
        }
        Account::update_all().set(Account::BALANCE, 5).filter(Account::ID.eq(1)).exec(&db).await?;
        assert!(asked(&db).await? < 3, "the window is off");
        db.close().await?;
        let db = connect(secs(30), ReplicaChoice::RoundRobin).await?;
        assert!(asked(&db).await? < 3);
        Account::update_all().set(Account::BALANCE, 6).filter(Account::ID.eq(1)).exec(&db).await?;
        assert_eq!(asked(&db).await?, 6);
        db.close().await?;
        for place in [primary, one, two] {
            place.remove().await?;
        }
        Ok(())
    }

    async fn the_least_busy_replica_serves(bed) {
        let (one, two) = (server(&bed, 1).await?, server(&bed, 2).await?);
        let db = Db::options(&bed.url).read_replicas([&one.url, &two.url]).read_your_writes(millis(0)).replica_choice(ReplicaChoice::LeastBusy)
            .pool(Pool { max: 3, ..Pool::default() }).register::<Account>().connect().await?;
        // A stream that is open keeps its connection.
        let other = Db::options(&one.url).connect().await?;
        for id in 2..2000 {
            draft!(Account { id, balance: 1 }).create(&other).await?;
        }
        let mut stream = Account::find_all().order_by(Account::ID.asc()).stream(&db);
        while stream.next().await.transpose()?.is_some_and(|row| row.balance == 2) {
            stream = Account::find_all().order_by(Account::ID.asc()).stream(&db);
        }
        for _ in 0..4 {
            assert_eq!(asked(&db).await?, 2, "the other one has an open stream");
        }
        drop(stream);
        db.close().await?;
        other.close().await?;
        one.remove().await?;
        two.remove().await
    }

    async fn health_tells_of_replicas_migrations_and_the_last_error(bed) {
        let one = server(&bed, 1).await?;
        let db = Db::options(&bed.url).read_replicas([&one.url]).register::<Account>().connect().await?;
        let health = db.health().await;
        assert!(health.ok && health.migrations_pending.is_none() && health.last_error.is_none());
        assert!(health.replicas.len() == 1 && health.replicas[0].ok && health.replicas[0].serves);
        let first = sequor::Migration::new("1-first").with("up.sql", "CREATE TABLE first (id integer PRIMARY KEY);");
        let second = sequor::Migration::new("2-second").with("up.sql", "CREATE TABLE second (id integer PRIMARY KEY);");
        db.report_migrations(&Migrator::new([first.clone(), second.clone()]));
        assert_eq!(db.health().await.migrations_pending, Some(2));
        Migrator::new([first.clone()]).up(&db).await?;
        assert_eq!(db.health().await.migrations_pending, Some(0));
        db.report_migrations(&Migrator::new([first, second]));
        assert_eq!(db.health().await.migrations_pending, Some(1));
        db.execute(sql!("SELECT nothing FROM nowhere")).await.unwrap_err();
        let health = db.health().await;
        assert!(health.ok && health.last_error.as_ref().is_some_and(|last| !last.message.is_empty()), "{health:?}");
        let json = serde_json::to_value(&health)?;
        assert!(json["replicas"][0]["serves"] == true && json["migrations_pending"] == 1 && json["last_error"]["at"].is_string());
        db.close().await?;
        one.remove().await
    }
}

#[test]
fn a_dead_replica_is_left_out_and_taken_back() {
    for database in ["postgres", "mysql"] {
        run(database, async |bed: Arc<Bed>| {
            let (primary, replica) = (server(&bed, 0).await?, server(&bed, 1).await?);
            let address = replica.url.split(['@', '/']).find_map(|part| part.parse().ok()).expect("an address");
            let proxy = Proxy::before(address, 1)?;
            let db = Db::options(&primary.url)
                .read_replicas([proxy.url(&replica.url)])
                .read_your_writes(millis(0))
                .register::<Account>()
                .connect()
                .await?;
            for _ in 0..3 {
                assert_eq!(asked(&db).await?, 1);
                proxy.refuse(true);
                proxy.end_lines(End::Reset);
                for _ in 0..10 {
                    assert_eq!(asked(&db).await?, 0, "no error, and the primary's answer");
                }
                let health = &db.health().await.replicas[0];
                assert!(!health.ok && !health.serves && health.error.is_some(), "{health:?}");
                proxy.refuse(false);
                until("it is taken back", async || db.health().await.replicas[0].serves).await;
            }
            db.close().await?;
            primary.remove().await?;
            replica.remove().await
        });
    }
}

#[test]
fn a_read_whose_line_breaks_is_made_once_more() {
    run("postgres", async |bed: Arc<Bed>| {
        let (db, watch) = (bed.db(1).await?, bed.db(2).await?);
        draft!(Account { id: 1, balance: 7 }).create(&db).await?;
        let waiting = async || {
            let text = sql!(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'SELECT%'"
            );
            watch.query_as::<(i32,)>(text).await.map(|rows| rows.first().map(|row| row.0))
        };
        for what in ["rows", "a count", "a column"] {
            let holder = watch.begin().await?;
            holder.execute(sql!("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")).await?;
            let read = {
                let db = db.clone();
                tokio::spawn(async move {
                    match what {
                        "rows" => asked(&db).await,
                        "a count" => Ok(i64::try_from(Account::count().exec(&db).await?).unwrap_or(0) + 6),
                        _ => Ok(Account::find_all().select((Account::BALANCE,)).exec(&db).await?[0].0),
                    }
                })
            };
            until("the read waits", async || waiting().await.is_ok_and(|pid| pid.is_some())).await;
            let pid = waiting().await?.expect("it waits");
            watch.query_as::<(bool,)>(sql!("SELECT pg_terminate_backend({pid})")).await?;
            until("it waits again", async || waiting().await.is_ok_and(|now| now.is_some_and(|now| now != pid))).await;
            holder.rollback().await?;
            assert_eq!(read.await.map_err(Error::other)??, 7, "{what}");
        }
        // A write is never made twice.
        let holder = watch.begin().await?;
        holder.execute(sql!("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")).await?;
        let write = {
            let db = db.clone();
            tokio::spawn(async move { Account::update_all().set(Account::BALANCE, Account::BALANCE + 1).every_row().exec(&db).await })
        };
        let blocked = sql!("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE%'");
        until("the write waits", async || watch.query_as::<(i32,)>(blocked.clone()).await.is_ok_and(|rows| !rows.is_empty())).await;
        let pid = watch.query_as::<(i32,)>(blocked).await?[0].0;
        watch.query_as::<(bool,)>(sql!("SELECT pg_terminate_backend({pid})")).await?;
        assert!(matches!(write.await.map_err(Error::other)?, Err(Error::Connection(_))));
        holder.rollback().await?;
        assert_eq!(asked(&db).await?, 7);
        db.close().await?;
        watch.close().await
    });
}

/// A primary with a standby that can be told to stand still: what a replica with much to do is.
#[test]
fn a_standby_that_falls_behind_is_left_out_until_it_has_caught_up() {
    if !super::has_server("postgres") {
        return;
    }
    let primary = servers::lasting("postgres").expect("a primary");
    let standby = servers::standby(&primary).expect("a standby");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let outcome: sequor::Result<()> = runtime.block_on(async {
        let (writer, control) = (Db::connect(primary.url()).await?, Db::connect(standby.url()).await?);
        writer.sync::<Account>(SyncMode::Create).await?;
        draft!(Account { id: 1, balance: 0 }).create(&writer).await?;
        let db = Db::options(primary.url())
            .read_replicas([standby.url()])
            .read_your_writes(millis(0))
            .replica_lag(millis(1500))
            .register::<Account>()
            .connect()
            .await?;
        let replica = async || db.health().await.replicas.remove(0);
        until("its lag is known", async || replica().await.lag_millis == Some(0)).await;
        until("it has followed", async || Account::count().exec(&control).await.is_ok_and(|count| count == 1)).await;
        control.query_as::<(String,)>(sql!("SELECT pg_wal_replay_pause()::text")).await?;
        Account::update_all().set(Account::BALANCE, 1).filter(Account::ID.eq(1)).exec(&writer).await?;
        assert_eq!(asked(&db).await?, 0, "it serves while it is behind by little");
        until("it is left out", async || !replica().await.serves).await;
        let health = replica().await;
        assert!(health.ok && health.lag_millis.is_some_and(|lag| (1500..5000).contains(&lag)), "{health:?}");
        assert_eq!(asked(&db).await?, 1, "the primary answers");
        control.query_as::<(String,)>(sql!("SELECT pg_wal_replay_resume()::text")).await?;
        until("it is taken back", async || replica().await.serves).await;
        assert_eq!(asked(&db).await?, 1);
        for db in [writer, control, db] {
            db.close().await?;
        }
        Ok(())
    });
    outcome.expect("the replica is judged by its lag");
}
