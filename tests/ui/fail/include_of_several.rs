//! Several relations in one include.
#[path = "../models.rs"]
mod models;
use models::*;
use sequor::prelude::*;

async fn posts(db: &Db) -> sequor::Result<Vec<Post>> {
    Post::find_all().include((Post::USER, Post::TAGS)).exec(db).await
}

fn main() {}
