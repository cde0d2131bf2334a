//! The first rows of groups, cursors over NULL, and rows that follow from each other: with includes, pages, streams and batches.

use super::{SEEDS, Shelf, ids, walked};
use crate::loading::library::*;
use sequor::Strategy;
use sequor::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn the_first_of_each_group_with_includes_a_limit_pages_and_streams(db: Db) -> sequor::Result<()> {
    for seed in SEEDS {
        let shelf = Shelf::filled(&db, seed).await?;
        let mut firsts: BTreeMap<&str, &Book> = BTreeMap::new();
        for book in shelf.books() {
            let first = firsts.entry(book.kind.as_str()).or_insert(book);
            if (book.pages.map(Reverse).is_none(), book.pages.map(Reverse), book.id)
                < (first.pages.is_none(), first.pages.map(Reverse), first.id)
            {
                *first = book;
            }
        }
        let wanted: Vec<i64> = firsts.values().map(|book| book.id).collect();
        let find = || {
            Book::find_all()
                .distinct_on(Book::KIND)
                .order_by((Book::KIND.asc(), Book::PAGES.desc_nulls_last(), Book::ID.asc()))
                .include(Book::CHAPTERS.order_by(Chapter::PLACE.desc()).limit(2))
                .include(Book::AUTHOR)
        };
        let rows = find().exec(&db).await?;
        assert_eq!(ids(&rows), wanted);
        for row in &rows {
            assert_eq!(row.chapters.loaded()?.len(), shelf.chapters_of(row.id).len().min(2));
            let author = shelf.authors().find(|author| Some(author.id) == row.author_id);
            assert_eq!(row.author.loaded()?.map(|author| author.id), author.map(|author| author.id));
        }
        assert_eq!(ids(&find().limit(2).offset(1).exec(&db).await?), wanted[1.min(wanted.len())..3.min(wanted.len())]);
        assert_eq!(find().count().exec(&db).await?, wanted.len() as u64);
        let page = find().page(2, 2).exec(&db).await?;
        assert_eq!((ids(&page.rows), page.count), (wanted[2.min(wanted.len())..].to_vec(), wanted.len() as u64));
        let mut stream = find().stream(&db);
        let mut streamed = Vec::new();
        while let Some(row) = stream.next().await {
            let row = row?;
            assert_eq!(row.chapters.loaded()?.len(), shelf.chapters_of(row.id).len().min(2));
            streamed.push(row.id);
        }
        assert_eq!(streamed, wanted);
        assert_eq!(walked(find(), &db).await?, wanted);
        assert_eq!(walked(find().filter(Book::ID.gt(2)), &db).await?, ids(&find().filter(Book::ID.gt(2)).exec(&db).await?));
        // Only among books of living authors that have a chapter.
        let narrowed = find().include(Book::AUTHOR.required()).include(Book::CHAPTERS.required()).exec(&db).await?;
        for row in &narrowed {
            assert!(row.author.loaded()?.is_some() && !row.chapters.loaded()?.is_empty());
        }
        let kinds: BTreeSet<&str> = shelf
            .books()
            .filter(|book| shelf.authors().any(|author| Some(author.id) == book.author_id) && !shelf.chapters_of(book.id).is_empty())
            .map(|book| book.kind.as_str())
            .collect();
        assert_eq!(narrowed.iter().map(|row| row.kind.as_str()).collect::<BTreeSet<_>>(), kinds);
        // Inside another query: the chapters of the first books.
        let of_firsts = Chapter::BOOK_ID.in_query(
            Book::find_all()
                .distinct_on(Book::KIND)
                .order_by((Book::KIND.asc(), Book::PAGES.desc_nulls_last(), Book::ID.asc()))
                .select(Book::ID),
        );
        let chapters: u64 = wanted.iter().map(|id| shelf.chapters_of(*id).len() as u64).sum();
        assert_eq!(Chapter::count().filter(of_firsts).exec(&db).await?, chapters);
    }
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn cursors_over_nulls_with_required_includes(db: Db) -> sequor::Result<()> {
    for seed in SEEDS {
        let shelf = Shelf::filled(&db, seed).await?;
        let long = |author: &&Author| shelf.books_of(author.id).iter().any(|book| book.pages.is_some_and(|pages| pages > 2));
        // NULL stands where it stands in any order: as the largest value on PostgreSQL, as the smallest elsewhere.
        let largest = db.dialect() == Dialect::Postgres;
        let mut wanted: Vec<&Author> = shelf.authors().filter(long).collect();
        wanted.sort_by_key(|author| (author.born.is_none() != largest, Reverse(author.born), author.name.clone(), author.id));
        let wanted: Vec<i64> = wanted.into_iter().map(|author| author.id).collect();
        for strategy in [Strategy::Sequential, Strategy::OneFlush] {
            let find = || {
                Author::find_all()
                    .include(Author::BOOKS.filter(Book::PAGES.gt(2)).order_by(Book::PAGES.desc()).limit(1).required())
                    .include(Author::BOSS)
                    .order_by((Author::BORN.desc(), Author::NAME.asc()))
                    .include_strategy(strategy)
            };
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = find().cursor(cursor, 2).exec(&db).await?;
                for row in &page.rows {
                    assert_eq!(row.books.loaded()?.len(), 1);
                    assert!(row.books.loaded()?[0].pages.is_some_and(|pages| pages > 2));
                    let boss = shelf.authors().find(|author| Some(author.id) == row.boss_id);
                    assert_eq!(row.boss.loaded()?.map(|boss| boss.id), boss.map(|boss| boss.id));
                    seen.push(row.id);
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, wanted, "{strategy:?}");
        }
    }
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn recursive_names_with_includes_pages_cursors_and_streams(db: Db) -> sequor::Result<()> {
    for seed in SEEDS {
        let shelf = Shelf::filled(&db, seed).await?;
        let mut reached: BTreeSet<i64> = shelf.authors().filter(|author| author.boss_id.is_none()).map(|author| author.id).collect();
        loop {
            let more: Vec<i64> = shelf
                .authors()
                .filter(|author| author.boss_id.is_some_and(|boss| reached.contains(&boss)) && !reached.contains(&author.id))
                .map(|author| author.id)
                .collect();
            if more.is_empty() {
                break;
            }
            reached.extend(more);
        }
        let wanted: Vec<i64> = reached.into_iter().collect();
        let find = || {
            Author::find_all()
                .with_recursive("below", Author::find_all().filter(Author::BOSS_ID.is_null()), Author::BOSS_ID.eq(outer(Author::ID)))
                .from_cte("below")
                .include(Author::BOOKS.order_by(Book::ID.desc()).limit(1))
                .include(Author::BOSS)
                .order_by(Author::ID.asc())
        };
        let check = |rows: &[Author]| -> sequor::Result<Vec<i64>> {
            for row in rows {
                let last = shelf.books_of(row.id).last().map(|book| book.id);
                assert_eq!(row.books.loaded()?.first().map(|book| book.id), last);
                assert_eq!(row.boss.loaded()?.is_some(), shelf.authors().any(|boss| Some(boss.id) == row.boss_id));
            }
            Ok(rows.iter().map(|row| row.id).collect())
        };
        for strategy in [Strategy::Sequential, Strategy::OneFlush] {
            assert_eq!(check(&find().include_strategy(strategy).exec(&db).await?)?, wanted, "{strategy:?}");
        }
        assert_eq!(find().count().exec(&db).await?, wanted.len() as u64);
        let page = find().page(2, 3).exec(&db).await?;
        assert_eq!((check(&page.rows)?, page.count), (wanted.iter().copied().skip(3).take(3).collect(), wanted.len() as u64));
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = find().cursor(cursor, 2).exec(&db).await?;
            seen.extend(check(&page.rows)?);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, wanted);
        let mut stream = find().stream(&db);
        let mut streamed = Vec::new();
        while let Some(row) = stream.next().await {
            streamed.push(row?);
        }
        assert_eq!(check(&streamed)?, wanted);
        let mut batches = find().find_in_batches(2, &db);
        let mut batched = Vec::new();
        while let Some(rows) = batches.next().await? {
            batched.extend(check(&rows)?);
        }
        assert_eq!(batched, wanted);
        let required = find().include(Author::BOOKS.required()).exec(&db).await?;
        let writers: Vec<i64> = wanted.iter().copied().filter(|id| !shelf.books_of(*id).is_empty()).collect();
        assert_eq!(required.iter().map(|row| row.id).collect::<Vec<_>>(), writers);
        let by_born: Vec<(Option<i32>, i64)> =
            find().select((Author::BORN, count_all())).group_by(Author::BORN).reorder(Author::BORN.asc_nulls_first()).exec(&db).await?;
        let mut groups: BTreeMap<Option<i32>, i64> = BTreeMap::new();
        for author in shelf.authors().filter(|author| wanted.contains(&author.id)) {
            *groups.entry(author.born).or_default() += 1;
        }
        assert_eq!(by_born, groups.into_iter().collect::<Vec<_>>());
    }
    Ok(())
}
