#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db, user: User) -> Result<()> {
    user.delete(db).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
