//! Tour section 13: every column type comes back as it was stored, at its edges too.

mod collations;
mod properties;

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "samples")]
pub struct Sample {
    #[field(primary_key)]
    pub id: i32,
    pub truth: bool,
    pub tiny: i8,
    pub small: i16,
    pub medium: i32,
    pub large: i64,
    pub utiny: u8,
    pub usmall: u16,
    pub umedium: u32,
    pub single: f32,
    pub double: f64,
    #[field(db_type = "decimal(20,6)")]
    pub exact: Decimal,
    pub text: String,
    pub unique_id: Uuid,
    pub instant: DateTime<Utc>,
    pub local: NaiveDateTime,
    pub day: NaiveDate,
    pub clock: NaiveTime,
    pub bytes: Vec<u8>,
    pub document: Json,
    pub typed: Json<Settings>,
    pub list: Vec<i32>,
    pub names: Vec<String>,
    pub color: Color,
    pub maybe: Option<String>,
    pub maybe_color: Option<Color>,
    pub maybe_list: Option<Vec<i64>>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Settings {
    pub dark: bool,
    pub sizes: Vec<u8>,
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "color")]
pub enum Color {
    Red,
    DeepBlue,
}

fn sample(id: i32) -> sequor::Result<Sample> {
    Ok(Sample {
        id,
        truth: true,
        tiny: i8::MIN,
        small: i16::MAX,
        medium: i32::MIN,
        large: i64::MAX,
        utiny: u8::MAX,
        usmall: u16::MAX,
        umedium: u32::MAX,
        single: 1.5,
        double: -0.1,
        exact: "12345678901234.123456".parse()?,
        text: "Grüße, 世界 \u{1F600} ' \" \\ % _ -- /* ? $1 {x}".into(),
        unique_id: Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        instant: "2024-02-29T23:59:59.123456Z".parse()?,
        local: "1999-12-31T00:00:00.000001".parse()?,
        day: "2024-02-29".parse()?,
        clock: "23:59:59.999999".parse()?,
        bytes: (0..=255).collect(),
        document: Json(json!({ "a": [1, 2.5, null, "x"], "b": { "c": true } })),
        typed: Json(Settings { dark: true, sizes: vec![1, 2] }),
        list: vec![i32::MIN, 0, i32::MAX],
        names: vec!["a,b".into(), "\"quoted\"".into(), "{}".into(), String::new()],
        color: Color::DeepBlue,
        maybe: None,
        maybe_color: Some(Color::Red),
        maybe_list: Some(vec![]),
    })
}

fn draft_of(row: &Sample) -> Draft<Sample> {
    draft!(Sample {
        id: row.id,
        truth: row.truth,
        tiny: row.tiny,
        small: row.small,
        medium: row.medium,
        large: row.large,
        utiny: row.utiny,
        usmall: row.usmall,
        umedium: row.umedium,
        single: row.single,
        double: row.double,
        exact: row.exact,
        text: &row.text,
        unique_id: row.unique_id,
        instant: row.instant,
        local: row.local,
        day: row.day,
        clock: row.clock,
        bytes: row.bytes.clone(),
        document: row.document.clone(),
        typed: row.typed.clone(),
        list: row.list.clone(),
        names: row.names.clone(),
        color: row.color,
        maybe: row.maybe.clone(),
        maybe_color: row.maybe_color,
        maybe_list: row.maybe_list.clone(),
    })
}

#[sequor::test(models(Sample))]
async fn every_type_round_trips(db: Db) -> sequor::Result<()> {
    let row = sample(1)?;
    let created = draft_of(&row).create(&db).await?;
    assert_eq!(created, row);
    let read = Sample::find_by_pk(1).or_fail().exec(&db).await?;
    assert_eq!(read, row);
    let many = (2..40).map(sample).collect::<sequor::Result<Vec<_>>>()?;
    let stored = Sample::bulk_create(many.iter().map(draft_of)).exec(&db).await?;
    assert_eq!(stored, many);
    let read = Sample::find_all().filter(Sample::ID.gt(1)).order_by(Sample::ID.asc()).exec(&db).await?;
    assert_eq!(read, many);
    Ok(())
}

#[sequor::test(models(Sample))]
async fn every_type_compares(db: Db) -> sequor::Result<()> {
    let row = sample(1)?;
    draft_of(&row).create(&db).await?;
    let all = Filter::all_of([
        Sample::TRUTH.eq(true),
        Sample::TINY.lte(0),
        Sample::LARGE.eq(i64::MAX),
        Sample::UMEDIUM.gt(5),
        Sample::DOUBLE.lt(0.0),
        Sample::EXACT.eq(row.exact),
        Sample::EXACT.gt(Decimal::from(9)),
        Sample::TEXT.eq(&row.text),
        Sample::TEXT.contains("% _"),
        Sample::UNIQUE_ID.eq(row.unique_id),
        Sample::INSTANT.eq(row.instant),
        Sample::INSTANT.between(row.instant, row.instant),
        Sample::DAY.eq(row.day),
        Sample::CLOCK.eq(row.clock),
        Sample::BYTES.eq(row.bytes.clone()),
        Sample::COLOR.eq(Color::DeepBlue),
        Sample::COLOR.is_in([Color::DeepBlue, Color::Red]),
        Sample::MAYBE.is_null(),
        Sample::MAYBE.eq(None),
        Sample::MAYBE_COLOR.eq(Color::Red),
        Sample::LIST.has(0),
        Sample::LARGE.is_in(vec![1, i64::MAX]),
        Sample::TEXT.is_in(vec![row.text.clone()]),
        Sample::UNIQUE_ID.is_in([row.unique_id]),
        Sample::INSTANT.is_in([row.instant]),
        Sample::EXACT.is_in([row.exact]),
        Sample::TRUTH.is_in([true]),
        Sample::TEXT.not_in(["nothing"]),
        Filter::any_of([]).or(Sample::ID.eq(1)),
    ]);
    assert_eq!(Sample::count().filter(all).exec(&db).await?, 1);
    assert_eq!(Sample::count().filter(Sample::ID.is_in(Vec::<i32>::new())).exec(&db).await?, 0);
    assert_eq!(Sample::count().filter(Sample::ID.not_in(Vec::<i32>::new())).exec(&db).await?, 1);
    let sums: (Option<i64>, Option<i64>, Option<f64>, Option<Decimal>, Option<DateTime<Utc>>) = Sample::find_all()
        .select((sum(Sample::MEDIUM), max(Sample::LARGE), avg(Sample::DOUBLE), max(Sample::EXACT), min(Sample::INSTANT)))
        .one()
        .exec(&db)
        .await?;
    assert_eq!(sums, (Some(i64::from(i32::MIN)), Some(i64::MAX), Some(-0.1), Some(row.exact), Some(row.instant)));
    Ok(())
}
