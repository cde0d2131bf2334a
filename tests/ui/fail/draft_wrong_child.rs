#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn main() {
    let tag = draft!(Tag { name: "rust" });
    let _ = draft!(User { email: "ann@x.io", name: "Ann", posts: [tag] });
}
