//! Aggregates, groups, windows and quantifiers, beside limits, pages and required includes.

use super::{SEEDS, Shelf, ids};
use crate::loading::library::*;
use sequor::prelude::*;
use sequor::{UsageErrorKind, Window};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn aggregates_and_counts_under_required_includes(db: Db) -> sequor::Result<()> {
    for seed in SEEDS {
        let shelf = Shelf::filled(&db, seed).await?;
        let authored = |book: &&Book| shelf.authors().any(|author| Some(author.id) == book.author_id);
        let chaptered = |book: &&Book| shelf.chapters_of(book.id).iter().any(|chapter| chapter.place > 2);
        let wanted: Vec<&Book> = shelf.books().filter(authored).filter(chaptered).collect();
        let find = || Book::find_all().include(Book::AUTHOR.required()).include(Book::CHAPTERS.filter(Chapter::PLACE.gt(2)).required());
        assert_eq!(find().count().exec(&db).await?, wanted.len() as u64);
        let found = Book::find_and_count_all()
            .include(Book::AUTHOR.required())
            .include(Book::CHAPTERS.filter(Chapter::PLACE.gt(2)).required())
            .order_by(Book::ID.asc())
            .limit(2)
            .exec(&db)
            .await?;
        assert_eq!((ids(&found.rows), found.count), (ids(wanted.iter().copied().take(2)), wanted.len() as u64));
        assert_eq!(find().exists(&db).await?, !wanted.is_empty());
        let sums: (i64, Option<i64>, Option<i32>, i64) =
            find().select((count_all(), sum(Book::PAGES), max(Book::PAGES), count_distinct(Book::KIND))).one().exec(&db).await?;
        let pages: Vec<i32> = wanted.iter().filter_map(|book| book.pages).collect();
        let total = (!pages.is_empty()).then(|| pages.iter().map(|pages| i64::from(*pages)).sum());
        let kinds = wanted.iter().map(|book| book.kind.as_str()).collect::<BTreeSet<_>>().len();
        assert_eq!(sums, (wanted.len() as i64, total, pages.iter().max().copied(), kinds as i64));
        let mut groups: BTreeMap<&str, i64> = BTreeMap::new();
        for book in &wanted {
            *groups.entry(book.kind.as_str()).or_default() += 1;
        }
        let by_kind: Vec<(String, i64)> =
            find().select((Book::KIND, count_all())).group_by(Book::KIND).order_by(Book::KIND.asc()).exec(&db).await?;
        assert_eq!(by_kind.iter().map(|(kind, count)| (kind.as_str(), *count)).collect::<Vec<_>>(), groups.into_iter().collect::<Vec<_>>());
        // By a column of the joined row, with what its relations count.
        let by_author: Vec<(String, i64)> = find()
            .select((Book::AUTHOR.at(Author::NAME), count_all()))
            .group_by(Book::AUTHOR.at(Author::NAME))
            .having(count_all().gte(1))
            .order_by(Book::AUTHOR.at(Author::NAME).asc())
            .exec(&db)
            .await?;
        let mut names: BTreeMap<&str, i64> = BTreeMap::new();
        for book in &wanted {
            if let Some(author) = shelf.authors().find(|author| Some(author.id) == book.author_id) {
                *names.entry(author.name.as_str()).or_default() += 1;
            }
        }
        assert_eq!(
            by_author.iter().map(|(name, count)| (name.as_str(), *count)).collect::<Vec<_>>(),
            names.into_iter().collect::<Vec<_>>()
        );
        // The sum of what relations count, and the rows in the order of it.
        let chapters: Option<i64> = Book::find_all().select(sum(Book::CHAPTERS.count())).one().exec(&db).await?;
        let all: i64 = shelf.books().map(|book| shelf.chapters_of(book.id).len() as i64).sum();
        assert_eq!(chapters.unwrap_or(0), all);
    }
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn groups_have_pages_and_windows_stand_beside_limits(db: Db) -> sequor::Result<()> {
    for seed in SEEDS {
        let shelf = Shelf::filled(&db, seed).await?;
        let mut groups: BTreeMap<(bool, Option<i32>), i64> = BTreeMap::new();
        for book in shelf.books() {
            *groups.entry((book.pages.is_none(), book.pages)).or_default() += 1;
        }
        let groups: Vec<(Option<i32>, i64)> = groups.into_iter().map(|((_, pages), count)| (pages, count)).collect();
        let find = || Book::find_all().select((Book::PAGES, count_all())).group_by(Book::PAGES).order_by(Book::PAGES.asc_nulls_last());
        assert_eq!(find().exec(&db).await?, groups);
        for (number, expected) in groups.chunks(3).enumerate() {
            let page = find().page(number as u64 + 1, 3).exec(&db).await?;
            assert_eq!((page.rows.as_slice(), page.count), (expected, groups.len() as u64));
        }
        let few: Vec<(Option<i32>, i64)> = groups.iter().copied().filter(|(_, count)| *count > 1).collect();
        let page = find().having(count_all().gt(1)).page(1, 2).exec(&db).await?;
        assert_eq!((page.rows, page.count), (few.iter().copied().take(2).collect(), few.len() as u64));
        let pages: BTreeSet<Option<i32>> = shelf.books().map(|book| book.pages).collect();
        let distinct = Book::find_all().select(Book::PAGES).distinct().order_by(Book::PAGES.asc_nulls_first()).page(1, 4).exec(&db).await?;
        assert_eq!((distinct.rows, distinct.count), (pages.iter().copied().take(4).collect::<Vec<_>>(), pages.len() as u64));

        // The numbers of a window are those of all rows that the filter finds, not of the page.
        let numbered = || {
            let window = Window::new().partition_by(Book::KIND).order_by((Book::PAGES.desc_nulls_last(), Book::ID.asc()));
            Book::find_all().filter(Book::ID.gt(2)).select((Book::ID, row_number().over(window))).order_by(Book::ID.asc())
        };
        let number = |book: &Book| {
            let key = |book: &Book| (book.pages.is_none(), book.pages.map(Reverse), book.id);
            shelf.books().filter(|other| other.id > 2 && other.kind == book.kind && key(other) <= key(book)).count() as i64
        };
        let wanted: Vec<(i64, i64)> = shelf.books().filter(|book| book.id > 2).map(|book| (book.id, number(book))).collect();
        assert_eq!(numbered().exec(&db).await?, wanted);
        assert_eq!(numbered().limit(3).offset(2).exec(&db).await?, wanted.iter().copied().skip(2).take(3).collect::<Vec<_>>());
        let page = numbered().page(2, 4).exec(&db).await?;
        assert_eq!((page.rows, page.count), (wanted.iter().copied().skip(4).take(4).collect(), wanted.len() as u64));
        let mut stream = numbered().stream(&db);
        let mut streamed = Vec::new();
        while let Some(row) = stream.next().await {
            streamed.push(row?);
        }
        assert_eq!(streamed, wanted, "a stream of windows");
        let in_transaction = db
            .transaction(async |tx| {
                let mut stream = numbered().stream(tx);
                let mut rows = Vec::new();
                while let Some(row) = stream.next().await {
                    rows.push(row?);
                }
                Ok(rows)
            })
            .await?;
        assert_eq!(in_transaction, wanted, "a stream of windows in a transaction");
        // The rows behind a cursor would be numbered anew.
        let refused = numbered().cursor(None, 4).exec(&db).await;
        assert!(matches!(&refused, Err(Error::Usage(usage)) if usage.kind == UsageErrorKind::Cursor), "{refused:?}");
    }
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn documents_group_sort_and_page_by_their_paths(db: Db) -> sequor::Result<()> {
    for seed in SEEDS {
        let shelf = Shelf::filled(&db, seed).await?;
        let at = |book: &Book, key: &str| book.data.as_ref().and_then(|data| data.0.get(key).cloned()).filter(|value| !value.is_null());
        let mut numbers: BTreeMap<Option<i64>, i64> = BTreeMap::new();
        let mut texts: BTreeMap<Option<String>, i64> = BTreeMap::new();
        for book in shelf.books() {
            *numbers.entry(at(book, "n").and_then(|value| value.as_i64())).or_default() += 1;
            let text = at(book, "s").map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            *texts.entry(text).or_default() += 1;
        }
        let number = || Book::DATA.path("n").as_number();
        let find = || Book::find_all().select((number(), count_all())).group_by(number()).order_by(number().asc_nulls_first());
        let wanted: Vec<(Option<f64>, i64)> = numbers.iter().map(|(number, count)| (number.map(|number| number as f64), *count)).collect();
        assert_eq!(find().exec(&db).await?, wanted);
        let page = find().page(2, 2).exec(&db).await?;
        assert_eq!((page.rows, page.count), (wanted.iter().copied().skip(2).take(2).collect(), wanted.len() as u64));
        let many: Vec<(Option<f64>, i64)> =
            wanted.iter().copied().filter(|(number, count)| *count > 2 || number.is_some_and(|number| number > 3.0)).collect();
        assert_eq!(find().having(count_all().gt(2).or(number().gt(3.0))).exec(&db).await?, many);
        let text = || Book::DATA.path("s").as_text();
        let by_text: Vec<(Option<String>, i64)> =
            Book::find_all().select((text(), count_all())).group_by(text()).order_by(text().asc_nulls_first()).exec(&db).await?;
        assert_eq!(by_text, texts.into_iter().collect::<Vec<_>>());
        let different: u64 = Book::find_all().select(number()).distinct().order_by(number().asc()).page(1, 1).exec(&db).await?.count;
        assert_eq!(different, numbers.len() as u64);
    }
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn quantifiers_and_aggregates_through_rows_between(db: Db) -> sequor::Result<()> {
    for seed in SEEDS {
        let shelf = Shelf::filled(&db, seed).await?;
        let find =
            async |filter: Filter<Label>| Label::find_all().filter(filter).order_by(Label::ID.asc()).pluck(Label::ID).exec(&db).await;
        let labels = |asks: &dyn Fn(&[&Book]) -> bool, weight: i32| {
            shelf.labels.iter().filter(|label| asks(&shelf.books_with(label.id, weight))).map(|label| label.id).collect::<Vec<_>>()
        };
        let long = |book: &&Book| book.pages.is_some_and(|pages| pages > 3);
        assert_eq!(find(Label::BOOKS.any(Book::PAGES.gt(3))).await?, labels(&|books| books.iter().any(long), 0));
        assert_eq!(find(Label::BOOKS.none(Book::PAGES.gt(3))).await?, labels(&|books| !books.iter().any(long), 0));
        assert_eq!(find(Label::BOOKS.all(Book::PAGES.gt(3))).await?, labels(&|books| books.iter().all(long), 0));
        // A row for which the condition is unknown does not match.
        assert_eq!(find(!Label::BOOKS.all(Book::PAGES.gt(3))).await?, labels(&|books| !books.iter().all(long), 0));
        let heavy = || Label::BOOKS.through(BookLabel::WEIGHT.gte(3));
        assert_eq!(find(heavy().exists()).await?, labels(&|books| !books.is_empty(), 3));
        assert_eq!(find(heavy().filter(Book::PAGES.gt(3)).exists()).await?, labels(&|books| books.iter().any(long), 3));
        assert_eq!(find(heavy().count().gt(1)).await?, labels(&|books| books.len() > 1, 3));
        let counted: Vec<(i64, i64, Option<i32>, i64)> = Label::find_all()
            .select((Label::ID, heavy().count(), heavy().aggregate(max(Book::PAGES)), Label::BOOKS.with_deleted().count()))
            .order_by(Label::ID.asc())
            .exec(&db)
            .await?;
        for (label, count, most, all) in counted {
            let books = shelf.books_with(label, 3);
            assert_eq!((count, most), (books.len() as i64, books.iter().filter_map(|book| book.pages).max()));
            assert_eq!(
                all,
                shelf.links.iter().filter(|link| link.label_id == label && shelf.books.iter().any(|book| book.id == link.book_id)).count()
                    as i64
            );
        }
        // Two steps: labels of books whose author is alive and leads somebody.
        let leads = |author: &Author| shelf.authors().any(|other| other.boss_id == Some(author.id));
        let led = |book: &&Book| shelf.authors().any(|author| Some(author.id) == book.author_id && leads(author));
        let nested = Label::BOOKS.any(Book::AUTHOR.is(Author::STAFF.any(Author::ID.gt(0))));
        assert_eq!(find(nested).await?, labels(&|books| books.iter().any(led), 0));
        let deep = Label::BOOKS.all(Book::CHAPTERS.none(Chapter::PLACE.eq(1)));
        let first = |book: &&Book| !shelf.chapters_of(book.id).iter().any(|chapter| chapter.place == 1);
        assert_eq!(find(deep).await?, labels(&|books| books.iter().all(first), 0));
    }
    Ok(())
}
