#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    Post::find_by_pk(7).exec(db).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
