#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db) -> Result<u64> {
    db.transaction(|tx| async move { User::count().exec(tx).await }).await
}

fn main() {
    let _ = run;
}
