#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn published(q: Find<Post>) -> Find<Post> {
    q.filter(Post::PUBLISHED.eq(true))
}

fn run() -> Find<User> {
    User::find_all().scope(published)
}

fn main() {
    let _ = run;
}
