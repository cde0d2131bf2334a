//! Change tracking, held against a naive comparison of the rows; silent saves, chosen fields, the optimistic lock.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "charts", timestamps, version)]
pub struct Chart {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub title: String,
    pub pulse: Option<i32>,
    pub weight: f64,
    pub notes: Json,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "letters", paranoid, version)]
pub struct Letter {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub text: String,
    pub version: i32,
    pub deleted_at: Option<DateTime<Utc>>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "forms", userstamps)]
pub struct Form {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub created_by: i64,
    pub updated_by: i64,
}

fn chart() -> Chart {
    let now = Utc::now();
    Chart {
        id: 1,
        title: "a".into(),
        pulse: None,
        weight: 1.5,
        notes: json!({ "a": [1, null] }).into(),
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

fn naive(old: &Chart, new: &Chart) -> Vec<&'static str> {
    let mut names = Vec::new();
    for (name, differs) in [
        ("title", old.title != new.title),
        ("pulse", old.pulse != new.pulse),
        ("weight", old.weight != new.weight),
        ("notes", old.notes != new.notes),
    ] {
        if differs {
            names.push(name);
        }
    }
    names
}

/// A small generator of numbers (xorshift): the same programs in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn text(&mut self) -> String {
        (0..self.below(3)).map(|_| ['a', 'b', 'ß'][usize::try_from(self.below(3)).unwrap_or(0)]).collect()
    }

    fn number(&mut self) -> Option<i32> {
        (self.below(3) > 0).then(|| i32::try_from(self.below(4)).unwrap_or(0))
    }
}

#[test]
fn what_changed_is_what_a_naive_comparison_finds() {
    let mut dice = Dice(0x5eed_0001);
    for program in 0..2_000 {
        let old = chart();
        let (mut edit, mut plain) = (old.clone().edit(), old.clone());
        for _ in 0..dice.below(12) {
            let (text, number) = (dice.text(), dice.number());
            match dice.below(4) {
                0 => {
                    edit.title.clone_from(&text);
                    plain.title = text;
                }
                1 => {
                    edit.set(Chart::PULSE, number);
                    plain.pulse = number;
                }
                2 => {
                    let weight = f64::from(number.unwrap_or(3)) / 2.0;
                    (edit.weight, plain.weight) = (weight, weight);
                }
                _ => {
                    let notes: Json = json!({ "a": [1, number], "b": text }).into();
                    edit.notes = notes.clone();
                    plain.notes = notes;
                }
            }
        }
        let expected = naive(&old, &plain);
        assert_eq!(edit.changed(), expected, "program {program}");
        assert_eq!(edit.is_changed(Chart::TITLE), expected.contains(&"title"));
        assert_eq!((edit.previous(Chart::TITLE), edit.previous(Chart::PULSE)), (old.title, old.pulse));
    }
}

#[sequor::test(models(Chart))]
async fn a_stale_save_says_both_versions_and_loses_nothing(db: Db) -> sequor::Result<()> {
    let stored = draft!(Chart { title: "a", weight: 1.0, notes: json!({}) }).create(&db).await?;
    let (mut first, mut second) = (stored.clone().edit(), stored.clone().edit());
    first.title = "first".into();
    second.title = "second".into();
    let saved = first.save(&db).await?;
    assert_eq!((stored.version, saved.version), (0, 1));
    match second.save(&db).await {
        Err(Error::OptimisticLock { model, versions }) => assert_eq!((model.as_str(), *versions), ("Chart", (0, Some(1)))),
        other => panic!("{other:?}"),
    }
    assert_eq!(Chart::find_by_pk(stored.id).or_fail().exec(&db).await?.title, "first");
    // Nothing changed: nothing is sent, and that is no conflict.
    let same = db.expect_queries(0, async || stored.clone().edit().save(&db).await).await?;
    assert_eq!(same.version, 0);
    Ok(())
}

fn versions<T: std::fmt::Debug>(answer: sequor::Result<T>) -> (i64, Option<i64>) {
    match answer {
        Err(Error::OptimisticLock { versions, .. }) => *versions,
        other => panic!("{other:?}"),
    }
}

#[sequor::test(models(Chart, Letter))]
async fn a_stale_destroy_says_both_versions_and_deletes_nothing(db: Db) -> sequor::Result<()> {
    let stale = draft!(Chart { title: "a", weight: 1.0, notes: json!({}) }).create(&db).await?;
    let mut edit = stale.clone().edit();
    edit.title = "b".into();
    let saved = edit.save(&db).await?;
    assert_eq!(versions(stale.destroy(&db).await), (0, Some(1)));
    assert_eq!(Chart::count().exec(&db).await?, 1);
    assert_eq!(saved.destroy(&db).await?, 1);
    // What is gone already is what was wanted.
    assert_eq!(stale.destroy(&db).await?, 0);

    let stale = draft!(Letter { text: "a" }).create(&db).await?;
    let mut edit = stale.clone().edit();
    edit.text = "b".into();
    let saved = edit.save(&db).await?;
    assert_eq!(versions(stale.destroy(&db).await), (0, Some(1)));
    assert_eq!(versions(stale.force_destroy(&db).await), (0, Some(1)));
    assert_eq!(saved.destroy(&db).await?, 1);
    assert_eq!(versions(saved.force_destroy(&db).await), (1, Some(2)), "the deletion raised the version");
    assert_eq!(Letter::find_one().only_deleted().or_fail().exec(&db).await?.force_destroy(&db).await?, 1);
    Ok(())
}

#[sequor::test(models(Chart))]
async fn silent_saves_and_chosen_fields_write_only_those(db: Db) -> sequor::Result<()> {
    let stored = draft!(Chart { title: "a", weight: 1.0, notes: json!({}) }).create(&db).await?;
    let mut edit = stored.clone().edit();
    edit.title = "b".into();
    let silent = edit.save_silently(&db).await?;
    assert_eq!(silent.updated_at, stored.updated_at);
    let mut edit = silent.edit();
    edit.title = "c".into();
    edit.pulse = Some(60);
    edit.save_fields(Chart::PULSE, &db).await?;
    let read = Chart::find_by_pk(stored.id).or_fail().exec(&db).await?;
    assert_eq!((read.title.as_str(), read.pulse), ("b", Some(60)));
    assert!(read.updated_at >= stored.updated_at);
    let reloaded = stored.reload(&db).await?;
    assert_eq!(reloaded, read);
    Ok(())
}

#[sequor::test(models(Form))]
async fn a_stamp_that_must_be_there_needs_to_know_who_acts(db: Db) -> sequor::Result<()> {
    let error = Draft::<Form>::new().create(&db).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("Form.created_by") && error.contains("db.actor"), "{error}");
    let form = Draft::<Form>::new().create(&db.actor(7_i64)).await?;
    assert_eq!((form.created_by, form.updated_by), (7, 7));
    Ok(())
}

#[sequor::test(models(Chart))]
async fn an_instant_that_the_program_gives_stays(db: Db) -> sequor::Result<()> {
    let old = DateTime::from_timestamp_micros(1_000_000_000_000_000).unwrap_or_default();
    let given = draft!(Chart { title: "a", weight: 1.0, notes: json!({}), created_at: old, updated_at: old }).create(&db).await?;
    assert_eq!((given.created_at, given.updated_at), (old, old));
    let mut edit = given.edit();
    edit.title = "b".into();
    edit.updated_at = old + chrono_day();
    let saved = edit.save(&db).await?;
    assert_eq!((saved.updated_at, saved.created_at), (old + chrono_day(), old));
    let mut edit = saved.edit();
    edit.title = "c".into();
    assert!(edit.save(&db).await?.updated_at > old + chrono_day());
    Ok(())
}

fn chrono_day() -> std::time::Duration {
    std::time::Duration::from_secs(86_400)
}

#[sequor::test(models(Chart))]
async fn the_databases_clock_is_followed(db: Db) -> sequor::Result<()> {
    // Both clocks are this machine's, so they hardly differ; what is measured is what counts from then on.
    let ahead = db.measure_clock().await?;
    assert!(ahead.abs() < 60_000_000, "{ahead}");
    let difference = (db.now() - Utc::now()).num_microseconds().unwrap_or(0);
    assert!((difference - ahead).abs() < 1_000_000, "{difference} {ahead}");
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "lots", version)]
pub struct Lot {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub label: String,
    #[field(db_type = "decimal(10,2)")]
    pub price: Decimal,
    pub pieces: i32,
    #[field(generated = "pieces * 2", stored)]
    pub halves: i32,
    pub version: i64,
}

#[sequor::test(models(Lot))]
async fn a_save_gives_back_what_it_wrote_and_what_the_database_computed(db: Db) -> sequor::Result<()> {
    let draft = |pieces| draft!(Lot { label: "as read", price: Decimal::ONE, pieces });
    let lots = Lot::bulk_create((1..=3).map(draft)).exec(&db).await?;
    db.execute(sql!("UPDATE lots SET label = 'by somebody else'")).await?;
    let edited = |lot: &Lot| {
        let mut edit = lot.clone().edit();
        edit.pieces = lot.pieces + 10;
        edit.price = Decimal::TEN;
        edit
    };
    let expected = |lot: &Lot| Lot {
        pieces: lot.pieces + 10,
        halves: (lot.pieces + 10) * 2,
        price: Decimal::TEN,
        version: lot.version + 1,
        ..lot.clone()
    };
    assert_eq!(edited(&lots[0]).save(&db).await?, expected(&lots[0]));
    let saved = lots[1..].iter().map(edited).collect::<Vec<_>>().save(&db).await?;
    assert_eq!(saved, lots[1..].iter().map(expected).collect::<Vec<_>>());
    let stored = Lot::find_all().order_by(Lot::ID.asc()).exec(&db).await?;
    let shown = |lot: &Lot| Lot { label: "by somebody else".into(), ..expected(lot) };
    assert_eq!(stored, lots.iter().map(shown).collect::<Vec<_>>());
    Ok(())
}
