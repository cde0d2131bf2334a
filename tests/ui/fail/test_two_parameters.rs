use sequor::prelude::*;

#[sequor::test]
async fn finds_ann(db: Db, other: Db) -> Result<()> {
    let _ = (db, other);
    Ok(())
}

fn main() {}
