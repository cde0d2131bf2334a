//! Rows of another model are added to a relation.
#[path = "../models.rs"]
mod models;
use models::*;
use sequor::prelude::*;

async fn add(db: &Db, user: User, tag: Tag) -> Result<()> {
    user.relation(User::POSTS).add(&tag, db).await
}

fn main() {}
