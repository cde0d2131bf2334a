//! Case, casts, text, numbers, dates, lists, long IN lists, deadlines.

use super::models::*;
use sequor::prelude::*;
use sequor::{function, greatest, least, string_agg, tuple};

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
    assert_eq!(ids(Article::LABELS.has("sweet")).await?, [1, 3]);
    assert_eq!(ids(Article::LABELS.contains_all(list(&["sweet", "red"]))).await?, [1]);
    assert_eq!(ids(Article::LABELS.contained_in(list(&["sweet", "steel"]))).await?, [2, 3, 4]);
    assert_eq!(ids(Article::LABELS.overlaps(list(&["steel", "red"]))).await?, [1, 2]);
    assert_eq!(ids(Article::LABELS.count_elements().eq(0)).await?, [4]);
    assert_eq!(ids(Article::LABELS.has("it's \"\\")).await?, [0_i64; 0]);
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
    for length in [1_000, 1_025, 4_096, 4_097] {
        assert_eq!(Article::count().filter(Article::ID.is_in(3..3 + length)).exec(&db).await?, 2, "{length}");
    }
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
        Dialect::Mysql | Dialect::Mariadb => Filter::raw(sql!("SLEEP(60) = 0")),
        Dialect::Sqlite => Filter::raw(sql!(
            "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000) SELECT count(*) FROM c) > 0"
        )),
    };
    let begun = std::time::Instant::now();
    let late = Article::find_all().filter(slow).timeout(millis(100)).exec(&db).await;
    assert!(begun.elapsed() < secs(30), "{:?}", begun.elapsed());
    assert!(matches!(late, Err(Error::Timeout { .. })), "{late:?}");
    assert_eq!(Article::count().exec(&db).await?, 4);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn whole_numbers_nulls_and_truth_values_compute_alike(db: Db) -> sequor::Result<()> {
    // Stocks 5, 0, 7, 7; prices 1.5, 20, 2.25, 3.75.
    seed(&db).await?;
    let all = || Article::find_all().order_by(Article::ID.asc());
    assert_eq!(all().select((Article::STOCK - 10) / 2).exec(&db).await?, [-2, -5, -1, -1]);
    assert_eq!(all().select((Article::STOCK - 10) % 4).exec(&db).await?, [-1, -2, -3, -3]);
    assert_eq!(all().filter((Article::STOCK / 2).eq(3)).select(Article::ID).exec(&db).await?, [3, 4]);
    assert_eq!(all().select(Article::PRICE / 2.0).exec(&db).await?, [0.75, 10.0, 1.125, 1.875]);
    assert!(matches!(all().select(Article::PRICE % 2.0).exec(&db).await, Err(Error::Usage(_))));
    assert!(matches!(all().select(Article::TITLE.substring(0, 1)).exec(&db).await, Err(Error::Usage(_))));
    // An average has all its digits, and what is NULL is no candidate.
    let third: Option<f64> = Article::find_all().filter(Article::STOCK.lt(7)).select(avg(Article::STOCK / 4)).one().exec(&db).await?;
    assert_eq!(third, Some(0.5));
    let ninth: Option<f64> = Article::find_all().filter(Article::ID.ne(2)).select(avg(Article::STOCK)).one().exec(&db).await?;
    assert!(ninth.is_some_and(|ninth| (ninth - 19.0 / 3.0).abs() < 1e-12), "{ninth:?}");
    let never = || Article::STOCK.null_if(7);
    assert_eq!(all().select(greatest(never(), 3)).exec(&db).await?, [Some(5), Some(3), Some(3), Some(3)]);
    assert_eq!(all().select(least(never(), 3)).exec(&db).await?, [Some(3), Some(0), Some(3), Some(3)]);
    assert_eq!(all().select(Article::STOCK.cast::<bool>()).exec(&db).await?, [true, false, true, true]);
    let days: Vec<NaiveDate> = all().select(Article::SOLD_AT.cast::<NaiveDate>()).exec(&db).await?;
    assert_eq!(days[0], "2024-02-29".parse::<NaiveDate>()?);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn dates_to_the_microsecond_and_weeks_and_quarters(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    for (sold, second, epoch, week, quarter) in [
        ("2024-02-29T23:59:58.123456Z", 58.123_456, 1_709_251_198.123_456, "2024-02-26T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("1969-12-31T23:59:59.999999Z", 59.999_999, -0.000_001, "1969-12-29T00:00:00Z", "1969-10-01T00:00:00Z"),
        ("2023-01-01T00:00:00Z", 0.0, 1_672_531_200.0, "2022-12-26T00:00:00Z", "2023-01-01T00:00:00Z"),
        ("2024-08-31T12:00:00Z", 0.0, 1_725_105_600.0, "2024-08-26T00:00:00Z", "2024-07-01T00:00:00Z"),
    ] {
        Article::update_all().set(Article::SOLD_AT, instant(sold)).filter(Article::ID.eq(1)).exec(&db).await?;
        let one = || Article::find_all().filter(Article::ID.eq(1));
        let found: Vec<(Option<f64>, Option<f64>)> =
            one().select((date_part("second", Article::SOLD_AT), date_part("epoch", Article::SOLD_AT))).exec(&db).await?;
        let close = |found: Option<f64>, wanted: f64| found.is_some_and(|found| (found - wanted).abs() < 4e-7);
        assert!(close(found[0].0, second) && close(found[0].1, epoch), "{sold}: {found:?}");
        let cut: Vec<(DateTime<Utc>, DateTime<Utc>)> =
            one().select((date_trunc("week", Article::SOLD_AT), date_trunc("quarter", Article::SOLD_AT))).exec(&db).await?;
        assert_eq!(cut, [(instant(week), instant(quarter))], "{sold}");
    }
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn tuples_are_looked_for_in_lists_of_any_length(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let ids =
        async |filter: Filter<Article>| Article::find_all().filter(filter).select(Article::ID).order_by(Article::ID.asc()).exec(&db).await;
    let stocked = || tuple((Article::STOCK, Article::TITLE));
    assert_eq!(ids(stocked().is_in([(7, "Bread"), (5, "Bread")])).await?, [4]);
    assert_eq!(ids(stocked().not_in([(7, "Bread")])).await?, [1, 2, 3]);
    assert_eq!(ids(stocked().is_in(Vec::<(i32, String)>::new())).await?, [0_i64; 0]);
    assert_eq!(ids(tuple((Article::ID, Article::NOTE)).is_in([(2_i64, Some("old".to_owned())), (1, None)])).await?, [2]);
    assert_eq!(ids(tuple((Article::ID, Article::STOCK, Article::TITLE)).is_in((0..60_000_i64).map(|id| (id, 7, "Bread")))).await?, [4]);
    let sold = tuple((Article::ID, Article::SOLD_AT, Article::PRICE)).is_in([(2_i64, instant("2024-03-01T00:00:00Z"), 20.0)]);
    assert_eq!(ids(sold).await?, [2]);
    let sold = (0..1_500_i64).map(|id| (id, instant("2024-03-01T00:00:00Z")));
    assert_eq!(ids(tuple((Article::ID, Article::SOLD_AT)).is_in(sold)).await?, [2]);
    let labels = |list: &[&str]| list.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(Article::LABELS.is_in([labels(&["steel"]), labels(&["red", "sweet"])])).await?, [1, 2]);
    assert_eq!(ids(Article::LABELS.not_in([labels(&["steel"])])).await?, [1, 3, 4]);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn patterns_without_case_keep_their_accents_and_classes(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    assert_eq!(Article::count().filter(Article::TITLE.ilike("elan")).exec(&db).await?, 0);
    assert_eq!(Article::count().filter(Article::TITLE.icontains("É")).exec(&db).await?, 1);
    assert_eq!(Article::count().filter(Article::TITLE.iregexp("^\\D+$")).exec(&db).await?, 3);
    assert_eq!(Article::count().filter(Article::TITLE.iregexp("^\\S+$")).exec(&db).await?, 2);
    assert_eq!(Article::count().filter(Article::TITLE.iregexp("^ÉL")).exec(&db).await?, 1);
    // A backslash takes the meaning of the letter behind it in a pattern of one's own.
    assert_eq!(Article::count().filter(Article::TITLE.like("100\\%%")).exec(&db).await?, 1);
    assert_eq!(Article::count().filter(Article::TITLE.ilike("100\\%%")).exec(&db).await?, 1);
    assert_eq!(Article::count().filter(Article::TITLE.like("10\\%%")).exec(&db).await?, 0);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn expressions_with_values_group_and_are_distinct(db: Db) -> sequor::Result<()> {
    // Stocks 5, 0, 7, 7; notes NULL, old, ok, NULL; sizes none, 3, 2.5, none. Each time the value is bound anew.
    seed(&db).await?;
    let size = || when(Article::STOCK.gt(6), "many").otherwise("few");
    let sizes: Vec<(String, i64)> = Article::find_all()
        .select((size(), count_all()))
        .group_by(size())
        .having(count_all().gt(1))
        .order_by(size().asc())
        .exec(&db)
        .await?;
    assert_eq!(sizes, [("few".to_owned(), 2), ("many".to_owned(), 2)]);
    let note = || coalesce(Article::NOTE, "-");
    let notes: Vec<(String, i64)> = Article::find_all()
        .select((note(), count_all()))
        .group_by(note())
        .having(count_all().lt(3))
        .order_by(note().asc())
        .exec(&db)
        .await?;
    assert_eq!(notes, [("-".to_owned(), 2), ("ok".to_owned(), 1), ("old".to_owned(), 1)]);
    let asked = note().ne("ok").and(count_all().gte(1)).and(note().like("%o%").or(note().is_in(["-"])));
    let notes: Vec<String> = Article::find_all().select(note()).group_by(note()).having(asked).order_by(note().desc()).exec(&db).await?;
    assert_eq!(notes, ["old", "-"]);
    let number = || Article::DATA.path("size").as_number();
    let numbers: Vec<(Option<f64>, i64)> =
        Article::find_all().select((number(), count_all())).group_by(number()).order_by(number().desc_nulls_last()).exec(&db).await?;
    assert_eq!(numbers, [(Some(3.0), 1), (Some(2.5), 1), (None, 2)]);
    let fifths: Vec<(i32, i64, Option<f64>)> = Article::find_all()
        .select((Article::STOCK / 5, count_all(), max(Article::PRICE)))
        .group_by((Article::STOCK / 5, size()))
        .order_by((count_all().asc(), (Article::STOCK / 5).desc()))
        .exec(&db)
        .await?;
    assert_eq!(fifths, [(1, 1, Some(1.5)), (0, 1, Some(20.0)), (1, 2, Some(3.75))]);
    let different: Vec<String> = Article::find_all().select(note()).distinct().order_by(note().asc()).exec(&db).await?;
    assert_eq!(different, ["-", "ok", "old"]);
    let last = Article::find_all().distinct_on(note()).order_by((note().asc(), Article::ID.desc())).exec(&db).await?;
    assert_eq!(last.iter().map(|article| article.id).collect::<Vec<_>>(), [4, 3, 2]);
    let pages = Article::find_all().select((note(), count_all())).group_by(note()).order_by(note().asc()).page(2, 1).exec(&db).await?;
    assert_eq!((pages.rows, pages.count), (vec![("ok".to_owned(), 1)], 3));
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn conditions_of_groups_mix_what_is_grouped_and_what_is_counted(db: Db) -> sequor::Result<()> {
    // Notes -, old, ok, -; stocks 5, 0, 7, 7.
    seed(&db).await?;
    let note = || coalesce(Article::NOTE, "-");
    let found = async |asked: Filter<Article>| {
        Article::find_all().select((note(), count_all())).group_by(note()).having(asked).order_by(note().asc()).exec(&db).await
    };
    let (dash, ok, old) = (("-".to_owned(), 2), ("ok".to_owned(), 1), ("old".to_owned(), 1));
    assert_eq!(found(note().eq("ok").or(count_all().gt(1))).await?, [dash.clone(), ok.clone()]);
    assert_eq!(found(!(note().eq("ok").or(count_all().gt(1)))).await?, [old.clone()]);
    assert_eq!(
        found(note().like("o%").and(count_all().eq(1)).or(sum(Article::STOCK).eq(12))).await?,
        [dash.clone(), ok.clone(), old.clone()]
    );
    assert_eq!(found(note().concat("!").eq("ok!").or(max(Article::STOCK).eq(0))).await?, [ok.clone(), old.clone()]);
    assert_eq!(found(when(note().eq("-"), count_all()).otherwise(0_i64).gt(1)).await?, [dash.clone()]);
    // Two groups, one of them not selected, and neither in the order.
    let size = || when(Article::STOCK.gt(6), "many").otherwise("few");
    let rows: Vec<i64> = Article::find_all()
        .select(count_all())
        .group_by((note(), size()))
        .having(size().eq("many").and(note().ne("ok")).or(min(Article::STOCK).eq(0)))
        .order_by(min(Article::ID).asc())
        .exec(&db)
        .await?;
    assert_eq!(rows, [1, 1]);
    let page = Article::find_all()
        .select(note())
        .group_by(note())
        .having(note().eq("ok").or(count_all().gt(1)))
        .order_by(note().desc())
        .page(2, 1)
        .exec(&db)
        .await?;
    assert_eq!((page.rows, page.count), (vec!["-".to_owned()], 2));
    // The column itself and an aggregate of it.
    let prices: Vec<(i64, Option<f64>)> = Article::find_all()
        .select((Article::CATEGORY_ID, max(Article::PRICE)))
        .group_by((Article::CATEGORY_ID, Article::CATEGORY.at(Category::NAME)))
        .having(Article::CATEGORY_ID.eq(2).or(max(Article::PRICE).gt(10.0)).or(Article::CATEGORY.at(Category::NAME).eq("Fruit")))
        .order_by(Article::CATEGORY_ID.asc())
        .exec(&db)
        .await?;
    assert_eq!(prices, [(2, Some(3.75)), (3, Some(2.25)), (5, Some(20.0))]);
    Ok(())
}
