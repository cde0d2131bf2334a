use sequor::prelude::*;

#[sequor::test(modles())]
async fn finds_ann(db: Db) -> Result<()> {
    let _ = db;
    Ok(())
}

fn main() {}
