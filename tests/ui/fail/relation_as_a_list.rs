//! A relation field is taken for the list of its rows.
#[path = "../models.rs"]
mod models;
use models::*;

fn titles(user: &User) -> usize {
    for post in &user.posts {
        println!("{}", post.title);
    }
    println!("{}", user.posts[0].title);
    user.posts.len()
}

fn main() {}
