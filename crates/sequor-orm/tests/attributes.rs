//! Every attribute of the derives, and the definitions that come of them.

#![allow(missing_docs, clippy::unwrap_used)]

extern crate sequor_orm as sequor;

use chrono::{DateTime, Utc};
use sequor::__private::{ColumnType, RowReader, StaticColumn, Value};
use sequor::Json;
use sequor::model::{BelongsTo, BelongsToMany, Embed as _, HasMany, HasOne, Instance, Model as _, ModelList};
use sequor_core::driver::ValueRow;
use sequor_core::schema::{Default as ColumnDefault, SoftDelete};
use sequor_macros::{DbEnum, DbType, Embed, Model, Projection, draft, migrations, models, sql};
use serde_json::json;
use uuid::Uuid;

#[derive(DbType, Clone, Copy, Debug, PartialEq, Eq)]
struct UserId(i64);

#[derive(DbType, Clone, Debug, PartialEq)]
struct Email(String);

#[derive(DbEnum, Clone, Copy, Debug, PartialEq)]
enum Mood {
    Fine,
    #[db_enum(rename = "so-so")]
    SoSo,
}

#[derive(Embed, Clone, Debug, PartialEq)]
pub struct Address {
    pub street: Option<String>,
    #[field(validate(len(max = 60)))]
    pub city: String,
    #[field(embed)]
    pub place: Place,
    pub zip: Option<String>,
}

#[derive(Embed, Clone, Debug, PartialEq)]
pub struct Place {
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
}

fn trimmed(text: String) -> String {
    text.trim().to_owned()
}

fn no_spam(text: &str) -> Result<(), String> {
    if text.contains("spam") { Err("no spam".to_owned()) } else { Ok(()) }
}

fn is_adult(age: &i32) -> bool {
    *age >= 18
}

/// A person.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "app.people",
    rename_all = "camelCase",
    json = "camelCase",
    timestamps(created = "born_at", updated = false),
    paranoid(flag = "is_active"),
    version,
    userstamps(updated = false),
    comment = "all of them",
    index(columns("name", "age desc"), unique, name = "by_name", filter = "age > 0", method = "btree"),
    unique(columns("name", "mood")),
    check(name = "age_is_positive", "age > 0"),
    computed(shout = "Person::shout", initials = Person::initials),
    register = false
)]
struct Person {
    #[field(primary_key, auto_increment)]
    id: UserId,
    #[field(set_with = trimmed, validate(not_empty, custom(no_spam), message = "a name, please"))]
    name: String,
    #[field(column = "mail", json = "mail", sensitive, unique = "by_mail")]
    email: Option<Email>,
    #[field(validate(int(min = 0), custom(is_adult)), index)]
    age: Option<i32>,
    #[field(default = Mood::SoSo)]
    mood: Mood,
    #[field(embed)]
    address: Address,
    #[field(embed, column = "home")]
    home_place: Place,
    #[field(hidden, db_type = "char(60)", renamed_from = "pass")]
    password: Option<String>,
    #[field(default = json!({ "a": [1, 2] }), comment = "free")]
    notes: Json,
    #[field(db_default = "now()")]
    seen_at: DateTime<Utc>,
    #[field(generated = "upper(name)", stored)]
    upper_name: Option<String>,
    #[field(references(table = "clinics", column = "code", on_delete = "set null"))]
    clinic: Option<String>,
    #[field(validate(is_in("a", "b"), url(protocols = ["https"], require_tld = false), matches("^a", "i")))]
    kind: Option<String>,
    r#type: Option<String>,
    is_active: bool,
    born_at: DateTime<Utc>,
    created_by: i64,
    version: i32,
    boss_id: Option<UserId>,
    /// Who leads.
    boss: BelongsTo<Option<Self>>,
    #[relation(foreign_key = "boss_id", dependent = "destroy")]
    reports: HasMany<Person>,
    #[relation(foreign_key = "subject_id", scope(subject_type = "person", weight = 3), constraints = false)]
    comments: HasMany<Comment>,
    #[relation(foreign_key = "subject_id", scope(subject_type = "person"), constraints = false)]
    last_comment: HasOne<Comment>,
    #[relation(foreign_key = "a_id", other_key = "b_id", through_scope(kind = "friend"))]
    friends: BelongsToMany<Person, Friendship>,
}

impl Person {
    fn shout(&self) -> String {
        self.name.to_uppercase()
    }

    fn initials(&self) -> Option<char> {
        self.name.chars().next()
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(rename_all = "snake_case", view = "SELECT * FROM everything", skip_sync)]
struct Comment {
    #[field(primary_key, default = Uuid::now_v7())]
    id: Uuid,
    subject_type: String,
    subject_id: i64,
    weight: i64,
    text: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Friendship {
    #[field(primary_key)]
    a_id: UserId,
    #[field(primary_key)]
    b_id: UserId,
    kind: String,
    #[relation(touch, counter_cache = "friends_count", on_delete = "cascade")]
    a: BelongsTo<Person>,
    b: BelongsTo<Person>,
}

models!(type All = Person, Comment, Friendship);
models!(
    /// More than a tuple holds.
    pub(crate) type Many = Person, Comment, Friendship, Person, Comment, Friendship, Person, Comment, Friendship, Person, Comment, Friendship, Person, Comment
);

#[test]
fn columns_take_their_options() {
    let def = Person::model();
    let column = |name: &str| def.columns.iter().find(|column| column.name == name).map(std::borrow::Cow::Borrowed).unwrap();
    assert_eq!(def.table.to_string(), "app.people");
    assert_eq!((column("is_active").column.as_ref(), column("email").column.as_ref()), ("isActive", "mail"));
    assert_eq!(column("address.city").column, "addressCity");
    assert_eq!(column("home_place.latitude").column, "homeLatitude");
    assert_eq!(column("address.place.latitude").column, "addressPlaceLatitude");
    assert_eq!(column("address.city").ty, ColumnType::VarChar(60));
    assert!(matches!(&column("mood").default, ColumnDefault::Value(Value::Text(label)) if label == "so-so"));
    assert!(matches!(&column("notes").default, ColumnDefault::Function(value) if value() == Value::from(json!({ "a": [1, 2] }))));
    assert!(matches!(&column("seen_at").default, ColumnDefault::Db(sql) if sql == "now()"));
    assert!(column("password").hidden && column("email").sensitive);
    assert_eq!(column("upper_name").generated.as_ref().map(|generated| generated.stored), Some(true));
    assert_eq!(column("clinic").references.as_ref().map(|key| key.table.to_string()), Some("clinics".to_owned()));
    assert_eq!(column("type").column, "type");
    assert_eq!(column("id").ty, ColumnType::I64);
    assert!(matches!(def.soft_delete, Some(SoftDelete::Flag { .. })));
    assert!(def.timestamps.created.is_some() && def.timestamps.updated.is_none());
    assert_eq!(def.indexes.len(), 3);
    assert_eq!(def.checks[0].expression, "age > 0");
    assert_eq!(def.comment.as_deref(), Some("all of them"));
    assert_eq!(Comment::model().view.as_deref(), Some("SELECT * FROM everything"));
}

#[test]
fn positions_count_the_columns_of_embedded_structs() {
    let def = Person::model();
    assert_eq!((Address::COUNT, Place::COUNT), (5, 2));
    for (position, name) in [
        (Person::MOOD.position(), "mood"),
        (Person::ADDRESS.at(Address::CITY).position(), "address.city"),
        (Person::ADDRESS.at(Address::PLACE.at(Place::LONGITUDE)).position(), "address.place.longitude"),
        (Person::HOME_PLACE.at(Place::LATITUDE).position(), "home_place.latitude"),
        (Person::PASSWORD.position(), "password"),
        (Person::TYPE.position(), "type"),
        (Person::BOSS_ID.position(), "boss_id"),
    ] {
        assert_eq!(def.columns[position].name, name);
    }
    let columns: &[StaticColumn] = Address::COLUMNS;
    assert_eq!(columns.len(), 4);
}

#[test]
fn rules_take_arguments_by_place_and_by_name() {
    let def = Person::model();
    let rules = |position: usize| &def.columns[position].rules;
    let name = rules(Person::NAME.position());
    assert_eq!((name[0].key.as_ref(), name[0].message.as_deref()), ("not_empty", Some("a name, please")));
    let custom = name[1].custom.unwrap();
    assert_eq!(custom(&Value::from("spam")), Err("no spam".to_owned()));
    assert_eq!(custom(&Value::from("ham")), Ok(()));
    let age = rules(Person::AGE.position());
    assert_eq!(age[0].args, vec![Value::from(json!({ "min": 0 }))]);
    assert!(age[1].custom.unwrap()(&Value::from(7)).is_err());
    assert!(age[1].custom.unwrap()(&Value::Null).is_ok());
    let kind = rules(Person::KIND.position());
    assert_eq!(kind[0].args, vec![Value::from("a"), Value::from("b")]);
    assert_eq!(kind[1].args, vec![Value::from(json!({ "protocols": ["https"], "require_tld": false }))]);
    assert_eq!(kind[2].args, vec![Value::from("^a"), Value::from("i")]);
    let setter = def.columns[Person::NAME.position()].set_with.unwrap();
    assert_eq!(setter(Value::from(" a ")).unwrap(), Value::from("a"));
}

#[test]
fn relations_take_their_options() {
    let def = Person::model();
    let relation = |name: &str| def.relations.iter().find(|relation| relation.name == name).unwrap();
    assert_eq!(relation("boss").foreign_key, ["boss_id"]);
    assert!(!relation("boss").required);
    assert!(relation("reports").dependent_destroy);
    assert_eq!(relation("comments").scope, [("subject_type".into(), Value::from("person")), ("weight".into(), Value::from(3))]);
    assert!(!relation("last_comment").constraints);
    assert_eq!(relation("last_comment").json, "lastComment");
    let friends = relation("friends").through.as_ref().unwrap();
    assert_eq!((friends.other_key[0].as_ref(), friends.scope.len()), ("b_id", 1));
    let friendship = Friendship::model();
    assert!(friendship.relations[0].touch && friendship.relations[0].required);
    assert_eq!(friendship.primary_key, [0, 1]);
    assert_eq!(Person::FRIENDS.key(), "a_id");
    assert_eq!(All::models().len(), 3);
    assert_eq!(Many::models().len(), 14);
}

fn person() -> Person {
    let values = vec![
        Value::from(7),
        Value::from("Ann"),
        Value::Null,
        Value::from(20),
        Value::from("Fine"),
        Value::Null,
        Value::from("Oslo"),
        Value::from(1.5),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::from(2.5),
        Value::from("secret"),
        Value::from(json!({})),
        Value::from(DateTime::<Utc>::UNIX_EPOCH),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::from(true),
        Value::from(DateTime::<Utc>::UNIX_EPOCH),
        Value::from(1),
        Value::from(3),
        Value::from(1),
    ];
    let mut row = ValueRow::new(values);
    assert_eq!(RowReader::len(&row), Person::model().columns.len());
    Person::decode(&mut row, 0).unwrap()
}

#[test]
fn rows_are_read_and_shown() {
    let mut person = person();
    assert_eq!((person.id, person.address.city.as_str(), person.home_place.longitude), (UserId(7), "Oslo", Some(2.5)));
    assert_eq!(person.address.place.latitude, Some(1.5));
    assert_eq!(person.cell(6).map(|cell| cell.to_value()), Some(Value::from("Oslo")));
    person.cell_mut(11).unwrap().set_value(Value::from(4.5)).unwrap();
    assert_eq!(person.home_place.longitude, Some(4.5));
    assert!(person.cell(24).is_none() && person.relation_cell(5).is_none());
    let json = serde_json::to_value(&person).unwrap();
    assert_eq!((&json["shout"], &json["initials"], &json["isActive"]), (&json!("ANN"), &json!("A"), &json!(true)));
    assert!(json.get("password").is_none() && json.get("boss").is_none());
    let back: Person = serde_json::from_value(json).unwrap();
    assert_eq!((back.name, back.password), ("Ann".to_owned(), None));
}

#[test]
fn enums_are_their_labels() {
    assert_eq!(Mood::SoSo.to_string(), "so-so");
    assert_eq!("Fine".parse::<Mood>().ok(), Some(Mood::Fine));
    assert!("fine".parse::<Mood>().is_err());
    assert_eq!(serde_json::to_value(Mood::SoSo).unwrap(), json!("so-so"));
    assert!(serde_json::from_value::<Mood>(json!("So")).is_err());
}

#[test]
fn drafts_reach_into_every_kind_of_field() {
    let place = Place { latitude: None, longitude: None };
    let address = Address { street: None, city: "Oslo".to_owned(), place: place.clone(), zip: None };
    let boss = person();
    let _ = draft!(Person { name: "Ann", address, r#type: "x", boss: &boss, friends: [{ name: "Bo", address: Address { street: None, city: String::new(), place, zip: None } }] });
    let _ = draft!(Friendship { a: { name: "A", address: boss.address.clone() }, b_id: UserId(2), kind: "friend" });
}

#[derive(Projection)]
#[projection(of = Comment)]
struct CommentText {
    text: String,
    #[projection(column = Comment::SUBJECT_ID)]
    row: i64,
}

#[derive(Projection)]
#[projection(of = Person)]
struct PersonView {
    id: UserId,
    #[projection(expr = Person::COMMENTS.count())]
    at: i64,
    #[projection(relation = Person::LAST_COMMENT)]
    last: Option<CommentText>,
    #[projection(column = Person::AGE)]
    place: Option<i32>,
}

#[test]
fn projections_read_cells_in_order() {
    use sequor::query::Projection as _;
    // An optional projection has a cell of its own that tells a row from none.
    assert_eq!(PersonView::WIDTH, 6);
    assert_eq!(PersonView::items().len(), 4);
    let cells = vec![Value::from(1), Value::from(2), Value::from(1), Value::from("hi"), Value::from(3), Value::from(4)];
    let view = PersonView::decode(&mut ValueRow::new(cells), 0).unwrap();
    let last = view.last.unwrap();
    assert_eq!((view.id, view.at, view.place, last.text.as_str(), last.row), (UserId(1), 2, Some(4), "hi", 3));
    let cells = vec![Value::from(1), Value::from(2), Value::Null, Value::Null, Value::Null, Value::Null];
    assert!(PersonView::decode(&mut ValueRow::new(cells), 0).unwrap().last.is_none());
}

#[test]
fn raw_sql_binds_its_values() {
    let (age, name, mood, ids) = (7, "Ann", Mood::Fine, vec![1_i64, 2]);
    let person = person();
    let sql = sql!(
        "SELECT * FROM people WHERE age > {age} AND name = {name} AND mood = {mood} AND id = ANY({ids}) AND id <> {person.id} -- '{{}}'"
    );
    let shown = format!("{sql:?}");
    assert_eq!(shown.matches("Value(").count(), 5, "{shown}");
}

#[test]
fn migrations_are_embedded_in_order() {
    let migrations = migrations!("tests/derive/migrations");
    assert_eq!(migrations.iter().map(|migration| migration.name).collect::<Vec<_>>(), ["0001_users", "0002_posts"]);
    assert!(migrations[0].up.contains("CREATE TABLE users"));
    assert!(migrations[0].down.is_some() && migrations[1].down.is_none());
}
