#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn main() {
    let _ = draft!(User { email: "a@x.io", name: "Ann", posts: [{ title: "Hi", tags: [{ name: "rust" }, {}] }] });
}
