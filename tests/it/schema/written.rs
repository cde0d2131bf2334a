//! Migrations beside plain SQL: written in Rust, run again when they change, and asked whether they did what they should.

use sequor::prelude::*;
use sequor::{Migration, MigrationEvent, MigrationState, MigrationStep};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

async fn first(db: &Db, sql: sequor::__private::RawSql) -> sequor::Result<i64> {
    Ok(db.query_as::<(i64,)>(sql).await?[0].0)
}

/// The fixture's first migration.
fn table() -> Migration {
    let text = include_str!("../../fixtures/people/20240101000000-people/up.sql");
    Migration::new("20240101000000-people").with("up.sql", text).with("down.sql", "DROP TABLE people;")
}

/// The table as the migrations of this file see it.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "people", register = false)]
struct Person {
    #[field(primary_key)]
    id: i32,
    name: String,
    first_name: Option<String>,
}

async fn ten_people(db: &Db) -> sequor::Result<()> {
    let people = (1..=10).map(|id| draft!(Person { id: id, name: format!("Ann {id}") })).collect::<Vec<_>>();
    Person::bulk_create(people).exec(db).await.map(drop)
}

#[sequor::test]
async fn a_folder_with_rust_and_views_is_embedded_and_runs_both_ways(db: Db) -> sequor::Result<()> {
    let migrator = Migrator::embedded(migrations!("fixtures/people"));
    migrator.to("20240101000000-people", &db).await?;
    ten_people(&db).await?;
    let plan = migrator.plan(&db).await?;
    assert_eq!(
        plan.iter().map(|one| (one.name.as_str(), one.code)).collect::<Vec<_>>(),
        [("20240102000000-split-names", true), ("names", false)]
    );
    assert_eq!(migrator.up(&db).await?.names(), ["20240102000000-split-names", "names"]);
    assert_eq!(first(&db, sql!("SELECT count(1) FROM names WHERE first_name = 'Ann' AND last_name = '7'")).await?, 1);
    assert!(migrator.up(&db).await?.names().is_empty());
    migrator.check(&db).await?;
    assert_eq!(migrator.verify(None, &db).await?, 1);
    db.execute(sql!("UPDATE people SET first_name = NULL WHERE id = 3")).await?;
    let error = migrator.verify(None, &db).await.unwrap_err().to_string();
    assert!(error.contains("20240102000000-split-names/verify.sql:1:1: question 1 of 1 is answered with no: SELECT count(1)"), "{error}");

    assert!(migrator.losses(1, &db).await?[0].to_string().contains("down.rs"));
    assert_eq!(migrator.down(&db).await?.names(), ["20240102000000-split-names"]);
    assert_eq!(first(&db, sql!("SELECT count(1) FROM people WHERE first_name IS NOT NULL")).await?, 0);
    // What was undone may have taken the view along: it is made again.
    assert_eq!(migrator.up(&db).await?.names(), ["20240102000000-split-names", "names"]);
    assert_eq!(migrator.down_all(&db).await?.names(), ["names", "20240102000000-split-names", "20240101000000-people"]);
    let error = migrator.baseline("names", &db).await.unwrap_err().to_string();
    assert!(error.contains("names is repeatable: it has no place in the order"), "{error}");
    Ok(())
}

#[sequor::test]
async fn a_program_without_the_function_says_which_one_has_it(db: Db) -> sequor::Result<()> {
    let migrator = Migrator::from_directory(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/people"))?;
    let error = migrator.up(&db).await.unwrap_err().to_string();
    assert!(error.contains("20240102000000-split-names/up.rs is written in Rust") && error.contains("src/bin/db.rs"), "{error}");
    assert_eq!(migrator.status(&db).await?[1].state, MigrationState::Pending);
    Ok(())
}

/// Names ten people in batches of three, and fails at one of them until it may go on.
fn naming(fails_at: &Arc<AtomicI64>, seen: &Arc<Mutex<Vec<i32>>>) -> impl Fn(MigrationStep) -> futures::Naming + Send + Sync + 'static {
    let (fails_at, seen) = (fails_at.clone(), seen.clone());
    move |step| {
        let (fails_at, seen) = (fails_at.clone(), seen.clone());
        Box::pin(async move {
            let each = |db: Db, people: Vec<Person>| {
                let (fails_at, seen) = (fails_at.clone(), seen.clone());
                async move {
                    for person in people {
                        if i64::from(person.id) == fails_at.load(Ordering::SeqCst) {
                            return Err(sequor::Error::usage("this one has no phone"));
                        }
                        seen.lock().unwrap().push(person.id);
                        let mut person = person.edit();
                        person.first_name = Some(person.name.clone());
                        person.save(&db).await?;
                    }
                    Ok(())
                }
            };
            step.batches(Person::find_all().filter(Person::FIRST_NAME.is_null()), 3, each).await.map(drop)
        })
    }
}

mod futures {
    pub type Naming = std::pin::Pin<Box<dyn Future<Output = sequor::Result<()>> + Send>>;
}

#[sequor::test]
async fn what_fails_in_rust_leaves_nothing_behind(db: Db) -> sequor::Result<()> {
    Migrator::new([table()]).up(&db).await?;
    ten_people(&db).await?;
    let (fails_at, seen) = (Arc::new(AtomicI64::new(5)), Arc::default());
    let migrator = Migrator::new([table(), Migration::rust("20240102000000-names", naming(&fails_at, &seen))]);
    let error = migrator.up(&db).await.unwrap_err().to_string();
    assert!(error.contains("20240102000000-names/up.rs: ") && error.contains("this one has no phone"), "{error}");
    assert_eq!(first(&db, sql!("SELECT count(1) FROM people WHERE first_name IS NOT NULL")).await?, 0);
    assert_eq!(migrator.status(&db).await?[1].state, MigrationState::Pending);
    fails_at.store(0, Ordering::SeqCst);
    migrator.up(&db).await?;
    assert_eq!(first(&db, sql!("SELECT count(1) FROM people WHERE first_name IS NOT NULL")).await?, 10);
    let error = migrator.down(&db).await.unwrap_err().to_string();
    assert!(error.contains("20240102000000-names/down.sql is missing"), "{error}");
    Ok(())
}

#[sequor::test]
async fn batches_go_on_behind_the_last_whole_one(db: Db) -> sequor::Result<()> {
    Migrator::new([table()]).up(&db).await?;
    ten_people(&db).await?;
    let (fails_at, seen) = (Arc::new(AtomicI64::new(8)), Arc::<Mutex<Vec<i32>>>::default());
    let told = Arc::<Mutex<Vec<(u64, u64)>>>::default();
    let listener = told.clone();
    let migrator = Migrator::new([table(), Migration::rust("20240102000000-names", naming(&fails_at, &seen)).no_transaction()]).on_event(
        move |event| {
            if let MigrationEvent::Progress { done, of, .. } = event {
                listener.lock().unwrap().push((*done, *of));
            }
        },
    );
    migrator.up(&db).await.unwrap_err();
    assert_eq!(first(&db, sql!("SELECT count(1) FROM people WHERE first_name IS NOT NULL")).await?, 6);
    let state = migrator.status(&db).await?[1].state.clone();
    let MigrationState::Failed { message, .. } = &state else { panic!("{state:?}") };
    assert!(message.contains("this one has no phone; 6 rows are done, and the next run goes on behind them"), "{message}");

    fails_at.store(0, Ordering::SeqCst);
    seen.lock().unwrap().clear();
    assert_eq!(migrator.up(&db).await?.names(), ["20240102000000-names"]);
    assert_eq!(*seen.lock().unwrap(), [7, 8, 9, 10]);
    assert_eq!(*told.lock().unwrap(), [(3, 10), (6, 10), (9, 10), (10, 10)]);
    migrator.check(&db).await
}

/// A view over the people with a text.
fn view(columns: &str) -> Migration {
    Migration::new("names")
        .with("up.sql", format!("-- sequor: repeatable\nDROP VIEW IF EXISTS names;\nCREATE VIEW names AS SELECT {columns} FROM people;\n"))
}

#[sequor::test]
async fn what_is_repeatable_runs_again_when_its_text_changes(db: Db) -> sequor::Result<()> {
    assert_eq!(Migrator::new([view("name"), table()]).up(&db).await?.names(), ["20240101000000-people", "names"]);
    let changed = Migrator::new([table(), view("id, name")]);
    assert_eq!(changed.status(&db).await?[1].state, MigrationState::Outdated);
    assert!(changed.check(&db).await.unwrap_err().to_string().contains("names has not run"));
    assert_eq!(changed.up(&db).await?.names(), ["names"]);
    db.execute(sql!("SELECT id FROM names")).await?;
    // A later migration is not late because of it, and one that is gone is nobody's concern.
    let later = Migration::new("20240103000000-later").with("up.sql", "DROP VIEW names;\nCREATE TABLE later (id integer);\n");
    assert_eq!(Migrator::new([table(), later]).up(&db).await?.names(), ["20240103000000-later"]);
    Ok(())
}

#[sequor::test]
async fn an_answer_of_no_undoes_the_migration_where_the_database_can(db: Db) -> sequor::Result<()> {
    let asked = |question: &str| {
        let rows = Migration::new("20240102000000-rows").with("up.sql", "INSERT INTO people (id, name) VALUES (1, 'Ann');\n");
        Migrator::new([table(), rows.with("verify.sql", format!("SELECT 1;\n  {question};\n"))])
    };
    for (question, word) in [
        ("SELECT count(1) = 2 FROM people", "is answered with no: SELECT count(1) = 2 FROM people"),
        ("SELECT id FROM people WHERE id = 7", "is answered with no row: "),
        ("SELECT first_name FROM people", "is answered with NULL: "),
        ("SELECT nothing FROM people", "nothing"),
    ] {
        let error = asked(question).up(&db).await.unwrap_err().to_string();
        assert!(error.contains("20240102000000-rows/verify.sql:2:3: question 2 of 2") && error.contains(word), "{error}");
    }
    let left = first(&db, sql!("SELECT count(1) FROM people")).await?;
    assert_eq!(left, i64::from(db.dialect().is_mysql()), "MySQL's statements are done");
    assert_eq!(asked("SELECT count(1) = 1 FROM people").up(&db).await?.names(), ["20240102000000-rows"]);
    assert_eq!(first(&db, sql!("SELECT count(1) FROM people")).await?, 1);
    Ok(())
}
