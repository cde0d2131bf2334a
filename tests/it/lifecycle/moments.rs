//! Hooks that are no write's: of tables, finds, statements, connections and definitions; and hooks of all models.

use sequor::prelude::*;
use sequor::{ConnectTarget, HookFn, HookKind, HookRegistry, QueryEvent, RowState};
use std::sync::{Arc, Mutex};

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, line: impl Into<String>) {
    log.lock().map(|mut log| log.push(line.into())).ok();
}

fn taken(log: &Log) -> Vec<String> {
    log.lock().map(|mut log| std::mem::take(&mut *log)).unwrap_or_default()
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "shelves", hooks)]
pub struct Shelf {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(validate(len(min = 1, max = 20)))]
    pub name: String,
}

impl Hooks for Shelf {
    async fn after_find(rows: &mut Vec<Shelf>, _cx: &HookContext<'_>) -> Result<()> {
        rows.iter_mut().for_each(|shelf| shelf.name.push('!'));
        Ok(())
    }

    async fn before_sync(cx: &HookContext<'_>) -> Result<()> {
        if cx.options().get::<Log>().is_some_and(|log| {
            log.lock().is_ok_and(|mut log| {
                log.push("Shelf.before_sync".into());
                false
            })
        }) {
            return Err(Error::usage("never"));
        }
        Ok(())
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "books_on_shelves")]
pub struct Volume {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub title: String,
    pub shelf_id: Option<i64>,
    pub shelf: BelongsTo<Option<Shelf>>,
}

fn recording(log: &Log) -> HookFn {
    let log = log.clone();
    Arc::new(move |_subject, cx| {
        note(&log, format!("{}.{}", cx.model(), cx.kind().name()));
        Box::pin(async { Ok(()) })
    })
}

#[sequor::test]
async fn tables_are_told_before_and_after_they_are_made(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    for kind in [HookKind::BeforeBulkSync, HookKind::BeforeSync, HookKind::AfterSync, HookKind::AfterBulkSync] {
        db.global_hooks().on(kind, "log", recording(&log));
    }
    let db = db.with_extra(log.clone());
    db.sync::<(Shelf, Volume)>(SyncMode::Create).await?;
    let told = [
        ".before_bulk_sync",
        "Shelf.before_sync",
        "Shelf.before_sync",
        "Volume.before_sync",
        "Shelf.after_sync",
        "Volume.after_sync",
        ".after_bulk_sync",
    ];
    assert_eq!(taken(&log), told);
    // One run-time model is no bulk.
    let post = db.define(ModelDef::from_json(json!({ "name": "Post", "attributes": { "title": "STRING" } }))?)?;
    post.sync(SyncMode::Create).await?;
    assert_eq!(taken(&log), ["Post.before_sync", "Post.after_sync"]);
    db.global_hooks().before_sync("no", |_cx| Box::pin(async { Err(Error::usage("not today")) }));
    assert!(db.sync::<Volume>(SyncMode::Force).await.is_err());
    Volume::count().exec(&db).await?;
    Ok(())
}

#[sequor::test(models(Shelf, Volume))]
async fn after_find_gets_the_rows_and_may_change_them(db: Db) -> sequor::Result<()> {
    draft!(Shelf { name: "a" }).create(&db).await?;
    assert_eq!(Shelf::find_one().or_fail().exec(&db).await?.name, "a!");
    assert_eq!(Shelf::find_by_pk(1).hooks(false).or_fail().exec(&db).await?.name, "a");
    db.hooks::<Volume>().after_find("none", |rows, _cx| {
        rows.retain(|volume| volume.title != "hidden");
        Box::pin(async { Ok(()) })
    });
    draft!(Volume { title: "hidden" }).create(&db).await?;
    draft!(Volume { title: "shown" }).create(&db).await?;
    let titles: Vec<String> = Volume::find_all().exec(&db).await?.into_iter().map(|volume| volume.title).collect();
    assert_eq!(titles, ["shown"]);
    Ok(())
}

#[sequor::test(models(Volume, Shelf))]
async fn statements_are_told_and_may_be_kept_from_being_sent(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let seen = log.clone();
    db.global_hooks().before_query("log", move |query: &QueryEvent<'_>, cx| {
        let line = format!("{} {:?} {}", query.operation(), query.model(), query.took().is_none());
        let (log, db) = (seen.clone(), cx.db().clone());
        Box::pin(async move {
            note(&log, line);
            // A statement of the hook itself is not told.
            Volume::count().exec(&db.detached()).await.map(drop)
        })
    });
    Volume::find_all().exec(&db).await?;
    assert_eq!(taken(&log), ["find Some(\"Volume\") true"]);
    assert!(db.global_hooks().remove("log"));
    let seen = log.clone();
    db.global_hooks().after_query("log", move |query, _cx| {
        let line =
            format!("{} {} {}", query.sql().contains('?') || query.sql().contains("$1"), query.took().is_some(), query.error().is_some());
        note(&seen, line);
        Box::pin(async { Ok(()) })
    });
    Volume::find_by_pk(1).exec(&db).await?;
    assert!(db.execute(sequor::sql!("SELECT * FROM no_such_table")).await.is_err());
    assert_eq!(taken(&log), ["true true false", "false true true"]);
    db.global_hooks().before_query("read-only", |query, _cx| {
        let refused = query.operation() == "create";
        Box::pin(async move { if refused { Err(Error::usage("read only")) } else { Ok(()) } })
    });
    assert!(draft!(Volume { title: "a" }).create(&db).await.is_err());
    assert_eq!(Volume::count().exec(&db).await?, 0);
    Ok(())
}

#[sequor::test(models(Shelf, Volume))]
async fn hooks_of_all_models_run_after_a_models_own(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let (first, second) = (log.clone(), log.clone());
    db.global_hooks().before_save("all", move |row: &mut RowState, _cx| {
        let what = row.get("title").or_else(|_| row.get("name")).map(|value| format!("{value:?}"));
        note(&first, format!("all {} {:?} {}", row.model(), what.unwrap_or_default(), row.is_new()));
        Box::pin(async move {
            let Ok(Some(_)) = row.get("title") else { return Ok(()) };
            assert!(row.set("titel", "x").is_err_and(|error| error.to_string().contains("titel")));
            row.set("title", "changed")
        })
    });
    db.hooks::<Volume>().before_save("own", move |_draft, _cx| {
        note(&second, "own");
        Box::pin(async { Ok(()) })
    });
    let volume = draft!(Volume { title: "a" }).create(&db).await?;
    assert_eq!(volume.title, "changed");
    let told = taken(&log);
    assert!(told.len() == 2 && told[0] == "own" && told[1].starts_with("all Volume"), "{told:?}");
    assert!(db.global_hooks().remove("all") && !db.global_hooks().remove("all"));
    assert!(
        db.hooks::<Shelf>().on_named("beforeCreat", "x", recording(&log)).is_err_and(|error| error.to_string().contains("before_create"))
    );
    db.hooks::<Volume>().on_named("beforeCreate", "x", recording(&log))?;
    draft!(Volume { title: "b" }).create(&db).await?;
    assert_eq!(taken(&log), ["Volume.before_create", "own"]);
    Ok(())
}

#[sequor::test]
async fn run_time_models_have_hooks_and_definitions_are_told(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let (before, after) = (log.clone(), log.clone());
    db.global_hooks().before_define("table", move |def| {
        note(&before, format!("before {}", def.name));
        def.comment = Some("made by a hook".into());
        if def.name == "Refused" { Err(Error::usage("refused")) } else { Ok(()) }
    });
    db.global_hooks().after_define("log", move |def| {
        note(&after, format!("after {} {:?}", def.name, def.comment.as_deref()));
        Ok(())
    });
    let post = db.define(ModelDef::from_json(json!({ "name": "Post", "attributes": { "title": "STRING" } }))?)?;
    assert!(db.define(ModelDef::from_json(json!({ "name": "Refused" }))?).is_err());
    assert!(db.model("Refused").is_err());
    assert_eq!(taken(&log), ["before Post", "after Post Some(\"made by a hook\")", "before Refused"]);
    let seen = log.clone();
    db.global_hooks().before_associate("log", move |def| {
        note(&seen, format!("associate {}", def.name));
        Ok(())
    });
    db.define(ModelDef::from_json(json!({ "name": "Tag", "attributes": { "name": "STRING" } }))?)?;
    db.associate(json!({ "type": "hasMany", "source": "Post", "target": "Tag" }))?;
    assert!(taken(&log).contains(&"associate Post".to_owned()));
    db.sync_all(SyncMode::Create).await?;
    post.hooks().before_create("upper", |row, _cx| {
        Box::pin(async move {
            let title = row.get("title")?.and_then(|title| title.to_json().as_str().map(str::to_uppercase)).unwrap_or_default();
            row.set("title", title)
        })
    });
    let row = post.create(json!({ "title": "hi" })).exec(&db).await?;
    assert_eq!(row.get("title")?, json!("HI"));
    assert!(post.hooks().remove("upper"));
    Ok(())
}

#[sequor::test]
async fn connections_are_told_and_set_up(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let hooks = db.global_hooks();
    let (opened, closed, got) = (log.clone(), log.clone(), log.clone());
    hooks.before_pool_acquire("log", move |event| {
        note(&got, format!("acquire {}", !event.target().is_empty()));
        Box::pin(async { Ok(()) })
    });
    db.authenticate().await?;
    assert_eq!(taken(&log), ["acquire true"]);
    assert!(hooks.remove("log"));
    hooks.before_pool_acquire("no", |_event| Box::pin(async { Err(Error::usage("closed for today")) }));
    assert!(db.authenticate().await.is_err());
    assert!(hooks.remove("no"));
    hooks.after_connect("log", move |connection| {
        note(&opened, "opened");
        Box::pin(connection.execute("SELECT 1"))
    });
    hooks.after_disconnect("log", move |_event| {
        note(&closed, "closed");
        Box::pin(async { Ok(()) })
    });
    db.close().await?;
    assert!(taken(&log).contains(&"closed".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_hook_says_where_the_first_connection_goes() -> sequor::Result<()> {
    let log = Log::default();
    let (before, after) = (log.clone(), log.clone());
    let db = Db::options("sqlite://no/such/folder/app.db")
        .with_hooks(move |hooks| {
            hooks.before_connect("elsewhere", move |target: &mut ConnectTarget| {
                note(&before, target.url());
                target.set_url("sqlite::memory:");
                Box::pin(async { Ok(()) })
            });
            hooks.after_connect("log", move |connection| {
                note(&after, "opened");
                Box::pin(connection.execute("PRAGMA cache_size = 100"))
            });
        })
        .connect()
        .await?;
    db.authenticate().await?;
    assert_eq!(taken(&log), ["sqlite://no/such/folder/app.db", "opened"]);
    let refused = Db::options("sqlite::memory:")
        .with_hooks(|hooks| hooks.after_connect("no", |_connection| Box::pin(async { Err(Error::usage("not set up")) })))
        .connect()
        .await;
    assert!(refused.is_err_and(|error| error.to_string().contains("not set up")));
    Ok(())
}
