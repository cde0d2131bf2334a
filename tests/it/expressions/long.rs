//! Conditions of any size: long lists in every verb, long rows of conditions, and conditions nested so deep that they are refused.

use sequor::prelude::*;
use std::future::Future;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "books")]
pub struct Book {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub code: String,
    pub shelf: String,
    #[field(unique)]
    pub mark: Uuid,
    pub read_on: NaiveDate,
    pub loans: i32,
    pub next_id: Option<i64>,
    #[relation(foreign_key = "next_id", constraints = false)]
    pub next: BelongsTo<Option<Book>>,
}

const ROWS: u32 = 2_000;

fn code(number: u32) -> String {
    format!("code {number}")
}

fn mark(number: u32) -> Uuid {
    Uuid::from_u128(u128::from(number))
}

fn day(number: u32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(700_000 + number).unwrap_or_default()).unwrap_or_default()
}

async fn fill(db: &Db) -> sequor::Result<()> {
    Book::destroy_all().every_row().exec(db).await?;
    let rows = (0..ROWS)
        .map(|number| draft!(Book { code: code(number), shelf: code(number), mark: mark(number), read_on: day(number), loans: 0 }));
    Book::bulk_create(rows.collect::<Vec<_>>()).exec(db).await?;
    Ok(())
}

/// Well above what each takes, and far below what it takes to compare every row with every member of a list.
async fn soon<T>(what: &str, work: impl Future<Output = sequor::Result<T>>) -> sequor::Result<T> {
    let done = tokio::time::timeout(secs(20), work).await;
    done.unwrap_or_else(|_| panic!("{what} takes too long"))
}

/// Lists of so many members find, leave out, change and delete the first half of the rows.
async fn long_lists(db: &Db, length: u32) -> sequor::Result<()> {
    let half = ROWS / 2;
    let numbers = || (0..half).chain(ROWS..ROWS + length - half);
    type In = (&'static str, fn(Vec<u32>, bool) -> Filter<Book>);
    let columns: [In; 4] = [
        (
            "text",
            |list, not| if not { Book::CODE.not_in(list.into_iter().map(code)) } else { Book::CODE.is_in(list.into_iter().map(code)) },
        ),
        ("text without an index", |list, not| {
            if not { Book::SHELF.not_in(list.into_iter().map(code)) } else { Book::SHELF.is_in(list.into_iter().map(code)) }
        }),
        (
            "uuid",
            |list, not| if not { Book::MARK.not_in(list.into_iter().map(mark)) } else { Book::MARK.is_in(list.into_iter().map(mark)) },
        ),
        (
            "date",
            |list, not| if not { Book::READ_ON.not_in(list.into_iter().map(day)) } else { Book::READ_ON.is_in(list.into_iter().map(day)) },
        ),
    ];
    let count = u64::from(half);
    for (name, condition) in columns {
        let all = |not| condition(numbers().collect(), not);
        for not in [false, true] {
            let what = format!("{length} of {name}, {not}");
            assert_eq!(soon(&what, Book::count().filter(all(not)).exec(db)).await?, count, "{what}");
            let changed = Book::update_all().set(Book::LOANS, Book::LOANS + 1).filter(all(not));
            assert_eq!(soon(&what, changed.exec(db)).await?, count, "{what}");
            let gone = Book::destroy_all().filter(all(not));
            assert_eq!(soon(&what, gone.exec(db)).await?, count, "{what}");
            fill(db).await?;
        }
    }
    let ids: Vec<i64> = Book::find_all().select(Book::ID).order_by(Book::ID.asc()).exec(db).await?;
    let far = ids[0] + i64::from(ROWS);
    let keys = || ids[..half as usize].iter().copied().chain(far..far + i64::from(length - half));
    for not in [false, true] {
        let all = || if not { Book::ID.not_in(keys()) } else { Book::ID.is_in(keys()) };
        let what = format!("{length} keys, {not}");
        assert_eq!(soon(&what, Book::count().filter(all()).exec(db)).await?, count, "{what}");
        let changed = Book::update_all().set(Book::LOANS, 7).filter(all());
        assert_eq!(soon(&what, changed.exec(db)).await?, count, "{what}");
        let gone = Book::destroy_all().filter(all().and(Book::LOANS.lt(7)));
        assert_eq!(soon(&what, gone.exec(db)).await?, 0, "{what}");
        let twice = Book::count().filter(all()).filter(all()).filter(Book::CODE.not_in([code(ROWS)]));
        assert_eq!(soon(&what, twice.exec(db)).await?, count, "{what}");
    }
    Ok(())
}

#[sequor::test(models(Book))]
async fn lists_of_any_length_serve_every_verb(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    // On MariaDB: parameters, tables where a read compares numbers, and tables everywhere.
    long_lists(&db, 5_000).await?;
    long_lists(&db, 70_000).await
}

#[sequor::test(models(Book))]
async fn long_lists_meet_columns_of_any_collation(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    if matches!(db.dialect(), Dialect::Mysql | Dialect::Mariadb) {
        db.execute(sql!("ALTER TABLE books MODIFY code varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL")).await?;
        db.execute(sql!("ALTER TABLE books MODIFY shelf varchar(100) CHARACTER SET latin1 NOT NULL")).await?;
    }
    let codes = || (0..20_000).map(code);
    assert_eq!(Book::count().filter(Book::CODE.is_in(codes())).exec(&db).await?, u64::from(ROWS));
    assert_eq!(soon("latin1", Book::count().filter(Book::SHELF.is_in(codes())).exec(&db)).await?, u64::from(ROWS));
    assert_eq!(Book::update_all().set(Book::LOANS, 1).filter(Book::CODE.not_in(codes())).exec(&db).await?, 0);
    Ok(())
}

#[sequor::test(models(Book))]
async fn conditions_stand_side_by_side_in_any_number(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    for number in [255, 256, 257, 1_000, 10_000_u32] {
        let each = || (0..number).map(|number| Book::CODE.eq(code(number)));
        let found = u64::from(number.min(ROWS));
        let counts = [
            Book::count().filter(Filter::any_of(each())).exec(&db).await?,
            Book::count().filter(each().reduce(Filter::or).unwrap_or(Filter::any_of([]))).exec(&db).await?,
            Book::count().filter(each().fold(Filter::any_of([]), |all, one| one.or(all))).exec(&db).await?,
            u64::from(ROWS) - Book::count().filter(Filter::all_of(each().map(|one| !one))).exec(&db).await?,
        ];
        assert_eq!(counts, [found; 4], "{number}");
        let mut apart = Book::count();
        for number in 0..number {
            apart = apart.filter(Book::LOANS.lt(i32::try_from(number + 1).unwrap_or(i32::MAX)));
        }
        assert_eq!(apart.exec(&db).await?, u64::from(ROWS), "{number}");
    }
    Ok(())
}

#[sequor::test(models(Book))]
async fn conditions_nested_without_end_are_refused(db: Db) -> sequor::Result<()> {
    type Step = (&'static str, fn(Filter<Book>, u32) -> Filter<Book>);
    let steps: [Step; 4] = [
        ("not", |all, _| !all),
        ("and, or", |all, number| if number % 2 == 0 { all.and(Book::LOANS.eq(1)) } else { all.or(Book::LOANS.eq(2)) }),
        (
            "lists",
            |all, number| if number % 2 == 0 { Filter::all_of([Book::LOANS.eq(1), all]) } else { Filter::any_of([Book::LOANS.eq(0), all]) },
        ),
        ("relations", |all, _| Book::NEXT.is(all)),
    ];
    for (what, step) in steps {
        let nested = |levels: u32| (0..levels).fold(Book::LOANS.eq(1), step);
        for levels in [10_000, 100_000] {
            let filter = nested(levels);
            let _ = (filter.clone(), format!("{filter:?}"));
            let error = Book::count().filter(filter).exec(&db).await.unwrap_err();
            assert!(matches!(&error, Error::Usage(_)) && error.to_string().contains("nested deeper than 128 levels"), "{what}: {error}");
            let error = Book::destroy_all().filter(nested(levels)).exec(&db).await.unwrap_err();
            assert!(error.to_string().contains("nested deeper than 128 levels"), "{what}: {error}");
        }
        // What is allowed fits into the stack of a task; of relations SQLite itself takes fewer.
        let most = if what == "relations" { 32 } else { 128 };
        let counted = tokio::spawn({
            let (db, filter) = (db.clone(), nested(most));
            async move { Book::count().filter(filter).exec(&db).await }
        });
        let counted = counted.await.map_err(Error::other)?;
        assert!(counted.is_ok() || what == "relations" && db.dialect() == Dialect::Sqlite, "{what}: {counted:?}");
        assert!(Book::count().filter(nested(most + 1)).exec(&db).await.is_err(), "{what}");
    }
    Ok(())
}
