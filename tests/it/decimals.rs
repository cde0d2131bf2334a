//! Decimals are exact on every database: sums, means, arithmetic, order and comparison.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "accounts_of_money")]
struct Purse {
    #[field(primary_key, auto_increment)]
    id: i64,
    owner: String,
    #[field(db_type = "decimal(24,4)")]
    amount: Decimal,
    #[field(db_type = "decimal(24,4)")]
    limit: Option<Decimal>,
    pub coins: HasMany<Coin>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "coins_of_purses")]
struct Coin {
    #[field(primary_key, auto_increment)]
    id: i64,
    purse_id: i64,
    #[field(db_type = "decimal(12,2)")]
    worth: Decimal,
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

async fn purses(db: &Db) -> sequor::Result<()> {
    for (owner, amount) in [("a", "0.1"), ("a", "0.2"), ("b", "10"), ("b", "9.5"), ("b", "-3"), ("c", "99999999999999999999.9999")] {
        draft!(Purse { owner, amount: decimal(amount), limit: decimal(amount), coins: [{ worth: decimal(amount) / Decimal::from(2) }] })
            .skip_coins_above(decimal(amount))
            .create(db)
            .await?;
    }
    Ok(())
}

trait WithoutCoins {
    fn skip_coins_above(self, amount: Decimal) -> Draft<Purse>;
}

impl WithoutCoins for Draft<Purse> {
    /// The largest amount does not fit a coin.
    fn skip_coins_above(self, amount: Decimal) -> Draft<Purse> {
        if amount > decimal("1000") { draft!(Purse { owner: "c", amount, limit: amount }) } else { self }
    }
}

#[sequor::test(models(Purse, Coin))]
async fn sums_and_arithmetic(db: Db) -> sequor::Result<()> {
    purses(&db).await?;
    let all: Option<Decimal> = Purse::find_all().select(sum(Purse::AMOUNT)).one().exec(&db).await?;
    assert_eq!(all, Some(decimal("100000000000000000016.7999")));
    let by_owner: Vec<(String, Option<Decimal>, Option<f64>)> = Purse::find_all()
        .select((Purse::OWNER, sum(Purse::AMOUNT).alias("total"), avg(Purse::AMOUNT)))
        .group_by(Purse::OWNER)
        .having(sum(Purse::AMOUNT).lt(decimal("100")))
        .order_by(sum(Purse::AMOUNT).desc())
        .exec(&db)
        .await?;
    assert_eq!(by_owner, [("b".to_owned(), Some(decimal("16.5")), Some(5.5)), ("a".to_owned(), Some(decimal("0.3")), Some(0.15))]);
    let ordered: Vec<Decimal> = Purse::find_all().select(Purse::AMOUNT).order_by(Purse::AMOUNT.asc()).exec(&db).await?;
    assert!(ordered.windows(2).all(|pair| pair[0] < pair[1]), "{ordered:?}");
    let by_sum: Vec<Decimal> =
        Purse::find_all().select(Purse::AMOUNT).order_by((Purse::AMOUNT + Purse::AMOUNT).desc()).limit(2).exec(&db).await?;
    assert_eq!(by_sum, [decimal("99999999999999999999.9999"), decimal("10")]);
    let most: Option<Decimal> = Purse::find_all().filter(Purse::OWNER.ne("c")).select(max(Purse::AMOUNT)).one().exec(&db).await?;
    assert_eq!(most, Some(decimal("10")));
    let least: Vec<(String, Option<Decimal>)> = Purse::find_all()
        .select((Purse::OWNER, min(Purse::AMOUNT)))
        .group_by(Purse::OWNER)
        .having(min(Purse::AMOUNT).gt(decimal("-20")).and(max(Purse::AMOUNT).gt(decimal("9"))))
        .order_by(Purse::OWNER.asc())
        .exec(&db)
        .await?;
    assert_eq!(least, [("b".to_owned(), Some(decimal("-3"))), ("c".to_owned(), Some(decimal("99999999999999999999.9999")))]);
    Ok(())
}

#[sequor::test(models(Purse, Coin))]
async fn comparisons_and_updates(db: Db) -> sequor::Result<()> {
    purses(&db).await?;
    let found = |filter: Filter<Purse>| {
        let db = db.clone();
        async move { Purse::count().filter(filter).exec(&db).await }
    };
    assert_eq!(found((Purse::AMOUNT + decimal("0.2")).eq(decimal("0.3"))).await?, 1);
    assert_eq!(found((Purse::AMOUNT * decimal("2")).gt(decimal("19"))).await?, 2);
    assert_eq!(found((Purse::AMOUNT - decimal("1")).between(decimal("8"), decimal("9"))).await?, 2);
    assert_eq!(found(Purse::AMOUNT.gt(decimal("9.5"))).await?, 2);
    assert_eq!(found(Purse::LIMIT.lte(Purse::AMOUNT)).await?, 6);
    assert_eq!(found(Purse::LIMIT.eq(decimal("0.10"))).await?, 1);
    assert_eq!(found(Purse::COINS.aggregate(sum(Coin::WORTH)).gt(Some(decimal("4.9")))).await?, 1);
    let n = Purse::update_all().set(Purse::AMOUNT, Purse::AMOUNT + decimal("0.1")).filter(Purse::OWNER.eq("a")).exec(&db).await?;
    assert_eq!(n, 2);
    let purse = Purse::find_one().filter(Purse::AMOUNT.eq(decimal("0.3"))).or_fail().exec(&db).await?;
    let purse = purse.increment(Purse::AMOUNT, decimal("0.6"), &db).await?;
    assert_eq!(purse.amount, decimal("0.9"));
    let purse = purse.decrement(Purse::AMOUNT, decimal("1"), &db).await?;
    assert_eq!((purse.amount, purse.reload(&db).await?.amount), (decimal("-0.1"), decimal("-0.1")));
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "weights")]
pub struct Weight {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub exact: Decimal,
}

#[sequor::test(models(Weight))]
async fn every_decimal_of_rust_fits_before_the_point(db: Db) -> sequor::Result<()> {
    for number in [Decimal::MAX, Decimal::MIN, decimal("1.000000000001"), decimal("123456789012345678.123456789")] {
        let stored = draft!(Weight { exact: number }).create(&db).await?;
        assert_eq!(Weight::find_by_pk(stored.id).or_fail().exec(&db).await?.exact, number);
        assert_eq!(Weight::count().filter(Weight::EXACT.eq(number)).exec(&db).await?, 1);
    }
    assert_eq!(Weight::find_all().select(max(Weight::EXACT)).one().exec(&db).await?, Some(Decimal::MAX));
    Ok(())
}
