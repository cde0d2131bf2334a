//! Full text: every word of a search occurs.

use super::models::*;
use sequor::prelude::*;

#[sequor::test(models(Category, Article))]
async fn every_word_of_a_search_occurs(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    if matches!(db.dialect(), Dialect::Mysql | Dialect::Mariadb) {
        db.execute(sql!("CREATE FULLTEXT INDEX articles_words ON articles (title)")).await?;
    }
    let ids = async |search: &str| {
        Article::find_all().filter(Article::TITLE.matches(search)).select(Article::ID).order_by(Article::ID.asc()).exec(&db).await
    };
    assert_eq!(ids("juice").await?, [3]);
    assert_eq!(ids("JUICE, 100").await?, [3]);
    assert_eq!(ids("juice bread").await?, [0_i64; 0]);
    assert_eq!(ids("bread'); --").await?, [4]);
    for nothing in ["", "+-*\"'()~<>@", "'"] {
        assert_eq!(ids(nothing).await?, [0_i64; 0], "{nothing:?}");
    }
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "papers",
    index(columns("title", "body"), method = "fulltext"),
    index(columns("body"), method = "fulltext", name = "papers_body_words")
)]
pub struct Paper {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(column = "headline")]
    pub title: String,
    pub body: Option<String>,
    #[field(default = 0)]
    pub seen: i32,
}

async fn found(db: &Db, words: &str) -> sequor::Result<Vec<i64>> {
    Paper::find_all().filter(sequor::matches((Paper::TITLE, Paper::BODY), words)).pluck(Paper::ID).order_by(Paper::ID.asc()).exec(db).await
}

#[sequor::test(models(Paper))]
async fn an_index_of_the_model_answers_a_search(db: Db) -> sequor::Result<()> {
    let drafts = [
        ("Sailing alone", Some("Round the world in a small boat, alone and often alone")),
        ("Ärger und Öl", Some("Ein Buch über das Meer")),
        ("Harbours", None),
        ("The world of harbours", Some("Where boats sleep")),
    ];
    let rows = drafts.map(|(title, body)| draft!(Paper { title: title, body: body.map(str::to_owned) }));
    let rows = Paper::bulk_create(rows.to_vec()).exec(&db).await?;
    assert_eq!(found(&db, "world").await?, [1, 4]);
    // One word in the title, one in the body.
    assert_eq!(found(&db, "SAILING boat").await?, [1]);
    assert_eq!(found(&db, "harbours").await?, [3, 4]);
    assert_eq!(found(&db, "ärger meer").await?, [2]);
    for nothing in ["", "+-*\"'()~<>@{}^:", "'\"", "boat\" OR \"sleep", "boat NOT world", "title : boat"] {
        assert_eq!(found(&db, nothing).await?, [0_i64; 0], "{nothing:?}");
    }
    // An index of the one column answers a search in it alone.
    let in_body = Paper::find_all().filter(Paper::BODY.matches("world")).exec(&db).await?;
    assert_eq!(in_body.iter().map(|paper| paper.id).collect::<Vec<_>>(), [1]);
    let rank = || sequor::match_rank((Paper::TITLE, Paper::BODY), "alone");
    let ranked: Vec<(i64, f64)> =
        Paper::find_all().select((Paper::ID, rank())).order_by((rank().desc(), Paper::ID.asc())).exec(&db).await?;
    assert!(ranked[0].0 == 1 && ranked[0].1 > 0.0, "{ranked:?}");
    assert!(ranked[1..].iter().all(|(_, rank)| *rank == 0.0), "{ranked:?}");

    let mut edit = rows[2].clone().edit();
    edit.body = Some("A boat at night".into());
    edit.save(&db).await?;
    rows[0].destroy(&db).await?;
    Paper::update_all().set(Paper::TITLE, "World").set(Paper::SEEN, Paper::SEEN + 1).filter(Paper::ID.eq(2)).exec(&db).await?;
    assert_eq!(found(&db, "boat").await?, [3]);
    assert_eq!(found(&db, "world").await?, [2, 4]);
    assert_eq!(found(&db, "ärger").await?, [0_i64; 0]);
    let gone = Paper::destroy_all().filter(sequor::matches((Paper::TITLE, Paper::BODY), "sleep")).exec(&db).await?;
    assert_eq!((gone, found(&db, "harbours").await?), (1, vec![3]));
    let undone = db.test_transaction(async |tx| {
        draft!(Paper { title: "never" }).create(tx).await?;
        Ok(())
    });
    undone.await?;
    assert_eq!(found(&db, "never").await?, [0_i64; 0]);

    // The index is there once, and a second sync finds it.
    db.sync::<Paper>(sequor::SyncMode::Alter).await?;
    assert_eq!(found(&db, "boat").await?, [3]);
    let names: Vec<String> = db.query_interface().show_indexes("papers").await?.iter().map(|index| index["name"].to_string()).collect();
    let mut names = names;
    names.sort();
    assert_eq!(names, ["\"papers_body_words\"", "\"papers_headline_body_idx\""]);
    assert_eq!(db.sync_plan::<Paper>().await?, []);
    let tables = db.query_interface().list_tables().await?;
    assert_eq!(tables.iter().filter(|table| table.contains("papers")).count(), 1, "{tables:?}");
    db.sync::<Paper>(sequor::SyncMode::Force).await?;
    assert_eq!(found(&db, "boat").await?, [0_i64; 0]);
    Ok(())
}

#[sequor::test(models(Paper), databases("sqlite", "postgres"))]
async fn a_search_uses_its_index(db: Db) -> sequor::Result<()> {
    // MySQL and MariaDB refuse a search without its index.
    for number in 0..200 {
        draft!(Paper { title: format!("number {number}"), body: Some("filler".into()) }).create(&db).await?;
    }
    let plan = db.transaction(async |tx| {
        if tx.dialect() == Dialect::Postgres {
            tx.execute(sql!("SET LOCAL enable_seqscan = off")).await?;
        }
        Paper::find_all().filter(sequor::matches((Paper::TITLE, Paper::BODY), "number 7")).explain(tx).await
    });
    let plan = plan.await?;
    let wanted = if db.dialect() == Dialect::Postgres { "papers_headline_body_idx" } else { "VIRTUAL TABLE INDEX" };
    assert!(plan.contains(wanted), "{plan}");
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "logbooks", index(columns("entry", "harbour"), method = "fulltext", language = "english"))]
pub struct Logbook {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub entry: String,
    pub harbour: Option<String>,
}

#[sequor::test(models(Logbook))]
async fn words_of_a_language_are_found_by_their_stems(db: Db) -> sequor::Result<()> {
    let entries = ["The boats were sailing", "A boat sails", "Nothing to report"];
    Logbook::bulk_create(entries.map(|entry| draft!(Logbook { entry: entry })).to_vec()).exec(&db).await?;
    let found = async |words: &str| {
        let find = Logbook::find_all().filter(sequor::matches((Logbook::ENTRY, Logbook::HARBOUR), words));
        find.pluck(Logbook::ID).order_by(Logbook::ID.asc()).exec(&db).await
    };
    // MySQL and MariaDB know no stems.
    let stems = matches!(db.dialect(), Dialect::Postgres | Dialect::Sqlite);
    assert_eq!(found("boat").await?, if stems { vec![1, 2] } else { vec![2] });
    assert_eq!(found("boats SAIL").await?, if stems { vec![1, 2] } else { vec![] });
    assert_eq!(found("reporting").await?, if stems { vec![3] } else { vec![] });
    if db.dialect() == Dialect::Postgres {
        let plan = db.transaction(async |tx| {
            tx.execute(sql!("SET LOCAL enable_seqscan = off")).await?;
            Logbook::find_all().filter(sequor::matches((Logbook::ENTRY, Logbook::HARBOUR), "boat")).explain(tx).await
        });
        let plan = plan.await?;
        assert!(plan.contains("logbooks_entry_harbour_idx"), "{plan}");
    }
    Ok(())
}

/// The same table with the index in another language.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "logbooks", index(columns("entry", "harbour"), method = "fulltext"))]
pub struct PlainLogbook {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub entry: String,
    pub harbour: Option<String>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "logbooks")]
pub struct UnsearchedLogbook {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub entry: String,
    pub harbour: Option<String>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "logbooks", index(columns("entry", "harbour"), method = "fulltext"))]
pub struct LongLogbook {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub entry: String,
    pub harbour: Option<String>,
    #[field(default = 1)]
    pub pages: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "logbooks", index(columns("entry", "harbour"), method = "fulltext"))]
pub struct LongerLogbook {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub entry: String,
    pub harbour: Option<String>,
    pub pages: Option<i32>,
}

#[sequor::test(models(Logbook))]
async fn an_index_whose_language_changes_is_made_anew(db: Db) -> sequor::Result<()> {
    Logbook::bulk_create(["The boats were sailing", "A boat sails"].map(|entry| draft!(Logbook { entry: entry })).to_vec())
        .exec(&db)
        .await?;
    let found = async |words: &str| {
        PlainLogbook::count().filter(sequor::matches((PlainLogbook::ENTRY, PlainLogbook::HARBOUR), words)).exec(&db).await
    };
    assert_eq!(db.sync_plan::<Logbook>().await?, []);
    // MySQL and MariaDB know no languages.
    let steps = if db.dialect().is_mysql() { 0 } else { 2 };
    assert_eq!(db.sync_plan::<PlainLogbook>().await?.len(), steps);
    db.sync::<PlainLogbook>(sequor::SyncMode::Alter).await?;
    assert_eq!(db.sync_plan::<PlainLogbook>().await?, []);
    assert_eq!(found("boat").await?, 1);
    draft!(PlainLogbook { entry: "One more boat" }).create(&db).await?;
    assert_eq!(found("boat").await?, 2);
    // Without the index on the model it goes, with all that belongs to it.
    assert_eq!(db.sync_plan::<UnsearchedLogbook>().await?.len(), 1);
    db.sync::<UnsearchedLogbook>(sequor::SyncMode::Alter).await?;
    assert_eq!(db.sync_plan::<UnsearchedLogbook>().await?, []);
    draft!(UnsearchedLogbook { entry: "A boat" }).create(&db).await?;
    // A table that is made anew (SQLite) keeps its index.
    db.sync::<LongLogbook>(sequor::SyncMode::Alter).await?;
    draft!(LongLogbook { entry: "The last boat", pages: 3 }).create(&db).await?;
    db.sync::<LongerLogbook>(sequor::SyncMode::Alter).await?;
    draft!(LongerLogbook { entry: "No boat", pages: None }).create(&db).await?;
    let found = LongerLogbook::count().filter(sequor::matches((LongerLogbook::ENTRY, LongerLogbook::HARBOUR), "boat"));
    assert_eq!(found.exec(&db).await?, 5);
    assert_eq!(db.sync_plan::<LongerLogbook>().await?, []);
    Ok(())
}
