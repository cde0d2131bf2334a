//! Exact sums over windows, sets over several models, first rows of groups, locks: what reports are made of.

use sequor::prelude::*;
use sequor::{FrameBound, Window, rank};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "sale_shops")]
pub struct Shop {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    pub sales: HasMany<Sale>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "sales", paranoid)]
pub struct Sale {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub number: i32,
    pub amount: Decimal,
    pub tip: Option<Decimal>,
    #[field(index)]
    pub shop_id: i64,
    pub shop: BelongsTo<Shop>,
    pub deleted_at: Option<DateTime<Utc>>,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Sale)]
struct SaleView {
    number: i32,
    #[projection(of = Shop)]
    shop: ShopName,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Shop)]
struct ShopName {
    name: String,
}

fn money(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

/// Three shops; sales 0 to 5 of 10.05, 13.38, 16.71, 20.04, 23.37, 10.05, in shops 1, 2, 3, 1, 2, 3.
async fn fill(db: &Db) -> sequor::Result<()> {
    Shop::bulk_create(["Root", "North", "South"].map(|name| draft!(Shop { name: name }))).exec(db).await?;
    let sales = (0..6_i32).map(|number| {
        let tip = (number % 3 == 0).then(|| money(i64::from(number) * 25));
        let shop_id = i64::from(number % 3) + 1;
        draft!(Sale { number: number, amount: money(1005 + i64::from(number % 5) * 333), tip: tip, shop_id: shop_id })
    });
    Sale::bulk_create(sales.collect::<Vec<_>>()).exec(db).await?;
    Ok(())
}

async fn numbers(find: Find<Sale>, db: &Db) -> sequor::Result<Vec<i32>> {
    Ok(find.exec(db).await?.into_iter().map(|sale| sale.number).collect())
}

#[sequor::test(models(Shop, Sale))]
async fn decimals_over_windows_are_exact(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    let by_number = || Window::new().order_by(Sale::NUMBER.asc());
    let rows: Vec<(Option<Decimal>, Option<Decimal>, Option<f64>, Option<Decimal>)> = Sale::find_all()
        .select((
            sum(Sale::AMOUNT).over(by_number()),
            sum(Sale::TIP).over(by_number().rows_between(FrameBound::Preceding(2), FrameBound::CurrentRow)),
            avg(Sale::AMOUNT).over(Window::new().partition_by(Sale::SHOP_ID)),
            sum(Sale::AMOUNT)
                .over(Window::new().order_by(Sale::AMOUNT.asc()).range_between(FrameBound::Preceding(4), FrameBound::CurrentRow)),
        ))
        .order_by(Sale::NUMBER.asc())
        .exec(&db)
        .await?;
    assert_eq!(rows[0], (Some(money(1005)), Some(money(0)), Some(15.045), Some(money(2010))));
    assert_eq!(rows[1], (Some(money(2343)), Some(money(0)), Some(18.375), Some(money(3348))));
    assert_eq!(rows[4], (Some(money(8355)), Some(money(75)), Some(18.375), Some(money(4341))));
    // A rank of groups, in the order that the query says.
    let ranks: Vec<(i64, Option<Decimal>, i64)> = Sale::find_all()
        .select((Sale::SHOP_ID, sum(Sale::AMOUNT), rank().over(Window::new().order_by(sum(Sale::AMOUNT).desc()))))
        .group_by(Sale::SHOP_ID)
        .order_by(Sale::SHOP_ID.asc())
        .exec(&db)
        .await?;
    assert_eq!(ranks, [(1, Some(money(3009)), 2), (2, Some(money(3675)), 1), (3, Some(money(2676)), 3)]);
    Ok(())
}

#[sequor::test(models(Shop, Sale))]
async fn filters_are_asked_before_groups_and_windows(db: Db) -> sequor::Result<()> {
    for filter in [row_number().over(Window::new().order_by(Sale::ID.asc())).lte(3), count_all().gt(1)] {
        let error = Sale::find_all().filter(filter).exec(&db).await.map(drop);
        let Err(Error::Usage(usage)) = error else { return Err(Error::usage(format!("{error:?}"))) };
        assert!(usage.message.contains("filter") && usage.site.file().ends_with("sales.rs"), "{usage:?}");
    }
    Ok(())
}

#[sequor::test(models(Shop, Sale))]
async fn rows_of_several_models_and_projections_are_united(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    let few = Sale::find_all().filter(Sale::NUMBER.lt(2)).select((Sale::NUMBER.cast::<String>(), Sale::SHOP_ID));
    let both: Vec<(String, i64)> = Shop::find_all().select((Shop::NAME, Shop::ID)).union(few).order_by(Shop::NAME.asc()).exec(&db).await?;
    let named: Vec<(&str, i64)> = both.iter().map(|(name, id)| (name.as_str(), *id)).collect();
    assert_eq!(named, [("0", 1), ("1", 2), ("North", 2), ("Root", 1), ("South", 3)]);
    let below = |number| Sale::find_all().filter(Sale::NUMBER.lt(number));
    let views = below(1).project::<SaleView>().union(below(2).project::<SaleView>()).order_by(Sale::NUMBER.desc()).exec(&db).await?;
    assert_eq!(views[0], SaleView { number: 1, shop: ShopName { name: "North".into() } });
    assert_eq!(views.len(), 2);
    let page = below(4).except(below(1)).order_by(Sale::NUMBER.asc()).page(2, 2).exec(&db).await?;
    assert_eq!((page.rows.iter().map(|sale| sale.number).collect::<Vec<_>>(), page.count), (vec![3], 3));
    let mut stream = below(2).union_all(below(1)).order_by(Sale::NUMBER.asc()).stream(&db);
    let mut streamed = Vec::new();
    while let Some(sale) = stream.next().await {
        streamed.push(sale?.number);
    }
    assert_eq!(streamed, [0, 0, 1]);
    let error = below(2).union(below(3)).select(Sale::ID).exec(&db).await;
    assert!(error.is_err_and(|error| error.to_string().contains("in each of them")));
    Ok(())
}

#[sequor::test(models(Shop, Sale))]
async fn the_first_of_each_follows_any_order(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    let first = || Sale::find_all().distinct_on(Sale::SHOP_ID);
    assert_eq!(numbers(first().order_by((Sale::SHOP_ID.asc(), Sale::NUMBER.desc())), &db).await?, [3, 4, 5]);
    assert_eq!(numbers(first().order_by(Sale::NUMBER.desc()), &db).await?, [5, 4, 3]);
    assert_eq!(numbers(first(), &db).await?, [0, 1, 2]);
    assert_eq!(numbers(first().limit(1).offset(1), &db).await?, [1]);
    assert_eq!(first().count().exec(&db).await?, 3);
    let page = first().order_by(Sale::NUMBER.desc()).page(2, 2).exec(&db).await?;
    assert_eq!((page.rows[0].number, page.count), (3, 3));
    let shops: Vec<String> =
        first().include(Sale::SHOP).exec(&db).await?.iter().filter_map(|sale| sale.shop.get()).map(|shop| shop.name.clone()).collect();
    assert_eq!(shops, ["Root", "North", "South"]);
    let unseen = Sale::find_all().select(Sale::SHOP_ID).distinct().order_by(Sale::NUMBER.asc()).exec(&db).await;
    assert!(matches!(&unseen, Err(Error::Usage(_))) && unseen.is_err_and(|error| error.to_string().contains("distinct_on")));
    Ok(())
}

#[sequor::test(models(Shop, Sale))]
async fn locks_hold_related_rows_and_refuse_groups(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    for lock in [Lock::Update, Lock::Share, Lock::NoKeyUpdate, Lock::KeyShare] {
        db.transaction(async |tx| {
            let find = || Sale::find_all().include(Sale::SHOP);
            assert_eq!(find().lock_of(lock, Sale::SHOP).exec(tx).await?.len(), 6);
            assert_eq!(find().skip_locked().lock(lock).exec(tx).await?.len(), 6);
            Ok(())
        })
        .await?;
    }
    let skipped = Sale::find_all().skip_locked().lock(Lock::Share).to_sql(Dialect::Postgres)?;
    assert!(skipped.ends_with("FOR SHARE SKIP LOCKED"), "{skipped}");
    let grouped = Sale::find_all().select((Sale::SHOP_ID, count_all())).group_by(Sale::SHOP_ID).lock(Lock::Update).exec(&db).await;
    assert!(matches!(grouped, Err(Error::Usage(_))), "{grouped:?}");
    let unread = Sale::find_all().lock_of(Lock::Update, Sale::SHOP).exec(&db).await;
    assert!(matches!(&unread, Err(Error::Usage(_))) && unread.is_err_and(|error| error.to_string().contains("Sale.shop")));
    Ok(())
}

#[sequor::test(models(Shop, Sale), databases("postgres", "mysql"))]
async fn a_locked_row_is_left_out_or_refused_at_once(db: Db) -> sequor::Result<()> {
    // SQLite locks its whole file, not rows.
    fill(&db).await?;
    let first = || Sale::find_all().filter(Sale::ID.eq(1));
    db.transaction(async |tx| {
        first().lock(Lock::Update).exec(tx).await?;
        let other = db.detached().begin().await?;
        assert_eq!(numbers(Sale::find_all().filter(Sale::ID.is_in([1, 2])).lock(Lock::Update).skip_locked(), &other).await?, [1]);
        let refused = first().lock(Lock::Update).no_wait().exec(&other).await;
        assert!(matches!(refused, Err(Error::Timeout { .. })), "{refused:?}");
        other.rollback().await?;
        let late = db.detached().transaction(async |other| first().lock(Lock::Update).timeout(millis(300)).exec(other).await).await;
        let Err(Error::Timeout { detail }) = late else { return Err(Error::usage("the lock was not waited for")) };
        assert_eq!((detail.model.as_deref(), detail.operation), (Some("Sale"), Some("find")));
        assert!(detail.site.is_some_and(|site| site.file().ends_with("sales.rs")));
        Ok(())
    })
    .await
}

#[test]
fn a_count_shows_its_sql_and_a_tag_is_said_once() -> sequor::Result<()> {
    let counted = Sale::count().filter(Sale::NUMBER.gt(1)).with(SqlTag("b", "1")).with(SqlTag("a", "x y'")).with(SqlTag("b", "2"));
    let sql = counted.to_sql(Dialect::Sqlite)?;
    assert!(sql.starts_with("SELECT count(*)") && sql.ends_with("/*a='x%20y%27',b='2'*/"), "{sql}");
    Ok(())
}
