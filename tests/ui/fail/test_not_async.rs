use sequor::prelude::*;

#[sequor::test]
fn finds_ann(db: Db) -> Result<()> {
    let _ = db;
    Ok(())
}

fn main() {}
