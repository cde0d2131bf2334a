//! The order of hooks, recorded on every database: the page `hook-order.md` is written from what was recorded, and held against what Sequelize did.

use sequor::prelude::*;
use sequor::testing::Place;
use sequor::{GlobalHooks, HookFn, HookKind, HookRegistry};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "letters", paranoid)]
pub struct Letter {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(min = 1, max = 20)))]
    pub name: String,
    #[field(default = 0)]
    pub stamps: i32,
    pub deleted_at: Option<DateTime<Utc>>,
}

/// What is done, and where the order of Sequelize is recorded: scenario and step.
const OPERATIONS: &[(&str, Option<(&str, usize)>)] = &[
    ("create", Some(("create_order", 0))),
    ("create, a rule fails", Some(("create_order", 1))),
    ("save of a changed row", Some(("update_order", 1))),
    ("save of an unchanged row", Some(("update_order", 2))),
    ("upsert", Some(("upsert_order", 0))),
    ("destroy", Some(("paranoid_destroy_restore_order", 1))),
    ("restore", Some(("paranoid_destroy_restore_order", 2))),
    ("bulk_create of two rows", Some(("bulk_create_order", 0))),
    ("bulk_create of one row, individual_hooks, skip_validation", Some(("bulk_create_individual", 0))),
    ("update_all", Some(("static_update_order", 0))),
    ("destroy_all", Some(("static_destroy_order", 0))),
    ("restore_all", Some(("paranoid_destroy_restore_order", 4))),
    ("update_all, individual_hooks", Some(("static_update_individual", 0))),
    ("destroy_all, individual_hooks", Some(("static_destroy_order", 1))),
    ("restore_all, individual_hooks", None),
    ("find", Some(("find_order", 0))),
    ("count", Some(("find_order", 3))),
    ("find_or_create of a row that is there", Some(("find_or_create_order", 0))),
    ("find_or_create of a new row", Some(("find_or_create_order", 1))),
    ("increment", None),
    ("create with hooks(false)", None),
    ("sync", None),
];

async fn perform(db: &Db, number: usize) -> sequor::Result<()> {
    let row = || async { Letter::find_one().filter(Letter::NAME.eq("a")).with_deleted().hooks(false).or_fail().exec(db).await };
    let named_d = || Letter::NAME.eq("d");
    let or_create = |name: &'static str| Letter::find_or_create(Letter::NAME.eq(name), draft!(Letter { name })).exec(db);
    match number {
        0 => draft!(Letter { name: "a" }).create(db).await.map(drop),
        1 => draft!(Letter { name: "" }).create(db).await.map(drop).or(Ok(())),
        2 => {
            let mut edit = row().await?.edit();
            edit.stamps = 1;
            edit.save(db).await.map(drop)
        }
        3 => row().await?.edit().save(db).await.map(drop),
        4 => Letter::upsert(draft!(Letter { name: "a", stamps: 2 })).exec(db).await.map(drop),
        5 => row().await?.destroy(db).await.map(drop),
        6 => row().await?.restore(db).await.map(drop),
        7 => Letter::bulk_create(vec![draft!(Letter { name: "b" }), draft!(Letter { name: "c" })]).exec(db).await.map(drop),
        8 => Letter::bulk_create(vec![draft!(Letter { name: "d" })]).individual_hooks().skip_validation().exec(db).await.map(drop),
        9 => Letter::update_all().set(Letter::STAMPS, 3).filter(named_d()).exec(db).await.map(drop),
        10 => Letter::destroy_all().filter(named_d()).exec(db).await.map(drop),
        11 => Letter::restore_all().filter(named_d()).exec(db).await.map(drop),
        12 => Letter::update_all().set(Letter::STAMPS, 4).filter(named_d()).individual_hooks().exec(db).await.map(drop),
        13 => Letter::destroy_all().filter(named_d()).individual_hooks().exec(db).await.map(drop),
        14 => Letter::restore_all().filter(named_d()).individual_hooks().exec(db).await.map(drop),
        15 => Letter::find_all().exec(db).await.map(drop),
        16 => Letter::count().exec(db).await.map(drop),
        17 => or_create("a").await.map(drop),
        18 => or_create("e").await.map(drop),
        19 => row().await?.increment(Letter::STAMPS, 1, db).await.map(drop),
        20 => draft!(Letter { name: "f" }).hooks(false).create(db).await.map(drop),
        _ => db.sync::<Letter>(SyncMode::Create).await,
    }
}

type Log = Arc<Mutex<Vec<&'static str>>>;

fn note(log: &Log, what: &'static str) {
    log.lock().map(|mut log| log.push(what)).ok();
}

fn taken(log: &Log) -> Vec<&'static str> {
    log.lock().map(|mut log| std::mem::take(&mut *log)).unwrap_or_default()
}

/// The hooks around connections, each writing its name into the log.
fn around_connections(hooks: &GlobalHooks<'_>, log: &Log) {
    macro_rules! noting {
        ($($hook:ident)*) => {
            $(
                let seen = log.clone();
                hooks.$hook("log", move |_event| {
                    note(&seen, stringify!($hook));
                    Box::pin(async { Ok(()) })
                });
            )*
        };
    }
    noting!(before_connect after_connect before_disconnect after_disconnect before_pool_acquire after_pool_acquire);
}

/// What a `Db` of one connection tells from its beginning to its end.
async fn of_a_connection(db: &Db) -> sequor::Result<Vec<(&'static str, Vec<&'static str>)>> {
    let database = match db.dialect() {
        Dialect::Postgres => "postgres",
        Dialect::Mysql | Dialect::Mariadb => "mysql",
        _ => "sqlite",
    };
    let Some(place) = Place::open(database).await? else { return Ok(Vec::new()) };
    let log = Log::default();
    let seen = log.clone();
    let one = Pool { max: 1, ..Pool::default() };
    let own = Db::options(place.url()).pool(one).with_hooks(move |hooks| around_connections(hooks, &seen)).connect().await?;
    let mut told = vec![("connect", taken(&log))];
    own.authenticate().await?;
    told.push(("a statement outside of a transaction", taken(&log)));
    own.transaction(async |tx| tx.authenticate().await).await?;
    told.push(("a transaction, whatever its statements", taken(&log)));
    own.close().await?;
    told.push(("close", taken(&log)));
    place.remove().await?;
    Ok(told)
}

/// What is told of a write in a transaction that ends well, in one that does not, and in a savepoint that is undone.
async fn of_transactions(db: &Db, log: &Log) -> sequor::Result<Vec<(&'static str, Vec<&'static str>)>> {
    let write = async |tx: &Db, name: &'static str| -> sequor::Result<()> {
        let (kept, undone) = (log.clone(), log.clone());
        draft!(Letter { name }).create(tx).await?;
        tx.after_commit(async move { note(&kept, "tx.after_commit") });
        tx.after_rollback(async move { note(&undone, "tx.after_rollback") });
        Ok(())
    };
    let failed = || Err::<(), _>(Error::usage("undone"));
    db.transaction(async |tx| write(tx, "g").await).await?;
    let mut told = vec![("a transaction with a create that commits", taken(log))];
    let undone = db.transaction(async |tx| {
        write(tx, "h").await?;
        failed()
    });
    assert!(undone.await.is_err());
    told.push(("a transaction with a create that is rolled back", taken(log)));
    db.transaction(async |tx| {
        let undone = tx.transaction(async |inner| {
            write(inner, "i").await?;
            failed()
        });
        assert!(undone.await.is_err());
        Ok(())
    })
    .await?;
    told.push(("a savepoint with a create that is rolled back, in a transaction that commits", taken(log)));
    Ok(told)
}

/// The hooks of each operation, as this database ran them.
async fn recorded(db: &Db) -> sequor::Result<Vec<(&'static str, Vec<&'static str>)>> {
    let seen = Log::default();
    for kind in HookKind::ALL.iter().filter(|kind| !kind.name().ends_with("_query")) {
        let (log, kind) = (seen.clone(), *kind);
        let hook: HookFn = Arc::new(move |_subject, _cx| {
            note(&log, kind.name());
            Box::pin(async { Ok(()) })
        });
        match kind {
            HookKind::AfterRead | HookKind::BeforeBulkSync | HookKind::AfterBulkSync => db.global_hooks().on(kind, "log", hook),
            _ => db.hooks::<Letter>().on(kind, "log", hook),
        }
    }
    let mut orders = Vec::new();
    for (number, (what, _)) in OPERATIONS.iter().enumerate() {
        // In a transaction, so that callbacks after the commit have run when it ends; a table is made outside of one.
        if *what == "sync" {
            perform(db, number).await?;
        } else {
            db.transaction(async |tx| perform(tx, number).await).await?;
        }
        let mut hooks = taken(&seen);
        // Rows that the program read to write them are no part of the operation.
        hooks.retain(|hook| *hook != "after_read" || *what == "find");
        orders.push((*what, hooks));
    }
    orders.extend(of_transactions(db, &seen).await?);
    orders.extend(of_a_connection(db).await?);
    Ok(orders)
}

const HEAD: &str = "# The order of hooks

<!-- Written by the tests from what every database does: change the engine or the operations of the test, then run
     SEQUOR_WRITE_DOCS=1 cargo test -p sequor-tests --features all --test it -- lifecycle::order -->

Hooks that a model declares run first, then those registered for it at run time, then those of all models, each in the order of
registration. `after_change`, `after_commit` and `after_read` are mandatory: `hooks(false)` does not skip them. Without these three the orders
are those that Sequelize 6.37.8 was recorded to have, or those that its recording calls better (it validates a second time around every save).
A transaction ends between its last hook and `after_commit` or what was given to `tx.after_commit(..)` and `tx.after_rollback(..)`. `before_query` and `after_query`
stand around every statement and are left out here; the hooks of connections are those of a pool of one connection.

| What is done | Hooks |
|---|---|
";

fn page(orders: &[(&'static str, Vec<&'static str>)]) -> String {
    let mut page = HEAD.to_owned();
    for (what, hooks) in orders {
        let hooks: Vec<String> = hooks.iter().map(|hook| format!("`{hook}`")).collect();
        let _ = writeln!(page, "| {what} | {} |", hooks.join(" → "));
    }
    page
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/hook-order.md");

#[sequor::test(models(Letter))]
async fn hooks_run_in_the_documented_order(db: Db) -> sequor::Result<()> {
    let page = page(&recorded(&db).await?);
    if std::env::var_os("SEQUOR_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, &page)?;
    }
    assert_eq!(std::fs::read_to_string(PAGE)?, page, "write it anew with SEQUOR_WRITE_DOCS=1");
    Ok(())
}

/// The hooks that a scenario recorded: those of its models.
fn watched(scenario: &str) -> Vec<&'static str> {
    let path = format!("{}/conformance/scenarios/hooks/{scenario}.json", env!("CARGO_MANIFEST_DIR"));
    let json: serde_json::Value = std::fs::read_to_string(path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let lists = json["models"].as_array().into_iter().flatten().filter_map(|model| model["hooks"].as_array());
    lists.flatten().filter_map(|hook| HookKind::parse(hook.as_str()?)).map(HookKind::name).collect()
}

/// What Sequelize did at a step of a scenario, in our words; where its recording knows something better, that.
fn of_sequelize(scenario: &str, step: usize) -> Vec<&'static str> {
    let path = format!("{}/conformance/scenarios/hooks/{scenario}.json", env!("CARGO_MANIFEST_DIR"));
    let json: serde_json::Value = std::fs::read_to_string(path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let better = json["deviation"].as_array().into_iter().flatten().filter(|deviation| deviation["step"] == step);
    let better = better.map(|deviation| &deviation["better"]["hooks"]).find(|hooks| hooks.is_array());
    let hooks = better.unwrap_or(&json["expect"][step]["hooks"]);
    let name = |hook: &serde_json::Value| {
        let hook = hook.as_str().and_then(|hook| hook.split('.').next_back()).and_then(HookKind::parse);
        hook.map_or("unknown", HookKind::name)
    };
    hooks.as_array().into_iter().flatten().map(name).collect()
}

#[test]
fn the_orders_are_those_of_sequelize() {
    let page = std::fs::read_to_string(PAGE).unwrap_or_default();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let ours: BTreeMap<&str, Vec<&str>> =
        rows.map(|(what, hooks)| (what, hooks.split(" → ").map(|hook| hook.trim_matches('`')).collect())).collect();
    for (what, scenario) in OPERATIONS {
        let Some((scenario, step)) = scenario else { continue };
        let mut hooks = ours.get(what).cloned().unwrap_or_default();
        let watched = watched(scenario);
        hooks.retain(|hook| watched.contains(hook));
        assert_eq!(hooks, of_sequelize(scenario, *step), "{what}: {scenario}, step {step}");
    }
}
