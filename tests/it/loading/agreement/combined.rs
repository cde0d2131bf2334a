//! Clauses and shapes that are seldom written together, over random rows: each beside the same, found in the rows in memory.

mod beside;
mod counted;
mod firsts;
mod united;

use super::super::library::*;
use super::generate::Generator;
use super::store;
use sequor::prelude::*;

/// The rows as they are stored, the deleted ones too.
struct Shelf {
    authors: Vec<Author>,
    books: Vec<Book>,
    chapters: Vec<Chapter>,
    links: Vec<BookLabel>,
    labels: Vec<Label>,
}

impl Shelf {
    async fn filled(db: &Db, seed: u64) -> sequor::Result<Shelf> {
        store(db, &Generator::new(seed).world()).await?;
        Ok(Shelf {
            authors: Author::find_all().with_deleted().order_by(Author::ID.asc()).exec(db).await?,
            books: Book::find_all().with_deleted().order_by(Book::ID.asc()).exec(db).await?,
            chapters: Chapter::find_all().order_by(Chapter::ID.asc()).exec(db).await?,
            links: BookLabel::find_all().exec(db).await?,
            labels: Label::find_all().order_by(Label::ID.asc()).exec(db).await?,
        })
    }

    fn authors(&self) -> impl Iterator<Item = &Author> {
        self.authors.iter().filter(|author| author.deleted_at.is_none())
    }

    fn books(&self) -> impl Iterator<Item = &Book> {
        self.books.iter().filter(|book| book.deleted_at.is_none())
    }

    fn books_of(&self, author: i64) -> Vec<&Book> {
        self.books().filter(|book| book.author_id == Some(author)).collect()
    }

    fn chapters_of(&self, book: i64) -> Vec<&Chapter> {
        self.chapters.iter().filter(|chapter| chapter.book_id == book).collect()
    }

    /// Live books of a label, whose link weighs at least so much.
    fn books_with(&self, label: i64, weight: i32) -> Vec<&Book> {
        let linked =
            |book: &&Book| self.links.iter().any(|link| link.label_id == label && link.book_id == book.id && link.weight >= weight);
        self.books().filter(linked).collect()
    }
}

fn ids<'a>(rows: impl IntoIterator<Item = &'a Book>) -> Vec<i64> {
    rows.into_iter().map(|row| row.id).collect()
}

/// The rows of a query by a cursor there, by one back, and in batches, two at a time.
async fn walked(find: Find<Book>, db: &Db) -> sequor::Result<Vec<i64>> {
    let (mut there, mut cursor) = (Vec::new(), None);
    let mut last = loop {
        let page = find.clone().cursor(cursor, 2).exec(db).await?;
        there.extend(ids(&page.rows));
        cursor = page.next.clone();
        if cursor.is_none() {
            break page;
        }
    };
    let mut back = ids(&last.rows);
    while last.previous.is_some() {
        last = find.clone().cursor(last.previous, 2).exec(db).await?;
        back.splice(0..0, ids(&last.rows));
    }
    assert_eq!(back, there, "back");
    let mut batches = find.find_in_batches(2, db);
    let mut batched = Vec::new();
    while let Some(rows) = batches.next().await? {
        batched.extend(ids(&rows));
    }
    assert_eq!(batched, there, "in batches");
    Ok(there)
}

const SEEDS: [u64; 4] = [3, 17, 2_024, 77_777];
