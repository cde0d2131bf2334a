//! Locks, deadlines, projections and limits per parent, beside includes and streams.

use super::{SEEDS, Shelf, ids};
use crate::loading::library::*;
use sequor::prelude::*;
use sequor::{Strategy, UsageErrorKind};
use std::cmp::Reverse;

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn locks_deadlines_and_projections_beside_includes(db: Db) -> sequor::Result<()> {
    let shelf = Shelf::filled(&db, SEEDS[0]).await?;
    let living: Vec<i64> = ids(shelf.books());
    for lock in [Lock::Update, Lock::Share, Lock::NoKeyUpdate, Lock::KeyShare] {
        db.transaction(async |tx| {
            let find = || {
                Book::find_all()
                    .include(Book::AUTHOR)
                    .include(Book::CHAPTERS.limit(1))
                    .include(Book::LABELS)
                    .order_by(Book::ID.asc())
                    .lock(lock)
            };
            assert_eq!(ids(&find().exec(tx).await?), living);
            assert_eq!(ids(&find().limit(3).offset(1).exec(tx).await?), living[1..4]);
            assert_eq!(
                ids(&find().skip_locked().include(Book::AUTHOR.required()).exec(tx).await?).len(),
                shelf.books().filter(|book| shelf.authors().any(|author| Some(author.id) == book.author_id)).count()
            );
            assert_eq!(ids(&find().cursor(None, 4).exec(tx).await?.rows), living[..4]);
            assert_eq!(ids(&find().page(1, 4).exec(tx).await?.rows), living[..4]);
            let titles: Vec<String> = find().select(Book::TITLE).exec(tx).await?;
            assert_eq!(titles.len(), living.len());
            let mut stream = find().stream(tx);
            let mut streamed = 0;
            while let Some(row) = stream.next().await {
                row?;
                streamed += 1;
            }
            assert_eq!(streamed, living.len());
            for refused in [find().distinct_on(Book::KIND), find().union(Book::find_all())] {
                let refused = refused.exec(tx).await;
                assert!(matches!(&refused, Err(Error::Usage(_))), "{refused:?}");
            }
            Ok(())
        })
        .await?;
    }
    let soon = || Book::find_all().include(Book::CHAPTERS).include(Book::AUTHOR).order_by(Book::ID.asc()).timeout(secs(20));
    assert_eq!(ids(&soon().exec(&db).await?), living);
    assert_eq!(soon().page(1, 5).exec(&db).await?.count, living.len() as u64);
    assert_eq!(ids(&soon().cursor(None, 5).exec(&db).await?.rows), living[..5]);
    assert_eq!(soon().count().exec(&db).await?, living.len() as u64);
    let mut stream = soon().stream(&db);
    assert!(stream.next().await.is_some());
    drop(stream);
    let views = Book::find_all()
        .project::<BookView>()
        .filter(Book::LABELS.any(Label::ID.lt(4)))
        .order_by(Book::ID.asc())
        .limit(3)
        .exec(&db)
        .await?;
    let labelled = shelf.books().filter(|book| shelf.links.iter().any(|link| link.book_id == book.id && link.label_id < 4)).take(3);
    assert_eq!(
        views.iter().map(|view| view.title.as_str()).collect::<Vec<_>>(),
        labelled.map(|book| book.title.as_str()).collect::<Vec<_>>()
    );
    // A cursor of one query is none of another, also where only a filter of names differs by its shape.
    let next = Book::find_all().order_by(Book::PAGES.desc()).cursor(None, 2).exec(&db).await?.next;
    let foreign = Book::find_all().order_by((Book::PAGES.desc(), Book::KIND.asc())).cursor(next, 2).exec(&db).await;
    assert!(matches!(&foreign, Err(Error::Usage(usage)) if usage.kind == UsageErrorKind::Cursor), "{foreign:?}");
    Ok(())
}

/// The first so many chapters of each book, of each label's books: limits at two levels, read in a stream of small chunks.
#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn limits_per_parent_at_two_levels_of_a_stream(db: Db) -> sequor::Result<()> {
    for seed in SEEDS {
        let shelf = Shelf::filled(&db, seed).await?;
        let find = || {
            let chapters = Book::CHAPTERS.order_by((Chapter::PLACE.desc(), Chapter::ID.asc())).limit(1).offset(1);
            Label::find_all()
                .include(Label::BOOKS.order_by((Book::PAGES.desc_nulls_last(), Book::ID.desc())).limit(2).include(chapters))
                .order_by(Label::ID.desc())
        };
        let check = |label: &Label| -> sequor::Result<()> {
            let mut books = shelf.books_with(label.id, 0);
            books.sort_by_key(|book| (book.pages.is_none(), Reverse(book.pages), Reverse(book.id)));
            let found = label.books.loaded()?;
            assert_eq!(ids(found), ids(books.into_iter().take(2)));
            for book in found {
                let mut chapters = shelf.chapters_of(book.id);
                chapters.sort_by_key(|chapter| (Reverse(chapter.place), chapter.id));
                assert_eq!(
                    book.chapters.loaded()?.iter().map(|chapter| chapter.id).collect::<Vec<_>>(),
                    chapters.iter().skip(1).take(1).map(|chapter| chapter.id).collect::<Vec<_>>()
                );
            }
            Ok(())
        };
        for strategy in [Strategy::Sequential, Strategy::OneFlush] {
            let labels = find().include_strategy(strategy).exec(&db).await?;
            assert_eq!(labels.len(), shelf.labels.len());
            labels.iter().try_for_each(check)?;
        }
        let mut stream = find().stream(&db);
        while let Some(label) = stream.next().await {
            check(&label?)?;
        }
        drop(stream);
        db.transaction(async |tx| {
            let mut stream = find().stream(tx);
            while let Some(label) = stream.next().await {
                check(&label?)?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}
