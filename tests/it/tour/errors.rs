//! Tour section 11: errors.

use crate::models::*;
use sequor::prelude::*;

fn converts(text: &str) -> Result<(i64, Uuid, NaiveDate, Decimal)> {
    let number: i64 = text.parse()?;
    let float: f64 = "1.5".parse()?;
    let parsed: serde_json::Value = serde_json::from_str("{}")?;
    std::fs::metadata("/")?;
    let boxed: std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> = Ok(());
    boxed?;
    assert!(parsed.is_object() && float > 1.0);
    Ok((number, "67e55044-10b1-426f-9247-bb680e5fe0c8".parse()?, "2024-01-31".parse()?, "1.50".parse()?))
}

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn constraints_name_model_and_field(db: Db) -> sequor::Result<()> {
    draft!(User { email: "ann@x.io", name: "Ann" }).create(&db).await?;
    let twice = draft!(User { email: "ann@x.io", name: "Ann" }).create(&db).await.err();
    match twice {
        Some(Error::UniqueConstraint { fields, .. }) => assert_eq!(fields, ["email"]),
        other => panic!("{other:?}"),
    }
    let error = draft!(User { email: "ann@x.io", name: "Ann" }).create(&db).await.unwrap_err();
    assert_eq!(error.sequelize_name(), "SequelizeUniqueConstraintError");
    assert!(error.to_string().contains("email") && error.to_string().contains("User"), "{error}");
    let orphan = draft!(Post { title: "x", user_id: 999 }).create(&db).await;
    assert!(matches!(orphan, Err(Error::ForeignKeyConstraint { .. })), "{orphan:?}");
    match draft!(User { email: "no address", name: "" }).create(&db).await {
        Err(Error::Validation(error)) => {
            let paths: Vec<_> = error.items.iter().map(|item| item.path.as_str()).collect();
            assert_eq!(paths, ["email", "name"]);
        }
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[test]
fn question_marks_convert() {
    assert!(converts("7").is_ok());
    assert!(converts("seven").is_err());
}
