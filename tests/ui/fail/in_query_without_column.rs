#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn run() -> Find<User> {
    User::find_all().filter(User::ID.not_in(Post::find_all()))
}

fn main() {
    let _ = run;
}
