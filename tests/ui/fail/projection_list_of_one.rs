#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

#[derive(Projection)]
#[projection(of = User)]
struct Name {
    name: String,
}

#[derive(Projection)]
#[projection(of = Post)]
struct PostView {
    #[projection(of = User)]
    user: Vec<Name>,
}

fn main() {}
