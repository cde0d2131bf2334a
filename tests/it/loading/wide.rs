//! Many parents and deep conditions: composite keys above every limit of parameters, long lists of keys with and without an index, rows of rows that are deleted.

use super::library::*;
use super::plans::{Event, Guest};
use super::{Mark, Measure, measures};
use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "places")]
pub struct Place {
    #[field(primary_key)]
    pub line: i64,
    #[field(primary_key)]
    pub town: String,
    #[relation(foreign_key = ["line", "town"], constraints = false)]
    pub stops: HasMany<Stop>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "stops")]
pub struct Stop {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub line: i64,
    pub town: String,
}

#[sequor::test(models(Place, Stop))]
async fn composite_keys_of_any_number_of_parents(db: Db) -> sequor::Result<()> {
    let parents = 40_000_i64;
    Place::bulk_create((0..parents).map(|line| draft!(Place { line: line, town: format!("town '{}'", line % 7) })))
        .without_returning()
        .exec(&db)
        .await?;
    let stops = (0..60_i64).map(|number| number * 601);
    Stop::bulk_create(stops.map(|line| draft!(Stop { line: line, town: format!("town '{}'", line % 7) }))).exec(&db).await?;
    for limit in [3, 1_300, 50_000] {
        let places = Place::find_all().include(Place::STOPS).order_by(Place::LINE.asc()).limit(limit).exec(&db).await?;
        assert_eq!(places.len() as u64, limit.min(40_000));
        for place in &places {
            let stops = place.stops.loaded()?;
            assert_eq!(stops.len(), usize::from(place.line % 601 == 0 && place.line < 60 * 601), "{place:?}");
            assert!(stops.iter().all(|stop| stop.line == place.line && stop.town == place.town));
        }
    }
    Ok(())
}

#[sequor::test(models(Measure, Mark, Event, Guest))]
async fn long_lists_of_keys_find_the_same_rows_with_and_without_an_index(db: Db) -> sequor::Result<()> {
    measures(&db, 600).await?;
    let sequential = sequor::Strategy::Sequential;
    let find =
        |count: u64| Measure::find_all().include(Measure::MARKS).order_by(Measure::ID.asc()).limit(count).include_strategy(sequential);
    let sent = |text: sequor::Result<Vec<Measure>>| text.map_or_else(|error| error.to_string(), |_| String::new());
    for count in [99, 100, 101, 600] {
        let rows = find(count).exec(&db).await?;
        assert!(rows.iter().all(|row| row.marks.get().is_some_and(|marks| marks.len() == if row.id % 5 == 0 { 2 } else { 0 })));
        let text = sent(db.expect_queries(9, async || find(count).exec(&db).await).await);
        // Without an index PostgreSQL would compare each row with each member of an array; a table of them it hashes.
        assert_eq!(text.contains("unnest"), db.dialect() == Dialect::Postgres && count > 100, "{count}: {text}");
    }
    Event::bulk_create((0..150).map(|number| draft!(Event { code: format!("c{number}"), day: number, guests: [{}] }))).exec(&db).await?;
    let events = || Event::find_all().include(Event::GUESTS).include_strategy(sequential).exec(&db);
    let text = db.expect_queries(9, async || events().await).await.map_or_else(|error| error.to_string(), |_| String::new());
    assert!(!text.contains("unnest"), "the model declares an index: {text}");
    assert!(events().await?.iter().all(|event| event.guests.get().is_some_and(|guests| guests.len() == 1)));
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn conditions_over_relations_nest_and_leave_deleted_rows_out(db: Db) -> sequor::Result<()> {
    // Ann leads Bo, Cy and the deleted Ed, Bo leads Di; Bo edits all books, Ed wrote one of them.
    shelve(&db).await?;
    let names =
        async |filter: Filter<Author>| Author::find_all().filter(filter).order_by(Author::ID.asc()).pluck(Author::NAME).exec(&db).await;
    let titles = async |filter: Filter<Book>| Book::find_all().filter(filter).order_by(Book::ID.asc()).pluck(Book::TITLE).exec(&db).await;
    assert_eq!(names(Author::STAFF.any(Author::NAME.eq("Ed"))).await?, [""; 0]);
    assert_eq!(names(Author::STAFF.with_deleted().filter(Author::NAME.eq("Ed")).exists()).await?, ["Ann"]);
    assert_eq!(names(Author::STAFF.any(Author::STAFF.any(Author::NAME.eq("Di")))).await?, ["Ann"]);
    assert_eq!(names(Author::STAFF.all(Author::BOOKS.none(Book::KIND.eq("essay")))).await?, ["Bo", "Cy", "Di"]);
    assert_eq!(names(Author::STAFF.none(Author::BOOKS.any(Book::PAGES.gt(60)))).await?, ["Ann", "Bo", "Cy", "Di"]);
    assert_eq!(names(Author::BOOKS.any(Book::LABELS.any(Label::BOOKS.any(Book::TITLE.eq("Delta"))))).await?, ["Ann", "Bo"]);
    assert_eq!(names(!Author::BOOKS.any(Book::CHAPTERS.any(Chapter::PLACE.gte(0)))).await?, ["Cy", "Di"]);
    assert_eq!(titles(Book::AUTHOR.is(Author::BOSS.is(Author::NAME.eq("Ann")))).await?, ["Delta"]);
    assert_eq!(titles(!Book::AUTHOR.is_present()).await?, ["Omega", "Nobody"]);
    // The most pages of what the boss of the author wrote, as an order; how many chapters all books of an author have, as a filter.
    let most = || Author::BOOKS.filter(Book::KIND.ne("draft")).aggregate(max(Book::PAGES));
    let by_most: Vec<(String, Option<i32>)> =
        Author::find_all().select((Author::NAME, most())).order_by((most().desc_nulls_last(), Author::ID.asc())).exec(&db).await?;
    let shown: Vec<(&str, Option<i32>)> = by_most.iter().map(|(name, most)| (name.as_str(), *most)).collect();
    assert_eq!(shown, [("Ann", Some(300)), ("Bo", Some(50)), ("Cy", None), ("Di", None)]);
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn limits_for_each_parent_in_the_order_of_a_related_row(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    Book::update_all().set(Book::EDITOR_ID, 4_i64).filter(Book::TITLE.eq("Beta")).exec(&db).await?;
    Book::update_all().set(Book::EDITOR_ID, 3_i64).filter(Book::TITLE.eq("Gamma")).exec(&db).await?;
    for strategy in [sequor::Strategy::Auto, sequor::Strategy::OneFlush, sequor::Strategy::Sequential] {
        let books = |offset: u64| Author::BOOKS.order_by((Book::EDITOR.at(Author::NAME).desc(), Book::TITLE.asc())).limit(2).offset(offset);
        for (offset, wanted) in [(0, vec!["Beta", "Gamma"]), (1, vec!["Gamma", "Alpha"]), (2, vec!["Alpha"])] {
            let find =
                Author::find_all().filter(Author::NAME.eq("Ann")).include(books(offset).include(Book::EDITOR)).include_strategy(strategy);
            let authors = find.exec(&db).await?;
            let found: Vec<&str> = authors[0].books.loaded()?.iter().map(|book| book.title.as_str()).collect();
            assert_eq!(found, wanted, "{strategy:?} {offset}");
            assert!(authors[0].books.loaded()?.iter().all(|book| book.editor.get().is_some()));
        }
    }
    // Required three levels down, beside a limit at the top and a count.
    let deep = || {
        Author::find_all().include(
            Author::BOOKS.required().include(Book::LABELS.required().include(Label::BOOKS.filter(Book::TITLE.eq("Delta")).required())),
        )
    };
    let found = deep().order_by(Author::ID.asc()).limit(5).exec(&db).await?;
    assert_eq!(found.iter().map(|author| author.name.as_str()).collect::<Vec<_>>(), ["Ann", "Bo"]);
    assert_eq!(deep().count().exec(&db).await?, 2);
    Ok(())
}
