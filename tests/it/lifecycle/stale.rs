//! Rows that others changed since a program read them: who is told of a save is told what is stored.

use sequor::AnyChange;
use sequor::prelude::*;
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "charts_stale", hooks)]
pub struct Chart {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub title: String,
    #[field(default = 0)]
    pub pages: i32,
}

type Log = Arc<Mutex<Vec<i32>>>;

impl Hooks for Chart {
    async fn after_update(chart: &Edit<Chart>, cx: &HookContext<'_>) -> Result<()> {
        cx.options().get::<Log>().into_iter().for_each(|log| {
            log.lock().map(|mut log| log.push(chart.pages)).ok();
        });
        Ok(())
    }
}

#[sequor::test(models(Chart))]
async fn a_save_tells_the_row_as_it_is_stored(db: Db) -> sequor::Result<()> {
    let log = Log::default();
    let db = db.with_extra(log.clone());
    let loaded = draft!(Chart { title: "a" }).create(&db).await?;
    Chart::update_all().set(Chart::PAGES, 7).filter(Chart::ID.eq(loaded.id)).exec(&db).await?;
    let told: Arc<Mutex<Vec<Option<serde_json::Value>>>> = Arc::default();
    let seen = told.clone();
    db.global_hooks().after_change("log", move |change: &AnyChange, _cx| {
        seen.lock().map(|mut told| told.push(change.after())).ok();
        Box::pin(async { Ok(()) })
    });
    let mut edit = loaded.edit();
    edit.title = "b".into();
    let saved = edit.save(&db).await?;
    let stored = Chart::find_by_pk(saved.id).or_fail().exec(&db).await?;
    assert_eq!((saved.pages, stored.title.as_str(), stored.pages), (7, "b", 7));
    assert_eq!(told.lock().map(|told| told.clone()).unwrap_or_default(), [Some(serde_json::to_value(&stored)?)]);
    assert_eq!(log.lock().map(|log| log.clone()).unwrap_or_default(), [7]);
    // Many at once.
    let mut edits = Vec::new();
    for title in ["c", "d"] {
        edits.push(draft!(Chart { title }).create(&db).await?.edit());
    }
    Chart::update_all().set(Chart::PAGES, 9).every_row().exec(&db).await?;
    told.lock().map(|mut told| told.clear()).ok();
    edits.iter_mut().for_each(|edit| edit.title.push('!'));
    edits.save(&db).await?;
    let stored = Chart::find_all().filter(Chart::TITLE.ends_with("!")).order_by(Chart::ID.asc()).exec(&db).await?;
    assert!(stored.len() == 2 && stored.iter().all(|chart| chart.pages == 9), "{stored:?}");
    let stored = stored.iter().map(|chart| serde_json::to_value(chart).map(Some)).collect::<serde_json::Result<Vec<_>>>()?;
    assert_eq!(told.lock().map(|told| told.clone()).unwrap_or_default(), stored);
    Ok(())
}
