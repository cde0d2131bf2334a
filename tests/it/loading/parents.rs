//! Parents with few and with many rows below them: which rows lie in memory together never shows.

use super::library::*;
use sequor::Strategy;
use sequor::prelude::*;

/// How many books each author has: around the sizes at which rows of several parents share a list, and one whose rows alone are more than know each other.
const BOOKS: [usize; 17] = [0, 1, 63, 64, 65, 3, 0, 127, 128, 129, 2, 300, 5, 0, 1_205, 7, 0];
const STRATEGIES: [Strategy; 3] = [Strategy::Auto, Strategy::OneFlush, Strategy::Sequential];

/// Stores them, every seventh book with two chapters; gives the books.
async fn shelve_many(db: &Db) -> sequor::Result<Vec<Book>> {
    let authors = BOOKS.iter().enumerate().map(|(number, _)| draft!(Author { name: format!("author {number}") }));
    let authors = Author::bulk_create(authors.collect::<Vec<_>>()).exec(db).await?;
    let mut drafts = Vec::new();
    for (author, count) in authors.iter().zip(BOOKS) {
        drafts.extend((0..count).map(|book| draft!(Book { title: format!("{} {book}", author.id), kind: "story", author_id: author.id })));
    }
    let books = Book::bulk_create(drafts).exec(db).await?;
    let chapters = books
        .iter()
        .filter(|book| book.id % 7 == 0)
        .flat_map(|book| [2, 1].map(|place| draft!(Chapter { title: format!("{} {place}", book.id), place, book_id: book.id })));
    Chapter::bulk_create(chapters.collect::<Vec<_>>()).exec(db).await?;
    Book::find_all().order_by(Book::ID.asc()).exec(db).await
}

/// The titles of the books of each author, and those of the chapters of each book.
fn titles(authors: &[Author]) -> sequor::Result<Vec<Vec<(String, Vec<String>)>>> {
    let chapters = |book: &Book| Ok((book.title.clone(), book.chapters.loaded()?.iter().map(|chapter| chapter.title.clone()).collect()));
    authors.iter().map(|author| author.books.loaded()?.iter().map(chapters).collect()).collect()
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn each_has_its_own_rows_in_order(db: Db) -> sequor::Result<()> {
    let books = shelve_many(&db).await?;
    let authors = Author::find_all().order_by(Author::ID.asc()).exec(&db).await?;
    let chapters = |book: &Book, places: [i32; 2]| match book.id % 7 {
        0 => places.map(|place| format!("{} {place}", book.id)).to_vec(),
        _ => Vec::new(),
    };
    let below = |author: &Author, places| {
        books
            .iter()
            .filter(|book| book.author_id == Some(author.id))
            .map(|book| (book.title.clone(), chapters(book, places)))
            .collect::<Vec<_>>()
    };
    let ascending: Vec<_> = authors.iter().map(|author| below(author, [2, 1])).collect();
    assert_eq!(ascending.iter().map(Vec::len).collect::<Vec<_>>(), BOOKS);
    let mut descending: Vec<_> = authors.iter().map(|author| below(author, [1, 2])).collect();
    descending.iter_mut().for_each(|books| books.reverse());
    for strategy in STRATEGIES {
        let find = |books| Author::find_all().include(books).order_by(Author::ID.asc()).include_strategy(strategy);
        let found = find(Author::BOOKS.include(Book::CHAPTERS)).exec(&db).await?;
        assert_eq!(titles(&found)?, ascending, "{strategy:?}");
        let chapters = Book::CHAPTERS.order_by(Chapter::PLACE.asc());
        let found = find(Author::BOOKS.order_by(Book::ID.desc()).include(chapters.clone())).exec(&db).await?;
        assert_eq!(titles(&found)?, descending, "{strategy:?}");
        let found = find(Author::BOOKS.order_by(Book::ID.desc()).limit(130).include(chapters)).exec(&db).await?;
        let newest: Vec<_> = descending.iter().map(|books| books.iter().take(130).cloned().collect::<Vec<_>>()).collect();
        assert_eq!(titles(&found)?, newest, "{strategy:?}");
    }
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn their_rows_know_each_other(db: Db) -> sequor::Result<()> {
    let books = shelve_many(&db).await?;
    let chapters = Book::find_all().include(Book::CHAPTERS).order_by(Book::ID.asc()).exec(&db).await?;
    for strategy in STRATEGIES {
        let authors = Author::find_all().include(Author::BOOKS).order_by(Author::ID.asc()).include_strategy(strategy).exec(&db).await?;
        let listed: Vec<&Book> = authors.iter().filter_map(|author| author.books.get()).flatten().collect();
        assert_eq!(listed.len(), books.len());
        // A thousand load together.
        db.expect_queries(3, async || {
            for book in &listed {
                book.load(Book::CHAPTERS, &db).await?;
            }
            sequor::Result::<()>::Ok(())
        })
        .await?;
        let loaded =
            |books: &[&Book]| books.iter().map(|book| Ok((book.id, book.chapters.loaded()?.len()))).collect::<sequor::Result<Vec<_>>>();
        let mut found = loaded(&listed)?;
        found.sort_unstable();
        assert_eq!(found, loaded(&chapters.iter().collect::<Vec<_>>())?, "{strategy:?}");
        // What is missing is named, whether a row knows others or not.
        let named = |book: &&Book| book.author.loaded().is_err_and(|error| error.to_string().contains("Book.author"));
        assert!(listed.iter().all(named), "{:?}", listed.first().map(|book| book.author.loaded().is_err()));
    }
    Ok(())
}
