//! Tour section 6: declared hooks, run-time hooks, validation, scopes.

use sequor::prelude::*;
use sequor::{AnyChange, Change};
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "members", hooks, default_scope = "Member::active")]
pub struct Member {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(set_with = lower)]
    pub email: String,
    #[field(default = 0)]
    pub points: i32,
    pub blocked_by: Option<i64>,
}

fn lower(text: String) -> String {
    text.to_lowercase()
}

impl Member {
    pub fn active(q: Find<Member>) -> Find<Member> {
        q.filter(Member::BLOCKED_BY.is_null())
    }

    pub fn with_more_than(points: i32) -> impl Scope<Member> {
        move |q| q.filter(Member::POINTS.gt(points))
    }
}

impl Hooks for Member {
    async fn before_create(draft: &mut Draft<Member>, _cx: &HookContext<'_>) -> Result<()> {
        if draft.get(Member::EMAIL).is_some_and(|email| email.ends_with("@spam.io")) {
            return Err(Error::usage("no spam"));
        }
        draft.set(Member::POINTS, 10);
        Ok(())
    }

    async fn before_update(member: &mut Edit<Member>, _cx: &HookContext<'_>) -> Result<()> {
        member.points += 1;
        Ok(())
    }
}

#[sequor::test(models(Member))]
async fn declared_hooks_change_and_refuse(db: Db) -> sequor::Result<()> {
    let member = draft!(Member { email: "ANN@x.io" }).create(&db).await?;
    assert_eq!((member.email.as_str(), member.points), ("ann@x.io", 10));
    assert!(draft!(Member { email: "a@spam.io" }).create(&db).await.is_err());
    assert_eq!(Member::count().exec(&db).await?, 1);
    let mut edit = member.edit();
    edit.email = "Bo@x.io".into();
    let member = edit.save(&db).await?;
    assert_eq!((member.email.as_str(), member.points), ("bo@x.io", 11));
    Ok(())
}

#[sequor::test(models(Member))]
async fn scopes_compose_with_and(db: Db) -> sequor::Result<()> {
    draft!(Member { email: "a@x.io" }).create(&db).await?;
    draft!(Member { email: "b@x.io", blocked_by: 1 }).create(&db).await?;
    assert_eq!(Member::count().exec(&db).await?, 1);
    assert_eq!(Member::count().unscoped().exec(&db).await?, 2);
    assert_eq!(Member::find_all().scope(Member::with_more_than(5)).exec(&db).await?.len(), 1);
    assert_eq!(Member::find_all().scope(Member::with_more_than(50)).exec(&db).await?.len(), 0);
    Ok(())
}

#[sequor::test(models(Member))]
async fn one_global_hook_sees_every_change(db: Db) -> sequor::Result<()> {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = seen.clone();
    db.global_hooks().after_change("log", move |change: &AnyChange, _cx| {
        let line = format!("{} {} {:?}", change.model(), change.operation().as_str(), change.changed());
        log.lock().map(|mut log| log.push(line)).ok();
        Box::pin(async move { Ok(()) })
    });
    db.hooks::<Member>().before_destroy("keep-ann", |member, _cx| {
        Box::pin(async move { if member.email == "ann@x.io" { Err(Error::usage("ann stays")) } else { Ok(()) } })
    });
    let ann = draft!(Member { email: "ann@x.io" }).create(&db).await?;
    let bo = draft!(Member { email: "bo@x.io" }).create(&db).await?;
    assert!(ann.destroy(&db).await.is_err());
    bo.destroy(&db).await?;
    Member::update_all().set(Member::POINTS, 99).filter(Member::EMAIL.eq("ann@x.io")).exec(&db).await?;
    let lines = seen.lock().map(|lines| lines.clone()).unwrap_or_default();
    assert_eq!(lines.len(), 4);
    assert!(lines[3].starts_with("Member update"), "{lines:?}");
    assert!(lines[3].contains("points"), "{lines:?}");
    assert!(db.hooks::<Member>().remove("keep-ann"));
    ann.destroy(&db).await?;
    Ok(())
}

#[sequor::test(models(Member))]
async fn after_commit_runs_only_when_durable(db: Db) -> sequor::Result<()> {
    let count: Arc<Mutex<u32>> = Arc::default();
    let (inner, outer) = (count.clone(), count.clone());
    let failed: Result<()> = db
        .transaction(async |tx| {
            let inner = inner.clone();
            tx.after_commit(async move {
                inner.lock().map(|mut count| *count += 1).ok();
            });
            Err(Error::usage("no"))
        })
        .await;
    assert!(failed.is_err());
    db.transaction(async |tx| {
        let inner = outer.clone();
        tx.after_commit(async move {
            inner.lock().map(|mut count| *count += 10).ok();
        });
        Ok(())
    })
    .await?;
    assert_eq!(count.lock().map(|count| *count).ok(), Some(10));
    let _: Option<Change<Member>> = None;
    Ok(())
}
