#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

#[derive(Projection)]
#[projection(of = User)]
struct UserView {
    #[projection(expr = Post::TAGS.count())]
    tags: i64,
}

fn main() {}
