//! Validation where it meets the database: rules that ask it, the same rules as its checks and as JSON Schema, and calls without them.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "handles", validate_async = "Handle::room_is_left", validate = "Handle::not_both")]
pub struct Handle {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(validate(len(min = 2, max = 20), custom_async(Handle::is_free)))]
    pub name: String,
    #[field(sensitive, validate(custom_async(secret_is_long, message = "choose a longer one")))]
    pub secret: Option<String>,
    #[field(default = 1)]
    pub room: i32,
}

impl Handle {
    async fn is_free(name: &str, cx: &HookContext<'_>) -> Result<()> {
        let taken = Handle::find_all().filter(Handle::NAME.eq(name)).exists(cx.db()).await?;
        if taken { Err(Error::usage(format!("{name} is taken"))) } else { Ok(()) }
    }

    async fn room_is_left(handle: &Draft<Handle>, cx: &HookContext<'_>) -> std::result::Result<(), String> {
        let room = handle.get(Handle::ROOM).copied().unwrap_or(1);
        match Handle::count().filter(Handle::ROOM.eq(room)).exec(cx.db()).await {
            Ok(count) if count < 2 => Ok(()),
            _ => Err(format!("room {room} is full")),
        }
    }

    fn not_both(&self) -> bool {
        self.name != self.secret.as_deref().unwrap_or_default()
    }
}

async fn secret_is_long(secret: &String, _cx: &HookContext<'_>) -> bool {
    secret.len() > 3
}

fn told(result: sequor::Result<Handle>) -> Vec<(String, String, String)> {
    match result {
        Err(Error::Validation(error)) => {
            assert!(error.items.iter().all(|item| item.path != "secret" || item.value.is_none()));
            error.items.into_iter().map(|item| (item.path, item.validator_key, item.message)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[sequor::test(models(Handle))]
async fn rules_may_ask_the_database_and_fail_beside_all_others(db: Db) -> sequor::Result<()> {
    let ann = draft!(Handle { name: "ann" }).create(&db).await?;
    let failures = told(draft!(Handle { name: "ann", secret: "abc" }).create(&db).await);
    let failures: Vec<(&str, &str, &str)> =
        failures.iter().map(|(path, key, message)| (path.as_str(), key.as_str(), message.as_str())).collect();
    assert_eq!(failures, [("name", "is_free", "ann is taken"), ("secret", "secret_is_long", "choose a longer one")]);
    let failures = told(draft!(Handle { name: "b", secret: "b" }).create(&db).await);
    let keys: Vec<&str> = failures.iter().map(|(_, key, _)| key.as_str()).collect();
    assert_eq!(keys, ["len", "not_both", "secret_is_long"]);
    draft!(Handle { name: "bo" }).create(&db).await?;
    assert_eq!(told(draft!(Handle { name: "cy" }).create(&db).await)[0].2, "room 1 is full");
    // Every way to write asks them: many rows, updates of many, upserts; and a call may leave them out.
    assert!(Handle::bulk_create([draft!(Handle { name: "bo", room: 2 })]).exec(&db).await.is_err());
    assert!(Handle::update_all().set(Handle::NAME, "bo").filter(Handle::ID.eq(ann.id)).exec(&db).await.is_err());
    assert!(draft!(Handle { name: "cy" }).validate(&db).await.is_err());
    let cy = draft!(Handle { name: "cy" }).skip_validation().create(&db).await?;
    let mut edit = cy.edit();
    edit.name = "x".into();
    assert!(edit.validate(&db).await.is_err());
    assert_eq!(edit.skip_validation().save(&db).await?.name, "x");
    let filter = || Handle::NAME.eq("dee");
    assert!(Handle::find_or_create(filter(), draft!(Handle { name: "dee" })).exec(&db).await.is_err());
    assert!(Handle::find_or_create(filter(), draft!(Handle { name: "dee" })).skip_validation().exec(&db).await?.1);
    assert_eq!(Handle::count().exec(&db).await?, 4);
    Ok(())
}

#[sequor::test(models(Handle))]
async fn rules_are_registered_at_run_time_too(db: Db) -> sequor::Result<()> {
    db.hooks::<Handle>().validate("no-admins", |handle, _cx| {
        Box::pin(async move {
            if handle.get(Handle::NAME).is_some_and(|name| name == "admin") { Err("not for you".to_owned()) } else { Ok(()) }
        })
    });
    let failures = told(draft!(Handle { name: "admin" }).create(&db).await);
    assert_eq!(failures, [("no-admins".to_owned(), "no-admins".to_owned(), "not for you".to_owned())]);
    // Rules are no hooks: calls without hooks keep them.
    assert!(draft!(Handle { name: "admin" }).hooks(false).create(&db).await.is_err());
    assert!(db.hooks::<Handle>().remove("no-admins"));
    draft!(Handle { name: "admin" }).create(&db).await?;
    let post = db.define(ModelDef::from_json(json!({ "name": "Post", "attributes": { "title": "STRING" } }))?)?;
    post.sync(SyncMode::Create).await?;
    post.hooks().validate("titled", |row, cx| {
        Box::pin(async move {
            let many = Handle::count().exec(cx.db()).await.map_err(|error| error.to_string())?;
            let title = row.get("title").ok().flatten().is_some();
            if many == 1 && title { Ok(()) } else { Err("a post needs a title".to_owned()) }
        })
    });
    assert!(post.create(json!({})).exec(&db).await.is_err());
    post.create(json!({ "title": "x" })).exec(&db).await?;
    Ok(())
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "parcel_size")]
pub enum Size {
    Small,
    Large,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "postings", rules_as_checks, timestamps, json = "camelCase")]
pub struct Posting {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(column = "order", validate(len(min = 2, max = 5)))]
    pub order_code: String,
    #[field(validate(min(1), max(9)))]
    pub weight: i32,
    #[field(validate(is_in("it's", "in", "out")), default = "in")]
    pub state: String,
    #[field(validate(email))]
    pub contact: Option<String>,
    #[field(validate(credit_card, custom(is_short)))]
    pub card: Option<String>,
    #[field(default = Size::Small)]
    pub size: Size,
    #[field(hidden)]
    pub token: Option<String>,
    pub price: Option<Decimal>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

fn is_short(text: &str) -> bool {
    text.len() < 30
}

#[sequor::test(models(Posting))]
async fn the_database_checks_the_rules_too(db: Db) -> sequor::Result<()> {
    let valid = || draft!(Posting { order_code: "ab", weight: 1 });
    for order_code in ["ab", "日本語日本", "a_b%c"] {
        draft!(Posting { order_code, weight: 9, state: "it's", contact: "a@x.io" }).create(&db).await?;
    }
    let wrong = [
        draft!(Posting { order_code: "a", weight: 1 }),
        draft!(Posting { order_code: "abcdef", weight: 1 }),
        draft!(Posting { order_code: "ab", weight: 0 }),
        draft!(Posting { order_code: "ab", weight: 10 }),
        draft!(Posting { order_code: "ab", weight: 1, state: "gone" }),
        draft!(Posting { order_code: "ab", weight: 1, contact: "nobody" }),
    ];
    for draft in wrong {
        assert!(matches!(draft.clone().create(&db).await, Err(Error::Validation(_))));
        let stored = draft.clone().skip_validation().create(&db).await;
        // A text that is too long for its column is refused for that reason.
        assert!(matches!(&stored, Err(Error::CheckConstraint { .. } | Error::Database { .. })), "{draft:?}: {stored:?}");
    }
    valid().create(&db).await?;
    assert_eq!(Posting::count().exec(&db).await?, 4);
    Ok(())
}

#[test]
fn the_rules_are_json_schema() {
    let schema = Posting::json_schema();
    assert_eq!(schema["required"], json!(["orderCode", "weight"]));
    let properties = &schema["properties"];
    assert_eq!(properties["orderCode"], json!({ "type": "string", "minLength": 2, "maxLength": 5 }));
    assert_eq!(properties["weight"], json!({ "type": "integer", "minimum": 1, "maximum": 9 }));
    assert_eq!(properties["state"], json!({ "type": "string", "enum": ["it's", "in", "out"], "default": "in" }));
    assert_eq!(properties["contact"], json!({ "type": ["string", "null"], "format": "email" }));
    assert_eq!(properties["card"]["x-rules"], json!(["isCreditCard", "is_short"]));
    assert_eq!(properties["size"]["enum"], json!(["Small", "Large"]));
    assert_eq!(properties["token"]["writeOnly"], json!(true));
    assert_eq!(properties["price"]["pattern"], json!("^-?[0-9]+(\\.[0-9]+)?$"));
    assert_eq!(properties["createdAt"], json!({ "type": "string", "format": "date-time", "readOnly": true }));
}

#[sequor::test(models(Posting))]
async fn what_a_hook_sets_is_checked_too(db: Db) -> sequor::Result<()> {
    db.hooks::<Posting>().before_create("heavy", |posting, _cx| {
        posting.set(Posting::WEIGHT, 100);
        Box::pin(async { Ok(()) })
    });
    let refused = draft!(Posting { order_code: "ab", weight: 1 }).create(&db).await;
    assert!(matches!(&refused, Err(Error::Validation(error)) if error.items[0].path == "weight"), "{refused:?}");
    assert!(db.hooks::<Posting>().remove("heavy"));
    let posting = draft!(Posting { order_code: "ab", weight: 1 }).create(&db).await?;
    db.hooks::<Posting>().before_update("heavy", |posting, _cx| {
        posting.weight = 100;
        Box::pin(async { Ok(()) })
    });
    let mut edit = posting.edit();
    edit.state = "out".into();
    assert!(matches!(edit.save(&db).await, Err(Error::Validation(_))));
    assert_eq!(Posting::find_by_pk(1).or_fail().exec(&db).await?.weight, 1);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "bolts", validate = "Bolt::whole", validate_async = "Bolt::whole_later")]
pub struct Bolt {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(validate(custom(Bolt::at_once)))]
    pub kind: String,
    #[field(validate(custom_async(Bolt::later)))]
    pub maker: Option<String>,
    #[field(set_with = Bolt::tidy)]
    pub label: Option<String>,
}

impl Bolt {
    fn at_once(kind: &str) -> std::result::Result<(), String> {
        if kind == "at once" { panic!("careless") } else { Ok(()) }
    }

    async fn later(maker: &str, cx: &HookContext<'_>) -> std::result::Result<(), String> {
        Bolt::count().exec(cx.db()).await.map_err(|error| error.to_string())?;
        if maker == "later" { panic!("careless") } else { Ok(()) }
    }

    fn whole(&self) -> bool {
        if self.kind == "whole" { panic!("careless") } else { true }
    }

    async fn whole_later(bolt: &Draft<Bolt>, _cx: &HookContext<'_>) -> std::result::Result<(), String> {
        if bolt.get(Bolt::KIND).is_some_and(|kind| kind == "whole later") { panic!("careless") } else { Ok(()) }
    }

    fn tidy(label: String) -> String {
        if label == "set" { panic!("careless") } else { label }
    }
}

#[sequor::test(models(Bolt))]
async fn a_rule_that_panics_is_an_error_that_names_it_and_undoes_the_write(db: Db) -> sequor::Result<()> {
    db.hooks::<Bolt>().validate("named", |bolt, _cx| {
        assert!(bolt.get(Bolt::KIND).is_none_or(|kind| kind != "named"), "careless");
        Box::pin(async { Ok(()) })
    });
    let cases = [
        (draft!(Bolt { kind: "at once" }), "Bolt.kind", "rule at_once"),
        (draft!(Bolt { kind: "a", maker: "later" }), "Bolt.maker", "rule later"),
        (draft!(Bolt { kind: "whole" }), "Bolt", "rule whole"),
        (draft!(Bolt { kind: "whole later" }), "Bolt", "rule whole_later"),
        (draft!(Bolt { kind: "named" }), "Bolt", "rule named"),
        (draft!(Bolt { kind: "a", label: "set" }), "Bolt.label", "setter of `set_with`"),
    ];
    for (draft, place, what) in cases {
        let bulk = Bolt::bulk_create([draft!(Bolt { kind: "b" }), draft.clone()]).exec(&db).await.err();
        for error in [draft.create(&db).await.err(), bulk] {
            assert!(matches!(&error, Some(Error::Hook { hook, .. }) if hook == place), "{error:?}");
            let text = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(text.contains(&format!("the {what} panicked")), "{text}");
        }
    }
    let set = Bolt::update_all().set(Bolt::LABEL, "set".to_owned()).every_row().exec(&db).await;
    assert!(matches!(&set, Err(Error::Hook { hook, .. }) if hook == "Bolt.label"), "{set:?}");
    assert_eq!(Bolt::count().exec(&db).await?, 0);
    let mut edit = draft!(Bolt { kind: "a" }).create(&db).await?.edit();
    edit.kind = "at once".into();
    assert!(matches!(edit.save(&db).await, Err(Error::Hook { .. })));
    Ok(())
}
