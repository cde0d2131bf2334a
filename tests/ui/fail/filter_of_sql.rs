#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    let age = 3;
    User::find_all().filter(sql!("age > {age}")).exec(db).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
