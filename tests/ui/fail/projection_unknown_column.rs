#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

#[derive(Projection)]
#[projection(of = User)]
struct UserName {
    full_name: String,
}

fn main() {}
