//! Lazy loads: the siblings of one result in one query, errors under strict loading, a warning where rows load one by one.

use super::library::*;
use sequor::prelude::*;
use std::fmt;
use std::sync::{Arc, Mutex};

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn siblings_load_in_one_query(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let books = Book::find_all().order_by(Book::ID.asc()).exec(&db).await?;
    let whole =
        Book::find_all().include(Book::AUTHOR).include(Book::LABELS).include(Book::CHAPTERS).order_by(Book::ID.asc()).exec(&db).await?;
    db.expect_queries(3, async || {
        for book in &books {
            book.load(Book::AUTHOR, &db).await?;
            book.load(Book::LABELS, &db).await?;
            book.load(Book::CHAPTERS, &db).await?;
        }
        sequor::Result::<()>::Ok(())
    })
    .await?;
    assert_eq!(books, whole);
    for (book, other) in books.iter().zip(&whole) {
        assert_eq!(book.labels.through()?, other.labels.through()?);
    }
    // What one asks for with a filter of its own is another load; the rows of an include are siblings too.
    let authors = Author::find_all().include(Author::BOOKS).order_by(Author::ID.asc()).exec(&db).await?;
    let listed: Vec<&Book> = authors.iter().filter_map(|author| author.books.get()).flatten().collect();
    db.expect_queries(1, async || {
        for book in &listed {
            book.load(Book::CHAPTERS.order_by(Chapter::PLACE.desc()).limit(1), &db).await?;
            assert_eq!(book.chapters.loaded()?.len(), 1);
        }
        sequor::Result::<()>::Ok(())
    })
    .await
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn siblings_load_in_one_query_also_from_many_tasks(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let mut rows = Book::find_all().order_by(Book::ID.asc()).exec(&db).await?;
    let before = db.pool_status().opened;
    let mut tasks = Vec::new();
    for book in rows.drain(..) {
        let db = db.clone();
        tasks.push(tokio::spawn(async move { book.load(Book::CHAPTERS, &db).await.map(|()| book) }));
    }
    for task in tasks {
        rows.push(task.await.map_err(Error::other)??);
    }
    let whole = Book::find_all().include(Book::CHAPTERS).order_by(Book::ID.asc()).exec(&db).await?;
    assert_eq!(rows, whole);
    assert_eq!(db.pool_status().opened, before, "one query needs one connection");
    let books = Book::find_all().exec(&db).await?;
    let joined = async || {
        let [a, b, c, ..] = books.as_slice() else { return Err(Error::usage("too few books")) };
        let (a, b, c) = tokio::join!(a.load(Book::LABELS, &db), b.load(Book::LABELS, &db), c.load(Book::LABELS, &db));
        a.and(b).and(c)
    };
    db.expect_queries(1, joined).await
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn a_lazy_load_sees_what_was_written_before_it(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let authors = Author::find_all().order_by(Author::ID.asc()).exec(&db).await?;
    for author in &authors {
        draft!(Book { title: "New", kind: "novel", author_id: author.id }).create(&db).await?;
        author.load(Author::BOOKS, &db).await?;
        assert!(author.books.loaded()?.iter().any(|book| book.title == "New"), "{} has an old list", author.name);
    }
    // A transaction that was rolled back leaves nothing in a list.
    let authors = Author::find_all().order_by(Author::ID.asc()).exec(&db).await?;
    let undone = db
        .transaction(async |tx| {
            Book::update_all().set(Book::TITLE, "Undone").every_row().exec(tx).await?;
            authors[0].load(Author::BOOKS, tx).await?;
            sequor::Result::<()>::Err(Error::usage("undo"))
        })
        .await;
    assert!(undone.is_err());
    authors[1].load(Author::BOOKS, &db).await?;
    assert!(authors[1].books.loaded()?.iter().all(|book| book.title != "Undone"));
    // A row whose key was changed loads for its new key, and a copy loads again.
    let books = Book::find_all().filter(Book::TITLE.ne("New")).order_by(Book::ID.asc()).exec(&db).await?;
    let copy = books[0].clone();
    let mut moved = books[1].clone();
    moved.author_id = Some(2);
    books[0].load(Book::AUTHOR, &db).await?;
    moved.load(Book::AUTHOR, &db).await?;
    copy.load(Book::AUTHOR, &db).await?;
    let name = |book: &Book| book.author.get().map(|author| author.name.clone());
    assert_eq!((name(&books[0]), name(&moved), name(&copy)), (Some("Ann".into()), Some("Bo".into()), Some("Ann".into())));
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn strict_loading_names_model_relation_and_place(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let books = Book::find_all().include(Book::CHAPTERS).strict_loading(true).exec(&db).await?;
    let error = books[0].load(Book::AUTHOR, &db).await;
    let text = error.map_or_else(|error| error.to_string(), |()| String::new());
    assert!(text.contains("Book.author") && text.contains("Book::AUTHOR") && text.contains("lazy.rs:"), "{text}");
    let chapter = &books[0].chapters.loaded()?[0];
    assert!(matches!(chapter.load(Chapter::BOOK, &db).await, Err(Error::Usage(_))));
    books[0].load(Book::CHAPTERS, &db).await?;
    let one = Book::find_by_pk(1).strict_loading(true).or_fail().exec(&db).await?;
    assert!(matches!(one.load(Book::AUTHOR, &db).await, Err(Error::Usage(_))));
    let mut rows = Book::find_all().strict_loading(true).stream(&db);
    let row = rows.next().await.ok_or_else(|| Error::usage("no row"))??;
    drop(rows);
    assert!(matches!(row.load(Book::AUTHOR, &db).await, Err(Error::Usage(_))));
    Ok(())
}

#[sequor::test]
async fn strict_loading_and_auto_batch_are_options_of_the_connection(db: Db) -> sequor::Result<()> {
    if db.dialect() != Dialect::Sqlite {
        // The options are read before any statement; one database shows them.
        return Ok(());
    }
    let strict = Db::options("sqlite::memory:").strict_loading(true).connect().await?;
    strict.sync::<(Author, Badge, Book, Chapter, Label, BookLabel, Note)>(SyncMode::Create).await?;
    shelve(&strict).await?;
    let book = Book::find_by_pk(1).or_fail().exec(&strict).await?;
    assert!(matches!(book.load(Book::AUTHOR, &strict).await, Err(Error::Usage(_))));
    let book = Book::find_by_pk(1).strict_loading(false).or_fail().exec(&strict).await?;
    book.load(Book::AUTHOR, &strict).await?;

    let single = Db::options("sqlite::memory:").auto_batch(false).connect().await?;
    single.sync::<(Author, Badge, Book, Chapter, Label, BookLabel, Note)>(SyncMode::Create).await?;
    shelve(&single).await?;
    let warnings = Warnings::default();
    let guard = tracing::subscriber::set_default(warnings.clone());
    for _ in 0..2 {
        let books = Book::find_all().exec(&single).await?;
        let count = books.iter().filter(|book| book.author_id.is_some()).count();
        single
            .expect_queries(count, async || {
                for book in &books {
                    book.load(Book::AUTHOR, &single).await?;
                }
                sequor::Result::<()>::Ok(())
            })
            .await?;
    }
    drop(guard);
    let seen = warnings.0.lock().map(|seen| seen.clone()).unwrap_or_default();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].contains("Book.author") && seen[0].contains("lazy.rs"), "{seen:?}");
    Ok(())
}

/// Keeps the warnings of a thread.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sequor::n_plus_one"
    }

    fn new_span(&self, _span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _span: &tracing::span::Id, _values: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _span: &tracing::span::Id, _follows: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        if let Ok(mut seen) = self.0.lock() {
            seen.push(text.0);
        }
    }

    fn enter(&self, _span: &tracing::span::Id) {}

    fn exit(&self, _span: &tracing::span::Id) {}
}
