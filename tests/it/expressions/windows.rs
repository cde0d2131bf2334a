//! Functions over windows.

use super::models::*;
use sequor::prelude::*;
use sequor::{Window, dense_rank, first_value, lag, last_value, lead, rank};

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
