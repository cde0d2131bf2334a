#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

#[derive(Projection)]
struct UserName {
    name: String,
}

fn main() {}
