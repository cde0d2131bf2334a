//! What only a database says of its tables, in words of its own: a description keeps it, a change of something else keeps it, and a migration that would
//! lose it is refused.

use sequor::prelude::*;
use sequor::{Dialect, Generator, Migration, Schema};

/// The tables of MySQL and MariaDB.
macro_rules! mysql {
    () => {
        "CREATE TABLE notes (id bigint AUTO_INCREMENT PRIMARY KEY, title varchar(80) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL, stars int,
         changed_at timestamp(6) NOT NULL DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6)) COLLATE=utf8mb4_bin;
         CREATE TABLE words (word varchar(40) PRIMARY KEY, stars int) ENGINE=MyISAM;"
    };
}

/// Tables as somebody made them who knows the database.
fn by_hand(dialect: Dialect) -> (&'static str, &'static [&'static str]) {
    match dialect {
        Dialect::Sqlite => (
            "CREATE TABLE notes (id INTEGER PRIMARY KEY ON CONFLICT IGNORE, title TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'none', stars INTEGER,
             UNIQUE (title) ON CONFLICT IGNORE) STRICT;
             CREATE TABLE words (word TEXT PRIMARY KEY, stars INTEGER) STRICT, WITHOUT ROWID;
             CREATE INDEX words_stars ON words (word COLLATE NOCASE, stars);",
            &["DROP TABLE notes", "DROP TABLE words"],
        ),
        Dialect::Postgres => (
            "CREATE UNLOGGED TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY, title text NOT NULL, stars integer, PRIMARY KEY (id)) WITH (fillfactor = 70);
             CREATE INDEX notes_stars ON notes (stars DESC NULLS LAST, title NULLS FIRST);
             ALTER TABLE notes ADD CONSTRAINT notes_title_key UNIQUE NULLS NOT DISTINCT (title) INCLUDE (stars) DEFERRABLE INITIALLY DEFERRED;
             ALTER TABLE notes ADD CONSTRAINT notes_apart EXCLUDE USING gist (int4range(stars, stars + 1) WITH &&);
             CREATE SEQUENCE tickets INCREMENT BY 5 START WITH 100;
             CREATE TABLE words (word text NOT NULL, stars integer, PRIMARY KEY (word)) PARTITION BY RANGE (word);
             CREATE TABLE words_a PARTITION OF words FOR VALUES FROM ('a') TO ('n');
             CREATE TABLE words_n PARTITION OF words DEFAULT;",
            &["DROP TABLE notes", "DROP TABLE words", "DROP SEQUENCE tickets"],
        ),
        Dialect::Mysql => (mysql!(), &["DROP TABLE notes", "DROP TABLE words"]),
        // Sequences are MariaDB's alone.
        Dialect::Mariadb => (
            concat!(mysql!(), "CREATE SEQUENCE tickets INCREMENT BY 5 START WITH 100;"),
            &["DROP TABLE notes", "DROP TABLE words", "DROP SEQUENCE tickets"],
        ),
    }
}

async fn run(db: &Db, script: &str) -> sequor::Result<()> {
    db.execute_sql_script(script).await
}

fn way(db: &Db, from: &Schema, to: Schema) -> sequor::Result<Migration> {
    let made =
        Generator::to_schema(to).dialects([db.dialect()]).fill("notes.stars=3")?.fill("words.stars=3")?.generate(from)?.expect("a change");
    Ok(made.files.into_iter().fold(Migration::new("1-way"), |one, (file, text)| one.with(file, text)))
}

/// What the description says in the database's own words.
fn own_words(schema: &Schema) -> String {
    let mut said = Vec::new();
    for table in &schema.tables {
        said.extend(table.options.iter().map(|text| format!("{}: {text}", table.name)));
        said.extend(table.columns.iter().filter_map(|column| column.extra.as_ref().map(|text| format!("{}: {text}", column.name))));
        for index in &table.indexes {
            said.extend(index.extra.iter().map(|text| format!("index: {text}")));
            said.extend(index.parts.iter().filter_map(|part| part.nulls.map(|nulls| format!("{nulls:?}"))));
            said.extend(index.parts.iter().filter_map(|part| part.collation.as_ref().map(|text| format!("sorts by {text}"))));
        }
    }
    said.extend(schema.others.iter().map(|other| format!("{} {}: {}", other.kind.word(), other.name, other.text)));
    said.sort();
    said.join("\n")
}

/// The same, as models say it who know nothing of all that.
fn plain(schema: &Schema) -> Schema {
    let mut plain = schema.clone();
    for table in &mut plain.tables {
        table.options = None;
        table.columns.iter_mut().for_each(|column| column.extra = None);
        for index in &mut table.indexes {
            index.extra = None;
            index.parts.iter_mut().for_each(|part| part.nulls = None);
        }
    }
    plain
}

#[sequor::test]
async fn a_description_holds_what_a_database_says_in_its_own_words(db: Db) -> sequor::Result<()> {
    let (script, drop) = by_hand(db.dialect());
    run(&db, script).await?;
    let found = db.catalog().await?;
    let said = own_words(&found);
    let expected = match db.dialect() {
        Dialect::Sqlite => {
            "id: PRIMARY KEY ON CONFLICT IGNORE\nindex: ON CONFLICT IGNORE\nnotes: STRICT\nsorts by NOCASE\ntitle: NOT NULL ON CONFLICT REPLACE\nwords: STRICT, WITHOUT ROWID"
        }
        Dialect::Postgres => {
            "First\nLast\nconstraint notes_apart: EXCLUDE USING gist (int4range(stars, (stars + 1)) WITH &&)\nid: ALWAYS\n\
             index: NULLS NOT DISTINCT DEFERRABLE INITIALLY DEFERRED\nnotes: UNLOGGED WITH (fillfactor=70)\npartition words_a: FOR VALUES FROM ('a') TO ('n')\npartition words_n: DEFAULT\n\
             sequence tickets: AS bigint INCREMENT BY 5 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 100 CACHE 1\nwords: PARTITION BY RANGE (word)"
        }
        Dialect::Mysql => {
            "changed_at: ON UPDATE current_timestamp(6)\nnotes: COLLATE=utf8mb4_bin\ntitle: CHARACTER SET latin1 COLLATE latin1_bin\nwords: ENGINE=MyISAM"
        }
        Dialect::Mariadb => {
            "changed_at: ON UPDATE current_timestamp(6)\nnotes: COLLATE=utf8mb4_bin\nsequence tickets: START WITH 100 MINVALUE 1 MAXVALUE 9223372036854775806 INCREMENT BY 5 CACHE 1000\n\
             title: CHARACTER SET latin1 COLLATE latin1_bin\nwords: ENGINE=MyISAM"
        }
    };
    assert_eq!(said, expected);
    let read = Schema::from_json(&found.to_json())?;
    assert_eq!(own_words(&read), said);

    for statement in drop {
        run(&db, statement).await?;
    }
    let made = way(&db, &Schema::default(), read)?;
    Migrator::new([made]).up(&db).await?;
    let again = db.catalog().await?;
    assert_eq!(own_words(&again), said);
    let nothing = |from: &Schema, to: &Schema| Generator::to_schema(to.clone()).dialects([db.dialect()]).differences(from);
    assert_eq!(nothing(&found, &again)?, []);
    assert_eq!(nothing(&again, &found)?, []);
    // Models that know nothing of it are the same too.
    assert_eq!(nothing(&again, &plain(&again))?, []);
    assert!(db.drift(&plain(&again)).await?.is_empty());
    Ok(())
}

#[sequor::test]
async fn a_change_of_something_else_keeps_it(db: Db) -> sequor::Result<()> {
    run(&db, by_hand(db.dialect()).0).await?;
    let found = db.catalog().await?;
    let said = own_words(&found);
    let mut to = plain(&found);
    for table in &mut to.tables {
        table.columns.iter_mut().find(|column| column.name == "stars").unwrap().nullable = false;
        if let Some(title) = table.columns.iter_mut().find(|column| column.name == "title") {
            title.comment = Some("what it is about".into());
        }
    }
    run(&db, "INSERT INTO notes (title, stars) VALUES ('first', 7); INSERT INTO words (word, stars) VALUES ('apple', NULL);").await?;
    let migrator = Migrator::new([way(&db, &found, to)?]);
    migrator.up(&db).await?;
    assert_eq!(own_words(&db.catalog().await?), said);
    assert_eq!(db.query_as::<(i64,)>(sql!("SELECT count(1) FROM words WHERE stars = 3")).await?, [(1,)]);
    migrator.down(&db).await?;
    assert_eq!(own_words(&db.catalog().await?), said);
    assert_eq!(db.query_as::<(i64,)>(sql!("SELECT count(1) FROM notes WHERE stars = 7")).await?, [(1,)]);
    Ok(())
}

/// A migration that was written from a snapshot of models, where somebody had made the table STRICT by hand.
#[tokio::test]
async fn a_migration_that_would_lose_it_is_refused() -> sequor::Result<()> {
    let db = Db::connect("sqlite::memory:").await?;
    run(&db, by_hand(db.dialect()).0).await?;
    let from = plain(&db.catalog().await?);
    let mut to = from.clone();
    to.tables.iter_mut().find(|table| table.name.name == "notes").unwrap().columns[2].nullable = false;
    let error = Migrator::new([way(&db, &from, to)?]).up(&db).await.expect_err("a loss").to_string();
    assert_eq!(
        error,
        "migration: 1-way/up.sql: the table notes says STRICT, PRIMARY KEY ON CONFLICT IGNORE, title NOT NULL ON CONFLICT REPLACE, UNIQUE (title) ON CONFLICT IGNORE \
         here, which the new one does not: write it into the CREATE TABLE of this migration, or make it from the database (migrate generate --from-database); nothing \
         was changed"
    );
    assert!(own_words(&db.catalog().await?).contains("notes: STRICT"));
    Ok(())
}
