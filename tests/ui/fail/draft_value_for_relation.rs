#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn main() {
    let _ = draft!(User { email: "ann@x.io", name: "Ann", posts: "Hi" });
}
