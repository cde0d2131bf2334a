//! A payroll of somebody who knows the tour alone: tables in schemas of their own, tables that others own, and models related to those of another crate.

use sequor::prelude::*;
use sequor_tests::directory::{Employee, Number, Site};

/// An amount: a number of its own type has the arithmetic of numbers.
#[derive(DbType, Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Amount(pub Decimal);

/// Text of its own type has the operators of text.
#[derive(DbType, Clone, Debug, PartialEq)]
pub struct Reason(pub String);

#[derive(Model, Clone, Debug, PartialEq)]
#[model(schema = "payroll_books", table = "payslips", timestamps)]
pub struct Payslip {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub employee_number: Number,
    #[field(db_type = "decimal(12, 2)")]
    pub amount: Amount,
    pub bonus: Option<Amount>,
    pub reason: Option<Reason>,
    pub rate_code: String,
    #[relation(foreign_key = "employee_number", on_delete = "cascade")]
    pub employee: BelongsTo<Employee>,
    #[relation(foreign_key = "rate_code", target_key = "code", constraints = false)]
    pub rate: BelongsTo<Rate>,
    pub lines: HasMany<Line>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "payroll_books.payslip_lines")]
pub struct Line {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub payslip_id: i64,
    pub text: String,
    #[relation(on_delete = "cascade")]
    pub payslip: BelongsTo<Payslip>,
}

/// A table that another program owns.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "tax_rates", skip_sync)]
pub struct Rate {
    #[field(primary_key)]
    pub code: String,
    pub percent: i32,
    #[relation(foreign_key = "rate_code", source_key = "code", constraints = false)]
    pub payslips: HasMany<Payslip>,
}

models!(pub type Payroll = Employee, Payslip, Line, Rate);

fn amount(cents: i64) -> Amount {
    Amount(Decimal::new(cents, 2))
}

async fn filled(db: &Db) -> Result<Vec<Payslip>> {
    let chief = draft!(Employee { number: Number(1), name: "Ann", site: Site::NorthGate, chief: None }).create(db).await?;
    let bo = draft!(Employee { number: Number(2), name: "Bo", site: Site::SouthGate, chief: Some(&chief) }).create(db).await?;
    draft!(Rate { code: "A", percent: 20 }).create(db).await?;
    let drafts = [(&chief, 500_000, Some("the usual")), (&bo, 300_050, None), (&bo, 100, Some("Overtime 100%"))].into_iter().map(
        |(employee, cents, reason)| {
            draft!(Payslip {
                employee,
                amount: amount(cents),
                reason: reason.map(|reason| Reason(reason.to_owned())),
                rate_code: "A",
                lines: [{ text: "gross" }, { text: "tax" }],
            })
        },
    );
    let drafts: Vec<_> = drafts.collect();
    Payslip::bulk_create(drafts).exec(db).await
}

#[sequor::test]
async fn a_payroll_beside_the_models_of_another_crate(db: Db) -> sequor::Result<()> {
    db.execute(sql!("CREATE TABLE tax_rates (code varchar(20) PRIMARY KEY, percent integer NOT NULL)")).await?;
    // A database outlives its test on MySQL, where schemas are databases.
    db.sync::<(Payslip, Line)>(SyncMode::Create).await.ok();
    db.drop_tables::<(Payslip, Line)>().await?;
    assert!(db.sync_plan::<Payroll>().await?.iter().any(|step| step.what.contains("payslips")));
    db.sync::<Payroll>(SyncMode::Create).await?;
    assert!(db.sync_plan::<Payroll>().await?.is_empty());
    let slips = filled(&db).await?;
    assert_eq!((slips.len(), slips[0].lines.loaded()?.len()), (3, 2));

    let found = Payslip::find_all()
        .filter(Payslip::EMPLOYEE.is(Employee::SITE.eq(Site::SouthGate).and(Employee::CHIEF.is(Employee::NAME.eq("Ann")))))
        .include(Payslip::EMPLOYEE.include(Employee::CHIEF.include(Employee::TEAM)))
        .include(Payslip::RATE)
        .include(Payslip::LINES.filter(Line::TEXT.eq("tax")))
        .order_by(Payslip::AMOUNT.desc())
        .exec(&db)
        .await?;
    let chief = found[0].employee.loaded()?.chief.loaded()?.ok_or_else(|| Error::usage("a chief"))?;
    assert_eq!((found.len(), chief.name.as_str(), chief.team.loaded()?.len()), (2, "Ann", 1));
    assert_eq!((found[0].rate.loaded()?.percent, found[0].lines.loaded()?.len(), found[0].amount), (20, 1, amount(300_050)));
    let rate = Rate::find_by_pk("A").include(Rate::PAYSLIPS.required()).or_fail().exec(&db).await?;
    assert_eq!(rate.payslips.loaded()?.len(), 3);

    // Types of one's own count and match like what they hold.
    let (total, mean): (Option<Decimal>, Option<f64>) =
        Payslip::find_all().select((sum(Payslip::AMOUNT), avg(Payslip::AMOUNT))).one().exec(&db).await?;
    assert_eq!(total, Some(Decimal::new(800_150, 2)));
    assert!(mean.is_some_and(|mean| (mean - 2667.1666).abs() < 0.01), "{mean:?}");
    let highest: Option<Amount> = Payslip::find_all().select(max(Payslip::AMOUNT)).one().exec(&db).await?;
    assert_eq!(highest, Some(amount(500_000)));
    Payslip::update_all()
        .set(Payslip::AMOUNT, Payslip::AMOUNT + amount(150))
        .set(Payslip::BONUS, amount(1))
        .filter(Payslip::REASON.ilike("%100\\%").and(Payslip::REASON.starts_with("Over")))
        .exec(&db)
        .await?;
    let slip = slips[2].reload(&db).await?.increment(Payslip::BONUS, amount(9), &db).await?;
    assert_eq!((slip.amount, slip.bonus), (amount(250), Some(amount(10))));
    let reason = Reason("the usual".into());
    assert_eq!(Payslip::count().filter(Payslip::REASON.eq(&reason).or(Payslip::REASON.contains("nothing"))).exec(&db).await?, 1);
    db.drop_tables::<Payroll>().await
}

#[sequor::test]
async fn one_row_or_none_is_linked(db: Db) -> sequor::Result<()> {
    db.sync::<Employee>(SyncMode::Create).await?;
    let ann = draft!(Employee { number: Number(1), name: "Ann", site: Site::NorthGate }).create(&db).await?;
    let boss: Option<&Employee> = Some(&ann);
    let bo = draft!(Employee { number: Number(2), name: "Bo", site: Site::NorthGate, chief: boss }).create(&db).await?;
    assert_eq!(bo.chief_number, Some(ann.number));
    bo.relation(Employee::CHIEF).set(None, &db).await?;
    assert_eq!(bo.reload(&db).await?.chief_number, None);
    bo.relation(Employee::CHIEF).set(boss, &db).await?;
    assert!(bo.relation(Employee::CHIEF).has(&ann, &db).await?);
    Ok(())
}

#[sequor::test]
async fn work_that_only_one_program_does(db: Db) -> sequor::Result<()> {
    let lock = db.lock("payroll").await?;
    assert!(db.try_lock("payroll").await?.is_none());
    lock.release().await?;
    if db.dialect() == Dialect::Postgres {
        let mut listener = db.listen("payslips").await?;
        db.notify("payslips", "7").await?;
        let heard = tokio::time::timeout(secs(30), listener.next()).await.expect("half a minute").expect("it goes on")?;
        assert_eq!((heard.channel.as_str(), heard.payload.as_str()), ("payslips", "7"));
    } else {
        let refused = db.listen("payslips").await.map(|_| ()).unwrap_err();
        assert!(matches!(refused, Error::Usage(_)), "{refused}");
    }
    Ok(())
}
