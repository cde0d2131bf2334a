//! The levels of trees.

use super::Hand;
use crate::raw::{Fields, Parameter};
use bench_harness::plain::{Comment, Levels, Mark, Post, Reply, Tag, User};

const POST: &str = "SELECT id, user_id, title, body, created_at FROM posts";

fn user(f: &mut Fields<'_>) -> User {
    User { id: f.i32(), name: f.string(), email: f.string(), age: f.i32_or_null(), posts: Vec::new() }
}

fn post(f: &mut Fields<'_>) -> Post {
    Post {
        id: f.i32(),
        user_id: f.i32(),
        title: f.string(),
        body: f.string_or_null(),
        created_at: f.instant(),
        user: None,
        comments: Vec::new(),
        tags: Vec::new(),
    }
}

impl Hand {
    fn up_to<T>(&mut self, sql: &str, most: i32, make: impl Fn(&mut Fields<'_>) -> T) -> Vec<T> {
        self.read(sql, &[Parameter::Int(most)], |mut f| make(&mut f))
    }

    /// The list stands where `sql` has `IN ()`.
    fn below<T>(&mut self, sql: &str, keys: &[i32], make: impl Fn(&mut Fields<'_>) -> T) -> Vec<T> {
        let list = vec!["?"; keys.len()].join(",");
        let keys: Vec<Parameter<'_>> = keys.iter().map(|key| Parameter::Int(*key)).collect();
        self.read(&sql.replace("IN ()", &format!("IN ({list})")), &keys, |mut f| make(&mut f))
    }
}

impl Levels for Hand {
    async fn users(&mut self, most: i32) -> Vec<User> {
        self.up_to("SELECT id, name, email, age FROM users WHERE id <= ?", most, user)
    }

    async fn posts(&mut self, users: &[i32]) -> Vec<Post> {
        self.below(&format!("{POST} WHERE user_id IN ()"), users, post)
    }

    async fn comments(&mut self, posts: &[i32]) -> Vec<Comment> {
        let comment =
            |f: &mut Fields<'_>| Comment { id: f.i32(), post_id: f.i32(), author: f.string(), text: f.string(), replies: Vec::new() };
        self.below("SELECT id, post_id, author, text FROM comments WHERE post_id IN ()", posts, comment)
    }

    async fn replies(&mut self, comments: &[i32]) -> Vec<Reply> {
        let reply = |f: &mut Fields<'_>| Reply { id: f.i32(), comment_id: f.i32(), text: f.string(), marks: Vec::new() };
        self.below("SELECT id, comment_id, text FROM replies WHERE comment_id IN ()", comments, reply)
    }

    async fn marks(&mut self, replies: &[i32]) -> Vec<Mark> {
        let mark = |f: &mut Fields<'_>| Mark { id: f.i32(), reply_id: f.i32(), value: f.i32() };
        self.below("SELECT id, reply_id, value FROM marks WHERE reply_id IN ()", replies, mark)
    }

    async fn posts_and_users(&mut self, most: i32) -> Vec<Post> {
        let sql = "SELECT p.id, p.user_id, p.title, p.body, p.created_at, u.id, u.name, u.email, u.age FROM posts p JOIN users u ON u.id = p.user_id WHERE p.id <= ?";
        self.up_to(sql, most, |f| {
            let post = post(f);
            Post { user: Some(user(f)), ..post }
        })
    }

    async fn first_posts(&mut self, most: i32) -> Vec<Post> {
        self.up_to(&format!("{POST} WHERE id <= ?"), most, post)
    }

    async fn tags(&mut self, posts: &[i32]) -> Vec<(i32, Tag)> {
        let sql = "SELECT pt.post_id, t.id, t.name FROM post_tags pt JOIN tags t ON t.id = pt.tag_id WHERE pt.post_id IN ()";
        self.below(sql, posts, |f| (f.i32(), Tag { id: f.i32(), name: f.string() }))
    }

    async fn newest(&mut self, users: &[i32]) -> Vec<Post> {
        let sql = "SELECT id, user_id, title, body, created_at FROM (SELECT p.*, row_number() OVER (PARTITION BY user_id ORDER BY id DESC) AS place \
            FROM posts p WHERE user_id IN ()) n WHERE place <= 3";
        self.below(sql, users, post)
    }
}
