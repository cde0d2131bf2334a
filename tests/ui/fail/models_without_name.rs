#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

models!(User, Post);

fn main() {}
