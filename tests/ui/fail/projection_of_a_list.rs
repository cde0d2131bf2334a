#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

#[derive(Projection)]
#[projection(of = Post)]
struct Title {
    title: String,
}

#[derive(Projection)]
#[projection(of = User)]
struct UserView {
    #[projection(of = Post)]
    posts: Vec<Title>,
}

fn main() {}
