use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    db.sync(SyncMode::Create).await
}

fn main() {
    let _ = run;
}
