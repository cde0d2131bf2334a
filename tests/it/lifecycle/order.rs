//! The order of hooks, recorded: the page `hook-order.md` is written from it.

use sequor::prelude::*;
use sequor::{HookFn, HookKind, HookRegistry};
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

/// What is done, and the hooks that run, in their order.
const ORDERS: &[(&str, &str)] = &[
    ("create", "before_validate after_validate before_create before_save after_create after_save after_change after_commit"),
    ("create, a rule fails", "before_validate validation_failed"),
    ("save of a changed row", "before_validate after_validate before_update before_save after_update after_save after_change after_commit"),
    ("save of an unchanged row", "before_validate after_validate before_update before_save"),
    ("upsert", "before_validate after_validate before_upsert after_change after_upsert after_commit"),
    ("destroy", "before_destroy after_destroy after_change after_commit"),
    ("restore", "before_restore after_restore after_change after_commit"),
    ("bulk_create of two rows", "before_bulk_create after_change after_change after_bulk_create after_commit after_commit"),
    (
        "bulk_create of one row, individual_hooks",
        "before_bulk_create before_validate after_validate before_create before_save after_create after_save after_change after_bulk_create after_commit",
    ),
    ("update_all", "before_validate after_validate before_bulk_update after_change after_bulk_update after_commit"),
    ("destroy_all", "before_bulk_destroy after_change after_bulk_destroy after_commit"),
    ("restore_all", "before_bulk_restore after_change after_bulk_restore after_commit"),
    ("find", "before_find before_find_after_expand_include_all before_find_after_options after_find after_read"),
    ("count", "before_count"),
    ("increment", "after_change after_commit"),
    ("create with hooks(false)", "after_change after_commit"),
];

async fn perform(db: &Db, number: usize) -> sequor::Result<()> {
    let row = || async { Letter::find_one().filter(Letter::NAME.eq("a")).with_deleted().hooks(false).or_fail().exec(db).await };
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
        8 => Letter::bulk_create(vec![draft!(Letter { name: "d" })]).individual_hooks().exec(db).await.map(drop),
        9 => Letter::update_all().set(Letter::STAMPS, 3).filter(Letter::NAME.eq("d")).exec(db).await.map(drop),
        10 => Letter::destroy_all().filter(Letter::NAME.eq("d")).exec(db).await.map(drop),
        11 => Letter::restore_all().filter(Letter::NAME.eq("d")).exec(db).await.map(drop),
        12 => Letter::find_all().exec(db).await.map(drop),
        13 => Letter::count().exec(db).await.map(drop),
        14 => row().await?.increment(Letter::STAMPS, 1, db).await.map(drop),
        _ => {
            let edit = draft!(Letter { name: "e" }).create_with(sequor::SkipSync).hooks(false);
            edit.exec(db).await.map(drop)
        }
    }
}

fn page() -> String {
    let mut page = String::from(
        "# The order of hooks\n\n<!-- Written by the tests from what every database does: change the test, then run\n     SEQUOR_WRITE_DOCS=1 cargo test -p sequor-tests --features all --test it -- lifecycle::order -->\n\nHooks that a model declares run first, then those registered for it at run time, then those of all models, each in the order of\nregistration. `after_change`, `after_commit` and `after_read` are mandatory: `hooks(false)` does not skip them.\n\n| What is done | Hooks |\n|---|---|\n",
    );
    for (what, hooks) in ORDERS {
        let hooks: Vec<String> = hooks.split(' ').map(|hook| format!("`{hook}`")).collect();
        let _ = writeln!(page, "| {what} | {} |", hooks.join(" → "));
    }
    page
}

#[sequor::test(models(Letter))]
async fn hooks_run_in_the_documented_order(db: Db) -> sequor::Result<()> {
    let seen: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    for kind in HookKind::ALL {
        let (log, kind) = (seen.clone(), *kind);
        let hook: HookFn = Arc::new(move |_subject, _cx| {
            log.lock().map(|mut log| log.push(kind.name())).ok();
            Box::pin(async { Ok(()) })
        });
        match kind {
            HookKind::AfterRead => db.global_hooks().on(kind, "log", hook),
            _ => db.hooks::<Letter>().on(kind, "log", hook),
        }
    }
    for (number, (what, expected)) in ORDERS.iter().enumerate() {
        // In a transaction, so that callbacks after the commit have run when it ends.
        db.transaction(async |tx| perform(tx, number).await).await?;
        let mut hooks = seen.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default();
        hooks.retain(|hook| !hook.ends_with("_query"));
        if !expected.contains("after_read") {
            hooks.retain(|hook| *hook != "after_read");
        }
        assert_eq!(hooks.join(" "), *expected, "{what}");
    }
    Ok(())
}

#[test]
fn the_page_says_the_same() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/hook-order.md");
    if std::env::var_os("SEQUOR_WRITE_DOCS").is_some() {
        assert!(std::fs::write(path, page()).is_ok());
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), page(), "write it anew with SEQUOR_WRITE_DOCS=1");
}
