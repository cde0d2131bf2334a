//! Set operations inside conditions, and what is said behind them.

use super::{SEEDS, Shelf, ids, walked};
use crate::loading::library::*;
use sequor::UsageErrorKind;
use sequor::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeSet;

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn unions_inside_conditions_with_order_and_limit(db: Db) -> sequor::Result<()> {
    for seed in SEEDS {
        let shelf = Shelf::filled(&db, seed).await?;
        let novels = || Book::find_all().filter(Book::KIND.eq("novel")).filter(Book::AUTHOR_ID.is_not_null()).select(Book::AUTHOR_ID);
        let edited = || Book::find_all().filter(Book::EDITOR_ID.gt(3)).select(Book::EDITOR_ID);
        let wrote = || shelf.books().filter(|book| book.kind == "novel").filter_map(|book| book.author_id).collect::<BTreeSet<_>>();
        let edits = || shelf.books().filter_map(|book| book.editor_id).filter(|id| *id > 3).collect::<BTreeSet<_>>();
        let living = |keys: Vec<i64>| shelf.authors().map(|author| author.id).filter(|id| keys.contains(id)).collect::<Vec<_>>();
        let find =
            async |filter: Filter<Author>| Author::find_all().filter(filter).order_by(Author::ID.asc()).pluck(Author::ID).exec(&db).await;
        let all: Vec<i64> = wrote().union(&edits()).copied().collect();
        assert_eq!(find(Author::ID.in_query(novels().union(edited()))).await?, living(all.clone()));
        let largest: Vec<i64> = all.iter().rev().take(3).copied().collect();
        assert_eq!(find(Author::ID.in_query(novels().union(edited()).order_by(Book::AUTHOR_ID.desc()).limit(3))).await?, living(largest));
        assert_eq!(
            find(Author::ID.in_query(novels().intersect(edited()))).await?,
            living(wrote().intersection(&edits()).copied().collect())
        );
        assert_eq!(find(Author::ID.in_query(novels().except(edited()))).await?, living(wrote().difference(&edits()).copied().collect()));
        let others = shelf.authors().map(|author| author.id).filter(|id| !all.contains(id)).collect::<Vec<_>>();
        assert_eq!(find(Author::ID.not_in_query(novels().union(edited()))).await?, others);
        // Limits of the halves are their own.
        let halves = Book::find_all().order_by((Book::PAGES.desc_nulls_last(), Book::ID.asc())).limit(2).select(Book::ID);
        let halves = halves.union(Book::find_all().order_by((Book::PAGES.asc_nulls_last(), Book::ID.asc())).limit(2).select(Book::ID));
        let mut sorted: Vec<&Book> = shelf.books().filter(|book| book.pages.is_some()).collect();
        sorted.sort_by_key(|book| (book.pages, book.id));
        let mut keys: BTreeSet<i64> = sorted.iter().take(2).map(|book| book.id).collect();
        sorted.sort_by_key(|book| (Reverse(book.pages), book.id));
        keys.extend(sorted.iter().take(2).map(|book| book.id));
        let found: Vec<i64> =
            Book::find_all().filter(Book::ID.in_query(halves.clone())).pluck(Book::ID).order_by(Book::ID.asc()).exec(&db).await?;
        assert_eq!(found, keys.iter().copied().collect::<Vec<_>>());
        let page = halves.order_by(Book::ID.asc()).page(2, 2).exec(&db).await?;
        assert_eq!((page.rows, page.count), (keys.iter().copied().skip(2).collect(), keys.len() as u64));
        // Correlated: authors with more than one book that is a novel or has no pages.
        let mine = |filter: Filter<Book>| Book::find_all().filter(Book::AUTHOR_ID.eq(outer(Author::ID))).filter(filter);
        let odd = mine(Book::KIND.eq("novel")).union(mine(Book::PAGES.is_null()));
        let wanted: Vec<i64> = shelf
            .authors()
            .filter(|author| shelf.books_of(author.id).iter().any(|book| book.kind == "novel" || book.pages.is_none()))
            .map(|author| author.id)
            .collect();
        assert_eq!(find(Filter::exists(odd)).await?, wanted);
    }
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn what_is_said_behind_united_rows_is_said_of_the_whole(db: Db) -> sequor::Result<()> {
    for seed in SEEDS {
        let shelf = Shelf::filled(&db, seed).await?;
        let wanted = |op: fn(bool, bool) -> bool| {
            let mut books: Vec<&Book> =
                shelf.books().filter(|book| op(book.kind == "novel", book.pages.is_some_and(|pages| pages > 2))).collect();
            books.sort_by_key(|book| (book.title.clone(), book.id));
            books
        };
        let novel = || Book::find_all().filter(Book::KIND.eq("novel"));
        let long = || Book::find_all().filter(Book::PAGES.gt(2));
        let united: [(Find<Book>, fn(bool, bool) -> bool); 3] = [
            (novel().union(long()), |novel, long| novel || long),
            (novel().intersect(long()), |novel, long| novel && long),
            (novel().except(long()), |novel, long| novel && !long),
        ];
        for (find, op) in united {
            let find = find.order_by(Book::TITLE.asc());
            assert_eq!(walked(find.clone(), &db).await?, ids(wanted(op)));
            let mine = || wanted(op).into_iter().filter(|book| book.author_id.is_some_and(|author| author < 6)).collect::<Vec<_>>();
            let filtered = find.clone().filter(Book::AUTHOR_ID.lt(6)).order_by(Book::ID.asc());
            assert_eq!(ids(&filtered.clone().exec(&db).await?), ids(mine()));
            assert_eq!(filtered.clone().count().exec(&db).await?, mine().len() as u64);
            assert_eq!(ids(&filtered.clone().limit(2).offset(1).exec(&db).await?), ids(mine().into_iter().skip(1).take(2)));
            assert_eq!(walked(filtered.clone(), &db).await?, ids(mine()));
            let page = filtered.page(1, 2).exec(&db).await?;
            assert_eq!((ids(&page.rows), page.count), (ids(mine().into_iter().take(2)), mine().len() as u64));
            let streamed = db
                .transaction(async |tx| {
                    let mut stream = find.stream(tx);
                    let mut rows = Vec::new();
                    while let Some(row) = stream.next().await {
                        rows.push(row?.id);
                    }
                    Ok(rows)
                })
                .await?;
            assert_eq!(streamed.len(), wanted(op).len());
        }
        // A limit that was said before is that of the first query; another union takes the whole so far.
        let shortest = || Book::find_all().order_by((Book::PAGES.asc_nulls_last(), Book::ID.asc())).limit(2);
        let some = shortest().union(novel()).order_by(Book::ID.desc()).limit(3);
        let mut whole: BTreeSet<i64> = wanted(|novel, _| novel).into_iter().map(|book| book.id).collect();
        whole.extend(ids(&shortest().exec(&db).await?));
        let three: Vec<i64> = whole.iter().rev().take(3).copied().collect();
        assert_eq!(ids(&some.clone().exec(&db).await?), three);
        let more: BTreeSet<i64> = three.iter().copied().chain(ids(&long().exec(&db).await?)).collect();
        assert_eq!(ids(&some.union(long()).order_by(Book::ID.asc()).exec(&db).await?), more.into_iter().collect::<Vec<_>>());
        let twice = novel().union_all(novel()).cursor(None, 2).exec(&db).await;
        assert!(matches!(&twice, Err(Error::Usage(usage)) if usage.kind == UsageErrorKind::Cursor), "{twice:?}");
        let picked = novel().select(Book::ID).union(long().select(Book::ID)).filter(Book::ID.gt(1)).exec(&db).await;
        assert!(matches!(&picked, Err(Error::Usage(_))), "{picked:?}");
    }
    Ok(())
}
