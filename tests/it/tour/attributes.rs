//! Tour section 1: every attribute.

use sequor::prelude::*;

#[derive(Embed, Clone, Debug, PartialEq)]
pub struct Address {
    pub street: String,
    pub city: String,
    pub zip: Option<String>,
}

#[derive(DbType, Clone, Debug, PartialEq)]
pub struct Cents(pub i64);

fn hash(password: String) -> String {
    format!("#{}", password.len())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "staff",
    timestamps,
    paranoid(flag = "is_active"),
    version,
    json = "camelCase",
    computed(full_name = "Person::full_name"),
    unique(columns("first_name", "last_name")),
    check(name = "pay_is_positive", "pay >= 0"),
    index(columns("last_name desc", "first_name"), name = "people_by_name"),
    comment = "who works here"
)]
pub struct Person {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub first_name: String,
    #[field(column = "surname", json = "lastName")]
    pub last_name: String,
    #[field(hidden, set_with = "hash")]
    pub password: String,
    #[field(sensitive)]
    pub ssn: Option<String>,
    #[field(default = Cents(100))]
    pub pay: Cents,
    #[field(embed)]
    pub address: Address,
    #[field(db_type = "varchar(10)", comment = "short")]
    pub code: Option<String>,
    #[field(generated = "pay * 12", stored)]
    pub yearly: i64,
    pub manager_id: Option<i64>,
    #[relation(foreign_key = "manager_id")]
    pub manager: BelongsTo<Option<Person>>,
    #[relation(foreign_key = "manager_id")]
    pub reports: HasMany<Person>,
    pub is_active: bool,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Person {
    fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

fn person(first: &str, manager_id: Option<i64>) -> Draft<Person> {
    draft!(Person {
        first_name: first,
        last_name: "Smith",
        password: "secret",
        ssn: "123",
        address: Address { street: "High St".into(), city: "York".into(), zip: None },
        manager_id,
    })
}

#[sequor::test(models(Person))]
async fn one_of_each(db: Db) -> sequor::Result<()> {
    let ann = person("Ann", None).create(&db).await?;
    assert_eq!((ann.password.as_str(), ann.pay.clone(), ann.yearly, ann.is_active, ann.version), ("#6", Cents(100), 1200, true, 0));
    assert!(!format!("{:?}", person("Ann", None)).contains("123"));
    let json = serde_json::to_value(&ann)?;
    assert_eq!((json["firstName"].as_str(), json["fullName"].as_str(), json.get("password")), (Some("Ann"), Some("Ann Smith"), None));
    let bo = person("Bo", Some(ann.id)).create(&db).await?;
    let found = Person::find_all()
        .filter(Person::ADDRESS.at(Address::CITY).eq("York"))
        .order_by(Person::ID.asc())
        .include(Person::REPORTS)
        .include(Person::MANAGER)
        .exec(&db)
        .await?;
    assert_eq!((found.len(), found[0].reports.loaded()?[0].id, found[1].manager.loaded()?.map(|boss| boss.id)), (2, bo.id, Some(ann.id)));
    let stale = found[1].clone();
    let mut edit = bo.edit();
    edit.pay = Cents(200);
    let bo = edit.save(&db).await?;
    assert_eq!((bo.version, bo.yearly), (1, 2400));
    let mut edit = stale.edit();
    edit.pay = Cents(300);
    assert!(matches!(edit.save(&db).await, Err(Error::OptimisticLock { .. })));
    bo.destroy(&db).await?;
    assert_eq!((Person::count().exec(&db).await?, Person::find_all().with_deleted().exec(&db).await?.len()), (1, 2));
    let again = person("Ann", None).create(&db).await;
    assert!(matches!(again, Err(Error::UniqueConstraint { .. })), "{again:?}");
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "enrolments")]
pub struct Enrolment {
    #[field(primary_key)]
    pub student: String,
    #[field(primary_key)]
    pub course: i32,
    pub mark: Option<i32>,
    #[relation(foreign_key = ["student", "course"])]
    pub remarks: HasMany<Remark>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "remarks")]
pub struct Remark {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    pub student: String,
    pub course: i32,
    pub text: String,
    #[relation(foreign_key = ["student", "course"], on_delete = "cascade")]
    pub enrolment: BelongsTo<Enrolment>,
}

#[sequor::test(models(Enrolment, Remark))]
async fn composite_keys(db: Db) -> sequor::Result<()> {
    let one = draft!(Enrolment { student: "ann", course: 1, remarks: [{ text: "good" }, { text: "late" }] }).create(&db).await?;
    draft!(Enrolment { student: "ann", course: 2 }).create(&db).await?;
    let found = Enrolment::find_by_pk(("ann", 1)).include(Enrolment::REMARKS).or_fail().exec(&db).await?;
    assert_eq!((found.remarks.loaded()?.len(), &found.student), (2, &one.student));
    let remark = Remark::find_all().include(Remark::ENROLMENT).first().or_fail().exec(&db).await?;
    assert_eq!(remark.enrolment.loaded()?.course, 1);
    let mut edit = found.edit();
    edit.mark = Some(2);
    edit.save(&db).await?;
    assert_eq!(Enrolment::count().filter(Enrolment::MARK.eq(2)).exec(&db).await?, 1);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "articles")]
pub struct Article {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub title: String,
    #[relation(foreign_key = "commentable_id", scope(commentable_type = "article"), constraints = false)]
    pub comments: HasMany<Comment>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "pictures")]
pub struct Picture {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[relation(foreign_key = "commentable_id", scope(commentable_type = "picture"), constraints = false)]
    pub comments: HasMany<Comment>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "comments", userstamps)]
pub struct Comment {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub text: String,
    pub commentable_type: String,
    pub commentable_id: i64,
    pub created_by: Option<i64>,
    pub updated_by: Option<i64>,
}

#[sequor::test(models(Article, Picture, Comment))]
async fn polymorphic_scopes_and_userstamps(db: Db) -> sequor::Result<()> {
    let db = db.actor(7_i64);
    let article = draft!(Article { title: "A", comments: [{ text: "one" }, { text: "two" }] }).create(&db).await?;
    let picture = draft!(Picture { comments: [{ text: "three" }] }).create(&db).await?;
    assert_eq!(article.id, picture.id);
    let read = Article::find_all().include(Article::COMMENTS).one().or_fail().exec(&db).await?;
    assert_eq!(read.comments.loaded()?.len(), 2);
    let comment = picture.related(Picture::COMMENTS).one().or_fail().exec(&db).await?;
    assert_eq!((comment.commentable_type.as_str(), comment.created_by), ("picture", Some(7)));
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "Accounts", rename_all = "camelCase", timestamps)]
pub struct Account {
    #[field(primary_key, default = Uuid::new_v4())]
    pub id: Uuid,
    pub display_name: String,
    #[field(default = Utc::now())]
    pub last_seen: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[sequor::test(models(Account))]
async fn databases_that_sequelize_made(db: Db) -> sequor::Result<()> {
    let account = draft!(Account { display_name: "Ann" }).create(&db).await?;
    assert_eq!(Account::find_by_pk(account.id).exec(&db).await?, Some(account));
    let sql = Account::find_all().to_sql(Dialect::Postgres)?;
    assert!(sql.contains("\"displayName\"") && sql.contains("\"Accounts\""), "{sql}");
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "writers", json = "camelCase")]
pub struct Writer {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub first_name: String,
    pub last_name: Option<String>,
    #[field(computed)]
    pub full_name: String,
    #[field(computed = "Writer::short", json = "shortName")]
    pub initials: String,
    #[field(computed = letters, hidden)]
    pub length: usize,
    #[field(computed(Writer::known))]
    pub known: Option<bool>,
}

impl Writer {
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name.as_deref().unwrap_or("?"))
    }

    fn short(&self) -> &str {
        self.first_name.get(..1).unwrap_or_default()
    }

    fn letters(&self) -> usize {
        self.first_name.len()
    }

    fn known(&self) -> bool {
        self.last_name.is_some()
    }
}

#[sequor::test(models(Writer))]
async fn computed_fields(db: Db) -> sequor::Result<()> {
    let writer = draft!(Writer { first_name: "Ann", last_name: "Smith" }).create(&db).await?;
    assert_eq!((writer.full_name.as_str(), writer.initials.as_str(), writer.length, writer.known), ("Ann Smith", "A", 3, Some(true)));
    let found = Writer::find_by_pk(writer.id).or_fail().exec(&db).await?;
    assert_eq!(found, writer);
    let json = serde_json::to_value(&writer)?;
    assert_eq!(json, json!({ "id": 1, "firstName": "Ann", "lastName": "Smith", "fullName": "Ann Smith", "shortName": "A", "known": true }));
    assert_eq!(serde_json::from_value::<Writer>(json)?, writer);
    // JSON asks the method, so it is right while the row changes; the field is what it was when the row was read.
    let mut edit = writer.edit();
    edit.first_name = "Bo".into();
    assert_eq!((edit.to_json()["fullName"].as_str(), edit.full_name.as_str()), (Some("Bo Smith"), "Ann Smith"));
    assert_eq!(edit.changed(), ["first_name"]);
    assert_eq!(edit.save(&db).await?.full_name, "Bo Smith");
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "readers", json = "camelCase", rename_all = "camelCase", validate = "Reader::grown")]
pub struct Reader {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(min = 2, max = 9)))]
    pub card_number: String,
    #[field(json = "yearsOld", validate(min(0), custom_async(Reader::lives)))]
    pub age: Option<i32>,
    // Each is called in JSON what the other is called in Rust.
    #[field(json = "nickName")]
    pub full_name: Option<String>,
    #[field(json = "fullName")]
    pub nick_name: Option<String>,
    #[field(default = json!({}))]
    pub open_loans: Json,
    pub home_branch_id: Option<i64>,
    #[relation(json = "branch")]
    pub home_branch: BelongsTo<Option<Branch>>,
}

impl Reader {
    fn grown(&self) -> bool {
        self.card_number != "child"
    }

    async fn lives(age: &i32, _cx: &HookContext<'_>) -> bool {
        *age < 150
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "branches", json = "camelCase")]
pub struct Branch {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub street_name: String,
    #[relation(foreign_key = "home_branch_id")]
    pub home_readers: HasMany<Reader>,
}

#[sequor::test(models(Branch, Reader))]
async fn every_door_of_json_uses_the_same_names(db: Db) -> sequor::Result<()> {
    let branch = draft!(Branch { street_name: "High St" }).create(&db).await?;
    let body = json!({ "cardNumber": "A1", "yearsOld": 30, "fullName": "Annie", "nickName": "Ann Smith", "homeBranchId": branch.id });
    let columns = (Reader::CARD_NUMBER, Reader::AGE, Reader::NICK_NAME, Reader::FULL_NAME, Reader::HOME_BRANCH_ID);
    let ann = Draft::<Reader>::from_json(body, columns)?.create(&db).await?;
    assert_eq!((ann.nick_name.as_deref(), ann.full_name.as_deref()), (Some("Annie"), Some("Ann Smith")));
    draft!(Reader { card_number: "B2", age: 40, open_loans: json!({ "n": 1 }) }).create(&db).await?;

    let found = async |options: serde_json::Value| -> sequor::Result<Vec<String>> {
        Ok(Reader::find_all().json_options(options)?.exec(&db).await?.into_iter().map(|row| row.card_number).collect())
    };
    assert_eq!(found(json!({ "where": { "cardNumber": "A1", "yearsOld": { "$gt": 18 } } })).await?, ["A1"]);
    assert_eq!(found(json!({ "where": { "fullName": "Annie" } })).await?, ["A1"]);
    assert_eq!(found(json!({ "where": { "card_number": "B2" } })).await?, ["B2"], "the names of Rust are known too");
    assert_eq!(found(json!({ "where": { "openLoans.n": 1 } })).await?, ["B2"]);
    assert_eq!(found(json!({ "order": [["yearsOld", "DESC"]] })).await?, ["B2", "A1"]);
    assert_eq!(found(json!({ "where": { "$branch.streetName$": "High St" }, "include": ["branch"] })).await?, ["A1"]);
    assert_eq!(
        found(json!({ "order": [["branch", "streetName", "DESC"], "id"], "limit": 1, "where": { "homeBranchId": { "$ne": null } } }))
            .await?,
        ["A1"]
    );
    let below = json!({ "include": [{ "association": "homeReaders", "where": { "yearsOld": 30 }, "order": ["cardNumber"] }] });
    let branches = Branch::find_all().json_options(below)?.exec(&db).await?;
    assert_eq!(branches[0].home_readers.loaded()?.len(), 1);
    let wrong = Reader::find_all().json_options(json!({ "where": { "cardNumbr": 1 } })).err().map(|error| error.to_string());
    assert!(wrong.as_deref().is_some_and(|text| text.ends_with("did you mean cardNumber?")), "{wrong:?}");

    let policy = sequor::Policy::stranger().allow("Reader", &["id", "card_number", "nick_name"]);
    let model = db.model("Reader")?;
    let rows = model.find_all(policy.check(&db, "Reader", json!({ "where": { "cardNumber": "A1" } }))?).exec(&db).await?;
    assert_eq!((rows[0].get("cardNumber")?, rows[0].get("fullName")?), (json!("A1"), json!("Annie")));
    let hidden = policy.check(&db, "Reader", json!({ "where": { "nickName": "Ann Smith" } }));
    assert!(hidden.is_err(), "what is allowed is a field, under whatever name");
    let cy = model.create(json!({ "cardNumber": "C3", "fullName": "Cy", "branch": { "streetName": "Low St" } })).exec(&db).await?;
    assert_eq!(Reader::find_by_pk(cy.get("id")?.as_i64().unwrap_or_default()).or_fail().exec(&db).await?.nick_name.as_deref(), Some("Cy"));

    for (draft, path, said) in [
        (draft!(Reader { card_number: "x" }), "cardNumber", "Validation len on cardNumber failed"),
        (draft!(Reader { card_number: "D4", age: -1 }), "yearsOld", "Validation min on yearsOld failed"),
        (draft!(Reader { card_number: "D4", age: 150 }), "yearsOld", "is not valid"),
        (draft!(Reader { card_number: "child" }), "grown", "is not valid"),
    ] {
        let Err(Error::Validation(error)) = draft.create(&db).await else { panic!("it is valid") };
        let told: Vec<(&str, &str)> = error.items.iter().map(|item| (item.path.as_str(), item.message.as_str())).collect();
        assert_eq!(told, [(path, said)]);
    }
    Ok(())
}
