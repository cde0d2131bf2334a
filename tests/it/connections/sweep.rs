//! The poll sweep of what programs do: each operation is dropped at its first, second, .. poll, until one comes to its end. Afterwards the pool is whole,
//! the server has no open transaction, the next user sees no foreign row, and the data is as before or as after, never between.

use super::{Bed, Polls, cuts, on_each_server, until};
use sequor::Migration;
use sequor::prelude::*;
use std::future::Future;
use std::pin::Pin;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "authors")]
struct Author {
    #[field(primary_key)]
    id: i64,
    #[field(unique)]
    name: String,
    fame: i32,
    books: HasMany<Book>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "books")]
struct Book {
    #[field(primary_key)]
    id: i64,
    title: String,
    author_id: i64,
    #[relation(on_delete = "cascade")]
    author: BelongsTo<Author>,
    pages: HasMany<Page>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "pages")]
struct Page {
    #[field(primary_key)]
    id: i64,
    text: String,
    book_id: i64,
    #[relation(on_delete = "cascade")]
    book: BelongsTo<Book>,
}

type Rows = Vec<(i64, String, i64)>;

/// Everything that is stored, table after table.
async fn state(db: &Db) -> sequor::Result<Rows> {
    let mut rows = Vec::new();
    for author in Author::find_all().order_by(Author::ID.asc()).exec(db).await? {
        rows.push((author.id, author.name, i64::from(author.fame)));
    }
    for book in Book::find_all().order_by(Book::ID.asc()).exec(db).await? {
        rows.push((book.id, book.title, book.author_id));
    }
    for page in Page::find_all().order_by(Page::ID.asc()).exec(db).await? {
        rows.push((page.id, page.text, page.book_id));
    }
    Ok(rows)
}

/// One author with two books of two pages each, and nothing else.
async fn fill(db: &Db) -> sequor::Result<()> {
    Author::destroy_all().every_row().exec(db).await?;
    draft!(Author { id: 1, name: "Ann", fame: 1 }).create(db).await?;
    let books = (1..3).map(|id| draft!(Book { id, title: format!("Book {id}"), author_id: 1 }));
    Book::bulk_create(books.collect::<Vec<_>>()).exec(db).await?;
    let pages = (1..5).map(|id| draft!(Page { id, text: format!("Page {id}"), book_id: (id + 1) / 2 }));
    Page::bulk_create(pages.collect::<Vec<_>>()).exec(db).await?;
    Ok(())
}

/// How many transactions others have open on the server; SQLite has no list of them.
async fn open_transactions(watch: &Db, database: &str) -> sequor::Result<i64> {
    let counts = match database {
        "postgres" => {
            let text = sql!(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'"
            );
            watch.query_as::<(i64,)>(text).await?
        }
        // Its list in the information schema is a tenth of a second old, and shows transactions of single statements.
        "mysql" if watch.dialect() == Dialect::Mysql => {
            let text = sql!(
                "SELECT count(*) FROM performance_schema.events_transactions_current e JOIN performance_schema.threads t ON t.thread_id = e.thread_id WHERE e.state = 'ACTIVE' AND e.autocommit = 'NO' AND t.processlist_db = database() AND t.processlist_id <> connection_id()"
            );
            watch.query_as::<(i64,)>(text).await?
        }
        "mysql" => {
            let text = sql!(
                "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id WHERE p.db = database() AND p.id <> connection_id()"
            );
            watch.query_as::<(i64,)>(text).await?
        }
        _ => vec![(0,)],
    };
    Ok(counts[0].0)
}

type Operation = for<'a> fn(&'a Db) -> Pin<Box<dyn Future<Output = sequor::Result<()>> + 'a>>;

/// Sweeps one operation; `refill` says whether it writes.
async fn sweep(bed: &Bed, writes: bool, operation: Operation) -> sequor::Result<()> {
    let db = bed.db(2).await?;
    let watch = bed.db(1).await?;
    db.sync::<(Author, Book, Page)>(SyncMode::Create).await?;
    fill(&db).await?;
    let before = state(&db).await?;
    operation(&db).await?;
    let after = state(&db).await?;
    assert_eq!(before != after, writes);
    for polls in cuts(1) {
        if writes {
            fill(&db).await?;
        }
        let done = Polls::new(polls, operation(&db)).await.transpose()?.is_some();
        until("both connections are back", async || db.pool_status().in_use == 0).await;
        assert_eq!(db.pool_status().waiting, 0, "cut at poll {polls}");
        assert_eq!(open_transactions(&watch, bed.database).await?, 0, "cut at poll {polls}");
        // The next users, on both connections, see their own marks.
        let (one, two) = (db.begin_with(Tx::read_committed().read_only()).await?, db.begin_with(Tx::read_committed().read_only()).await?);
        for (tx, mark) in [(&one, i64::from(polls)), (&two, -i64::from(polls))] {
            assert_eq!(tx.query_as::<(i64,)>(sql!("SELECT CAST({mark} AS DECIMAL(20)) + 0")).await.map(|rows| rows[0].0)?, mark);
        }
        one.rollback().await?;
        two.rollback().await?;
        let now = state(&db).await?;
        assert!(now == after || (!done && now == before), "cut at poll {polls}: {now:?}");
        if done {
            db.close().await?;
            return watch.close().await;
        }
    }
    panic!("it does not end");
}

async fn ann(db: &Db) -> sequor::Result<Author> {
    Author::find_by_pk(1).or_fail().exec(db).await
}

on_each_server! {
    async fn a_find(bed) {
        sweep(&bed, false, |db| Box::pin(async move { Book::find_all().filter(Book::AUTHOR_ID.eq(1)).exec(db).await.map(drop) })).await
    }
    async fn an_include_tree(bed) {
        sweep(&bed, false, |db| Box::pin(async move {
            let found = Author::find_all().include(Author::BOOKS.include(Book::PAGES)).exec(db).await?;
            assert_eq!(found[0].books.loaded()?[1].pages.loaded()?.len(), 2);
            Ok(())
        })).await
    }
    async fn a_stream(bed) {
        sweep(&bed, false, |db| Box::pin(async move {
            let mut rows = Page::find_all().include(Page::BOOK).order_by(Page::ID.asc()).stream(db);
            let mut count = 0;
            while let Some(row) = rows.next().await {
                count += 1;
                assert_eq!(row?.id, count);
            }
            assert_eq!(count, 4);
            Ok(())
        })).await
    }
    async fn a_lazy_load(bed) {
        sweep(&bed, false, |db| Box::pin(async move { ann(db).await?.load(Author::BOOKS, db).await.map(drop) })).await
    }
    async fn a_page(bed) {
        sweep(&bed, false, |db| Box::pin(async move { Page::find_all().order_by(Page::ID.asc()).page(1, 2).exec(db).await.map(drop) })).await
    }
    async fn a_create(bed) {
        sweep(&bed, true, |db| Box::pin(async move { draft!(Author { id: 2, name: "Bo", fame: 2 }).create(db).await.map(drop) })).await
    }
    async fn a_graph_create(bed) {
        sweep(&bed, true, |db| Box::pin(async move {
            let graph = draft!(Author { id: 2, name: "Bo", fame: 2, books: [{ id: 7, title: "Seven", pages: [{ id: 8, text: "x" }, { id: 9, text: "y" }] }] });
            graph.create(db).await.map(drop)
        })).await
    }
    async fn a_bulk_create(bed) {
        sweep(&bed, true, |db| Box::pin(async move {
            let rows = (10..40).map(|id| draft!(Book { id, title: "x".repeat(50), author_id: 1 }));
            Book::bulk_create(rows.collect::<Vec<_>>()).exec(db).await.map(drop)
        })).await
    }
    async fn a_save(bed) {
        sweep(&bed, true, |db| Box::pin(async move {
            let mut edit = ann(db).await?.edit();
            edit.fame = 7;
            edit.save(db).await.map(drop)
        })).await
    }
    async fn an_increment(bed) {
        sweep(&bed, true, |db| Box::pin(async move { ann(db).await?.increment(Author::FAME, 5, db).await.map(drop) })).await
    }
    async fn an_upsert(bed) {
        sweep(&bed, true, |db| Box::pin(async move { Author::upsert(draft!(Author { id: 1, name: "Ann", fame: 9 })).exec(db).await.map(drop) })).await
    }
    async fn a_find_or_create(bed) {
        sweep(&bed, true, |db| Box::pin(async move {
            Author::find_or_create(Author::NAME.eq("Bo"), draft!(Author { id: 2, name: "Bo", fame: 2 })).exec(db).await.map(drop)
        })).await
    }
    async fn an_update_of_many(bed) {
        sweep(&bed, true, |db| Box::pin(async move { Page::update_all().set(Page::TEXT, "new").filter(Page::ID.gt(1)).exec(db).await.map(drop) })).await
    }
    async fn a_destroy(bed) {
        sweep(&bed, true, |db| Box::pin(async move { ann(db).await?.destroy(db).await.map(drop) })).await
    }
    async fn a_transaction_with_savepoints(bed) {
        sweep(&bed, true, |db| Box::pin(async move {
            db.transaction(async |tx| {
                draft!(Author { id: 2, name: "Bo", fame: 2 }).create(tx).await?;
                let undone: sequor::Result<()> = tx.transaction(async |sp| {
                    draft!(Author { id: 3, name: "Cy", fame: 3 }).create(sp).await?;
                    Err(Error::usage("undo"))
                }).await;
                assert!(undone.is_err());
                tx.transaction(async |sp| draft!(Author { id: 4, name: "Di", fame: 4 }).create(sp).await.map(drop)).await
            }).await
        })).await
    }

    async fn a_migration(bed) {
        let db = bed.db(2).await?;
        let migrator = Migrator::new([
            Migration::new("20240101000000-rooms").with("up.sql", "CREATE TABLE rooms (id integer PRIMARY KEY)").with("down.sql", "DROP TABLE rooms"),
            Migration::new("20240102000000-doors").with("up.sql", "CREATE TABLE doors (id integer PRIMARY KEY)").with("down.sql", "DROP TABLE doors"),
        ]);
        // A migration takes many polls, and each is followed by three more runs.
        let step = crate::connections::sized(5, 1);
        for polls in cuts(step) {
            let done = Polls::new(polls, migrator.up(&db)).await.transpose()?.is_some();
            until("both connections are back", async || db.pool_status().in_use == 0).await;
            // Whatever became of it, the next runner ends it, or says which migration a person has to look at.
            match migrator.up(&db).await {
                Ok(_) => {}
                Err(error) if bed.database == "mysql" => {
                    // DDL commits by itself there: the statement that was cut may have been done.
                    let text = error.to_string();
                    let name = ["20240101000000-rooms", "20240102000000-doors"].into_iter().find(|name| text.contains(name));
                    let name = name.unwrap_or_else(|| panic!("cut at poll {polls}, and no migration is named: {text}"));
                    let table = name.rsplit_once('-').map_or("", |(_, table)| table);
                    let exists = db.query_as::<(i64,)>(sql!("SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = {table}")).await?;
                    let how = if exists[0].0 == 1 { sequor::Resolve::Applied } else { sequor::Resolve::RolledBack };
                    migrator.resolve(name, how, &db).await?;
                    migrator.up(&db).await?;
                }
                Err(error) => panic!("cut at poll {polls}: {error}"),
            }
            migrator.check(&db).await?;
            for table in [sql!("SELECT count(*) FROM rooms"), sql!("SELECT count(*) FROM doors")] {
                assert_eq!(db.query_as::<(i64,)>(table).await?, [(0,)], "cut at poll {polls}");
            }
            assert_eq!(migrator.down_all(&db).await?.names().len(), 2);
            if done {
                return db.close().await;
            }
        }
        panic!("it does not end");
    }
}
