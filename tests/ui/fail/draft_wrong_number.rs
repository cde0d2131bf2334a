#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn main() {
    let age = 7_i64;
    let _ = draft!(User { email: "ann@x.io", name: "Ann", age });
}
