//! `SyncMode::Alter` adds what is missing, once.

use sequor::prelude::*;

mod before {
    use super::*;
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(table = "gadgets")]
    pub struct Gadget {
        #[field(primary_key)]
        pub id: i64,
        pub label: String,
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "gadgets", index(columns("label", "weight")))]
pub struct Gadget {
    #[field(primary_key)]
    pub id: i64,
    #[field(validate(len(max = 40)))]
    pub label: String,
    pub weight: Option<i32>,
}

#[sequor::test]
async fn alter_adds_columns_and_indexes_once_and_keeps_rows(db: Db) -> sequor::Result<()> {
    db.sync::<before::Gadget>(SyncMode::Create).await?;
    draft!(before::Gadget { id: 1, label: "kept" }).create(&db).await?;
    if db.dialect().is_mysql() {
        // A long text has no index there.
        db.execute(sql!("ALTER TABLE gadgets MODIFY label varchar(40) NOT NULL")).await?;
    }
    for _ in 0..3 {
        db.sync::<Gadget>(SyncMode::Alter).await?;
        let indexes = db.query_interface().show_indexes("gadgets").await?;
        assert_eq!(indexes.len(), 1, "{indexes:?}");
    }
    assert_eq!(Gadget::find_all().exec(&db).await?, [Gadget { id: 1, label: "kept".into(), weight: None }]);
    Ok(())
}
