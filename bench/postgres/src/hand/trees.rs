//! The levels of trees.

use super::Hand;
use crate::raw::{Fields, Raw};
use bench_harness::plain::{Comment, Levels, Mark, Post, Reply, Tag, User, hang, note_users};
use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;

const USERS: &str = "SELECT id, name, email, age FROM users WHERE id <= $1";
const POSTS: &str = "SELECT id, user_id, title, body, created_at FROM posts WHERE user_id = ANY($1)";
const COMMENTS: &str = "SELECT id, post_id, author, text FROM comments WHERE post_id = ANY($1)";
const REPLIES: &str = "SELECT id, comment_id, text FROM replies WHERE comment_id = ANY($1)";
const MARKS: &str = "SELECT id, reply_id, value FROM marks WHERE reply_id = ANY($1)";
const BOTH: &str = "SELECT p.id, p.user_id, p.title, p.body, p.created_at, u.id, u.name, u.email, u.age \
    FROM posts p JOIN users u ON u.id = p.user_id WHERE p.id <= $1";
const FIRST_POSTS: &str = "SELECT id, user_id, title, body, created_at FROM posts WHERE id <= $1";
const TAGS: &str = "SELECT pt.post_id, t.id, t.name FROM post_tags pt JOIN tags t ON t.id = pt.tag_id WHERE pt.post_id = ANY($1)";
const NEWEST: &str = "SELECT p.id, p.user_id, p.title, p.body, p.created_at FROM UNNEST($1::int4[]) AS u(id) \
    CROSS JOIN LATERAL (SELECT * FROM posts WHERE user_id = u.id ORDER BY id DESC LIMIT 3) p";
const POSTS_OF: &str =
    "SELECT id, user_id, title, body, created_at FROM posts WHERE user_id = ANY(ARRAY(SELECT id FROM users WHERE id <= $1))";
const COMMENTS_OF: &str = "SELECT id, post_id, author, text FROM comments WHERE post_id = ANY(ARRAY(SELECT id FROM posts WHERE user_id = ANY(ARRAY(SELECT id FROM users WHERE id <= $1))))";

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

fn comment(f: &mut Fields<'_>) -> Comment {
    Comment { id: f.i32(), post_id: f.i32(), author: f.string(), text: f.string(), replies: Vec::new() }
}

impl Hand {
    async fn up_to<T>(&mut self, sql: &str, most: i32, make: impl Fn(&mut Fields<'_>) -> T) -> Vec<T> {
        let put = |_: usize, out: &mut BytesMut| {
            out.put_i32(most);
            IsNull::No
        };
        self.read(sql, 1, put, |body| make(&mut Fields::new(body))).await
    }

    async fn below<T>(&mut self, sql: &str, keys: &[i32], make: impl Fn(&mut Fields<'_>) -> T) -> Vec<T> {
        self.read(sql, 1, |_, out| super::ids(out, keys), |body| make(&mut Fields::new(body))).await
    }
}

impl Levels for Hand {
    async fn users(&mut self, most: i32) -> Vec<User> {
        self.up_to(USERS, most, user).await
    }

    async fn posts(&mut self, users: &[i32]) -> Vec<Post> {
        self.below(POSTS, users, post).await
    }

    async fn comments(&mut self, posts: &[i32]) -> Vec<Comment> {
        self.below(COMMENTS, posts, comment).await
    }

    async fn replies(&mut self, comments: &[i32]) -> Vec<Reply> {
        let reply = |f: &mut Fields<'_>| Reply { id: f.i32(), comment_id: f.i32(), text: f.string(), marks: Vec::new() };
        self.below(REPLIES, comments, reply).await
    }

    async fn marks(&mut self, replies: &[i32]) -> Vec<Mark> {
        self.below(MARKS, replies, |f| Mark { id: f.i32(), reply_id: f.i32(), value: f.i32() }).await
    }

    async fn posts_and_users(&mut self, most: i32) -> Vec<Post> {
        self.up_to(BOTH, most, |f| {
            let post = post(f);
            Post { user: Some(user(f)), ..post }
        })
        .await
    }

    async fn first_posts(&mut self, most: i32) -> Vec<Post> {
        self.up_to(FIRST_POSTS, most, post).await
    }

    async fn tags(&mut self, posts: &[i32]) -> Vec<(i32, Tag)> {
        self.below(TAGS, posts, |f| (f.i32(), Tag { id: f.i32(), name: f.string() })).await
    }

    async fn newest(&mut self, users: &[i32]) -> Vec<Post> {
        self.below(NEWEST, users, post).await
    }
}

/// Three levels in one message: each level asks for its parents again.
pub async fn one_flush(raw: &mut Raw, count: i32) -> (u64, i64) {
    // All are prepared before one is written: preparing sends what is written.
    let statements = [raw.known(USERS).await, raw.known(POSTS_OF).await, raw.known(COMMENTS_OF).await];
    for statement in statements {
        raw.execute(statement, &[count]);
        raw.sync();
    }
    let (mut users, mut posts, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    // The column counts tell the three results apart.
    raw.flush(3, |body| {
        let mut f = Fields::new(body);
        match (body[1], users.len() == count as usize, posts.len() == 10 * count as usize) {
            (5, ..) => posts.push(post(&mut f)),
            (_, true, true) => comments.push(comment(&mut f)),
            _ => users.push(user(&mut f)),
        }
    })
    .await;
    hang(&mut posts, comments, |comment| comment.post_id, |post| &mut post.comments);
    hang(&mut users, posts, |post| post.user_id, |user| &mut user.posts);
    let mut seen = (0, 0);
    note_users(&users, &mut seen);
    seen
}
