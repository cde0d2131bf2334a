//! Case, casts, text, numbers, dates, lists, long IN lists, deadlines.

use super::models::*;
use sequor::prelude::*;
use sequor::{function, greatest, least, string_agg};

#[sequor::test(models(Category, Article))]
async fn case_casts_text_and_numbers(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let sizes: Vec<String> = Article::find_all()
        .select(when(Article::STOCK.eq(0), "none").when(Article::STOCK.lt(6), "few").otherwise("many"))
        .order_by(Article::ID.asc())
        .exec(&db)
        .await?;
    assert_eq!(sizes, ["few", "none", "many", "many"]);
    let flags: Vec<Option<i32>> =
        Article::find_all().select(when(Article::STOCK.gt(6), Article::STOCK).end()).order_by(Article::ID.asc()).exec(&db).await?;
    assert_eq!(flags, [None, None, Some(7), Some(7)]);
    let texts: Vec<(String, String, String, String)> = Article::find_all()
        .filter(Article::ID.eq(2))
        .select((
            Article::TITLE.trim(),
            Article::TITLE.replace("S", "J"),
            Article::TITLE.trim().substring(1, 2),
            Article::STOCK.cast::<String>(),
        ))
        .exec(&db)
        .await?;
    assert_eq!(texts, [("Saw".into(), "  Jaw ".into(), "Sa".into(), "0".into())]);
    let numbers: Vec<(f64, f64, i32, i32, i32, i64)> = Article::find_all()
        .filter(Article::ID.eq(3))
        .select((
            Article::PRICE.floor(),
            Article::PRICE.ceil(),
            (Article::STOCK - 10).abs(),
            greatest(Article::STOCK, 9),
            least(Article::STOCK, 2),
            Article::STOCK.cast::<i64>(),
        ))
        .exec(&db)
        .await?;
    assert_eq!(numbers, [(2.0, 3.0, 3, 9, 2, 7)]);
    let note: Vec<String> = Article::find_all().select(coalesce(Article::NOTE, "-")).order_by(Article::ID.asc()).exec(&db).await?;
    assert_eq!(note, ["-", "old", "ok", "-"]);
    let odd: Vec<i64> =
        Article::find_all().filter(Article::STOCK.null_if(7).is_null()).select(Article::ID).order_by(Article::ID.asc()).exec(&db).await?;
    assert_eq!(odd, [3, 4]);
    let joined: Option<String> =
        Article::find_all().filter(Article::NOTE.eq("ok")).select(string_agg(Article::TITLE, "', '")).one().exec(&db).await?;
    assert_eq!(joined.as_deref(), Some("100% juice"));
    let named: Vec<f64> = Article::find_all().filter(Article::ID.eq(2)).select(function::<_, f64>("abs", Article::PRICE)).exec(&db).await?;
    assert_eq!(named, [20.0]);
    let wrong = Article::find_all().select(function::<_, f64>("abs(1); --", Article::PRICE)).to_sql(Dialect::Sqlite);
    assert!(matches!(wrong, Err(Error::Usage(_))), "{wrong:?}");
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn parts_of_dates_and_dates_cut(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let parts = ["year", "month", "day", "hour", "minute", "second", "dow", "doy", "week", "quarter", "epoch"];
    let wanted = [2024.0, 2.0, 29.0, 23.0, 59.0, 58.0, 4.0, 60.0, 9.0, 1.0, 1_709_251_198.0];
    for (part, wanted) in parts.into_iter().zip(wanted) {
        let found: Vec<Option<f64>> =
            Article::find_all().filter(Article::ID.eq(1)).select(date_part(part, Article::SOLD_AT)).exec(&db).await?;
        assert!(found[0].is_some_and(|found| (found - wanted).abs() < 0.001), "{part}: {found:?}");
    }
    for (unit, wanted) in [
        ("year", "2024-01-01T00:00:00Z"),
        ("month", "2024-02-01T00:00:00Z"),
        ("day", "2024-02-29T00:00:00Z"),
        ("hour", "2024-02-29T23:00:00Z"),
        ("minute", "2024-02-29T23:59:00Z"),
        ("second", "2024-02-29T23:59:58Z"),
    ] {
        let found: Vec<DateTime<Utc>> =
            Article::find_all().filter(Article::ID.eq(1)).select(date_trunc(unit, Article::SOLD_AT)).exec(&db).await?;
        assert_eq!(found, [instant(wanted)], "{unit}");
    }
    let wrong = Article::find_all().select(date_part("1'; --", Article::SOLD_AT)).exec(&db).await;
    assert!(matches!(wrong, Err(Error::Usage(_))), "{wrong:?}");
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn list_columns_have_the_same_operators_everywhere(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let ids =
        async |filter: Filter<Article>| Article::find_all().filter(filter).select(Article::ID).order_by(Article::ID.asc()).exec(&db).await;
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<String>>();
    assert_eq!(ids(Article::LABELS.has("sweet".into())).await?, [1, 3]);
    assert_eq!(ids(Article::LABELS.contains_all(list(&["sweet", "red"]))).await?, [1]);
    assert_eq!(ids(Article::LABELS.contained_in(list(&["sweet", "steel"]))).await?, [2, 3, 4]);
    assert_eq!(ids(Article::LABELS.overlaps(list(&["steel", "red"]))).await?, [1, 2]);
    assert_eq!(ids(Article::LABELS.count_elements().eq(0)).await?, [4]);
    assert_eq!(ids(Article::LABELS.has("it's \"\\".into())).await?, [0_i64; 0]);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn text_without_case_beyond_ascii(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    assert_eq!(Article::count().filter(Article::TITLE.ilike("éLAN")).exec(&db).await?, 1);
    assert_eq!(Article::count().filter(Article::TITLE.icontains("ÉL")).exec(&db).await?, 1);
    assert_eq!(Article::count().filter(Article::TITLE.lower().eq("élan")).exec(&db).await?, 1);
    assert_eq!(Article::count().filter(Article::TITLE.contains("0%")).exec(&db).await?, 1);
    assert_eq!(Article::count().filter(Article::TITLE.contains("%")).exec(&db).await?, 1);
    assert_eq!(Article::count().filter(Article::TITLE.iregexp("^BREAD$")).exec(&db).await?, 1);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn in_lists_of_60_000_values(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    assert_eq!(Article::count().filter(Article::ID.is_in(3..60_003_i64)).exec(&db).await?, 2);
    assert_eq!(Article::count().filter(Article::ID.not_in(3..60_003_i64)).exec(&db).await?, 2);
    let titles = (0..60_000).map(|number| if number == 59_999 { "Bread".to_owned() } else { format!("title '{number}\"") });
    assert_eq!(Article::count().filter(Article::TITLE.is_in(titles)).exec(&db).await?, 1);
    let prices = (0..60_000).map(|number| f64::from(number) * 0.25);
    assert_eq!(Article::count().filter(Article::PRICE.is_in(prices)).exec(&db).await?, 4);
    let instants = (0..60_000).filter_map(|number| DateTime::from_timestamp(instant("2024-01-01T08:00:00Z").timestamp() + number, 0));
    assert_eq!(Article::count().filter(Article::SOLD_AT.is_in(instants)).exec(&db).await?, 1);
    assert_eq!(Article::count().filter(Article::ID.is_in(Vec::<i64>::new())).exec(&db).await?, 0);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn a_deadline_ends_a_query(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let rows = Article::find_all().timeout(secs(30)).exec(&db).await?;
    assert_eq!(rows.len(), 4);
    let slow = match db.dialect() {
        Dialect::Postgres => Filter::raw(sql!("(SELECT count(*) FROM generate_series(1, 1000000000)) > 0")),
        Dialect::Mysql | Dialect::Mariadb => Filter::raw(sql!("SLEEP(5) = 0")),
        Dialect::Sqlite => Filter::raw(sql!(
            "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000) SELECT count(*) FROM c) > 0"
        )),
    };
    let begun = std::time::Instant::now();
    let late = Article::find_all().filter(slow).timeout(millis(100)).exec(&db).await;
    assert!(begun.elapsed() < secs(4), "{:?}", begun.elapsed());
    assert!(matches!(late, Err(Error::Timeout { .. })), "{late:?}");
    assert_eq!(Article::count().exec(&db).await?, 4);
    Ok(())
}
