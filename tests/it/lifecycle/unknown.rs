//! Fields, rules and options that a model does not have, at run time: each is an error that names the model, the field and what to do.

use sequor::prelude::*;
use sequor::{AnyChange, WriteOptions};
use std::panic::Location;
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "forms_asked")]
pub struct Form {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    #[field(default = 0)]
    pub level: i32,
}

/// What a usage error says; another one, or none, is told as it is.
fn said<T: std::fmt::Debug>(result: sequor::Result<T>) -> String {
    match result {
        Err(error @ Error::Usage { .. }) => error.to_string(),
        other => format!("no usage error: {other:?}"),
    }
}

#[test]
fn a_definition_says_what_is_wrong_with_a_rule() {
    let cases = [
        (
            json!({ "isEmial": true }),
            "User.email: invalid validator function: there is no validation rule isEmial; did you mean isEmail (email in a derive)?",
        ),
        (json!({ "len": "x" }), "User.email: validation rule len: min must be a number; it takes min?: number, max?: number"),
        (json!({ "isEmail": { "msg": 5 } }), "User.email: validation rule isEmail: msg is a text"),
        (json!({ "notNull": { "msg": 5 } }), "User.email: the message of notNull is a text, not a number"),
        (
            json!({ "notNull": true }),
            "User.email: notNull is the message of an attribute that takes no null: say allowNull: false beside it",
        ),
        (json!(["isEmail"]), "User.email: validate takes rules by name, { isEmail: true, len: [2, 10] }, not a list"),
        (json!("isEmail"), "User.email: validate takes rules by name, { isEmail: true, len: [2, 10] }, not a text"),
    ];
    for (rules, expected) in cases {
        let model = json!({ "name": "User", "attributes": { "email": { "type": "STRING", "validate": rules } } });
        assert_eq!(said(ModelDef::from_json(model)), expected);
    }
    let of = |attribute: serde_json::Value| said(ModelDef::from_json(json!({ "name": "User", "attributes": { "email": attribute } })));
    assert_eq!(of(json!({ "type": "STRING", "validates": {} })), "User.email: there is no option validates, did you mean validate?");
    for virtual_type in ["VIRTUAL", "VIRTUAL(STRING)"] {
        let told = of(json!(virtual_type));
        assert!(told.starts_with("User.email: VIRTUAL has no column") && told.contains("computed(..)"), "{told}");
    }
    let known = of(json!({ "type": "STRING", "colour": "red" }));
    assert!(known.starts_with("User.email: there is no option colour, known are type, values, allowNull, "), "{known}");
    let action = of(json!({ "type": "INTEGER", "references": "Roles", "onDelete": "CASCADDE" }));
    assert_eq!(action, "User.email: onDelete is CASCADE, RESTRICT, SET NULL, SET DEFAULT or NO ACTION, not \"CASCADDE\"");
    let options = |options: serde_json::Value| {
        said(ModelDef::from_json(json!({ "name": "User", "attributes": { "email": "STRING" }, "options": options })))
    };
    assert_eq!(options(json!({ "paranoit": true })), "User.options.paranoit: unknown option, did you mean paranoid?");
    assert_eq!(options(json!({ "paranoid": "yes" })), "User.options.paranoid takes true or false, not a text");
    let hard = options(json!({ "paranoid": true, "timestamps": false }));
    assert!(hard.starts_with("User.options.paranoid: with timestamps: false there is no deletedAt"), "{hard}");
    assert_eq!(options(json!({ "createdAt": 1 })), "User.options.createdAt takes true, false or a name, not a number");
    assert_eq!(options(json!({ "tableName": ["users"] })), "User.options.tableName takes a text, not a list");
    assert_eq!(options(json!({ "indexes": { "fields": ["email"] } })), "User.options.indexes takes a list of objects, not an object");
    let hook = options(json!({ "hooks": { "beforeCreate": "stamp" } }));
    assert!(
        hook.starts_with("User.options.hooks: beforeCreate cannot be given as JSON, because a hook is a function; register it: "),
        "{hook}"
    );
    let whole = json!({ "name": "User", "attributes": { "email": "STRING" }, "options": { "validate": { "nameOrEmail": true } } });
    let whole = said(ModelDef::from_json(whole));
    assert_eq!(
        whole,
        "User.options.validate: nameOrEmail cannot be given as JSON, because a rule of the whole row is a function; register it: db.model(\"User\")?.hooks().validate(name, ..)"
    );
}

#[sequor::test]
async fn fields_of_a_call_have_to_be_there(db: Db) -> sequor::Result<()> {
    let user = db.define(ModelDef::from_json(json!({ "name": "User", "attributes": { "name": "STRING", "age": "INTEGER" } }))?)?;
    user.sync(SyncMode::Create).await?;
    let wrong = "User has no field nam, did you mean name?";
    let values = || json!({ "name": "Ann", "age": 1 });
    let fields = || json!({ "fields": ["nam"] });
    let everywhere = || json!({ "fields": ["nam"], "where": {} });
    assert_eq!(said(user.create_with(values(), fields()).exec(&db).await), wrong);
    assert_eq!(said(user.bulk_create_with(json!([values()]), fields()).exec(&db).await), wrong);
    assert_eq!(said(user.update_all(values(), everywhere()).exec(&db).await), wrong);
    assert_eq!(said(user.upsert_with(json!({ "id": 1, "name": "Ann" }), fields()).exec(&db).await), wrong);
    assert_eq!(said(user.upsert_with(json!({ "id": 1, "name": "Ann" }), json!({ "conflictFields": ["nam"] })).exec(&db).await), wrong);
    let text = said(user.create_with(values(), json!({ "fields": "name" })).exec(&db).await);
    assert_eq!(text, "fields is a list of attributes of User, such as [\"name\"]");
    assert_eq!(user.count(json!({})).exec(&db).await?, 0);
    let mut row = user.create(values()).exec(&db).await?;
    let options = || {
        let mut options = WriteOptions::at(Location::caller());
        options.fields = Some(vec!["nam".into()]);
        options
    };
    assert_eq!(said(row.validate_with(&db, options()).await), wrong);
    row.set("age", 2)?;
    assert_eq!(said(row.save_with(&db, options()).await), wrong);
    assert_eq!(said(row.update_with(json!({ "age": 3 }), &db, options()).await), wrong);
    for result in [row.set("nam", 1).map(drop), row.get("nam").map(drop), row.increment("nam", 1, &db).await.map(drop)] {
        assert_eq!(said(result), wrong);
    }
    // Hooks and rules too.
    user.hooks().before_validate("set", |row, _cx| Box::pin(async move { row.set("nam", "x") }));
    assert_eq!(said(user.create(values()).exec(&db).await), wrong);
    assert!(user.hooks().remove("set"));
    user.hooks().validate("named", |row, _cx| Box::pin(async move { row.get("nam").map(drop).map_err(|error| error.to_string()) }));
    match user.create(values()).exec(&db).await {
        Err(Error::Validation(error)) => assert_eq!((error.items[0].path.as_str(), error.items[0].message.as_str()), ("named", wrong)),
        other => panic!("{other:?}"),
    }
    assert!(user.hooks().remove("named"));
    // As in Sequelize, values under names that are no attributes stay outside of the row.
    let row = user.create(json!({ "name": "Bo", "nam": "x" })).exec(&db).await?;
    assert_eq!((row.get("name")?, row.get("nam").is_err()), (json!("Bo"), true));
    Ok(())
}

#[test]
fn a_request_says_which_keys_it_may_have() {
    let told = |result: sequor::Result<Draft<Form>>| match result {
        Err(Error::Validation(error)) => {
            error.items.into_iter().map(|item| (item.path, item.validator_key, item.message)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let line = |path: &str, key: &str, message: &str| (path.to_owned(), key.to_owned(), message.to_owned());
    let mut failures = told(Draft::from_json(json!({ "nam": "x", "id": 5, "level": "much" }), (Form::NAME, Form::LEVEL)));
    failures.sort();
    let expected = [
        line("id", "not_allowed", "Form.id may not be given here; taken are name, level"),
        line("level", "type", "Form.level: the text is not a valid integer"),
        line("nam", "not_allowed", "Form.nam may not be given here, did you mean name?"),
    ];
    assert_eq!(failures, expected);
    assert_eq!(
        told(Draft::from_json(json!([1]), Form::NAME)),
        [line("Form", "isObject", "Form is read from a JSON object with its fields")]
    );
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "answers_asked")]
pub struct Answer {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub form_id: i64,
    #[relation(on_delete = "cascade")]
    pub form: BelongsTo<Form>,
}

#[sequor::test]
async fn models_whose_tables_were_made_are_known_to_listeners(db: Db) -> sequor::Result<()> {
    db.sync::<(Form, Answer)>(SyncMode::Create).await?;
    let form = draft!(Form { name: "a" }).create(&db).await?;
    draft!(Answer { form_id: form.id }).create(&db).await?;
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = told.clone();
    db.global_hooks().after_change("log", move |change: &AnyChange, _cx| {
        log.lock().map(|mut log| log.push(format!("{} {}", change.model(), change.operation()))).ok();
        Box::pin(async { Ok(()) })
    });
    form.destroy(&db).await?;
    assert_eq!(told.lock().map(|told| told.clone()).unwrap_or_default(), ["Answer destroy", "Form destroy"]);
    Ok(())
}

#[sequor::test]
async fn an_option_beside_the_options_is_no_option(db: Db) -> sequor::Result<()> {
    drop(db);
    let told = |extra: &str| {
        let mut definition = json!({ "name": "Note", "attributes": { "text": "STRING" } });
        definition[extra] = json!(true);
        ModelDef::from_json(definition).unwrap_err().to_string()
    };
    assert_eq!(
        told("paranoid"),
        "the definition of Note has no paranoid: it is one of its options: { \"name\", \"attributes\", \"options\" }"
    );
    assert_eq!(told("atributes"), "the definition of Note has no atributes: known are name, attributes and options");
    Ok(())
}

#[sequor::test]
async fn a_column_is_known_by_its_own_name_in_conditions_too(db: Db) -> sequor::Result<()> {
    let attributes = json!({ "userName": { "type": "STRING", "field": "user_name" }, "age": { "type": "INTEGER", "field": "userName2" } });
    let person = db.define(ModelDef::from_json(json!({ "name": "Person", "attributes": attributes }))?)?;
    person.sync(SyncMode::Create).await?;
    person.bulk_create(json!([{ "userName": "ann", "age": 3 }, { "userName": "bo", "age": 5 }])).exec(&db).await?;
    let found = async |condition: serde_json::Value| -> sequor::Result<Vec<serde_json::Value>> {
        let rows = person.find_all(json!({ "where": condition, "order": [["user_name", "ASC"]] })).exec(&db).await?;
        rows.iter().map(|row| row.get("userName")).collect()
    };
    assert_eq!(found(json!({ "user_name": "ann" })).await?, [json!("ann")]);
    assert_eq!(found(json!({ "user_name": { "$in": ["ann", "bo"] }, "userName2": { "$gt": 4 } })).await?, [json!("bo")]);
    assert!(found(json!({ "user_nam": "ann" })).await.is_err());
    // Values are those of attributes alone, and a stranger knows but the attributes that he is allowed.
    let policy = sequor::Policy::stranger().allow("Person", &["userName"]);
    assert!(policy.check(&db, "Person", json!({ "where": { "userName": "ann" } })).is_ok());
    assert!(policy.check(&db, "Person", json!({ "where": { "user_name": "ann" } })).is_err());
    assert!(policy.check(&db, "Person", json!({ "where": { "userName2": 3 } })).is_err());
    Ok(())
}

#[sequor::test]
async fn soft_deletion_needs_no_other_timestamp(db: Db) -> sequor::Result<()> {
    let options = json!({ "paranoid": true, "createdAt": false, "updatedAt": false });
    let note = db.define(ModelDef::from_json(json!({ "name": "Note", "attributes": { "title": "STRING" }, "options": options }))?)?;
    note.sync(SyncMode::Create).await?;
    let row = note.create(json!({ "title": "a" })).exec(&db).await?;
    row.destroy(&db).await?;
    assert_eq!(note.count(json!({})).exec(&db).await?, 0);
    let rows = note.find_all(json!({ "paranoid": false })).exec(&db).await?;
    assert!(rows.len() == 1 && rows[0].get("deletedAt")?.is_string() && rows[0].get("createdAt").is_err(), "{rows:?}");
    Ok(())
}
