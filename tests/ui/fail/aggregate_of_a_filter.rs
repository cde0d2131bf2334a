#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn run() {
    let _ = User::find_all().select(sum(User::AGE.gt(1)));
}

fn main() {
    let _ = run;
}
