//! `SyncMode::Alter`: the plan from what is there to what the models say; a second run has nothing to do.

use sequor::prelude::*;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "wide_color", rename_all = "snake_case")]
pub enum Color {
    Red,
    DarkBlue,
}

/// Every type of the tour's table, with defaults, a key to itself, indexes and a check.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "wides",
    timestamps,
    paranoid,
    comment = "everything",
    index(columns("name", "small desc")),
    index(columns("color"), name = "live_colors", filter = "deleted_at IS NULL AND name <> ''"),
    unique(columns("medium", "large")),
    check(name = "small_is_small", "small BETWEEN 0 AND 100 AND name IN ('a', 'b', 'it''s')"),
    check(name = "named", "name LIKE 'a%' OR NOT (flag = true AND age IS NULL)")
)]
pub struct Wide {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(max = 80)), default = "a")]
    pub name: String,
    pub text: Option<String>,
    #[field(default = true)]
    pub flag: bool,
    pub tiny: i8,
    #[field(default = 3)]
    pub small: i16,
    pub medium: i32,
    pub large: i64,
    pub tiny_u: u8,
    pub small_u: u16,
    pub medium_u: u32,
    pub large_u: u64,
    pub single: f32,
    #[field(default = 1.5)]
    pub double: f64,
    pub exact: Decimal,
    #[field(db_type = "decimal(10,2)")]
    pub money: Decimal,
    #[field(default = Uuid::now_v7())]
    pub uuid: Uuid,
    pub instant: DateTime<Utc>,
    pub naive: Option<NaiveDateTime>,
    pub date: NaiveDate,
    pub time: NaiveTime,
    pub bytes: Vec<u8>,
    #[field(default = json!({ "b": [1, 2], "a": null }))]
    pub json: Json,
    #[field(default = Color::DarkBlue)]
    pub color: Color,
    pub list: Vec<String>,
    pub age: Option<i32>,
    #[field(generated = "small + 1", stored)]
    pub next: Option<i32>,
    #[field(comment = "who it came from")]
    pub parent_id: Option<i64>,
    #[relation(on_delete = "cascade")]
    pub parent: BelongsTo<Option<Wide>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

fn steps(plan: &[sequor::PlanStep]) -> Vec<&str> {
    plan.iter().map(|step| step.what.as_str()).collect()
}

#[sequor::test]
async fn a_wide_table_is_as_its_model_says_at_once(db: Db) -> sequor::Result<()> {
    for mode in [SyncMode::Create, SyncMode::Alter] {
        db.sync::<Wide>(mode).await?;
        let plan = db.sync_plan::<Wide>().await?;
        assert!(plan.is_empty(), "{plan:#?}");
    }
    db.drop_tables::<Wide>().await?;
    db.sync::<Wide>(SyncMode::Alter).await?;
    assert!(db.sync_plan::<Wide>().await?.is_empty());
    Ok(())
}

mod before {
    use super::*;

    #[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
    #[db_enum(name = "alter_state", rename_all = "snake_case")]
    pub enum State {
        New,
        Done,
        Lost,
    }

    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(table = "things", index(columns("label")), check(name = "positive", "weight > 0"))]
    pub struct Thing {
        #[field(primary_key, auto_increment)]
        pub id: i64,
        #[field(validate(len(max = 20)))]
        pub label: String,
        pub weight: Option<i32>,
        pub gone: Option<String>,
        #[field(default = State::New)]
        pub state: State,
        #[field(unique, validate(len(max = 20)))]
        pub code: Option<String>,
    }

    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(table = "thing_parts")]
    pub struct Part {
        #[field(primary_key, auto_increment)]
        pub id: i64,
        pub thing_id: i64,
        #[relation(on_delete = "cascade")]
        pub thing: BelongsTo<Thing>,
    }
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "alter_state", rename_all = "snake_case")]
pub enum State {
    Done,
    Waiting,
    New,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "items", renamed_from = "things", index(columns("title", "weight")), check(name = "positive", "weight >= 0"))]
pub struct Item {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(renamed_from = "label", validate(len(max = 40)))]
    pub title: String,
    #[field(default = 7)]
    pub weight: i64,
    #[field(default = State::Waiting)]
    pub state: State,
    #[field(validate(len(max = 20)))]
    pub code: Option<String>,
    #[field(default = 0)]
    pub added: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "thing_parts", timestamps)]
pub struct Part {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(renamed_from = "thing_id")]
    pub item_id: i64,
    #[relation(on_delete = "restrict")]
    pub item: BelongsTo<Item>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[sequor::test]
async fn tables_columns_enums_and_keys_change_and_rows_stay(db: Db) -> sequor::Result<()> {
    db.sync::<(before::Thing, before::Part)>(SyncMode::Create).await?;
    let thing = draft!(before::Thing { label: "kept", weight: None::<i32>, gone: Some("x".to_owned()), code: Some("c".to_owned()) })
        .create(&db)
        .await?;
    draft!(before::Thing { label: "heavy", weight: 3, state: before::State::Done }).create(&db).await?;
    draft!(before::Part { thing_id: thing.id }).create(&db).await?;

    let plan = db.sync_plan::<(Item, Part)>().await?;
    let lost: Vec<&str> = plan.iter().filter_map(|step| step.loses.as_deref()).collect();
    // A label that no model has leaves its enum; a column that no model has stays, with what it holds.
    assert!(lost.join(" ").contains("label lost") && !lost.join(" ").contains("gone"), "{plan:#?}");
    assert!(
        steps(&plan).contains(&"rename table things to items") && steps(&plan).contains(&"rename column items.label to title"),
        "{plan:#?}"
    );

    // Comparing alone knows what the models say about old names.
    let snapshot = sequor::Generator::of::<(before::Thing, before::Part)>().schema()?;
    let differences = sequor::Generator::of::<(Item, Part)>().dialects([db.dialect()]).differences(&snapshot)?;
    assert!(steps(&differences).contains(&"rename column items.label to title"), "{differences:#?}");

    db.sync::<(Item, Part)>(SyncMode::Alter).await?;
    let plan = db.sync_plan::<(Item, Part)>().await?;
    assert!(plan.is_empty(), "{plan:#?}");
    let gone = db.query_as::<(Option<String>,)>(sequor::sql!("SELECT gone FROM items ORDER BY id")).await?;
    assert_eq!(gone, [(Some("x".to_owned()),), (None,)]);
    let items = Item::find_all().order_by(Item::ID.asc()).exec(&db).await?;
    assert_eq!(items[0], Item { id: 1, title: "kept".into(), weight: 7, state: State::New, code: Some("c".into()), added: 0 });
    assert_eq!((items[1].weight, items[1].state), (3, State::Done));
    let parts = Part::find_all().include(Part::ITEM).exec(&db).await?;
    assert_eq!(parts[0].item.loaded()?.title, "kept");
    assert!(parts[0].created_at.timestamp() > 1_700_000_000);
    // The key to the new table is alive, and so is the check; the unique key is gone.
    assert!(draft!(Part { item_id: 99 }).create(&db).await.is_err());
    assert!(draft!(Item { title: "x", weight: -1 }).create(&db).await.is_err());
    draft!(Item { title: "twice", code: Some("c".to_owned()) }).create(&db).await?;
    // Keys that were given are not given again.
    assert!(draft!(Item { title: "next" }).create(&db).await?.id > 3);
    Ok(())
}

mod narrow {
    use super::*;
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(table = "measures")]
    pub struct Measure {
        #[field(primary_key)]
        pub id: i64,
        pub at: DateTime<Utc>,
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "measures")]
pub struct Measure {
    #[field(primary_key)]
    pub id: i64,
    pub at: Vec<u8>,
}

#[sequor::test]
async fn a_type_that_no_cast_reaches_is_refused_by_name(db: Db) -> sequor::Result<()> {
    db.sync::<narrow::Measure>(SyncMode::Create).await?;
    let error = db.sync::<Measure>(SyncMode::Alter).await.expect_err("a refused cast").to_string();
    assert!(error.contains("measures.at changes from"), "{error}");
    Ok(())
}

mod listed {
    use super::*;
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(table = "labelled")]
    pub struct Labelled {
        #[field(primary_key)]
        pub id: i64,
        pub tags: Vec<String>,
        pub marks: Option<Vec<i32>>,
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "labelled")]
pub struct Labelled {
    #[field(primary_key)]
    pub id: i64,
    pub tags: Json,
    pub marks: Option<Json>,
}

#[sequor::test]
async fn lists_become_documents(db: Db) -> sequor::Result<()> {
    db.sync::<listed::Labelled>(SyncMode::Create).await?;
    let tags = vec!["a".to_owned(), "it's \"b\"".to_owned()];
    draft!(listed::Labelled { id: 1, tags, marks: Some(vec![3, -4]) }).create(&db).await?;
    draft!(listed::Labelled { id: 2, tags: Vec::new() }).create(&db).await?;
    db.sync::<Labelled>(SyncMode::Alter).await?;
    assert!(db.sync_plan::<Labelled>().await?.is_empty());
    let rows = Labelled::find_all().order_by(Labelled::ID.asc()).exec(&db).await?;
    assert_eq!((&*rows[0].tags, rows[0].marks.as_deref()), (&json!(["a", "it's \"b\""]), Some(&json!([3, -4]))));
    assert_eq!((&*rows[1].tags, rows[1].marks.as_deref()), (&json!([]), None));
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "heavy_items", view = "SELECT id, weight FROM gadget_base WHERE weight > 3 AND label <> 'x'")]
pub struct HeavyItem {
    #[field(primary_key)]
    pub id: i64,
    pub weight: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "gadget_base")]
pub struct GadgetBase {
    #[field(primary_key)]
    pub id: i64,
    pub weight: i32,
    #[field(validate(len(max = 20)))]
    pub label: String,
}

#[sequor::test]
async fn views_are_made_once(db: Db) -> sequor::Result<()> {
    db.sync::<(GadgetBase, HeavyItem)>(SyncMode::Alter).await?;
    let plan = db.sync_plan::<(GadgetBase, HeavyItem)>().await?;
    assert!(plan.is_empty(), "{plan:#?}");
    draft!(GadgetBase { id: 1, weight: 5, label: "a" }).create(&db).await?;
    assert_eq!(HeavyItem::find_all().exec(&db).await?.len(), 1);
    Ok(())
}

#[sequor::test]
async fn each_tenant_has_a_plan_of_its_own(db: Db) -> sequor::Result<()> {
    let name = format!("altering_{}", Uuid::new_v4().simple());
    let tenant = db.schema(&name);
    db.sync::<GadgetBase>(SyncMode::Alter).await?;
    tenant.sync::<(GadgetBase, Wide)>(SyncMode::Alter).await?;
    let plan = tenant.sync_plan::<(GadgetBase, Wide)>().await?;
    assert!(plan.is_empty(), "{plan:#?}");
    assert!(steps(&db.sync_plan::<Wide>().await?).contains(&"create table wides"));
    tenant.drop_tables::<(GadgetBase, Wide)>().await?;
    if db.dialect().is_mysql() {
        db.execute_sql_script(&format!("DROP DATABASE {name}")).await?;
    }
    Ok(())
}

mod three {
    use super::*;
    #[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
    #[db_enum(name = "lamp_state", rename_all = "snake_case")]
    pub enum Lamp {
        On,
        Off,
        Dim,
    }
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(table = "lamps", register = false)]
    pub struct Light {
        #[field(primary_key)]
        pub id: i64,
        pub state: Lamp,
    }
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "lamp_state", rename_all = "snake_case")]
pub enum Lamp {
    On,
    Off,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "lamps", register = false)]
pub struct Light {
    #[field(primary_key)]
    pub id: i64,
    pub state: Lamp,
}

/// Without a word about casts: the loss is named, and rows that have the label are never lost.
#[sequor::test]
async fn a_label_that_rows_have_cannot_go(db: Db) -> sequor::Result<()> {
    db.sync::<three::Light>(SyncMode::Create).await?;
    let before = sequor::Generator::of::<three::Light>().schema()?;
    let made = sequor::Generator::of::<Light>().dialects([db.dialect()]).generate(&before)?.expect("a change");
    let lost: Vec<&str> = made.steps.iter().filter_map(|step| step.loses.as_deref()).collect();
    assert!(lost.join(" ").contains("label dim"), "{:#?}", made.steps);
    let migration = made.files.into_iter().fold(sequor::Migration::new("1-lamps"), |one, (file, text)| one.with(file, text));
    let migrator = Migrator::new([migration]);

    draft!(three::Light { id: 1, state: three::Lamp::Dim }).create(&db).await?;
    let error = migrator.up(&db).await.expect_err("a row has it").to_string();
    assert!(error.contains("rows still have a label that this takes away (dim)") && error.contains("--rename ENUM.dim:NEW"), "{error}");
    assert_eq!(three::Light::find_by_pk(1).or_fail().exec(&db).await?.state, three::Lamp::Dim);
    three::Light::update_all().set(three::Light::STATE, three::Lamp::On).filter(three::Light::ID.eq(1)).exec(&db).await?;
    migrator.up(&db).await?;
    assert_eq!(Light::find_by_pk(1).or_fail().exec(&db).await?.state, Lamp::On);
    migrator.down(&db).await?;
    draft!(three::Light { id: 2, state: three::Lamp::Dim }).create(&db).await.map(drop)
}

mod shelved {
    use super::*;
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(
        table = "shelves",
        unique(columns("house", "number")),
        index(columns("number")),
        check(name = "shelves_number", "number > 0"),
        register = false
    )]
    pub struct Shelf {
        #[field(primary_key, auto_increment)]
        pub id: i64,
        #[field(validate(len(max = 20)))]
        pub house: String,
        pub number: i32,
        pub owner_id: Option<i64>,
        #[relation(foreign_key = "owner_id")]
        pub owner: BelongsTo<Option<GadgetBase>>,
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "racks",
    renamed_from = "shelves",
    unique(columns("house", "place")),
    index(columns("place")),
    check(name = "racks_place", "place > 0"),
    register = false
)]
pub struct Rack {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(validate(len(max = 20)))]
    pub house: String,
    #[field(renamed_from = "number")]
    pub place: i32,
    pub owner_id: Option<i64>,
    #[relation(foreign_key = "owner_id")]
    pub owner: BelongsTo<Option<GadgetBase>>,
}

/// Names that come from the table's and its columns' change with them; what has such a name is not built anew, which would read every row.
#[sequor::test]
async fn a_renamed_table_keeps_its_keys_and_indexes(db: Db) -> sequor::Result<()> {
    db.sync::<(GadgetBase, shelved::Shelf)>(SyncMode::Create).await?;
    draft!(shelved::Shelf { house: "a", number: 1 }).create(&db).await?;
    let before = sequor::Generator::of::<(GadgetBase, shelved::Shelf)>().schema()?;
    let made = sequor::Generator::of::<(GadgetBase, Rack)>().dialects([db.dialect()]).generate(&before)?.expect("a change");
    let said = steps(&made.steps);
    if db.dialect() != Dialect::Sqlite {
        assert!(!said.iter().any(|step| step.contains("drop index") || step.contains("add index")), "{said:#?}");
        assert!(said.contains(&"rename index shelves_house_number_key of racks to racks_house_place_key"), "{said:#?}");
        assert!(said.contains(&"rename index shelves_number_idx of racks to racks_place_idx"), "{said:#?}");
    }
    if db.dialect() == Dialect::Postgres {
        assert_eq!(said.len(), 6, "nothing is dropped or made: {said:#?}");
        assert!(said.contains(&"rename constraint shelves_owner_id_fkey of racks to racks_owner_id_fkey"), "{said:#?}");
    }
    let migration = made.files.into_iter().fold(sequor::Migration::new("1-racks"), |one, (file, text)| one.with(file, text));
    let migrator = Migrator::new([migration]);
    for _ in 0..2 {
        migrator.up(&db).await?;
        let plan = db.sync_plan::<(GadgetBase, Rack)>().await?;
        assert!(plan.is_empty(), "{plan:#?}");
        assert!(draft!(Rack { house: "a", place: 1 }).create(&db).await.is_err(), "the unique key is alive");
        assert!(draft!(Rack { house: "b", place: -1 }).create(&db).await.is_err(), "the check is alive");
        migrator.down(&db).await?;
        let plan = db.sync_plan::<(GadgetBase, shelved::Shelf)>().await?;
        assert!(plan.is_empty(), "{plan:#?}");
    }
    assert_eq!(shelved::Shelf::count().exec(&db).await?, 1);
    Ok(())
}
