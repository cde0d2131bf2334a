//! Include trees: what is loaded, in how many statements and round trips, under every strategy.

use super::library::*;
use sequor::Strategy;
use sequor::prelude::*;

const STRATEGIES: [Strategy; 3] = [Strategy::Auto, Strategy::OneFlush, Strategy::Sequential];

/// A tree with every kind of relation, limits and orders inside, five levels deep.
fn tree() -> Find<Author> {
    Author::find_all()
        .include(Author::BADGE)
        .include(Author::BOSS.include(Author::BADGE))
        .include(Author::NOTES)
        .include(Author::DRAFTS)
        .include(
            Author::BOOKS
                .order_by((Book::PAGES.desc(), Book::TITLE.asc()))
                .limit(2)
                .include(Book::CHAPTERS.order_by(Chapter::PLACE.desc()).limit(2).offset(1))
                .include(Book::LABELS.include(Label::BOOKS.order_by(Book::TITLE.asc()).include(Book::NOTES)))
                .include(Book::EDITOR.include(Author::EDITED.filter(Book::PAGES.gt(60)).include(Book::CHAPTERS))),
        )
        .order_by(Author::ID.asc())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn a_tree_is_the_same_under_every_strategy(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let expected = tree().include_strategy(Strategy::Sequential).exec(&db).await?;
    for strategy in STRATEGIES {
        let found = db.expect_queries(10, async || tree().include_strategy(strategy).exec(&db).await).await?;
        assert_eq!(found, expected, "{strategy:?}");
        let limited = tree().include_strategy(strategy).limit(2).offset(1).exec(&db).await?;
        assert_eq!(limited, expected[1..3], "{strategy:?}");
        let one =
            Author::find_by_pk(1).include(Author::BOOKS.include(Book::CHAPTERS)).include_strategy(strategy).or_fail().exec(&db).await?;
        assert_eq!(one.books.loaded()?.len(), 3);
        let inside = db.transaction(async |tx| tree().include_strategy(strategy).exec(tx).await).await?;
        assert_eq!(inside, expected, "{strategy:?}");
    }
    let ann = &expected[0];
    let titles: Vec<&str> = ann.books.loaded()?.iter().map(|book| book.title.as_str()).collect();
    // Without pages comes first or last: the database's own order of NULL.
    let nulls_first = db.dialect() == Dialect::Postgres;
    assert_eq!(titles, if nulls_first { ["Gamma", "Beta"] } else { ["Beta", "Alpha"] });
    assert_eq!(ann.drafts.loaded()?.iter().map(|book| book.title.as_str()).collect::<Vec<_>>(), ["Gamma"]);
    assert_eq!(ann.notes.loaded()?.len(), 1);
    assert!(ann.badge.loaded()?.is_some_and(|badge| badge.code == "A1"));
    assert!(expected[1].boss.loaded()?.is_some_and(|boss| boss.badge.get().is_some()));
    let alpha =
        Book::find_one().filter(Book::TITLE.eq("Beta")).include(Book::CHAPTERS.order_by(Chapter::PLACE.desc()).limit(1)).exec(&db).await?;
    assert_eq!(alpha.as_ref().and_then(|book| book.chapters.get()).map(<[Chapter]>::len), Some(1));
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note), databases("postgres"))]
async fn a_tree_is_one_round_trip_in_one_flush(db: Db) -> sequor::Result<()> {
    // Only PostgreSQL's protocol answers many statements at once in one snapshot.
    shelve(&db).await?;
    let flushed = || tree().include_strategy(Strategy::OneFlush);
    flushed().exec(&db).await?;
    db.expect_round_trips(1, async || flushed().exec(&db).await).await?;
    db.expect_round_trips(1, async || flushed().limit(3).exec(&db).await).await?;
    flushed().page(1, 2).exec(&db).await?;
    db.expect_round_trips(1, async || flushed().page(1, 2).exec(&db).await).await?;
    let sequential = db.expect_round_trips(1, async || tree().include_strategy(Strategy::Sequential).exec(&db).await).await;
    assert!(sequential.is_err_and(|error| error.to_string().contains("5 were made")));
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn relations_of_a_model_to_itself_load_to_a_depth(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let leaders = || Author::find_all().filter(Author::BOSS_ID.is_null()).include(Author::STAFF.order_by(Author::ID.asc()).depth(3));
    for strategy in STRATEGIES {
        let leaders = db.expect_queries(4, async || leaders().include_strategy(strategy).exec(&db).await).await?;
        let staff = leaders[0].staff.loaded()?;
        assert_eq!(staff.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["Bo", "Cy"]);
        assert_eq!(staff[0].staff.loaded()?[0].name, "Di");
        assert!(staff[0].staff.loaded()?[0].staff.loaded()?.is_empty());
    }
    let di = Author::find_one().filter(Author::NAME.eq("Di")).include(Author::BOSS.depth(2)).exec(&db).await?;
    let di = di.ok_or_else(|| Error::usage("no Di"))?;
    let bo = di.boss.loaded()?.ok_or_else(|| Error::usage("no boss"))?;
    assert!(bo.boss.loaded()?.is_some_and(|ann| ann.name == "Ann"));
    assert!(matches!(Author::find_all().include(Author::STAFF.depth(1_000)).exec(&db).await, Err(Error::Usage(_))));
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn required_deleted_and_ordered_by_a_related_row(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let names = |rows: Vec<Author>| rows.into_iter().map(|row| row.name).collect::<Vec<_>>();
    let required = Author::find_all().include(Author::BOOKS.required().include(Book::LABELS.filter(Label::NAME.eq("sea")).required()));
    assert!(names(required.exec(&db).await?).is_empty());
    let required = Author::find_all().include(Author::BOOKS.required().include(Book::LABELS.required()));
    assert_eq!(names(required.order_by(Author::ID.asc()).exec(&db).await?), ["Ann", "Bo"]);
    let deleted = Author::find_all().include(Author::BOOKS.only_deleted().required());
    assert_eq!(names(deleted.exec(&db).await?), ["Ann"]);
    let count = Author::count().include(Author::BOOKS.filter(Book::KIND.eq("essay")).required()).exec(&db).await?;
    assert_eq!(count, 1);
    let all = Author::find_by_pk(1).include(Author::BOOKS.with_deleted()).or_fail().exec(&db).await?;
    assert_eq!(all.books.loaded()?.len(), 4);
    let books = Book::find_all()
        .include(Book::AUTHOR)
        .order_by((Book::AUTHOR.at(Author::NAME).desc(), Book::ID.asc()))
        .filter(Book::AUTHOR.is_present());
    let found: Vec<String> = books.exec(&db).await?.into_iter().map(|book| book.title).collect();
    assert_eq!(found, ["Delta", "Alpha", "Beta", "Gamma"]);
    let hidden = Book::find_one().filter(Book::TITLE.eq("Omega")).include(Book::AUTHOR).exec(&db).await?;
    assert!(hidden.is_some_and(|book| book.author.loaded().is_ok_and(|author| author.is_none())));
    let shown = Book::find_one().filter(Book::TITLE.eq("Omega")).include(Book::AUTHOR.with_deleted()).exec(&db).await?;
    assert!(shown.is_some_and(|book| book.author.get().is_some_and(|author| author.name == "Ed")));
    let through = Book::find_all().include(Book::LABELS.through(BookLabel::WEIGHT.gt(1))).order_by(Book::ID.asc()).exec(&db).await?;
    assert!(through.iter().any(|book| book.labels.get().is_some_and(|labels| !labels.is_empty())));
    for book in &through {
        assert_eq!(book.labels.loaded()?.len(), book.labels.through()?.len());
        assert!(book.labels.through()?.iter().all(|row| row.weight > 1 && row.book_id == book.id));
    }
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn projections_nest_and_count(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let views = db.expect_queries(1, async || Book::find_all().project::<BookView>().order_by(Book::ID.asc()).exec(&db).await).await?;
    let ann = AuthorName { id: 1, name: "Ann".into(), badge: Some(BadgeCode { code: "A1".into() }) };
    assert_eq!(views[0], BookView { title: "Alpha".into(), author: Some(ann), chapters: 2, more: Some(101) });
    assert_eq!(views[3].author, Some(AuthorName { id: 2, name: "Bo".into(), badge: None }));
    assert_eq!((views[4].author.clone(), views[2].more), (None, None));
    let counted: Vec<(String, i64)> =
        Author::find_all().select((Author::NAME, Author::BOOKS.count())).order_by(Author::ID.asc()).exec(&db).await?;
    assert_eq!(counted[0], ("Ann".to_owned(), 3));
    // A second row of a has-one relation multiplies nothing.
    draft!(Badge { code: "A2", author_id: 1 }).create(&db).await?;
    assert_eq!(Book::find_all().project::<BookView>().order_by(Book::ID.asc()).exec(&db).await?, views);
    let by_badge = Author::find_all().order_by((Author::BADGE.at(Badge::CODE).desc(), Author::ID.asc())).exec(&db).await?;
    assert_eq!(by_badge.len(), 4);
    let written: Vec<(Option<String>, i64)> = Book::find_all()
        .select((Book::AUTHOR.maybe_at(Author::NAME), count_all()))
        .group_by(Book::AUTHOR.at(Author::NAME))
        .order_by(Book::AUTHOR.at(Author::NAME).asc_nulls_first())
        .exec(&db)
        .await?;
    assert_eq!(written, [(None, 2), (Some("Ann".to_owned()), 3), (Some("Bo".to_owned()), 1)]);
    let by_name = Author::find_all().map_by(Author::NAME).exec(&db).await?;
    assert_eq!(by_name.get("Cy").map(|author| author.id), Some(3));
    assert_eq!(by_name.len(), 4);
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note), databases("postgres", "mysql"))]
async fn a_tree_is_right_while_its_parents_change(db: Db) -> sequor::Result<()> {
    // SQLite in memory is one connection: nobody can write between two statements.
    for number in 0..40 {
        draft!(Author { name: format!("a{number}"), born: number % 2, books: [{ title: "x", kind: "k" }, { title: "y", kind: "k" }] })
            .create(&db)
            .await?;
    }
    let rounds = if std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1") { 10_000 } else { 150 };
    // Each writer writes once while each tree is read: writers without a pause would leave the readers a tenth of the server.
    let (begun, reads) = tokio::sync::watch::channel(0);
    let writers: Vec<_> = (0..4_i64)
        .map(|writer| {
            let (db, mut reads) = (db.clone(), reads.clone());
            let writing = async move {
                let mut round = writer;
                while reads.changed().await.is_ok() {
                    round += 1;
                    let which = Author::ID.eq(round % 40 + 1);
                    Author::update_all().set(Author::BORN, i32::try_from(round / 40 % 2).unwrap_or(0)).filter(which).exec(&db).await?;
                }
                sequor::Result::<()>::Ok(())
            };
            tokio::spawn(writing)
        })
        .collect();
    let mut seen = 0;
    for round in 0..rounds {
        begun.send_replace(round);
        let find = Author::find_all().filter(Author::BORN.eq(1)).include(Author::BOOKS).include_strategy(STRATEGIES[round % 3]);
        for author in find.exec(&db).await? {
            seen += 1;
            assert_eq!(author.books.loaded()?.len(), 2, "the list of {} was loaded for other parents", author.name);
        }
    }
    drop((begun, reads));
    for writer in writers {
        writer.await.map_err(Error::other)??;
    }
    assert!(seen > rounds, "the writers left nothing to read");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_in_a_file_is_read_in_one_snapshot() -> sequor::Result<()> {
    let file = std::env::temp_dir().join(format!("sequor-trees-{}.db", Uuid::new_v4()));
    let db = Db::connect(format!("sqlite://{}?mode=rwc", file.display())).await?;
    db.sync::<(Author, Book, Chapter)>(SyncMode::Create).await?;
    let (done, stop) = (std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)), std::sync::atomic::Ordering::Relaxed);
    let writer = tokio::spawn({
        let (db, done) = (db.clone(), done.clone());
        async move {
            while !done.load(stop) {
                draft!(Author { name: "Una", books: [{ title: "x", kind: "k", chapters: [{ title: "1", place: 1 }, { title: "2", place: 2 }] }] })
                    .create(&db)
                    .await?;
                // Parents and children go together: no tree may show the ones without the others.
                db.transaction(async |tx| {
                    Chapter::destroy_all().every_row().exec(tx).await?;
                    Book::destroy_all().every_row().force().exec(tx).await?;
                    Author::destroy_all().every_row().force().exec(tx).await
                })
                .await?;
            }
            sequor::Result::<()>::Ok(())
        }
    });
    let (mut seen, mut read) = (0, 0);
    while seen < 50 && read < 20_000 {
        read += 1;
        for author in Author::find_all().include(Author::BOOKS.include(Book::CHAPTERS)).exec(&db).await? {
            seen += 1;
            let books = author.books.loaded()?;
            assert_eq!(books.len(), 1, "the books went while the tree was read");
            assert_eq!(books[0].chapters.loaded()?.len(), 2, "the chapters went while the tree was read");
        }
    }
    done.store(true, stop);
    writer.await.map_err(Error::other)??;
    assert!(seen >= 50, "the writer left nothing to read");
    db.close().await?;
    std::fs::remove_file(file).map_err(Error::other)
}

/// Five levels, three to-many siblings on each; the rows of a level hang on those of its first sibling but one.
fn five_levels() -> Find<Author> {
    let fifth = || Label::BOOKS.order_by(Book::ID.asc()).include(Book::CHAPTERS).include(Book::LABELS).include(Book::NOTES);
    let third =
        || Label::BOOKS.order_by(Book::ID.asc()).include(Book::CHAPTERS).include(Book::LABELS.include(fifth())).include(Book::NOTES);
    Author::find_all()
        .include(Author::BOOKS.include(Book::CHAPTERS).include(Book::LABELS.include(third())).include(Book::NOTES))
        .include(Author::EDITED)
        .include(Author::NOTES)
        .order_by(Author::ID.asc())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn a_statement_for_each_to_many_include_however_deep(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let expected = five_levels().include_strategy(Strategy::Sequential).exec(&db).await?;
    // Authors; books, edited, notes; three below the books, one below each of two labels, three below their books.
    for strategy in STRATEGIES {
        let found = db.expect_queries(15, async || five_levels().include_strategy(strategy).exec(&db).await).await?;
        assert_eq!(found, expected, "{strategy:?}");
    }
    if db.dialect() == Dialect::Postgres {
        let flushed = || five_levels().include_strategy(Strategy::OneFlush).exec(&db);
        flushed().await?;
        db.expect_round_trips(1, async || flushed().await).await?;
    }
    if db.dialect() == Dialect::Sqlite {
        db.expect_round_trips(1, async || five_levels().exec(&db).await).await?;
        db.transaction(async |tx| tx.expect_round_trips(1, async || five_levels().exec(tx).await).await).await?;
    }
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn levels_without_parents_cost_no_statement(db: Db) -> sequor::Result<()> {
    // In one flush PostgreSQL is asked for all levels before it has answered.
    let strategy = if db.dialect() == Dialect::Postgres { Strategy::Sequential } else { Strategy::Auto };
    let deep = || Author::find_all().include(Author::BOOKS.include(Book::CHAPTERS)).include(Author::NOTES).include_strategy(strategy);
    assert!(db.expect_queries(1, async || deep().exec(&db).await).await?.is_empty());
    let writer = draft!(Author { name: "Una" }).create(&db).await?;
    let found = db.expect_queries(3, async || deep().exec(&db).await).await?;
    assert!(found[0].books.loaded()?.is_empty() && found[0].notes.loaded()?.is_empty());
    assert_eq!(found[0].name, writer.name);
    Ok(())
}

#[tokio::test]
async fn levels_that_are_skipped_are_not_reported() -> sequor::Result<()> {
    let db = Db::options("sqlite::memory:").slow_query(millis(0)).connect().await?;
    db.sync::<(Author, Book, Chapter)>(SyncMode::Create).await?;
    draft!(Author { name: "Una" }).create(&db).await?;
    Author::find_all().include(Author::BOOKS.include(Book::CHAPTERS)).exec(&db).await?;
    let slow: Vec<String> = db.slow_queries().into_iter().filter(|query| query.operation == "find").map(|query| query.text).collect();
    assert_eq!(slow.len(), 2, "{slow:?}");
    assert!(slow.iter().all(|text| !text.contains("chapters")), "{slow:?}");
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn related_rows_that_match_are_counted_without_loading_them(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let long = || Author::BOOKS.filter(Book::PAGES.gte(100));
    let rows: Vec<(String, i64, Option<i32>)> = Author::find_all()
        .select((Author::NAME, long().count(), long().aggregate(max(Book::PAGES))))
        .filter(Author::BOOKS.with_deleted().count().gt(0))
        .order_by((long().count().desc(), Author::ID.asc()))
        .exec(&db)
        .await?;
    assert_eq!(rows, [("Ann".to_owned(), 2, Some(300)), ("Bo".to_owned(), 0, None)]);
    let names: Vec<String> = Author::find_all().filter(long().exists()).pluck(Author::NAME).exec(&db).await?;
    assert_eq!(names, ["Ann"]);
    let labelled = Book::find_all().filter(Book::LABELS.through(BookLabel::WEIGHT.gt(5)).exists()).count().exec(&db).await?;
    let all = Book::find_all().filter(Book::LABELS.exists()).count().exec(&db).await?;
    assert!(labelled < all, "{labelled} of {all}");
    Ok(())
}
