//! An animal clinic: functions named as `Self::..` in attributes, animals that are friends of animals, lists that contain a value, columns and filters in generic
//! functions, projections in the order of what they compute.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(default_scope = Self::default_scope, validate = Self::has_a_letter, computed(tag = Self::tag, mark = "Self::tag"))]
pub struct Animal {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(set_with = Self::trimmed, default = Self::nameless())]
    pub name: String,
    #[field(default = true)]
    pub alive: bool,
    #[field(default = vec!["new".to_owned()])]
    pub labels: Vec<String>,
    pub rooms: Option<Vec<i32>>,
    #[field(computed = "Self::tag")]
    pub known_as: String,
    pub friends: BelongsToMany<Self, Friendship>,
    #[relation(foreign_key = "friend_id", other_key = "animal_id")]
    pub friend_of: BelongsToMany<Animal, Friendship>,
    pub visits: HasMany<Visit>,
}

impl Animal {
    fn default_scope(query: Find<Self>) -> Find<Self> {
        query.filter(Self::ALIVE.eq(true))
    }

    fn has_a_letter(draft: &Draft<Self>) -> std::result::Result<(), String> {
        let fine = draft.get(Self::NAME).is_none_or(|name| name.contains(char::is_alphabetic));
        if fine { Ok(()) } else { Err("a name has letters".to_owned()) }
    }

    fn trimmed(name: String) -> String {
        name.trim().to_owned()
    }

    fn nameless() -> String {
        "stray".to_owned()
    }

    fn tag(&self) -> String {
        format!("#{} {}", self.id, self.name)
    }
}

/// Who follows whom: one key is said, the other one has the target's name.
#[derive(Model, Clone, Debug, PartialEq)]
pub struct Visit {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(set_with = "Self::rounded")]
    pub fee: i32,
    pub animal_id: i64,
    pub animal: BelongsTo<Animal>,
}

impl Visit {
    fn rounded(fee: i32) -> i32 {
        fee / 10 * 10
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
pub struct Friendship {
    #[field(primary_key)]
    pub animal_id: i64,
    #[field(primary_key)]
    pub friend_id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
pub struct Person {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    #[relation(foreign_key = "follower_id")]
    pub follows: BelongsToMany<Person, Following>,
}

#[derive(Model, Clone, Debug, PartialEq)]
pub struct Following {
    #[field(primary_key)]
    pub follower_id: i64,
    #[field(primary_key)]
    pub person_id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
pub struct Twin {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub brothers: BelongsToMany<Twin, Brotherhood>,
}

/// Lacks the key of the other side.
#[derive(Model, Clone, Debug, PartialEq)]
pub struct Brotherhood {
    #[field(primary_key)]
    pub twin_id: i64,
}

#[sequor::test(models(Animal, Visit, Friendship))]
async fn attributes_name_functions_by_self(db: Db) -> Result<()> {
    let rex = draft!(Animal { name: " Rex ", visits: [{ fee: 47 }] }).create(&db).await?;
    assert_eq!((rex.name.as_str(), rex.known_as.as_str()), ("Rex", "#1 Rex"));
    assert_eq!((&json!(rex)["tag"], &json!(rex)["mark"]), (&json!("#1 Rex"), &json!("#1 Rex")));
    assert_eq!(rex.visits.loaded()?[0].fee, 40);
    assert_eq!(draft!(Animal {}).create(&db).await?.name, "stray");
    let refused = draft!(Animal { name: "42" }).create(&db).await.expect_err("no letters");
    assert!(refused.to_string().contains("a name has letters"), "{refused}");
    draft!(Animal { name: "Old", alive: false }).create(&db).await?;
    assert_eq!((Animal::count().exec(&db).await?, Animal::find_all().unscoped().exec(&db).await?.len()), (2, 3));
    Ok(())
}

#[sequor::test(models(Animal, Visit, Friendship))]
async fn the_other_key_of_a_self_relation_is_named_after_it(db: Db) -> Result<()> {
    let rex = draft!(Animal { name: "Rex" }).create(&db).await?;
    let kit = draft!(Animal { name: "Kit" }).create(&db).await?;
    let tom = draft!(Animal { name: "Tom", friends: [&rex, &kit] }).create(&db).await?;
    assert_eq!(Friendship::find_by_pk((tom.id, rex.id)).exec(&db).await?, Some(Friendship { animal_id: tom.id, friend_id: rex.id }));
    tom.load(Animal::FRIENDS, &db).await?;
    let names: Vec<&str> = tom.friends.loaded()?.iter().map(|animal| animal.name.as_str()).collect();
    assert_eq!(names, ["Rex", "Kit"]);
    let of_rex = Animal::find_by_pk(rex.id).include(Animal::FRIEND_OF).include(Animal::FRIENDS).or_fail().exec(&db).await?;
    assert_eq!((of_rex.friend_of.loaded()?.len(), of_rex.friends.loaded()?.len()), (1, 0));
    tom.relation(Animal::FRIENDS).remove(&rex, &db).await?;
    assert_eq!(tom.relation(Animal::FRIENDS).count(&db).await?, 1);
    Ok(())
}

#[sequor::test(models(Person, Following))]
async fn the_other_key_may_have_the_models_name_where_the_first_has_another(db: Db) -> Result<()> {
    let ann = draft!(Person { name: "Ann" }).create(&db).await?;
    let bo = draft!(Person { name: "Bo", follows: [&ann] }).create(&db).await?;
    assert_eq!(Following::find_one().exec(&db).await?, Some(Following { follower_id: bo.id, person_id: ann.id }));
    Ok(())
}

#[sequor::test]
async fn a_self_relation_without_its_other_key_is_refused(db: Db) -> Result<()> {
    let refused = db.sync::<(Twin, Brotherhood)>(SyncMode::Create).await.expect_err("no brother_id").to_string();
    assert!(refused.contains("Twin.brothers") && refused.contains("brother_id") && refused.contains("other_key"), "{refused}");
    Ok(())
}

#[sequor::test(models(Animal, Visit, Friendship))]
async fn lists_contain_a_value_as_in_rust(db: Db) -> Result<()> {
    let rex = draft!(Animal { name: "Rex", labels: ["vip", "old"], rooms: [1, 2] }).create(&db).await?;
    draft!(Animal { name: "Tom" }).create(&db).await?;
    let label = String::from("vip");
    assert_eq!(Animal::find_all().filter(Animal::LABELS.contains(&label)).exec(&db).await?, [rex.clone()]);
    assert_eq!(Animal::find_all().filter(Animal::ROOMS.contains(2)).exec(&db).await?, [rex]);
    assert_eq!(Animal::count().filter(Animal::LABELS.contains("vip").or(Animal::NAME.contains("om"))).exec(&db).await?, 2);
    Ok(())
}

#[sequor::test(models(Visit, Animal, Friendship))]
async fn a_column_beside_an_aggregate_of_all_rows_is_refused(db: Db) -> Result<()> {
    draft!(Animal { name: "Rex", visits: [{ fee: 10 }, { fee: 30 }] }).create(&db).await?;
    let mixed = Visit::find_all().select((Visit::ANIMAL_ID, max(Visit::FEE)));
    let refused = mixed.clone().exec(&db).await.expect_err("no group").to_string();
    let asked = "Visit.animal_id is selected beside an aggregate of all rows: add .group_by(Visit::ANIMAL_ID), or take one of its values, as by \
                 max(Visit::ANIMAL_ID)";
    assert_eq!(refused, asked);
    assert_eq!(mixed.group_by(Visit::ANIMAL_ID).exec(&db).await?, [(1, Some(30))]);
    assert_eq!(Visit::find_all().select((max(Visit::ANIMAL_ID), max(Visit::FEE))).one().exec(&db).await?, (Some(1), Some(30)));
    Ok(())
}

#[sequor::test(models(Visit, Animal, Friendship))]
async fn what_cannot_be_read_names_its_place(db: Db) -> Result<()> {
    draft!(Animal { name: "Rex" }).create(&db).await?;
    let null = db.query_as::<(i64, Vec<u8>)>(sql!("SELECT id, rooms FROM animals")).await.expect_err("NULL").to_string();
    assert!(null.starts_with("cannot read column 2 of the row: the database holds NULL"), "{null}");
    let text = db.query_as::<(String, i64)>(sql!("SELECT name, name FROM animals")).await.expect_err("a text").to_string();
    assert!(text.starts_with("cannot read ") && text.contains("expected integer") && !text.contains("Rex"), "{text}");
    let many = Draft::<Animal>::from_json(json!({ "name": ["x"], "alive": "maybe" }), (Animal::NAME, Animal::ALIVE)).expect_err("two");
    let Error::Validation(said) = many else { panic!("{many}") };
    let said: Vec<(&str, &str)> = said.items.iter().map(|item| (item.path.as_str(), item.message.as_str())).collect();
    assert_eq!(said, [("name", "name cannot be an array or an object"), ("alive", "Animal.alive: the text is not a valid boolean")]);
    let short = db.transaction_with(Tx::default().timeout(millis(1)), async |_| std::future::pending::<Result<()>>().await).await;
    assert_eq!(short.expect_err("too long").to_string(), "timed out: the transaction took longer than 0.001 s and was rolled back");
    Ok(())
}

/// Any column of any model.
async fn first_with<M: Model, V: sequor::FieldType>(column: Column<M, V>, value: V, db: &Db) -> Result<Option<M>> {
    M::find_one().filter(column.eq(value)).exec(db).await
}

async fn all_with<M: Model>(filter: impl Into<Filter<M>>, db: &Db) -> Result<Vec<M>> {
    M::find_all().filter(filter.into()).exec(db).await
}

#[sequor::test(models(Animal, Visit, Friendship))]
async fn generic_functions_take_columns_and_filters(db: Db) -> Result<()> {
    let rex = draft!(Animal { name: "Rex", rooms: [3] }).create(&db).await?;
    assert_eq!(first_with(Animal::NAME, "Rex".to_owned(), &db).await?, Some(rex.clone()));
    assert_eq!(first_with(Animal::ID, rex.id, &db).await?, Some(rex.clone()));
    assert_eq!(first_with(Animal::ROOMS, None, &db).await?, None);
    assert_eq!(all_with(Animal::NAME.eq("Rex"), &db).await?, [rex]);
    Ok(())
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Animal)]
struct Guest {
    name: String,
    #[projection(expr = Animal::VISITS.count())]
    visits: i64,
    #[projection(column = Animal::ID)]
    number: i64,
}

#[sequor::test(models(Animal, Visit, Friendship))]
async fn projections_are_sorted_by_what_fills_their_fields(db: Db) -> Result<()> {
    draft!(Animal { name: "Rex", visits: [{ fee: 10 }] }).create(&db).await?;
    draft!(Animal { name: "Tom", visits: [{ fee: 10 }, { fee: 20 }] }).create(&db).await?;
    draft!(Animal { name: "Kit" }).create(&db).await?;
    let names = |rows: &[Guest]| rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    let rows: Vec<Guest> = Animal::find_all().project().order_by(alias("visits").desc()).exec(&db).await?;
    assert_eq!((names(&rows), rows[0].visits), (vec!["Tom".to_owned(), "Rex".to_owned(), "Kit".to_owned()], 2));
    let rows: Vec<Guest> = Animal::find_all().order_by((alias("visits").asc(), alias("number").asc())).limit(2).project().exec(&db).await?;
    assert_eq!(names(&rows), ["Kit", "Rex"]);
    let page = Animal::find_all().project::<Guest>().order_by(alias("number").desc()).page(1, 2).exec(&db).await?;
    assert_eq!((names(&page.rows), page.count), (vec!["Kit".to_owned(), "Tom".to_owned()], 3));
    let top: Option<Guest> = Animal::find_all().project::<Guest>().order_by(alias("visits").desc()).one().exec(&db).await?;
    assert_eq!(top.map(|guest| guest.name), Some("Tom".to_owned()));
    Ok(())
}
