//! Bad input: what a person reads when something is wrong, with model, field and next step, and no secret.

use crate::models::*;
use sequor::ConnectionErrorKind;
use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "strict_rows", check(name = "level_in_range", "level < 100"), unique(columns("first", "second")))]
pub struct Strict {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(validate(len(max = 10)))]
    pub short: String,
    #[field(sensitive, unique)]
    pub ssn: Option<String>,
    pub level: i32,
    pub first: i32,
    pub second: i32,
    pub color: Shade,
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "shade")]
pub enum Shade {
    Dark,
    Light,
}

/// The same table as others see it: looser.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "loose_rows")]
pub struct Loose {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub number: Option<i64>,
    pub label: Option<String>,
}

/// What a program believes of `loose_rows`.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "loose_rows", register = false, skip_sync)]
pub struct Believed {
    #[field(primary_key)]
    pub id: i64,
    pub number: i32,
    pub label: Shade,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "nowhere", register = false, skip_sync)]
pub struct Nowhere {
    #[field(primary_key)]
    pub id: i64,
}

fn strict() -> Draft<Strict> {
    draft!(Strict { short: "a", level: 1, first: 1, second: 2, color: Shade::Dark, ssn: "123-45-6789" })
}

fn text<T: std::fmt::Debug>(result: sequor::Result<T>) -> String {
    match result {
        Ok(value) => panic!("expected an error, got {value:?}"),
        Err(error) => format!("{error}"),
    }
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[sequor::test(models(Strict, Loose))]
async fn constraints(db: Db) -> sequor::Result<()> {
    strict().create(&db).await?;
    let mut draft = strict();
    draft.set(Strict::FIRST, 5);
    let said = text(draft.create(&db).await);
    has(&said, &["Strict", "ssn"]);
    assert!(!said.contains("123-45"), "{said}");
    let mut draft = strict();
    draft.set(Strict::SSN, None);
    match draft.create(&db).await {
        Err(Error::UniqueConstraint { fields, detail }) => {
            assert_eq!(fields, ["first", "second"]);
            assert!(!format!("{detail:?}").contains("123-45"));
        }
        other => panic!("{other:?}"),
    }
    let mut draft = strict();
    draft.set(Strict::LEVEL, 100).set(Strict::SSN, None).set(Strict::FIRST, 9);
    match draft.create(&db).await {
        Err(error @ Error::CheckConstraint { .. }) => {
            has(&error.to_string(), &["Strict", "level_in_range"]);
            assert_eq!(error.sequelize_name(), "SequelizeDatabaseError");
        }
        other => panic!("{other:?}"),
    }
    let mut draft = strict();
    draft.set(Strict::SHORT, "much too long for it");
    has(&text(draft.create(&db).await), &["short"]);
    let mut draft = strict();
    draft.set(Strict::SHORT, "much too long for it").set(Strict::SSN, None).set(Strict::FIRST, 7);
    if db.dialect() != Dialect::Sqlite {
        let said = text(Strict::bulk_create([draft]).skip_validation().exec(&db).await);
        // PostgreSQL does not say which column it was.
        has(&said, if db.dialect() == Dialect::Postgres { &["Strict", "too long"] } else { &["Strict", "short"] });
    }
    match Loose::update_all().set(Loose::ID, 5).exec(&db).await {
        Err(Error::MissingFilter { model, operation }) => assert_eq!((model.as_str(), operation.as_str()), ("Loose", "update_all")),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn foreign_keys(db: Db) -> sequor::Result<()> {
    let users = seed(&db).await?;
    let said = text(draft!(Post { title: "x", user_id: 999 }).create(&db).await);
    has(&said, &["Post"]);
    match draft!(Profile { bio: "x", user_id: 999 }).create(&db).await {
        Err(error @ Error::ForeignKeyConstraint { .. }) => assert_eq!(error.sequelize_name(), "SequelizeForeignKeyConstraintError"),
        other => panic!("{other:?}"),
    }
    draft!(Profile { bio: "x", user_id: users[0].id }).create(&db).await?;
    assert!(matches!(users[0].force_destroy(&db).await, Err(Error::ForeignKeyConstraint { .. })));
    Ok(())
}

#[sequor::test(models(Loose))]
async fn cells_that_do_not_fit(db: Db) -> sequor::Result<()> {
    let row = draft!(Loose { number: 5_000_000_000, label: "Dark" }).create(&db).await?;
    match Believed::find_by_pk(row.id).exec(&db).await {
        Err(error @ Error::Decode { .. }) => has(&error.to_string(), &["Believed", "number", "32-bit"]),
        other => panic!("{other:?}"),
    }
    Loose::update_all().set(Loose::NUMBER, None).every_row().exec(&db).await?;
    match Believed::find_by_pk(row.id).exec(&db).await {
        Err(error @ Error::Decode { .. }) => has(&error.to_string(), &["Believed", "number", "NULL", "Option"]),
        other => panic!("{other:?}"),
    }
    Loose::update_all().set(Loose::NUMBER, 1).set(Loose::LABEL, "Purple").every_row().exec(&db).await?;
    match Believed::find_by_pk(row.id).exec(&db).await {
        Err(error @ Error::Decode { .. }) => has(&error.to_string(), &["Believed", "label", "Shade"]),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[sequor::test(models(Loose))]
async fn tables_and_columns_that_are_missing(db: Db) -> sequor::Result<()> {
    let said = text(Nowhere::find_all().exec(&db).await);
    has(&said, &["nowhere"]);
    match db.execute(sql!("SELECT nothing FROM loose_rows")).await {
        Err(Error::Database { code, .. }) => assert!(!code.is_empty()),
        other => panic!("{other:?}"),
    }
    assert!(matches!(db.execute(sql!("SELEC 1")).await, Err(Error::Database { .. })));
    Ok(())
}

#[sequor::test]
async fn connections(db: Db) -> sequor::Result<()> {
    if db.dialect() != Dialect::Sqlite {
        return Ok(());
    }
    for url in ["", "postgres", "oracle://x/y", "postgres://u:hunter2@h:notaport/d", "mysql://u:hunter2@[::1/d"] {
        let said = text(Db::connect(url).await.map(|_| ()));
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.len() > 20, "{said}");
    }
    for url in ["postgres://u:hunter2@127.0.0.1:1/d", "mysql://u:hunter2@127.0.0.1:1/d"] {
        match Db::connect(url).await.map(|_| ()) {
            Err(Error::Connection(error)) => {
                assert_eq!(error.kind, ConnectionErrorKind::Refused, "{error:?}");
                let said = format!("{error:?} {error}");
                assert!(!said.contains("hunter2") && said.contains("127.0.0.1"), "{said}");
            }
            Err(Error::Usage(error)) => has(&error.to_string(), &["feature"]),
            other => panic!("{other:?}"),
        }
    }
    let said = text(Db::connect("sqlite:///no/such/folder/app.db").await.map(|_| ()));
    has(&said, &["/no/such/folder"]);
    Ok(())
}
