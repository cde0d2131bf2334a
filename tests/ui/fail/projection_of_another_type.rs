#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

#[derive(Projection)]
#[projection(of = User)]
struct UserName {
    name: i64,
}

fn main() {}
