//! SQLite's file: copies while it is in use, checks, and many who write at once.

use super::{Account, Bed, run};
use sequor::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "owners")]
pub struct Owner {
    #[field(primary_key)]
    pub id: i64,
    #[relation(on_delete = "cascade")]
    pub account: BelongsTo<Account>,
    pub account_id: i64,
}

fn beside(bed: &Bed, name: &str) -> PathBuf {
    PathBuf::from(format!("{}-{name}", bed.url.trim_start_matches("sqlite://")))
}

fn url(path: &std::path::Path) -> String {
    format!("sqlite://{}", path.display())
}

#[test]
fn a_backup_under_writers_is_whole_and_of_one_moment() {
    run("sqlite", async |bed: Arc<Bed>| {
        let db = bed.db(6).await?;
        draft!(Account { id: 0, balance: 0 }).create(&db).await?;
        Account::bulk_create((100_000..102_000).map(|id| draft!(Account { id, balance: 0 }))).exec(&db).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (db, stop) = (db.clone(), stop.clone());
                tokio::spawn(async move {
                    let mut id = writer * 10_000 + 1;
                    while !stop.load(Ordering::SeqCst) {
                        // The first row counts the others.
                        db.transaction(async |tx| {
                            draft!(Account { id, balance: 1 }).create(tx).await?;
                            Account::update_all().set(Account::BALANCE, Account::BALANCE + 1).filter(Account::ID.eq(0)).exec(tx).await
                        })
                        .await?;
                        id += 1;
                    }
                    Ok::<_, Error>(())
                })
            })
            .collect();
        for round in 0..3 {
            let (one, two) = (beside(&bed, &format!("backup-{round}")), beside(&bed, &format!("vacuum-{round}")));
            db.backup(&one).await?;
            db.vacuum_into(&two).await?;
            for path in [&one, &two] {
                let copy = Db::connect(&url(path)).await?;
                assert!(copy.check_integrity().await?.is_empty());
                let counted = Account::find_by_pk(0).or_fail().exec(&copy).await?.balance;
                let rows = Account::count().filter(Account::BALANCE.eq(1)).filter(Account::ID.gt(0)).exec(&copy).await?;
                // The counter itself may stand at one.
                assert_eq!(counted, i64::try_from(rows).unwrap());
                copy.close().await?;
            }
            let again = db.backup(&one).await.unwrap_err();
            assert!(again.to_string().contains("never overwrites"), "{again}");
        }
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.map_err(Error::other)??;
        }
        // A copy that is given up leaves nothing behind, and its connection is well.
        for polls in 1..6 {
            let path = beside(&bed, "dropped");
            let _ = super::Polls::new(polls, db.backup(&path)).await;
            super::until("it is clean", async || db.pool_status().in_use == 0).await;
            let _ = std::fs::remove_file(&path);
            assert!(!beside(&bed, "dropped.part").exists());
            assert!(Account::count().exec(&db).await? > 2_000);
        }
        assert!(db.transaction(async |tx| tx.backup(beside(&bed, "inside")).await).await.is_err());
        let memory = Db::connect("sqlite::memory:").await?;
        memory.sync::<Account>(SyncMode::Create).await?;
        draft!(Account { id: 1, balance: 5 }).create(&memory).await?;
        memory.backup(beside(&bed, "memory")).await?;
        memory.vacuum().await?;
        let copy = Db::connect(&url(&beside(&bed, "memory"))).await?;
        assert_eq!(Account::find_by_pk(1).or_fail().exec(&copy).await?.balance, 5);
        copy.close().await?;
        memory.close().await?;
        db.close().await
    });
}

#[test]
fn vacuum_gives_free_pages_back_and_attach_stays_off() {
    run("sqlite", async |bed: Arc<Bed>| {
        let db = bed.db(2).await?;
        Account::bulk_create((0..20_000).map(|id| draft!(Account { id, balance: id }))).exec(&db).await?;
        Account::destroy_all().every_row().exec(&db).await?;
        let pages = async || db.query_as::<(i64,)>(sql!("SELECT page_count FROM pragma_page_count")).await.map(|rows| rows[0].0);
        let before = pages().await?;
        db.vacuum().await?;
        assert!(pages().await? * 4 < before);
        assert!(db.execute(sql!("ATTACH 'other.db' AS other")).await.is_err());
        db.close().await
    });
}

#[test]
fn damage_and_rows_that_point_nowhere_are_found() {
    run("sqlite", async |bed: Arc<Bed>| {
        let db = bed.db(1).await?;
        Account::bulk_create((0..5_000).map(|id| draft!(Account { id, balance: id }))).exec(&db).await?;
        assert!(db.check_integrity().await?.is_empty());
        db.sync::<Owner>(SyncMode::Create).await?;
        db.close().await?;
        let lax = Db::connect(&format!("{}?foreign_keys=off", bed.url)).await?;
        draft!(Owner { id: 1, account_id: 77_777 }).create(&lax).await?;
        let wrong = lax.check_integrity().await?;
        assert!(wrong.len() == 1 && wrong[0].contains("owners") && wrong[0].contains("accounts"), "{wrong:?}");
        lax.vacuum().await?;
        lax.close().await?;
        let path = bed.url.trim_start_matches("sqlite://");
        let mut bytes = std::fs::read(path)?;
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0x5a);
        std::fs::write(path, bytes)?;
        let damaged = Db::connect(&bed.url).await?;
        match damaged.check_integrity().await {
            Ok(wrong) => assert!(wrong.len() > 1, "{wrong:?}"),
            Err(error) => assert!(error.to_string().contains("malformed"), "{error}"),
        }
        damaged.close().await
    });
}

#[test]
fn sixteen_writers_never_see_busy() {
    run("sqlite", async |bed: Arc<Bed>| {
        let db = bed.db(16).await?;
        draft!(Account { id: 0, balance: 0 }).create(&db).await?;
        let start = Instant::now();
        let tasks: Vec<_> = (0..16)
            .map(|task| {
                let db = db.clone();
                tokio::spawn(async move {
                    let (mut done, mut longest) = (0, Duration::ZERO);
                    while start.elapsed() < Duration::from_secs(2) {
                        let asked = Instant::now();
                        if done % 2 == 0 {
                            draft!(Account { id: task * 100_000 + done + 1, balance: 1 }).create(&db).await?;
                        } else {
                            db.transaction(async |tx| {
                                let row = Account::find_by_pk(0).or_fail().exec(tx).await?;
                                let mut row = row.edit();
                                row.balance += 1;
                                row.save(tx).await
                            })
                            .await?;
                        }
                        longest = longest.max(asked.elapsed());
                        done += 1;
                    }
                    Ok::<_, Error>((done, longest))
                })
            })
            .collect();
        let (mut counts, mut longest) = (Vec::new(), Duration::ZERO);
        for task in tasks {
            let (done, wait) = task.await.map_err(Error::other)??;
            counts.push(done);
            longest = longest.max(wait);
        }
        let sum = Account::find_by_pk(0).or_fail().exec(&db).await?.balance;
        assert_eq!(sum, counts.iter().map(|done| done / 2).sum::<i64>());
        println!("writes {counts:?}, longest {longest:?}");
        assert!(longest < Duration::from_secs(10), "nobody starves: {longest:?}");
        db.close().await
    });
}

#[test]
fn servers_say_which_tools_they_have() {
    for database in ["postgres", "mysql"] {
        run(database, async |bed: Arc<Bed>| {
            let db = bed.db(1).await?;
            for error in [db.backup("x").await.err(), db.vacuum().await.err(), db.check_integrity().await.err()] {
                assert!(error.is_some_and(|error| error.to_string().contains("SQLite's")));
            }
            db.close().await
        });
    }
}
