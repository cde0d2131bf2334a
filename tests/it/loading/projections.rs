//! Projections with lists: what is loaded, in how many statements and round trips, under every strategy.

use super::library::*;
use sequor::prelude::*;
use sequor::{Page, RowsAndCount, Strategy};

const STRATEGIES: [Strategy; 3] = [Strategy::Auto, Strategy::OneFlush, Strategy::Sequential];

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Chapter)]
struct ChapterTitle {
    title: String,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Label)]
struct LabelName {
    name: String,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Book)]
struct Shelf {
    title: String,
    #[projection(of = Chapter, relation = Book::CHAPTERS.filter(Chapter::PLACE.gt(0)).order_by(Chapter::PLACE.desc()).limit(1))]
    last: Vec<ChapterTitle>,
    #[projection(of = Label)]
    labels: Vec<LabelName>,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Author)]
struct Writer {
    name: String,
    #[projection(of = Book, relation = Author::BOOKS.order_by(Book::TITLE.asc()))]
    books: Vec<Shelf>,
    #[projection(of = Author)]
    boss: Option<Boss>,
    #[projection(of = Book)]
    drafts: Vec<Title>,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Author)]
struct Boss {
    #[projection(of = Author, relation = Author::STAFF.order_by(Author::NAME.desc()))]
    staff: Vec<Called>,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Author)]
struct Called {
    name: String,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Book)]
struct Title {
    title: String,
}

/// Two lists of one relation, and a book that several readers share.
#[derive(Projection, Debug, PartialEq)]
#[projection(of = Label)]
struct Labelled {
    name: String,
    #[projection(of = Book, relation = Label::BOOKS.order_by(Book::TITLE.asc()).limit(1))]
    first: Vec<Shelf>,
    #[projection(relation = Label::BOOKS.order_by(Book::TITLE.desc()).offset(1))]
    others: Vec<Title>,
}

fn titles(rows: &[Title]) -> Vec<&str> {
    rows.iter().map(|row| row.title.as_str()).collect()
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn lists_nest_in_one_statement_each(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let find = || Author::find_all().order_by(Author::ID.asc()).project::<Writer>();
    let expected = find().include_strategy(Strategy::Sequential).exec(&db).await?;
    for strategy in STRATEGIES {
        // Authors, books, drafts, staff of the boss, chapters, labels.
        let writers = db.expect_queries(6, async || find().include_strategy(strategy).exec(&db).await).await?;
        assert_eq!(writers, expected, "{strategy:?}");
        let inside = db.transaction(async |tx| find().include_strategy(strategy).exec(tx).await).await?;
        assert_eq!(inside, expected, "{strategy:?}");
        let limited = find().limit(2).offset(1).include_strategy(strategy).exec(&db).await?;
        assert_eq!(limited, expected[1..3], "{strategy:?}");
    }
    let ann = &expected[0];
    assert_eq!((ann.name.as_str(), &ann.boss), ("Ann", &None));
    assert_eq!(ann.books.iter().map(|book| book.title.as_str()).collect::<Vec<_>>(), ["Alpha", "Beta", "Gamma"]);
    assert_eq!(ann.books[0].last, [ChapterTitle { title: "Alpha 1".into() }]);
    assert!(ann.books[1].last.is_empty());
    assert_eq!(titles(&ann.drafts), ["Gamma"]);
    // Bo and Cy have one boss, and each has its own copy of her staff; the deleted Ed is not among them.
    for writer in &expected[1..3] {
        let staff = writer.boss.as_ref().map(|boss| boss.staff.iter().map(|row| row.name.as_str()).collect::<Vec<_>>());
        assert_eq!(staff, Some(vec!["Cy", "Bo"]));
    }
    let one = Author::find_all().filter(Author::ID.eq(2)).project::<Writer>().one().exec(&db).await?;
    assert_eq!(one.map(|writer| writer.books.len()), Some(1));
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn lists_cut_for_each_parent_and_over_rows_between(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let whole = Label::find_all().include(Label::BOOKS.order_by(Book::TITLE.asc())).order_by(Label::ID.asc()).exec(&db).await?;
    let views = Label::find_all().order_by(Label::ID.asc()).project::<Labelled>().exec(&db).await?;
    assert_eq!(views.len(), 3);
    for (label, view) in whole.iter().zip(&views) {
        let books: Vec<&str> = label.books.loaded()?.iter().map(|book| book.title.as_str()).collect();
        assert_eq!(label.name, view.name);
        assert_eq!(view.first.iter().map(|book| book.title.as_str()).collect::<Vec<_>>(), books[..1.min(books.len())]);
        let rest: Vec<&str> = books.iter().rev().skip(1).copied().collect();
        assert_eq!(titles(&view.others), rest);
    }
    assert!(views.iter().any(|view| view.others.len() > 1));
    let nobody = Author::find_all().filter(Author::NAME.eq("nobody")).project::<Writer>().exec(&db).await?;
    assert_eq!(nobody, []);
    let refused = Author::find_all().distinct().project::<Writer>().exec(&db).await;
    assert!(matches!(refused, Err(Error::Usage(_))), "{refused:?}");
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn pages_of_any_shape_count_beside_the_rows(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let page: Page<Writer> =
        db.expect_queries(7, async || Author::find_all().order_by(Author::ID.asc()).project::<Writer>().page(1, 3).exec(&db).await).await?;
    assert_eq!((page.count, page.pages, page.rows.len(), page.rows[0].name.as_str()), (4, 2, 3, "Ann"));
    let page = db.expect_queries(3, async || Author::find_all().include(Author::BOOKS).page(1, 3).exec(&db).await).await?;
    assert_eq!((page.count, page.rows.len()), (4, 3));
    let (names, count) = {
        let page: Page<(i64, String)> =
            Author::find_all().select((Author::ID, Author::NAME)).order_by(Author::ID.desc()).page(1, 2).exec(&db).await?;
        (page.rows, page.count)
    };
    assert_eq!((names, count), (vec![(4, "Di".to_owned()), (3, "Cy".to_owned())], 4));
    let RowsAndCount { rows, count } = Author::find_and_count_all().filter(Author::BORN.is_not_null()).limit(1).exec(&db).await?;
    assert_eq!((rows.len(), count), (1, 3));
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note), databases("postgres"))]
async fn a_page_is_one_round_trip(db: Db) -> sequor::Result<()> {
    // Only PostgreSQL's protocol answers many statements at once.
    shelve(&db).await?;
    let flush = Strategy::OneFlush;
    let page = || Author::find_all().order_by(Author::ID.asc()).page(1, 2);
    let tree = || Author::find_all().include(Author::BOOKS.include(Book::CHAPTERS)).include_strategy(flush).page(1, 2);
    let lists = || Author::find_all().project::<Writer>().include_strategy(flush).page(1, 2);
    let counted = || Author::find_and_count_all().filter(Author::BORN.gt(1900)).limit(2);
    page().exec(&db).await?;
    tree().exec(&db).await?;
    lists().exec(&db).await?;
    counted().exec(&db).await?;
    db.expect_round_trips(1, async || page().exec(&db).await).await?;
    db.expect_round_trips(1, async || tree().exec(&db).await).await?;
    db.expect_round_trips(1, async || lists().exec(&db).await).await?;
    db.expect_round_trips(1, async || counted().exec(&db).await).await?;
    let inside = db.transaction(async |tx| tree().exec(tx).await).await?;
    assert_eq!((inside.count, inside.rows.len()), (4, 2));
    Ok(())
}
