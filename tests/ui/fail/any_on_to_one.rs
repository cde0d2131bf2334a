#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    Post::find_all().filter(Post::USER.any(User::AGE.gt(18))).exec(db).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
