//! `#[sequor::test]`: a test function becomes one test for each database.

#![allow(missing_docs)]
#![cfg(feature = "testing")]

extern crate sequor_orm as sequor;

use sequor::Result;
use sequor::db::Db;
use sequor::query::ModelQueries as _;
use sequor_macros::{Model, draft};

#[derive(Model, Clone, Debug, PartialEq)]
pub struct Note {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub text: String,
}

/// With everything that can be said.
#[sequor_macros::test(models(Note), databases("sqlite"))]
async fn starts_empty_and_keeps_rows(db: Db) -> Result<()> {
    assert_eq!(Note::find_all().exec(&db).await?, []);
    let note = draft!(Note { text: "a" }).create(&db).await?;
    assert_eq!(Note::find_all().exec(&db).await?, [note]);
    Ok(())
}

#[sequor_macros::test(databases("sqlite"))]
async fn needs_no_answer(db: Db) {
    let _ = db;
}

#[sequor_macros::test(databases("sqlite"))]
#[should_panic(expected = "no such note")]
async fn may_panic(_: Db) {
    assert_eq!(1, 2, "no such note");
}

#[sequor_macros::test]
#[ignore = "it is here to be ignored"]
async fn may_be_ignored(_: Db) {
    unreachable!("ignored");
}
