//! What tests are written with: fixtures, migrations, counted statements, transactions that leave no trace, a clock to set.

use crate::loading::library::*;
use sequor::prelude::*;

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note), fixtures("library.yaml", "notes.json", "mixed.yml"))]
async fn fixtures_are_there_in_yaml_and_json(db: Db) -> sequor::Result<()> {
    let authors =
        Author::find_all().include(Author::BOOKS.include(Book::LABELS)).include(Author::NOTES).order_by(Author::ID.asc()).exec(&db).await?;
    let ann = &authors[0];
    assert_eq!((authors.len(), ann.born, authors[1].boss_id), (2, Some(1950), Some(1)));
    let titles: Vec<&str> = ann.books.loaded()?.iter().map(|book| book.title.as_str()).collect();
    assert_eq!((titles, ann.books.loaded()?[0].pages), (vec!["Alpha", "Über: \"quoted\""], None));
    assert_eq!(ann.notes.loaded()?[0].text, "on Ann");
    assert_eq!(ann.books.loaded()?[0].labels.through()?[0].weight, 3);
    // Keys that were given do not stand in the way of the next one.
    assert_eq!(draft!(Author { name: "Cy" }).create(&db).await?.id, 3);
    assert_eq!(draft!(Book { title: "New", kind: "novel" }).create(&db).await?.id, 12);
    Ok(())
}

#[sequor::test(models(Label, Book, BookLabel, Author, Badge, Chapter, Note))]
async fn a_fixture_with_a_mistake_says_where_it_is(db: Db) -> sequor::Result<()> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let known = vec![<Label as sequor::ModelType>::model().clone()];
    for (file, expected) in [("labels.json", "colour"), ("nothing.yaml", "there is no fixture"), ("library.yaml", "library")] {
        let error = sequor::testing::load_fixture(&db, folder, file, &known).await;
        let text = error.map_or_else(|error| error.to_string(), |()| String::new());
        assert!(text.contains(file) && text.contains(expected), "{text}");
    }
    Ok(())
}

#[sequor::test(models(Label, Book, BookLabel, Author, Badge, Chapter, Note), migrations = "fixtures/migrations")]
async fn migrations_make_the_tables(db: Db) -> sequor::Result<()> {
    let names: Vec<String> = Label::find_all().order_by(Label::ID.asc()).select(Label::NAME).exec(&db).await?;
    assert_eq!(names, ["one", "two"]);
    assert!(Book::count().exec(&db).await.is_err(), "only the migrations make tables");
    Ok(())
}

#[sequor::test(models(Label, Book, BookLabel, Author, Badge, Chapter, Note))]
async fn a_wrong_count_lists_the_statements_and_their_places(db: Db) -> sequor::Result<()> {
    let error = db
        .expect_queries(1, async || {
            Label::count().exec(&db).await?;
            Label::find_all().exec(&db).await
        })
        .await;
    let text = error.map_or_else(|error| error.to_string(), |_| String::new());
    assert!(text.contains("1 statements were expected, 2 were sent"), "{text}");
    assert!(text.contains("count(*)") && text.contains("testing.rs:") && text.matches("labels").count() == 2, "{text}");
    Ok(())
}

#[sequor::test(models(Label, Book, BookLabel, Author, Badge, Chapter, Note))]
async fn a_test_transaction_leaves_no_trace(db: Db) -> sequor::Result<()> {
    draft!(Label { name: "before" }).create(&db).await?;
    let count = db
        .test_transaction(async |tx| {
            draft!(Label { name: "inside" }).create(tx).await?;
            Label::count().exec(tx).await
        })
        .await?;
    assert_eq!((count, Label::count().exec(&db).await?), (2, 1));
    let failed = db.test_transaction(async |tx| Label::find_by_pk(99).or_fail().exec(tx).await).await;
    assert!(matches!(failed, Err(Error::NotFound { .. })));
    Ok(())
}

#[sequor::test(models(crate::models::User, crate::models::Profile, crate::models::Post, crate::models::Tag, crate::models::PostTag))]
async fn the_clock_is_set_by_the_test(db: Db) -> sequor::Result<()> {
    use crate::models::User;
    let instant: DateTime<Utc> = "2020-02-29T12:00:00.123456Z".parse()?;
    db.clock().set(instant);
    let user = draft!(User { email: "a@x.io", name: "A" }).create(&db).await?;
    assert_eq!((user.created_at, user.updated_at), (instant, instant));
    db.clock().advance(sequor::secs(86_400));
    let mut edit = user.edit();
    edit.name = "B".into();
    let user = edit.save(&db).await?;
    assert_eq!((user.updated_at - user.created_at).num_seconds(), 86_400);
    db.clock().run();
    assert!((db.now() - instant).num_days() > 365);
    Ok(())
}

#[sequor::test(migrations = "fixtures/people")]
async fn migrations_in_rust_run_too(db: Db) -> sequor::Result<()> {
    let ran = db.query_as::<(String,)>(sql!("SELECT name FROM sequor_migrations ORDER BY name")).await?;
    assert_eq!(
        ran.iter().map(|(name,)| name.as_str()).collect::<Vec<_>>(),
        ["20240101000000-people", "20240102000000-split-names", "names"]
    );
    assert!(db.query_as::<(Option<String>,)>(sql!("SELECT first_name FROM names")).await?.is_empty());
    Ok(())
}
