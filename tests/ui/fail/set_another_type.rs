#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    User::update_all().set(User::NAME, 7).filter(User::ID.eq(1)).exec(db).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
