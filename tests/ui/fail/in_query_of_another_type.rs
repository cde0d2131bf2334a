#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn run() -> Find<User> {
    User::find_all().filter(User::ID.is_in(Post::find_all().select(Post::TITLE)))
}

fn main() {
    let _ = run;
}
