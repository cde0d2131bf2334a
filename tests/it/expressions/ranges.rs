//! Ranges, which are PostgreSQL's, and lists, which are everywhere.

use sequor::prelude::*;
use sequor::{IpNetwork, Range};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "bookings")]
pub struct Booking {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub seats: Range<i32>,
    pub span: Option<Range<DateTime<Utc>>>,
    pub days: Range<NaiveDate>,
    pub price: Range<Decimal>,
    pub net: IpNetwork,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "marked_things")]
pub struct Marked {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub marks: Vec<i32>,
    pub words: Option<Vec<String>>,
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, day).unwrap()
}

#[sequor::test(models(Booking), databases("postgres"))]
async fn ranges_are_written_as_rust_writes_them(db: Db) -> sequor::Result<()> {
    let at = |hour| day(5).and_hms_opt(hour, 0, 0).unwrap().and_utc();
    let price = Decimal::new(15, 1)..Decimal::new(20, 1);
    let net = IpNetwork::from("10.0.0.0/8");
    let row = draft!(Booking { seats: 1..5, span: at(1)..at(3), days: day(1)..day(4), price: price, net: net }).create(&db).await?;
    assert_eq!(Booking::find_by_pk(row.id).or_fail().exec(&db).await?, row);
    let holds = async |filter: Filter<Booking>| Ok::<_, Error>(Booking::count().filter(filter).exec(&db).await? == 1);
    assert!(holds(Booking::SEATS.contains_value(4)).await?);
    assert!(!holds(Booking::SEATS.contains_value(5)).await?);
    assert!(holds(Booking::SEATS.contains_range(2..4)).await?);
    assert!(holds(Booking::SEATS.within(0..)).await?);
    assert!(holds(Booking::SEATS.overlaps_range(4..40)).await?);
    assert!(holds(Booking::SEATS.overlaps_range(..=1)).await?);
    assert!(!holds(Booking::SEATS.overlaps_range(..1)).await?);
    assert!(holds(Booking::SEATS.adjacent_to(5..40)).await?);
    assert!(holds(Booking::SEATS.before(5..40)).await?);
    assert!(holds(Booking::SEATS.after(-5..=0)).await?);
    assert!(holds(Booking::SEATS.ends_no_later(-5..5)).await?);
    assert!(holds(Booking::SEATS.begins_no_earlier(1..5)).await?);
    assert!(holds(Booking::SEATS.eq(1..5)).await?);
    assert!(holds(Booking::SEATS.is_in([Range::from(1..5), Range::nothing()])).await?);
    // A range that may be NULL has the same operators.
    assert!(holds(Booking::SPAN.contains_value(at(2))).await?);
    assert!(holds(Booking::SPAN.overlaps_range(at(2)..)).await?);
    assert!(holds(Booking::DAYS.contains_value(day(3))).await?);
    assert!(holds(Booking::PRICE.contains_value(Decimal::new(175, 2))).await?);
    for (given, stored) in
        [(Range::nothing(), Range::nothing()), (Range::from(..=7), Range::from(..8)), (Range::from(..), Range::new(None, None))]
    {
        Booking::update_all().set(Booking::SEATS, given).every_row().exec(&db).await?;
        assert_eq!(Booking::find_by_pk(row.id).or_fail().exec(&db).await?.seats, stored);
    }
    let json = serde_json::to_string(&row).map_err(Error::other)?;
    assert_eq!(serde_json::from_str::<Booking>(&json).map_err(Error::other)?, row);
    Ok(())
}

#[sequor::test]
async fn ranges_are_refused_where_there_are_none(db: Db) -> sequor::Result<()> {
    if db.dialect() == Dialect::Postgres {
        return Ok(());
    }
    let made = db.sync::<Booking>(SyncMode::Create).await;
    assert!(matches!(&made, Err(Error::Usage(_))) && made.is_err_and(|error| error.to_string().contains("PostgreSQL")));
    let asked = Booking::find_all().filter(Booking::SEATS.adjacent_to(1..2)).exec(&db).await;
    assert!(asked.is_err_and(|error| error.to_string().contains("two columns")));
    Ok(())
}

#[sequor::test(models(Marked))]
async fn lists_answer_alike_everywhere(db: Db) -> sequor::Result<()> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let rows =
        [(vec![], None), (vec![0], Some(words(&["a", "it's"]))), (vec![0, 1], Some(words(&[]))), (vec![0, 1, 2], Some(words(&["b"])))];
    for (marks, words) in rows {
        draft!(Marked { marks: marks, words: words }).create(&db).await?;
    }
    let ids = async |filter: Filter<Marked>| Marked::find_all().filter(filter).order_by(Marked::ID.asc()).pluck(Marked::ID).exec(&db).await;
    assert_eq!(ids(Marked::MARKS.has(1)).await?, [3, 4]);
    assert_eq!(ids(!Marked::MARKS.has(1)).await?, [1, 2]);
    assert_eq!(ids(Marked::MARKS.any_is(2)).await?, [4]);
    assert_eq!(ids(Marked::MARKS.contains_all([0, 1])).await?, [3, 4]);
    assert_eq!(ids(Marked::MARKS.contains_all(Vec::<i32>::new())).await?, [1, 2, 3, 4]);
    assert_eq!(ids(Marked::MARKS.contained_in([0, 2])).await?, [1, 2]);
    assert_eq!(ids(Marked::MARKS.overlaps([2, 9])).await?, [4]);
    assert_eq!(ids(Marked::MARKS.all_below(1)).await?, [1, 2]);
    assert_eq!(ids(Marked::MARKS.all_above(-1)).await?, [1, 2, 3, 4]);
    assert_eq!(ids(Marked::MARKS.eq(vec![0, 1])).await?, [3]);
    assert_eq!(ids(Marked::MARKS.is_in([vec![0, 1], vec![]])).await?, [1, 3]);
    assert_eq!(ids(Marked::MARKS.count_elements().gt(1)).await?, [3, 4]);
    // A list that may be NULL is in no answer, and a text is given as it is.
    assert_eq!(ids(Marked::WORDS.has("it's")).await?, [2]);
    assert_eq!(ids(Marked::WORDS.overlaps(["a", "b"])).await?, [2, 4]);
    assert_eq!(ids(Marked::WORDS.all_below("c")).await?, [3, 4]);
    assert_eq!(ids(!Marked::WORDS.all_below("c")).await?, [2]);
    Ok(())
}
