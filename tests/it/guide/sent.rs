//! What the guide says is sent: blocks behind `<!-- sent: name -->`, of which each database checks its own part.
//!
//! `INSTA_UPDATE=always` with all three databases writes them.

use super::path;
use super::snippets::{counted, shapes};
use crate::loading::library::*;
use sequor::prelude::*;
use sequor::{SqlTag, Strategy};
use std::sync::{Mutex, PoisonError};

const HEADINGS: [&str; 3] = ["-- PostgreSQL\n", "-- MySQL, MariaDB\n", "-- SQLite\n"];

/// Several tests of one process write one page.
static WRITING: Mutex<()> = Mutex::new(());

/// The statements that a piece of code sends, with the columns of whole rows as `t0.*`.
async fn sent<T>(db: &Db, code: impl AsyncFnOnce() -> sequor::Result<T>) -> String {
    let told = db.expect_queries(usize::MAX, code).await.err().map(|error| error.to_string()).unwrap_or_default();
    let statements = told.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": "));
    statements.map(|(_, text)| shortened(text) + "\n").collect()
}

/// The column that an item of a list begins with, as `t0."id"` or `t0."id" AS "c0"`, by its alias; and what stands behind it.
fn column(item: &str) -> Option<(&str, &str)> {
    let (alias, _) = item.split_once('.')?;
    let numbered = alias.strip_prefix('t')?;
    if numbered.is_empty() || !numbered.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let behind = name(&item[alias.len() + 1..])?;
    let behind = behind.strip_prefix(" AS ").and_then(name).unwrap_or(behind);
    Some((alias, behind))
}

/// What stands behind a quoted name.
fn name(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '`'))?;
    text[1..].split_once(quote).map(|(_, behind)| behind)
}

/// Runs of four columns and more of one table as `t0.*`: they hide what matters.
fn shortened(text: &str) -> String {
    let items: Vec<&str> = text.split(", ").collect();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < items.len() {
        let start = items[at].rfind("SELECT ").map_or(0, |place| place + "SELECT ".len());
        let (before, first) = items[at].split_at(start);
        if let Some((alias, rest)) = column(first) {
            let (mut end, mut behind) = (at + 1, rest);
            while behind.is_empty() && end < items.len() {
                let Some((other, rest)) = column(items[end]) else { break };
                if other != alias {
                    break;
                }
                (end, behind) = (end + 1, rest);
            }
            if end - at >= 4 {
                let (behind, inner) = behind.find("(SELECT ").map_or((behind, ""), |place| behind.split_at(place));
                let rest: Vec<&str> = std::iter::once(inner).chain(items[end..].iter().copied()).collect();
                let rest = if inner.is_empty() { rest[1..].join(", ") } else { rest.join(", ") };
                let comma = if inner.is_empty() && end < items.len() { ", " } else { "" };
                out.push(format!("{before}{alias}.*{behind}{comma}{}", shortened(&rest)));
                return out.join(", ");
            }
        }
        out.push(items[at].to_owned());
        at += 1;
    }
    out.join(", ")
}

/// Holds a block of a page to what was sent.
fn hold(db: &Db, page: &str, name: &str, sent: &str) {
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let text = std::fs::read_to_string(path(page)).unwrap();
    let mark = format!("<!-- sent: {name} -->\n");
    let (before, rest) = text.split_once(&mark).unwrap_or_else(|| panic!("{page} has no {mark}"));
    let (block, after) = match rest.strip_prefix("```sql\n").and_then(|block| block.split_once("```\n")) {
        Some((block, after)) => (block.to_owned(), after),
        None => (HEADINGS.concat(), rest),
    };
    let heading = match db.dialect() {
        Dialect::Postgres => HEADINGS[0],
        // Where the two are sent different words, the block shows both.
        Dialect::Mysql if block.contains("-- MySQL\n") => "-- MySQL\n",
        Dialect::Mariadb if block.contains("-- MariaDB\n") => "-- MariaDB\n",
        Dialect::Mysql | Dialect::Mariadb => HEADINGS[1],
        Dialect::Sqlite => HEADINGS[2],
    };
    let (over, part) = block.split_once(heading).unwrap_or_else(|| panic!("{page} shows {name} without {heading}"));
    let under = part.find("-- ").map_or("", |place| &part[place..]);
    let wanted = format!("{before}{mark}```sql\n{over}{heading}{sent}{under}```\n{after}");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(path(page), wanted).unwrap();
    } else {
        assert_eq!(text, wanted, "{page} shows other SQL: run the test with INSTA_UPDATE=always on three databases");
    }
}

const EAGER: &str = "eager-loading.md";

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn include_trees(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let level_by_level = |find: Find<Author>| find.include_strategy(Strategy::Sequential);
    let tree = || {
        let authors = Author::find_all().include(Author::BADGE).include(Author::BOOKS.order_by(Book::PAGES.desc()).limit(2));
        level_by_level(authors.order_by(Author::NAME.asc()).limit(10))
    };
    hold(&db, EAGER, "tree", &sent(&db, async || tree().exec(&db).await).await);
    let many = || Book::find_all().include(Book::LABELS.through(BookLabel::WEIGHT.gt(1))).include_strategy(Strategy::Sequential);
    hold(&db, EAGER, "through", &sent(&db, async || many().exec(&db).await).await);
    let notes = || level_by_level(Author::find_all().include(Author::NOTES).include(Author::DRAFTS.with_deleted()));
    hold(&db, EAGER, "scoped", &sent(&db, async || notes().exec(&db).await).await);
    let itself = || level_by_level(Author::find_all().filter(Author::BOSS_ID.is_null()).include(Author::STAFF.depth(2)));
    hold(&db, EAGER, "itself", &sent(&db, async || itself().exec(&db).await).await);
    let required = || {
        level_by_level(Author::find_all().include(Author::BOOKS.required().include(Book::LABELS.filter(Label::NAME.eq("sea")).required())))
    };
    hold(&db, EAGER, "required", &sent(&db, async || required().exec(&db).await).await);
    let flush = || Author::find_all().include(Author::BOOKS.include(Book::CHAPTERS)).include_strategy(Strategy::OneFlush);
    hold(&db, EAGER, "one_flush", &sent(&db, async || flush().exec(&db).await).await);
    let books = Book::find_all().filter(Book::AUTHOR.is_present()).exec(&db).await?;
    let later = sent(&db, async || {
        for book in &books {
            book.load(Book::AUTHOR, &db).await?;
        }
        Ok(())
    });
    hold(&db, EAGER, "later", &later.await);
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn projections(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let page = "projections.md";
    let views = || Book::find_all().project::<shapes::BookView>().order_by(Book::ID.asc());
    hold(&db, page, "view", &sent(&db, async || views().exec(&db).await).await);
    let writers = || Author::find_all().project::<shapes::Writer>().include_strategy(Strategy::Sequential);
    hold(&db, page, "writer", &sent(&db, async || writers().exec(&db).await).await);
    Ok(())
}

#[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
async fn pages_cursors_and_batches(db: Db) -> sequor::Result<()> {
    shelve(&db).await?;
    let page = "pages-and-cursors.md";
    let numbered = || Author::find_all().order_by(Author::NAME.asc()).include_strategy(Strategy::Sequential).page(2, 20);
    hold(&db, page, "page", &sent(&db, async || numbered().exec(&db).await).await);
    let find = || Author::find_all().order_by((Author::BORN.desc(), Author::NAME.asc()));
    let next = find().cursor(None, 2).exec(&db).await?.next;
    hold(&db, page, "cursor", &sent(&db, async || find().cursor(next, 20).exec(&db).await).await);
    let behind = Author::find_all().order_by(Author::NAME.asc()).cursor(None, 2).exec(&db).await?.next;
    let not_null = || Author::find_all().order_by(Author::NAME.asc()).cursor(behind.clone(), 20);
    hold(&db, page, "cursor_not_null", &sent(&db, async || not_null().exec(&db).await).await);
    let batches = sent(&db, async || {
        let mut batches = Author::find_all().find_in_batches(3, &db);
        while batches.next().await?.is_some() {}
        Ok(())
    });
    hold(&db, "streaming.md", "batches", &batches.await);
    let stream = sent(&db, async || {
        let mut rows = Author::find_all().include(Author::BOOKS).stream(&db);
        while let Some(row) = rows.next().await {
            row?;
        }
        Ok(())
    });
    hold(&db, "streaming.md", "stream", &stream.await);
    let tagged = || Author::find_all().filter(Author::BORN.gt(1900)).with(SqlTag("route", "/authors"));
    hold(&db, "reading.md", "exists", &sent(&db, async || tagged().exists(&db).await).await);
    hold(&db, "reading.md", "explain", &sent(&db, async || Author::find_by_pk(1).explain(&db).await).await);
    Ok(())
}

#[sequor::test(models(counted::User, counted::Post))]
async fn counters(db: Db) -> sequor::Result<()> {
    let user = draft!(counted::User {}).create(&db).await?;
    let created = sent(&db, async || draft!(counted::Post { user_id: user.id }).create(&db).await).await;
    hold(&db, "relations.md", "counter", &created);
    Ok(())
}
