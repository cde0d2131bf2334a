//! Functions over windows.

use super::models::*;
use sequor::prelude::*;
use sequor::{FrameBound, Window, dense_rank, first_value, lag, last_value, lead, rank};

#[sequor::test(models(Category, Article))]
async fn functions_over_windows(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let by_stock = || Window::new().order_by(Article::STOCK.desc());
    let ranks: Vec<(i64, i64, i64, i64)> = Article::find_all()
        .select((
            Article::ID,
            row_number().over(Window::new().order_by((Article::STOCK.desc(), Article::ID.asc()))),
            rank().over(by_stock()),
            dense_rank().over(by_stock()),
        ))
        .order_by(Article::ID.asc())
        .exec(&db)
        .await?;
    assert_eq!(ranks, [(1, 3, 3, 2), (2, 4, 4, 3), (3, 1, 1, 1), (4, 2, 1, 1)]);
    let by_id = || Window::new().order_by(Article::ID.asc());
    let beside: Vec<(Option<i32>, Option<i32>, Option<i32>, Option<i32>)> = Article::find_all()
        .select((
            lag(Article::STOCK).over(by_id()),
            lead(Article::STOCK).over(by_id()),
            first_value(Article::STOCK).over(by_id()),
            last_value(Article::STOCK).over(by_id()),
        ))
        .order_by(Article::ID.asc())
        .exec(&db)
        .await?;
    assert_eq!(beside[0], (None, Some(0), Some(5), Some(7)));
    assert_eq!(beside[3], (Some(7), None, Some(5), Some(7)));
    let sums: Vec<(i64, Option<i64>, Option<i64>, Option<f64>)> = Article::find_all()
        .select((
            Article::ID,
            sum(Article::STOCK).over(Window::new().partition_by(Article::STOCK)),
            sum(Article::STOCK).over(by_id()),
            avg(Article::STOCK).over(Window::new()),
        ))
        .order_by(Article::ID.asc())
        .limit(3)
        .exec(&db)
        .await?;
    assert_eq!(sums, [(1, Some(5), Some(5), Some(4.75)), (2, Some(0), Some(5), Some(4.75)), (3, Some(14), Some(12), Some(4.75))]);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn frames_of_windows(db: Db) -> sequor::Result<()> {
    use FrameBound::{CurrentRow, Following, Preceding, Unbounded};
    // Stocks by key: 5, 0, 7, 7.
    seed(&db).await?;
    let by_id = || Window::new().order_by(Article::ID.asc());
    let by_stock = || Window::new().order_by(Article::STOCK.asc());
    let rows: Vec<(Option<i64>, Option<i64>, Option<i64>, Option<i32>)> = Article::find_all()
        .select((
            sum(Article::STOCK).over(by_id().rows_between(Preceding(1), CurrentRow)),
            sum(Article::STOCK).over(by_id().rows_between(CurrentRow, Unbounded)),
            sum(Article::STOCK).over(by_stock().range_between(Preceding(2), CurrentRow)),
            last_value(Article::STOCK).over(by_id().rows_between(Unbounded, Following(1))),
        ))
        .order_by(Article::ID.asc())
        .exec(&db)
        .await?;
    assert_eq!(
        rows,
        [
            (Some(5), Some(19), Some(5), Some(0)),
            (Some(5), Some(14), Some(0), Some(7)),
            (Some(7), Some(14), Some(19), Some(7)),
            (Some(14), Some(7), Some(19), Some(7)),
        ]
    );
    let groups = Article::find_all()
        .select(count_all().over(by_stock().groups_between(Preceding(1), CurrentRow)))
        .order_by(Article::ID.asc())
        .exec(&db)
        .await;
    match db.dialect() {
        Dialect::Postgres | Dialect::Sqlite => assert_eq!(groups?, [2, 1, 3, 3]),
        Dialect::Mysql | Dialect::Mariadb => assert!(groups.is_err_and(|error| error.to_string().contains("rows_between"))),
    }
    let refused = [by_id().rows_between(Following(1), CurrentRow), Window::new().range_between(Preceding(1), CurrentRow)];
    for window in refused {
        assert!(matches!(Article::find_all().select(count_all().over(window)).exec(&db).await, Err(Error::Usage(_))));
    }
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn parts_and_shares_of_windows(db: Db) -> sequor::Result<()> {
    use sequor::{cume_dist, lag_by, lead_by, nth_value, ntile, percent_rank};
    seed(&db).await?;
    let by_id = || Window::new().order_by(Article::ID.asc());
    let rows: Vec<(i64, f64, f64, Option<i32>, Option<i32>, Option<i32>)> = Article::find_all()
        .select((
            ntile(2).over(by_id()),
            percent_rank().over(Window::new().order_by(Article::STOCK.asc())),
            cume_dist().over(Window::new().order_by(Article::STOCK.asc())),
            lag_by(Article::STOCK, 2).over(by_id()),
            lead_by(Article::STOCK, 3).over(by_id()),
            nth_value(Article::STOCK, 3).over(by_id().rows_between(FrameBound::Unbounded, FrameBound::Unbounded)),
        ))
        .order_by(Article::ID.asc())
        .exec(&db)
        .await?;
    // MariaDB gives shares with ten digits.
    for (row, rank) in rows.iter().zip([1.0 / 3.0, 0.0, 2.0 / 3.0, 2.0 / 3.0]) {
        assert!((row.1 - rank).abs() < 1e-9, "{rows:?}");
    }
    let shares: Vec<f64> = rows.iter().map(|row| row.2).collect();
    assert_eq!(shares, [0.5, 0.25, 1.0, 1.0]);
    assert_eq!((rows[0].0, rows[0].3, rows[0].4, rows[0].5), (1, None, Some(7), Some(7)));
    assert_eq!((rows[3].0, rows[3].3, rows[3].4, rows[3].5), (2, Some(0), None, Some(7)));
    Ok(())
}
