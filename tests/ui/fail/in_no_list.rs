#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn run() -> Find<User> {
    User::find_all().filter(User::ID.is_in(5))
}

fn main() {
    let _ = run;
}
