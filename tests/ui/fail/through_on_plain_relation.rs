#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    User::find_all().include(User::POSTS.through(PostTag::ADDED_BY.eq(7))).exec(db).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
