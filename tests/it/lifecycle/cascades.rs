//! Cascades by Sequor and by the database: hooks see every row, deep trees take few statements, restoring is symmetrical.

use sequor::prelude::*;
use sequor::{AnyChange, Operation};
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "folders", paranoid)]
pub struct Folder {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    pub parent_id: Option<i64>,
    pub deleted_at: Option<DateTime<Utc>>,
    #[relation(foreign_key = "parent_id", dependent = "destroy")]
    pub children: HasMany<Folder>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "wards")]
pub struct Ward {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "beds")]
pub struct Bed {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub ward_id: i64,
    #[relation(on_delete = "cascade")]
    pub ward: BelongsTo<Ward>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "pillows")]
pub struct Pillow {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub bed_id: i64,
    pub ward_id: Option<i64>,
    #[relation(on_delete = "cascade")]
    pub bed: BelongsTo<Bed>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "nurses")]
pub struct Nurse {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub ward_id: Option<i64>,
    #[relation(on_delete = "set null")]
    pub ward: BelongsTo<Option<Ward>>,
}

fn recorded(db: &Db) -> Arc<Mutex<Vec<(String, Operation, Vec<String>)>>> {
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let log = seen.clone();
    db.global_hooks().after_change("log", move |change: &AnyChange, _cx| {
        let changed = change.changed().iter().map(ToString::to_string).collect();
        log.lock().map(|mut log| log.push((change.model().to_owned(), change.operation(), changed))).ok();
        Box::pin(async { Ok(()) })
    });
    seen
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "shelves")]
pub struct Shelf {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub parent_id: Option<i64>,
    #[relation(dependent = "destroy", foreign_key = "parent_id")]
    pub shelves: HasMany<Shelf>,
    #[relation(foreign_key = "shelf_id")]
    pub jars: HasMany<Jar>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "jars")]
pub struct Jar {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub shelf_id: i64,
    #[relation(on_delete = "cascade")]
    pub shelf: BelongsTo<Shelf>,
}

#[sequor::test(models(Shelf, Jar))]
async fn dependents_and_what_the_database_removes_with_them_are_told(db: Db) -> sequor::Result<()> {
    let shelf = |number: i64| draft!(Shelf { parent_id: (number > 1).then_some(number / 2) });
    Shelf::bulk_create((1..=15).map(shelf).collect::<Vec<_>>()).exec(&db).await?;
    Jar::bulk_create((1..=15).map(|shelf_id| draft!(Jar { shelf_id })).collect::<Vec<_>>()).exec(&db).await?;
    db.hooks::<Shelf>()
        .after_destroy("look", |shelf, _cx| Box::pin(async move { if shelf.id > 1 { Ok(()) } else { Err(Error::usage("the first")) } }));
    let seen = recorded(&db);
    Shelf::find_by_pk(2).or_fail().exec(&db).await?.destroy(&db).await?;
    let seen = seen.lock().map(|seen| seen.clone()).unwrap_or_default();
    let of = |model: &str| seen.iter().filter(|(name, operation, _)| name == model && *operation == Operation::Destroy).count();
    assert_eq!((of("Shelf"), of("Jar"), seen.len()), (7, 7, 14), "{seen:?}");
    assert_eq!((Shelf::count().exec(&db).await?, Jar::count().exec(&db).await?), (8, 8));
    Ok(())
}

#[sequor::test(models(Ward, Bed, Pillow, Nurse))]
async fn a_cascade_of_the_database_tells_every_row(db: Db) -> sequor::Result<()> {
    let ward = draft!(Ward { name: "A" }).create(&db).await?;
    let other = draft!(Ward { name: "B" }).create(&db).await?;
    for ward in [&ward, &other] {
        let bed = draft!(Bed { ward_id: ward.id }).create(&db).await?;
        draft!(Pillow { bed_id: bed.id }).create(&db).await?;
        draft!(Nurse { ward_id: ward.id }).create(&db).await?;
    }
    let seen = recorded(&db);
    let expected = |seen: &[(String, Operation, Vec<String>)]| {
        let mut lines: Vec<_> = seen.iter().map(|(model, operation, _)| format!("{model} {}", operation.as_str())).collect();
        lines.sort();
        lines
    };
    assert_eq!(ward.destroy(&db).await?, 1);
    let told = seen.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default();
    assert_eq!(expected(&told), ["Bed destroy", "Nurse update", "Pillow destroy", "Ward destroy"]);
    let nurse = told.iter().find(|(model, ..)| model == "Nurse");
    assert_eq!(nurse.map(|(_, _, changed)| changed.join(",")).as_deref(), Some("ward_id"));
    assert_eq!(Ward::destroy_all().filter(Ward::NAME.eq("B")).exec(&db).await?, 1);
    let told = seen.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default();
    assert_eq!(expected(&told), ["Bed destroy", "Nurse update", "Pillow destroy", "Ward destroy"]);
    assert_eq!((Bed::count().exec(&db).await?, Pillow::count().exec(&db).await?, Nurse::count().exec(&db).await?), (0, 0, 2));
    Ok(())
}

/// The table of [`Visitor`].
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "visitors")]
pub struct Caller {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub ward_id: Option<i64>,
    #[relation(on_delete = "set null")]
    pub ward: BelongsTo<Option<Ward>>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "visitors", register = false)]
pub struct Visitor {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub ward_id: Option<i64>,
    /// No nurse has a `visitor_id`.
    pub nurses: HasMany<Nurse>,
    #[relation(on_delete = "set null")]
    pub ward: BelongsTo<Option<Ward>>,
}

#[sequor::test(models(Ward, Bed, Pillow, Nurse, Caller))]
async fn a_relation_that_leads_nowhere_silences_no_cascade(db: Db) -> sequor::Result<()> {
    db.registry().remove("Caller");
    <Visitor as sequor::ModelList>::register(db.registry());
    let ward = draft!(Ward { name: "A" }).create(&db).await?;
    draft!(Bed { ward_id: ward.id }).create(&db).await?;
    draft!(Nurse { ward_id: ward.id }).create(&db).await?;
    draft!(Visitor { ward_id: ward.id }).create(&db).await?;
    let seen = recorded(&db);
    ward.destroy(&db).await?;
    let seen = seen.lock().map(|seen| seen.clone()).unwrap_or_default();
    let mut told: Vec<_> = seen.iter().map(|(model, operation, _)| format!("{model} {}", operation.as_str())).collect();
    told.sort();
    assert_eq!(told, ["Bed destroy", "Nurse update", "Visitor update", "Ward destroy"].map(str::to_owned));
    Ok(())
}

#[sequor::test(models(Ward, Bed, Pillow, Nurse))]
async fn a_deletion_that_is_undone_tells_nothing_after_the_commit(db: Db) -> sequor::Result<()> {
    let ward = draft!(Ward { name: "A" }).create(&db).await?;
    draft!(Bed { ward_id: ward.id }).create(&db).await?;
    let told: Arc<Mutex<u32>> = Arc::default();
    let log = told.clone();
    db.global_hooks().after_commit("log", move |_change, _cx| {
        log.lock().map(|mut log| *log += 1).ok();
        Box::pin(async { Ok(()) })
    });
    let undone: sequor::Result<()> = db
        .transaction(async |tx| {
            ward.destroy(tx).await?;
            Err(Error::usage("undone"))
        })
        .await;
    assert!(undone.is_err());
    db.transaction(async |tx| ward.destroy(tx).await).await?;
    assert_eq!(told.lock().map(|told| *told).ok(), Some(2));
    Ok(())
}

#[sequor::test(models(Ward, Bed, Pillow, Nurse))]
async fn increments_truncations_and_upserts_are_told(db: Db) -> sequor::Result<()> {
    let seen = recorded(&db);
    draft!(Ward { name: "A" }).create(&db).await?;
    Ward::upsert(draft!(Ward { id: 1, name: "B" })).exec(&db).await?;
    Nurse::bulk_create(vec![draft!(Nurse {}), draft!(Nurse {})]).exec(&db).await?;
    Nurse::truncate().exec(&db).await?;
    let told = seen.lock().map(|seen| seen.clone()).unwrap_or_default();
    let lines: Vec<_> = told.iter().map(|(model, operation, _)| format!("{model} {}", operation.as_str())).collect();
    assert_eq!(lines, ["Ward create", "Ward update", "Nurse create", "Nurse create", "Nurse destroy", "Nurse destroy"]);
    assert_eq!(Nurse::count().exec(&db).await?, 0);
    Ok(())
}

/// A tree of three levels below its root: 1 + 10 + 100 + .. rows.
async fn grow(db: &Db, widths: &[usize]) -> sequor::Result<Folder> {
    let root = draft!(Folder { name: "root" }).create(db).await?;
    let mut parents = vec![root.id];
    for (level, width) in widths.iter().enumerate() {
        let drafts = parents.iter().flat_map(|parent| {
            let parent = *parent;
            (0..*width).map(move |_| draft!(Folder { name: format!("level {level}"), parent_id: parent }))
        });
        parents = Folder::bulk_create(drafts.collect::<Vec<_>>()).exec(db).await?.into_iter().map(|folder| folder.id).collect();
    }
    Ok(root)
}

#[sequor::test(models(Folder))]
async fn a_tree_of_ten_thousand_rows_goes_and_comes_back_in_few_statements(db: Db) -> sequor::Result<()> {
    let root = grow(&db, &[9, 10, 110]).await?;
    let rows = 1 + 9 + 90 + 9_900;
    assert_eq!(Folder::count().exec(&db).await?, rows);
    // One look for the children of up to 1,000 rows of a level, and one update for them: (1 + 1 + 1 + 10) × 2.
    let before = db.expect_queries(26, async || root.destroy(&db).await).await?;
    assert_eq!(before, 1);
    assert_eq!(Folder::count().exec(&db).await?, 0);
    let root = Folder::find_by_pk(root.id).with_deleted().or_fail().exec(&db).await?;
    let root = db.expect_queries(26, async || root.restore(&db).await).await?;
    assert_eq!(Folder::count().exec(&db).await?, rows);
    root.force_destroy(&db).await?;
    assert_eq!(Folder::count().with_deleted().exec(&db).await?, 0);
    Ok(())
}

#[sequor::test(models(Folder))]
async fn a_deep_chain_does_not_exhaust_the_stack(db: Db) -> sequor::Result<()> {
    let root = grow(&db, &[1; 300]).await?;
    root.destroy(&db).await?;
    assert_eq!(Folder::count().exec(&db).await?, 0);
    Ok(())
}

#[sequor::test(models(Folder))]
async fn restoring_brings_back_what_went_with_it_and_a_cycle_ends(db: Db) -> sequor::Result<()> {
    let root = grow(&db, &[2, 2]).await?;
    let first = Folder::find_one().filter(Folder::PARENT_ID.eq(root.id)).order_by(Folder::ID.asc()).or_fail().exec(&db).await?;
    first.destroy(&db).await?;
    assert_eq!(Folder::count().exec(&db).await?, 4);
    let root = Folder::find_by_pk(root.id).or_fail().exec(&db).await?;
    root.destroy(&db).await?;
    assert_eq!(Folder::count().exec(&db).await?, 0);
    let root = Folder::find_by_pk(root.id).with_deleted().or_fail().exec(&db).await?;
    root.restore(&db).await?;
    // What was deleted before its parent stays deleted.
    assert_eq!(Folder::count().exec(&db).await?, 4);
    let root = Folder::find_by_pk(1).or_fail().exec(&db).await?;
    let mut edit = root.edit();
    let leaf = Folder::find_all().order_by(Folder::ID.desc()).limit(1).exec(&db).await?;
    edit.parent_id = Some(leaf[0].id);
    edit.save(&db).await?.destroy(&db).await?;
    assert_eq!(Folder::count().exec(&db).await?, 0);
    Ok(())
}
