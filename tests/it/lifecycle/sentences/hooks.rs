//! What the guide says of hooks around reading and of listeners, where no other test holds it.

use super::{Arc, Guest, Mutex};
use sequor::prelude::*;
use sequor::{AnyChange, SkipHooks};

async fn two(db: &Db) -> sequor::Result<(Guest, Guest)> {
    Ok((draft!(Guest { name: "ann", phone: "1" }).create(db).await?, draft!(Guest { name: "bo", phone: "2" }).create(db).await?))
}

#[sequor::test(models(Guest))]
async fn finder_hooks_change_the_query_wherever_rows_are_found(db: Db) -> sequor::Result<()> {
    let (ann, bo) = two(&db).await?;
    let kinds = ["before_find", "before_find_after_expand_include_all", "before_find_after_options"];
    for kind in kinds {
        let hooks = db.hooks::<Guest>();
        let only = |find: &mut sequor::Find<Guest>| *find = find.clone().filter(Guest::NAME.eq("bo"));
        match kind {
            "before_find" => hooks.before_find("bo", move |find, _cx| {
                only(find);
                Box::pin(async { Ok(()) })
            }),
            "before_find_after_options" => hooks.before_find_after_options("bo", move |find, _cx| {
                only(find);
                Box::pin(async { Ok(()) })
            }),
            _ => hooks.before_find_after_expand_include_all("bo", move |find, _cx| {
                only(find);
                Box::pin(async { Ok(()) })
            }),
        }
        let names: Vec<String> = Guest::find_all().exec(&db).await?.into_iter().map(|guest| guest.name).collect();
        assert_eq!(names, ["bo"], "{kind}");
        assert_eq!(Guest::find_one().or_fail().exec(&db).await?.id, bo.id, "{kind}");
        assert!(Guest::find_by_pk(ann.id).exec(&db).await?.is_none(), "{kind}");
        assert!(Guest::find_by_pk(ann.id).hooks(false).exec(&db).await?.is_some(), "{kind}");
        assert!(db.hooks::<Guest>().remove("bo"));
        assert_eq!(Guest::find_all().exec(&db).await?.len(), 2, "{kind}");
    }
    db.hooks::<Guest>().before_count("bo", |find, _cx| {
        *find = find.clone().filter(Guest::NAME.eq("bo"));
        Box::pin(async { Ok(()) })
    });
    assert_eq!(Guest::count().exec(&db).await?, 1);
    let all = Guest::find_and_count_all().exec(&db).await?;
    assert_eq!((all.rows.len(), all.count), (2, 1), "a count has a hook of its own");
    Ok(())
}

#[sequor::test(models(Guest))]
async fn after_find_gets_whole_rows_and_after_read_all(db: Db) -> sequor::Result<()> {
    two(&db).await?;
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    let (found, read) = (told.clone(), told.clone());
    db.hooks::<Guest>().after_find("found", move |rows, _cx| {
        found.lock().map(|mut told| told.push(format!("found {}", rows.len()))).ok();
        Box::pin(async { Ok(()) })
    });
    db.global_hooks().after_read("read", move |rows, _cx| {
        read.lock().map(|mut told| told.push(format!("read {}", rows.keys().len()))).ok();
        Box::pin(async { Ok(()) })
    });
    let taken = || told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default();
    Guest::find_all().exec(&db).await?;
    assert_eq!(taken(), ["found 2", "read 2"]);
    let _: Vec<String> = Guest::find_all().select(Guest::NAME).exec(&db).await?;
    assert_eq!(taken(), ["read 2"]);
    let mut rows = Guest::find_all().stream(&db);
    while rows.next().await.transpose()?.is_some() {}
    assert_eq!(taken(), ["read 2"]);
    let ann = Guest::find_one().filter(Guest::NAME.eq("ann")).or_fail().exec(&db).await?;
    assert_eq!(taken(), ["found 1", "read 1"]);
    ann.reload(&db).await?;
    assert!(taken().contains(&"read 1".to_owned()), "reload");
    Guest::find_or_create(Guest::NAME.eq("ann"), draft!(Guest { name: "ann", phone: "1" })).exec(&db).await?;
    assert!(taken().contains(&"read 1".to_owned()), "find_or_create");
    Ok(())
}

#[sequor::test(models(Guest))]
async fn no_option_leaves_a_listener_out(db: Db) -> sequor::Result<()> {
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    for (listener, name) in [("after_change", "c"), ("after_commit", "d")] {
        let told = told.clone();
        let note = move |change: &AnyChange| {
            told.lock().map(|mut told| told.push(format!("{listener} {}", change.operation()))).ok();
        };
        match listener {
            "after_change" => db.global_hooks().after_change(name, move |change: &AnyChange, _cx| {
                note(change);
                Box::pin(async { Ok(()) })
            }),
            _ => db.global_hooks().after_commit(name, move |change: &AnyChange, _cx| {
                note(change);
                Box::pin(async { Ok(()) })
            }),
        }
    }
    let skipped = || SkipHooks::named(["c", "d", "after_change", "after_commit"]);
    let bad = || Error::usage("a hook ran");
    db.hooks::<Guest>().before_save("never", move |_, _| Box::pin(async move { Err(bad()) }));
    db.hooks::<Guest>().before_bulk_update("never", move |_, _| Box::pin(async move { Err(bad()) }));
    db.hooks::<Guest>().before_bulk_destroy("never", move |_, _| Box::pin(async move { Err(bad()) }));
    db.hooks::<Guest>().before_bulk_create("never", move |_, _| Box::pin(async move { Err(bad()) }));
    db.hooks::<Guest>().before_upsert("never", move |_, _| Box::pin(async move { Err(bad()) }));
    let heard = |operation: &str, rows: usize| {
        let mut told = told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default();
        told.sort();
        let mut expected: Vec<String> =
            ["after_change", "after_commit"].iter().flat_map(|kind| vec![format!("{kind} {operation}"); rows]).collect();
        expected.sort();
        assert_eq!(told, expected);
    };
    let ann = draft!(Guest { name: "ann", phone: "1" }).hooks(false).create(&db).await?;
    heard("create", 1);
    assert!(draft!(Guest { name: "bo", phone: "1" }).create_with(skipped()).exec(&db).await.is_err(), "the other hook is not left out");
    heard("create", 0);
    Guest::bulk_create([draft!(Guest { name: "bo", phone: "1" }), draft!(Guest { name: "cy", phone: "1" })]).hooks(false).exec(&db).await?;
    heard("create", 2);
    Guest::upsert(draft!(Guest { id: ann.id, name: "anna", phone: "1" })).hooks(false).exec(&db).await?;
    heard("update", 1);
    Guest::update_all().set(Guest::PHONE, "3").every_row().hooks(false).exec(&db).await?;
    heard("update", 3);
    Guest::destroy_all().filter(Guest::NAME.eq("bo")).hooks(false).exec(&db).await?;
    heard("destroy", 1);
    Guest::restore_all().hooks(false).exec(&db).await?;
    heard("restore", 1);
    Guest::destroy_all().every_row().force().hooks(false).exec(&db).await?;
    heard("destroy", 3);
    Ok(())
}

#[sequor::test]
async fn run_time_hooks_have_both_names_and_are_removed(db: Db) -> sequor::Result<()> {
    use sequor::HookRegistry;
    let note = db
        .define(ModelDef::from_json(json!({ "name": "Note", "attributes": { "title": "STRING" }, "options": { "timestamps": false } }))?)?;
    note.sync(SyncMode::Create).await?;
    note.hooks().before_create("shout", |row, _cx| {
        let title = row.get("title").ok().flatten().map(|title| format!("{title:?}"));
        Box::pin(async move {
            if title.is_some_and(|title| title.contains("quiet")) {
                return Err(Error::usage("too quiet"));
            }
            row.set("title", "LOUD")
        })
    });
    assert_eq!(note.create(json!({ "title": "a" })).exec(&db).await?.get("title")?, "LOUD");
    assert!(note.create(json!({ "title": "quiet" })).exec(&db).await.is_err());
    assert_eq!(note.create_with(json!({ "title": "quiet" }), json!({ "hooks": false })).exec(&db).await?.get("title")?, "quiet");
    // `bulk_create` has hooks of one row with individualHooks alone.
    let rows = note.bulk_create(json!([{ "title": "b" }])).exec(&db).await?;
    assert_eq!(rows[0].get("title")?, "b");
    let rows = note.bulk_create_with(json!([{ "title": "b" }]), json!({ "individualHooks": true })).exec(&db).await?;
    assert_eq!(rows[0].get("title")?, "LOUD");
    assert!(note.hooks().remove("shout"));
    assert!(!note.hooks().remove("shout"));
    assert_eq!(note.create(json!({ "title": "a" })).exec(&db).await?.get("title")?, "a");
    let unknown = note.hooks().on_named("beforeCrate", "x", Arc::new(|_, _| Box::pin(async { Ok(()) })));
    assert!(unknown.is_err_and(|error| error.to_string().contains("beforeCreate") || error.to_string().contains("before_create")));
    Ok(())
}
