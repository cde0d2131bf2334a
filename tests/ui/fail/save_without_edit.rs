#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db, mut user: User) -> Result<()> {
    user.name = "Anna".into();
    user.save(db).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
