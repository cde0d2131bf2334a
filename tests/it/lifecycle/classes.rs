//! The four classes of hooks: veto, in the transaction, observers, after the commit.

use sequor::prelude::*;
use sequor::{AnyChange, HookFn, HookKind, HookRegistry, HookSubject, Operation, SkipHooks};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "patients", paranoid)]
pub struct Patient {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(min = 1, max = 40)))]
    pub name: String,
    #[field(default = 0)]
    pub visits: i32,
    pub deleted_at: Option<DateTime<Utc>>,
}

fn refusing(fired: Arc<AtomicU32>) -> HookFn {
    Arc::new(move |_subject, _cx| {
        fired.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Err(Error::usage("vetoed")) })
    })
}

async fn table(db: &Db) -> sequor::Result<Vec<Patient>> {
    Patient::find_all().with_deleted().order_by(Patient::ID.asc()).exec(db).await
}

/// Every write there is, each on rows of its own; gives what each of them said.
async fn every_write(db: &Db, [kept, gone]: [&Patient; 2]) -> Vec<sequor::Result<()>> {
    let mut edit = kept.clone().edit();
    edit.visits += 1;
    let by_id = || Patient::ID.eq(kept.id);
    vec![
        draft!(Patient { name: "new" }).create(db).await.map(drop),
        edit.save(db).await.map(drop),
        kept.destroy(db).await.map(drop),
        gone.restore(db).await.map(drop),
        Patient::bulk_create(vec![draft!(Patient { name: "b1" }), draft!(Patient { name: "b2" })]).exec(db).await.map(drop),
        Patient::update_all().set(Patient::VISITS, 9).filter(by_id()).exec(db).await.map(drop),
        Patient::update_all().set(Patient::VISITS, Patient::VISITS + 5).filter(by_id()).individual_hooks().exec(db).await.map(drop),
        Patient::destroy_all().filter(by_id()).exec(db).await.map(drop),
        Patient::restore_all().filter(Patient::ID.eq(gone.id)).exec(db).await.map(drop),
        Patient::upsert(draft!(Patient { name: "kept", visits: 77 })).exec(db).await.map(drop),
    ]
}

#[sequor::test(models(Patient))]
async fn a_veto_at_any_place_leaves_no_trace(db: Db) -> sequor::Result<()> {
    let kept = draft!(Patient { name: "kept" }).create(&db).await?;
    let gone = draft!(Patient { name: "gone" }).create(&db).await?;
    gone.destroy(&db).await?;
    let gone = Patient::find_by_pk(gone.id).with_deleted().or_fail().exec(&db).await?;
    for kind in HookKind::WRITES {
        let before = table(&db).await?;
        let fired = Arc::new(AtomicU32::new(0));
        db.hooks::<Patient>().on(*kind, "veto", refusing(fired.clone()));
        // Each write in a transaction that is undone, so that those which this hook does not concern leave nothing either.
        for number in 0..10 {
            let before_fired = fired.load(Ordering::SeqCst);
            let undone: sequor::Result<()> = db
                .transaction(async |tx| {
                    let said = one_write(tx, [&kept, &gone], number).await;
                    let hit = fired.load(Ordering::SeqCst) > before_fired;
                    assert_eq!(said.is_err(), hit, "{} at write {number}: {said:?}", kind.name());
                    Err(Error::usage("undone"))
                })
                .await;
            assert!(undone.is_err());
        }
        // And outside of one: what was vetoed is not there.
        let said = draft!(Patient { name: "veto" }).create(&db).await;
        if said.is_err() {
            assert_eq!(table(&db).await?, before, "{} left a trace", kind.name());
        } else {
            Patient::destroy_all().filter(Patient::NAME.eq("veto")).force().hooks(false).exec(&db).await?;
        }
        assert!(db.hooks::<Patient>().remove("veto"));
        let concerns_failures_only = false;
        assert!(fired.load(Ordering::SeqCst) > 0 || concerns_failures_only, "{} never fired", kind.name());
        assert_eq!(table(&db).await?, before, "{}", kind.name());
    }
    Ok(())
}

async fn one_write(db: &Db, [kept, gone]: [&Patient; 2], number: usize) -> sequor::Result<()> {
    let by_id = || Patient::ID.eq(kept.id);
    match number {
        0 => draft!(Patient { name: "new" }).create(db).await.map(drop),
        1 => {
            let mut edit = kept.clone().edit();
            edit.visits += 1;
            edit.save(db).await.map(drop)
        }
        2 => kept.destroy(db).await.map(drop),
        3 => gone.restore(db).await.map(drop),
        4 => Patient::bulk_create(vec![draft!(Patient { name: "b1" }), draft!(Patient { name: "b2" })]).exec(db).await.map(drop),
        5 => Patient::update_all().set(Patient::VISITS, 9).filter(by_id()).exec(db).await.map(drop),
        6 => Patient::update_all().set(Patient::VISITS, Patient::VISITS + 5).filter(by_id()).individual_hooks().exec(db).await.map(drop),
        7 => Patient::destroy_all().filter(by_id()).exec(db).await.map(drop),
        8 => Patient::restore_all().filter(Patient::ID.eq(gone.id)).exec(db).await.map(drop),
        _ => Patient::upsert(draft!(Patient { name: "kept", visits: 77 })).exec(db).await.map(drop),
    }
}

#[sequor::test(models(Patient))]
async fn listeners_of_changes_are_told_what_is_stored_whatever_after_hooks_show(db: Db) -> sequor::Result<()> {
    let kept = draft!(Patient { name: "kept" }).create(&db).await?;
    let gone = draft!(Patient { name: "gone" }).create(&db).await?;
    gone.destroy(&db).await?;
    let gone = Patient::find_by_pk(gone.id).with_deleted().or_fail().exec(&db).await?;
    let shown: HookFn = Arc::new(|subject, _cx| {
        let set = match subject {
            HookSubject::Row(row) => row.set("name", "set behind the statement").and_then(|()| row.set("visits", -1)),
            _ => Ok(()),
        };
        Box::pin(async move { set })
    });
    for kind in HookKind::WRITES.iter().filter(|kind| kind.name().starts_with("after_") && **kind != HookKind::AfterValidate) {
        db.hooks::<Patient>().on(*kind, "shown", shown.clone());
    }
    let told = Arc::new(AtomicU32::new(0));
    let heard = told.clone();
    db.hooks::<Patient>().after_change("compare", move |change, cx| {
        heard.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let (Some(after), operation) = (change.after()?, change.operation()) else { return Ok(()) };
            let stored = Patient::find_by_pk(after.id).with_deleted().or_fail().exec(cx.db()).await?;
            if after == stored { Ok(()) } else { Err(Error::usage(format!("{operation}: told {after:?}, stored is {stored:?}"))) }
        })
    });
    for done in every_write(&db, [&kept, &gone]).await {
        done?;
    }
    let mut both: Vec<_> =
        Patient::find_all().filter(Patient::NAME.starts_with("b")).exec(&db).await?.into_iter().map(Patient::edit).collect();
    for (number, edit) in both.iter_mut().enumerate() {
        edit.name = format!("a{number}");
    }
    both.save(&db).await?;
    Patient::bulk_create(vec![draft!(Patient { name: "c1" }), draft!(Patient { name: "c2" })]).individual_hooks().exec(&db).await?;
    let mut edit = Patient::find_by_pk(gone.id).or_fail().exec(&db).await?.edit();
    edit.name = "never stored".to_owned();
    edit.visits += 3;
    let saved = edit.save_fields(Patient::VISITS, &db).await?;
    assert_eq!(saved.name, "set behind the statement");
    assert_eq!(Patient::find_by_pk(gone.id).or_fail().exec(&db).await?.name, "gone");
    assert!(told.load(Ordering::SeqCst) == 12, "{told:?}");
    Ok(())
}

#[sequor::test(models(Patient))]
async fn the_deletion_of_a_row_that_others_changed_tells_it_as_it_is_stored(db: Db) -> sequor::Result<()> {
    type Told = Vec<(Operation, Option<Patient>, Option<Patient>, Vec<String>)>;
    let told: Arc<Mutex<Told>> = Arc::default();
    let log = told.clone();
    db.hooks::<Patient>().after_change("log", move |change, _cx| {
        let changed = change.changed().into_iter().map(ToString::to_string).collect();
        let (before, after) = (change.before().ok().flatten(), change.after().ok().flatten());
        log.lock().map(|mut log| log.push((change.operation(), before, after, changed))).ok();
        Box::pin(async { Ok(()) })
    });
    let seen: Arc<Mutex<Vec<i32>>> = Arc::default();
    let shown = seen.clone();
    db.hooks::<Patient>().after_destroy("look", move |patient, _cx| {
        shown.lock().map(|mut shown| shown.push(patient.visits)).ok();
        Box::pin(async { Ok(()) })
    });
    let all = |told: &Mutex<Told>| told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default();
    for force in [false, true] {
        let loaded = draft!(Patient { name: "a" }).create(&db).await?;
        Patient::update_all().set(Patient::VISITS, 7).filter(Patient::ID.eq(loaded.id)).exec(&db).await?;
        let stored = Patient::find_by_pk(loaded.id).or_fail().exec(&db).await?;
        all(&told);
        if force {
            loaded.force_destroy(&db).await?;
        } else {
            loaded.destroy(&db).await?;
        }
        let now = Patient::find_by_pk(loaded.id).with_deleted().exec(&db).await?;
        let changed = if force { vec!["id", "name", "visits", "deleted_at"] } else { vec!["deleted_at"] };
        let said = all(&told);
        assert_eq!(said.iter().map(|line| (line.0, &line.1, &line.2)).collect::<Vec<_>>(), [(Operation::Destroy, &Some(stored), &now)]);
        if !force {
            assert_eq!(said[0].3, changed);
            // And back, by a copy that knows nothing of it either.
            let gone = now.clone();
            Patient::update_all().set(Patient::VISITS, 8).filter(Patient::ID.eq(loaded.id)).with_deleted().exec(&db).await?;
            let stored = Patient::find_by_pk(loaded.id).with_deleted().exec(&db).await?;
            all(&told);
            if let Some(gone) = gone {
                gone.restore(&db).await?;
            }
            let now = Patient::find_by_pk(loaded.id).exec(&db).await?;
            let said = all(&told);
            assert_eq!(said.iter().map(|line| (line.0, &line.1, &line.2)).collect::<Vec<_>>(), [(Operation::Restore, &stored, &now)]);
            assert_eq!(said[0].3, changed);
            Patient::destroy_all().filter(Patient::ID.eq(loaded.id)).force().hooks(false).exec(&db).await?;
        }
    }
    assert_eq!(seen.lock().map(|seen| seen.clone()).unwrap_or_default(), [7, 7]);
    Ok(())
}

#[sequor::test(models(Patient))]
async fn an_after_hook_outside_a_transaction_undoes_its_own_write(db: Db) -> sequor::Result<()> {
    let kept = draft!(Patient { name: "kept" }).create(&db).await?;
    let gone = draft!(Patient { name: "gone" }).create(&db).await?;
    gone.destroy(&db).await?;
    let gone = Patient::find_by_pk(gone.id).with_deleted().or_fail().exec(&db).await?;
    let before = table(&db).await?;
    let after = HookKind::WRITES.iter().filter(|kind| kind.name().starts_with("after_") && **kind != HookKind::AfterValidate);
    for kind in after.clone() {
        db.hooks::<Patient>().on(*kind, "veto", refusing(Arc::default()));
    }
    for said in every_write(&db, [&kept, &gone]).await {
        assert!(said.is_err());
        assert_eq!(table(&db).await?, before);
    }
    Ok(())
}

#[sequor::test(models(Patient))]
async fn a_hook_that_panics_is_an_error_and_undoes_the_write(db: Db) -> sequor::Result<()> {
    db.hooks::<Patient>().after_create("careless", |_patient, _cx| Box::pin(async { panic!("careless") }));
    let error = draft!(Patient { name: "a" }).create(&db).await.err();
    assert!(matches!(&error, Some(Error::Hook { hook, .. }) if hook == "careless"), "{error:?}");
    assert!(db.hooks::<Patient>().remove("careless"));
    db.hooks::<Patient>().before_create("at-once", |_patient, _cx| panic!("at once"));
    assert!(matches!(draft!(Patient { name: "a" }).create(&db).await, Err(Error::Hook { .. })));
    assert!(db.hooks::<Patient>().remove("at-once"));
    assert_eq!(table(&db).await?, []);
    draft!(Patient { name: "a" }).create(&db).await?;
    Ok(())
}

#[sequor::test(models(Patient))]
async fn hooks_that_call_each_other_end_at_sixteen_with_their_chain(db: Db) -> sequor::Result<()> {
    db.hooks::<Patient>().after_create("again", |patient, cx| {
        let name = format!("{}x", patient.name);
        Box::pin(async move { draft!(Patient { name: name }).create(cx.db()).await.map(drop) })
    });
    let error = draft!(Patient { name: "a" }).create(&db).await.err();
    let text = error.map(|error| format!("{error:#} {error:?}")).unwrap_or_default();
    assert_eq!(text.matches("Patient.after_create").count() % 17, 0, "{text}");
    assert!(text.contains("Patient.after_create → Patient.after_create"), "{text}");
    assert_eq!(table(&db).await?, []);
    Ok(())
}

#[sequor::test(models(Patient))]
async fn a_hook_on_another_connection_is_told_and_does_not_hang(db: Db) -> sequor::Result<()> {
    let other = db.clone();
    db.hooks::<Patient>().after_update("elsewhere", move |patient, _cx| {
        let (other, id) = (other.clone(), patient.id);
        Box::pin(async move { Patient::update_all().set(Patient::VISITS, 5).filter(Patient::ID.eq(id)).exec(&other).await.map(drop) })
    });
    let mut edit = draft!(Patient { name: "a" }).create(&db).await?.edit();
    edit.visits = 1;
    let begun = Instant::now();
    let error = edit.save(&db).await.err();
    assert!(begun.elapsed() < Duration::from_secs(20));
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("transaction"), "{text}");
    assert_eq!(table(&db).await?[0].visits, 0);
    Ok(())
}

#[sequor::test(models(Patient))]
async fn observers_change_no_outcome_and_are_counted(db: Db) -> sequor::Result<()> {
    let (send, receive) = std::sync::mpsc::channel();
    let send = Mutex::new(send);
    db.observe("metrics", move |change: &AnyChange| {
        send.lock().map(|send| send.send(change.operation()).ok()).ok();
    });
    db.observe("careless", |_change| panic!("careless"));
    let undone: sequor::Result<()> = db
        .transaction(async |tx| {
            draft!(Patient { name: "undone" }).create(tx).await?;
            Err(Error::usage("undone"))
        })
        .await;
    assert!(undone.is_err());
    draft!(Patient { name: "a" }).create(&db).await?;
    let told = tokio::task::spawn_blocking(move || receive.recv_timeout(Duration::from_secs(30))).await;
    assert!(matches!(told, Ok(Ok(sequor::Operation::Create))), "{told:?}");
    while db.hook_failures() == 0 {
        tokio::task::yield_now().await;
    }
    // What was rolled back is not observed.
    assert_eq!(db.hook_failures(), 1);
    assert!(db.unobserve("careless") && db.unobserve("metrics") && !db.unobserve("metrics"));
    Ok(())
}

#[sequor::test(models(Patient))]
async fn after_commit_never_turns_a_commit_into_an_error(db: Db) -> sequor::Result<()> {
    db.global_hooks().after_commit("fails", |_change, _cx| Box::pin(async { Err(Error::usage("too late")) }));
    db.global_hooks().after_commit("panics", |_change, _cx| Box::pin(async { panic!("too late") }));
    let patient = db.transaction(async |tx| draft!(Patient { name: "a" }).create(tx).await).await?;
    assert_eq!(table(&db).await?, [patient]);
    assert_eq!(db.hook_failures(), 2);
    Ok(())
}

#[sequor::test(models(Patient))]
async fn hooks_after_a_commit_are_all_called_before_the_write_is_done(db: Db) -> sequor::Result<()> {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    db.global_hooks().after_commit("fails", |_change, _cx| Box::pin(async { Err(Error::usage("too late")) }));
    let log = told.clone();
    db.global_hooks().after_commit("log", move |change: &AnyChange, _cx| {
        log.lock().map(|mut log| log.push(change.operation().to_string())).ok();
        Box::pin(async { Ok(()) })
    });
    let patient = draft!(Patient { name: "a" }).create(&db).await?;
    patient.increment(Patient::VISITS, 1, &db).await?;
    db.transaction(async |tx| patient.destroy(tx).await).await?;
    assert_eq!(told.lock().map(|told| told.clone()).unwrap_or_default(), ["create", "update", "destroy"]);
    assert_eq!(db.hook_failures(), 3);
    Ok(())
}

#[sequor::test(models(Patient))]
async fn hooks_after_a_commit_that_write_end_at_sixteen_too(db: Db) -> sequor::Result<()> {
    db.global_hooks().after_commit("again", |change: &AnyChange, cx| {
        let name = change.after().and_then(|row| row["name"].as_str().map(|name| format!("{name}x"))).unwrap_or_default();
        Box::pin(async move { draft!(Patient { name }).create(cx.db()).await.map(drop) })
    });
    draft!(Patient { name: "a" }).create(&db).await?;
    assert_eq!((table(&db).await?.len(), db.hook_failures()), (17, 1));
    db.transaction(async |tx| draft!(Patient { name: "b" }).create(tx).await).await?;
    assert_eq!((table(&db).await?.len(), db.hook_failures()), (34, 2));
    // And where each of these writes is a transaction: the last one is undone, because the hook in it would be the seventeenth.
    db.hooks::<Patient>().after_create("nothing", |_patient, _cx| Box::pin(async { Ok(()) }));
    draft!(Patient { name: "c" }).create(&db).await?;
    assert_eq!((table(&db).await?.len(), db.hook_failures()), (50, 3));
    Ok(())
}

#[sequor::test(models(Patient))]
async fn changes_of_a_savepoint_that_was_undone_are_never_told(db: Db) -> sequor::Result<()> {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = told.clone();
    db.global_hooks().after_commit("log", move |change, _cx| {
        let name = change.after().and_then(|row| row["name"].as_str().map(str::to_owned)).unwrap_or_default();
        log.lock().map(|mut log| log.push(name)).ok();
        Box::pin(async { Ok(()) })
    });
    db.transaction(async |tx| {
        draft!(Patient { name: "outer" }).create(tx).await?;
        let undone: sequor::Result<()> = tx
            .transaction(async |inner| {
                draft!(Patient { name: "undone" }).create(inner).await?;
                inner.transaction(async |deep| draft!(Patient { name: "deep" }).create(deep).await).await?;
                Err(Error::usage("undone"))
            })
            .await;
        assert!(undone.is_err());
        tx.transaction(async |inner| draft!(Patient { name: "inner" }).create(inner).await).await?;
        assert!(told.lock().is_ok_and(|told| told.is_empty()));
        Ok(())
    })
    .await?;
    assert_eq!(told.lock().map(|told| told.clone()).unwrap_or_default(), ["outer", "inner"]);
    Ok(())
}

#[sequor::test(models(Patient))]
async fn hooks_are_left_out_per_call_by_name_or_altogether(db: Db) -> sequor::Result<()> {
    for name in ["double", "triple"] {
        let factor = if name == "double" { 2 } else { 3 };
        db.hooks::<Patient>().before_create(name, move |draft, _cx| {
            Box::pin(async move {
                let visits = draft.get(Patient::VISITS).copied().unwrap_or(1);
                draft.set(Patient::VISITS, visits.max(1) * factor);
                Ok(())
            })
        });
    }
    let all = draft!(Patient { name: "a" }).create(&db).await?;
    let one = draft!(Patient { name: "b" }).create_with(SkipHooks::named(["double"])).exec(&db).await?;
    let kind = draft!(Patient { name: "c" }).create_with(SkipHooks::named(["before_create"])).exec(&db).await?;
    assert_eq!((all.visits, one.visits, kind.visits), (6, 3, 0));
    let error = HookKind::require("before_creat").err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("before_create,"), "{error}");
    Ok(())
}

#[sequor::test(models(Patient))]
async fn validation_failed_may_put_another_error_in_its_place(db: Db) -> sequor::Result<()> {
    db.hooks::<Patient>().validation_failed("kind", |error, _cx| {
        *error = Error::usage("give the patient a name");
        Box::pin(async { Ok(()) })
    });
    let error = draft!(Patient { name: "" }).create(&db).await.err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("give the patient a name"));
    Ok(())
}
