#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    User::find_all().filter(User::POSTS.is(Post::PUBLISHED.eq(true))).exec(db).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
