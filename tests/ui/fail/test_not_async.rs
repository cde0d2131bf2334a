#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

#[sequor::test(models(User))]
fn finds_ann(db: Db) -> Result<()> {
    let _ = db;
    Ok(())
}

fn main() {}
