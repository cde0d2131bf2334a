#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    db.sync::<(User, String)>(SyncMode::Create).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
