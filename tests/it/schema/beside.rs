//! What stands beside tables: triggers, views, sequences, extensions. They outlive changes of their tables, and descriptions that hold them lead to them.

use sequor::__private::core::schema::{OpaqueKind, TableName};
use sequor::prelude::*;
use sequor::{Dialect, Generator, Migration, Schema};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "notes", register = false)]
struct Note {
    #[field(primary_key, auto_increment)]
    id: i64,
    text: String,
    stars: Option<i32>,
}

/// A trigger that makes texts loud, and a view.
async fn trigger_and_view(db: &Db) -> sequor::Result<()> {
    let script = match db.dialect() {
        Dialect::Postgres => {
            "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.text = upper(NEW.text); RETURN NEW; END $$;
             CREATE TRIGGER loud BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION shout();"
        }
        Dialect::Mysql | Dialect::Mariadb => "CREATE TRIGGER loud BEFORE INSERT ON notes FOR EACH ROW SET NEW.text = UPPER(NEW.text);",
        Dialect::Sqlite => "CREATE TRIGGER loud AFTER INSERT ON notes BEGIN UPDATE notes SET text = upper(text) WHERE id = NEW.id; END;",
    };
    db.execute_sql_script(script).await?;
    db.execute_sql_script("CREATE VIEW starred AS SELECT id, text FROM notes WHERE stars > 0").await
}

async fn write(db: &Db, text: &str) -> sequor::Result<String> {
    let note = draft!(Note { text: text, stars: 1 }).create(db).await?;
    Ok(note.reload(db).await?.text)
}

/// The steps and the migration from a description to another.
fn way(db: &Db, from: &Schema, to: Schema, fill: Option<&str>) -> sequor::Result<(Vec<String>, Migration)> {
    let mut generator = Generator::to_schema(to).dialects([db.dialect()]);
    if let Some(fill) = fill {
        generator = generator.fill(fill)?;
    }
    let made = generator.generate(from)?.expect("a change");
    let migration = made.files.into_iter().fold(Migration::new("20240101000000-way"), |migration, (file, text)| migration.with(file, text));
    Ok((made.steps.into_iter().map(|step| step.what).collect(), migration))
}

#[sequor::test]
async fn a_table_that_changes_keeps_its_triggers_and_views(db: Db) -> sequor::Result<()> {
    db.sync::<Note>(SyncMode::Create).await?;
    trigger_and_view(&db).await?;
    assert_eq!(write(&db, "first").await?, "FIRST");
    // Neither description speaks of them.
    let tables = |found: Schema| Schema { others: Vec::new(), views: Vec::new(), ..found };
    let from = tables(db.catalog().await?);
    let mut to = from.clone();
    let notes = to.tables.iter_mut().find(|table| table.name == TableName::new("notes")).unwrap();
    notes.columns.iter_mut().find(|column| column.name == "stars").unwrap().nullable = false;
    let (steps, migration) = way(&db, &from, to, Some("notes.stars=5"))?;
    assert!(steps.iter().any(|step| step.contains("notes")), "{steps:?}");
    let migrator = Migrator::new([migration]);
    migrator.up(&db).await?;
    assert_eq!(write(&db, "second").await?, "SECOND");
    assert_eq!(db.query_as::<(i64,)>(sql!("SELECT count(1) FROM starred")).await?, [(2,)]);
    assert!(db.execute(sql!("INSERT INTO notes (text, stars) VALUES ('x', NULL)")).await.is_err());
    migrator.down(&db).await?;
    assert_eq!(write(&db, "third").await?, "THIRD");
    assert_eq!(db.query_as::<(i64,)>(sql!("SELECT count(1) FROM starred")).await?, [(3,)]);
    Ok(())
}

#[sequor::test]
async fn a_description_with_triggers_and_sequences_is_reached_and_left(db: Db) -> sequor::Result<()> {
    db.sync::<Note>(SyncMode::Create).await?;
    let without = db.catalog().await?;
    trigger_and_view(&db).await?;
    let sequences = db.dialect() == Dialect::Postgres;
    if sequences {
        db.execute_sql_script("CREATE SEQUENCE tickets").await?;
    }
    let with = db.catalog().await?;
    let (mut forwards, migration) = way(&db, &without, with.clone(), None)?;
    let (mut backwards, _) = way(&db, &with, without.clone(), None)?;
    (forwards.sort(), backwards.sort());
    let expect = |verb: &str| {
        let names = ["function shout()", "sequence tickets", "trigger loud", "view starred"];
        names
            .iter()
            .filter(|name| sequences || !(name.starts_with("seq") || name.starts_with("fun")))
            .map(|name| format!("{verb} {name}"))
            .collect::<Vec<_>>()
    };
    assert_eq!((forwards, backwards), (expect("create"), expect("drop")));

    let on = if sequences { " ON notes" } else { "" };
    db.execute_sql_script(&format!("DROP VIEW starred; DROP TRIGGER loud{on};")).await?;
    if sequences {
        db.execute_sql_script("DROP SEQUENCE tickets").await?;
    }
    let migrator = Migrator::new([migration]);
    migrator.up(&db).await?;
    assert_eq!(write(&db, "again").await?, "AGAIN");
    assert_eq!(names(&db.catalog().await?), names(&with));
    migrator.down(&db).await?;
    assert_eq!(names(&db.catalog().await?), names(&without));
    assert_eq!(write(&db, "quiet").await?, "quiet");
    Ok(())
}

fn names(found: &Schema) -> Vec<String> {
    let others = found.others.iter().filter(|one| one.kind != OpaqueKind::Extension).map(|one| one.name.to_string());
    others.chain(found.views.iter().map(|view| view.name.to_string())).collect()
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "accounts", register = false)]
struct Account {
    #[field(primary_key, auto_increment)]
    id: i64,
    #[field(db_type = "citext", unique)]
    login: String,
}

#[sequor::test]
async fn a_type_of_an_extension_brings_the_extension_along(db: Db) -> sequor::Result<()> {
    let made = Generator::of::<Account>().dialects([Dialect::Postgres]).generate(&Schema::default())?.expect("a table");
    let steps: Vec<&str> = made.steps.iter().map(|step| step.what.as_str()).collect();
    assert_eq!(steps, ["create extension citext", "create table accounts"]);
    assert!(!made.files["down.sql"].contains("EXTENSION"), "it may serve others");
    if db.dialect() != Dialect::Postgres {
        return Ok(());
    }
    let migration = made.files.iter().fold(Migration::new("1-accounts"), |one, (file, text)| one.with(file, text));
    Migrator::new([migration]).up(&db).await?;
    draft!(Account { login: "Ann" }).create(&db).await?;
    assert!(draft!(Account { login: "ANN" }).create(&db).await.is_err());
    assert!(db.drift(&made.schema()?).await?.is_empty());
    db.sync::<Account>(SyncMode::Alter).await
}

/// Functions, a procedure, kept rows, numbers: what a database has beside its tables.
fn beside(dialect: Dialect) -> String {
    let common = match dialect {
        Dialect::Postgres => {
            "CREATE TYPE mood AS ENUM ('glad', 'sad');
             CREATE FUNCTION tax(net integer, rate integer DEFAULT 19) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT net * rate / 100 $$;
             CREATE TABLE bills (id integer PRIMARY KEY, net integer NOT NULL, gross integer GENERATED ALWAYS AS (net + tax(net)) STORED, felt mood);
             CREATE FUNCTION total() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT sum(gross) FROM bills $$;
             CREATE FUNCTION total(felt_so mood) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT sum(gross) FROM bills WHERE felt = felt_so $$;
             CREATE PROCEDURE pay(bill integer) LANGUAGE plpgsql AS $$ BEGIN DELETE FROM bills WHERE id = bill; END $$;
             CREATE VIEW dear AS SELECT * FROM bills WHERE net > 10;
             CREATE MATERIALIZED VIEW sums AS SELECT felt, sum(gross) AS gross FROM dear GROUP BY felt;
             CREATE UNIQUE INDEX sums_felt ON sums (felt);
             CREATE VIEW best AS SELECT * FROM sums WHERE gross > 100;
             INSERT INTO bills (id, net, felt) VALUES (1, 200, 'sad');"
        }
        Dialect::Mysql | Dialect::Mariadb => {
            "CREATE FUNCTION tax(net int, rate int) RETURNS int DETERMINISTIC NO SQL RETURN net * rate / 100;
             CREATE TABLE bills (id int PRIMARY KEY, net int NOT NULL);
             CREATE FUNCTION total() RETURNS bigint READS SQL DATA BEGIN DECLARE found bigint; SELECT sum(net + tax(net, 19)) INTO found FROM bills; RETURN found; END;
             CREATE PROCEDURE pay(IN bill int, OUT kept int) BEGIN DELETE FROM bills WHERE id = bill; SELECT count(1) INTO kept FROM bills; END;
             INSERT INTO bills VALUES (1, 200);"
        }
        Dialect::Sqlite => "CREATE TABLE bills (id integer PRIMARY KEY, net integer NOT NULL); INSERT INTO bills VALUES (1, 200);",
    };
    // MySQL has no sequences.
    let own = if dialect == Dialect::Mariadb { "CREATE SEQUENCE tickets INCREMENT BY 5 START WITH 100 MAXVALUE 1000 CYCLE;" } else { "" };
    format!("{common}{own}")
}

#[sequor::test]
async fn functions_and_kept_rows_are_described_made_and_dropped(db: Db) -> sequor::Result<()> {
    db.execute_sql_script(&beside(db.dialect())).await?;
    let found = Schema::from_json(&db.catalog().await?.to_json())?;
    let expected: &[&str] = match db.dialect() {
        Dialect::Postgres => &[
            "function pay(IN bill integer)",
            "function tax(net integer, rate integer)",
            "function total()",
            "function total(felt_so mood)",
            "materialized view sums",
        ],
        Dialect::Mysql => &["function pay", "function tax", "function total"],
        Dialect::Mariadb => &["function pay", "function tax", "function total", "sequence tickets"],
        Dialect::Sqlite => &[],
    };
    assert_eq!(described(&found), expected);
    let nothing = |from: &Schema, to: &Schema| Generator::to_schema(to.clone()).dialects([db.dialect()]).differences(from);
    // Away, and here again.
    let migrator = Migrator::new([way(&db, &Schema::default(), found.clone(), None)?.1]);
    migrator.baseline("20240101000000-way", &db).await?;
    migrator.down(&db).await?;
    assert_eq!(nothing(&db.catalog().await?, &Schema::default())?, []);
    migrator.up(&db).await?;
    let again = db.catalog().await?;
    assert_eq!((described(&again), nothing(&found, &again)?, nothing(&again, &found)?), (described(&found), vec![], vec![]));
    // What they do is what they did.
    if db.dialect() != Dialect::Sqlite {
        db.execute(sql!("INSERT INTO bills (id, net) VALUES (1, 200)")).await?;
        assert_eq!(db.query_as::<(i64,)>(sql!("SELECT total()")).await?, [(238,)]);
    }
    if db.dialect() == Dialect::Mariadb {
        assert_eq!(db.query_as::<(i64,)>(sql!("SELECT nextval(tickets)")).await?, [(100,)]);
    }
    // A function with another text is written over; kept rows step aside while a column under them changes.
    let mut to = again.clone();
    to.tables[0].columns.retain(|column| column.name != "gross" || db.dialect() != Dialect::Postgres);
    to.views.clear();
    for one in to.others.iter_mut().filter(|one| one.name.starts_with("tax")) {
        one.text = one.text.replace("100", "10").into();
    }
    if db.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let (steps, change) = changed(&db, &again, to)?;
    assert!(
        steps.iter().any(|step| step.starts_with("create function tax")) && !steps.iter().any(|step| step.starts_with("drop function")),
        "{steps:?}"
    );
    let migrator = Migrator::new([migrator.migrations()[0].clone(), change]);
    migrator.up(&db).await?;
    assert_eq!(db.query_as::<(i64,)>(sql!("SELECT tax(200, 19)")).await?, [(380,)]);
    migrator.down(&db).await?;
    assert_eq!(nothing(&db.catalog().await?, &again)?, []);
    Ok(())
}

/// The way to a description, as the second migration.
fn changed(db: &Db, from: &Schema, to: Schema) -> sequor::Result<(Vec<String>, Migration)> {
    let (steps, made) = way(db, from, to, None)?;
    let change = Migration::new("20240102000000-change");
    Ok((steps, made.files().fold(change, |change, (file, text)| change.with(file, text))))
}

fn described(found: &Schema) -> Vec<String> {
    let others = found.others.iter().filter(|one| matches!(one.kind, OpaqueKind::Function | OpaqueKind::Sequence));
    let kept = found.views.iter().filter(|view| view.kept.is_some());
    let mut said: Vec<String> = others.map(|one| format!("{} {}", one.kind.word(), one.name)).collect();
    said.extend(kept.map(|view| format!("{} {}", view.word(), view.name)));
    said.sort();
    said
}
