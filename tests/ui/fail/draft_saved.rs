#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    draft!(User { email: "ann@x.io", name: "Ann" }).save(db).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
