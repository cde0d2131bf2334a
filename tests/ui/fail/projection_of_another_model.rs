//! A projection of another model is asked for.
#[path = "../models.rs"]
mod models;
use models::*;
use sequor::prelude::*;

#[derive(Projection)]
#[projection(of = Post)]
struct Title {
    title: String,
}

async fn titles(db: &Db) -> Result<Vec<Title>> {
    User::find_all().project::<Title>().exec(db).await
}

fn main() {}
