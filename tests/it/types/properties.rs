//! Values over the whole range of every column type, made at random from a fixed seed, come back equal.

use super::{Color, Sample, Settings, draft_of};
use proptest::collection::vec;
use proptest::prelude::{Just, any, prop_oneof};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use sequor::prelude::*;

/// How many rows are made: all travel in one statement and come back in another.
const ROWS: i32 = 300;

/// Text without control characters; PostgreSQL stores no NUL.
fn text() -> impl Strategy<Value = String> {
    "\\PC{0,60}"
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    // The years 1000 to 9999, to the microsecond: what all three databases hold.
    (-30_610_224_000_000_000_i64..253_402_300_799_999_999).prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap_or_default())
}

fn document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        text().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            vec((text(), inner), 0..4).prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// The smallest and the largest as often as anything between.
macro_rules! whole {
    ($ty:ty) => {
        prop_oneof![Just(<$ty>::MIN), Just(<$ty>::MAX), any::<$ty>()]
    };
}

fn float() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, ZERO};
    prop_oneof![Just(f64::MAX), Just(f64::MIN_POSITIVE), POSITIVE | NEGATIVE | NORMAL | ZERO]
}

fn single() -> impl Strategy<Value = f32> {
    use proptest::num::f32::{NEGATIVE, NORMAL, POSITIVE, ZERO};
    POSITIVE | NEGATIVE | NORMAL | ZERO
}

fn exact() -> impl Strategy<Value = Decimal> {
    let most = 99_999_999_999_999_999_999_i128;
    prop_oneof![Just(most), Just(-most), -most..=most].prop_map(|units| Decimal::from_i128_with_scale(units, 6))
}

fn numbers() -> impl Strategy<Value = ((bool, i8, i16, i32, i64), (u8, u16, u32), (f32, f64, Decimal))> {
    (
        (any::<bool>(), whole!(i8), whole!(i16), whole!(i32), whole!(i64)),
        (whole!(u8), whole!(u16), whole!(u32)),
        (single(), float(), exact()),
    )
}

fn color() -> impl Strategy<Value = Color> {
    prop_oneof![Just(Color::Red), Just(Color::DeepBlue)]
}

fn row(runner: &mut TestRunner, id: i32) -> Sample {
    let ((truth, tiny, small, medium, large), (utiny, usmall, umedium), (single, double, exact)) = pick(runner, &numbers());
    let moment = pick(runner, &instant());
    Sample {
        id,
        truth,
        tiny,
        small,
        medium,
        large,
        utiny,
        usmall,
        umedium,
        single,
        double,
        exact,
        text: pick(runner, &text()),
        unique_id: Uuid::from_u128(pick(runner, &any::<u128>())),
        instant: moment,
        local: pick(runner, &instant()).naive_utc(),
        day: moment.date_naive(),
        clock: moment.time(),
        bytes: pick(runner, &vec(any::<u8>(), 0..300)),
        document: Json(pick(runner, &document())),
        typed: Json(Settings { dark: truth, sizes: pick(runner, &vec(any::<u8>(), 0..9)) }),
        list: pick(runner, &vec(whole!(i32), 0..9)),
        names: pick(runner, &vec(text(), 0..5)),
        color: pick(runner, &color()),
        maybe: pick(runner, &proptest::option::of(text())),
        maybe_color: pick(runner, &proptest::option::of(color())),
        maybe_list: pick(runner, &proptest::option::of(vec(whole!(i64), 0..5))),
    }
}

fn pick<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).map(|tree| tree.current()).unwrap_or_else(|reason| panic!("no value: {reason}"))
}

#[sequor::test(models(Sample))]
async fn random_rows_come_back_equal(db: Db) -> sequor::Result<()> {
    let mut runner = TestRunner::deterministic();
    let rows: Vec<Sample> = (0..ROWS).map(|id| row(&mut runner, id)).collect();
    let stored = Sample::bulk_create(rows.iter().map(draft_of)).exec(&db).await?;
    let read = Sample::find_all().order_by(Sample::ID.asc()).exec(&db).await?;
    for ((row, stored), read) in rows.iter().zip(&stored).zip(&read) {
        assert_eq!(row, stored);
        assert_eq!(row, read);
    }
    assert_eq!(read.len(), rows.len());
    for row in rows.iter().take(20) {
        let same = Filter::all_of([
            Sample::LARGE.eq(row.large),
            Sample::DOUBLE.eq(row.double),
            Sample::EXACT.eq(row.exact),
            Sample::INSTANT.eq(row.instant),
            Sample::DAY.eq(row.day),
            Sample::BYTES.eq(&row.bytes),
            Sample::UNIQUE_ID.eq(row.unique_id),
        ]);
        assert_eq!(Sample::count().filter(same).exec(&db).await?, 1, "{row:?}");
    }
    Ok(())
}
