//! An update sets a column of another model.
#[path = "../models.rs"]
mod models;
use models::*;
use sequor::prelude::*;

async fn publish(db: &Db) -> Result<u64> {
    User::update_all().set(Post::PUBLISHED, true).filter(User::ID.eq(1)).exec(db).await
}

fn main() {}
