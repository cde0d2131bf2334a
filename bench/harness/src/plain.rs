//! What a program without an ORM would make of the tables, and how it hangs rows below others.

use crate::hand::Keyed;
use crate::{Tree, wide_columns};
use chrono::{DateTime, Utc};
use std::collections::HashMap;

pub struct Person {
    pub id: i32,
    pub name: String,
    pub email: String,
    pub age: Option<i32>,
    pub score: f64,
    pub active: bool,
    pub bio: Option<String>,
    pub created_at: DateTime<Utc>,
}

pub struct Event {
    pub id: i32,
    pub kind: String,
    pub amount: f64,
}

macro_rules! wide {
    ([$($t:ident)*] [$($i:ident)*] [$($f:ident)*] [$($b:ident)*] [$($n:ident)*]) => {
        pub struct Wide {
            pub id: i32,
            $(pub $t: String,)* $(pub $i: i32,)* $(pub $f: f64,)* $(pub $b: bool,)* $(pub $n: Option<String>,)*
        }

        /// A wide row from columns that are read in order.
        #[macro_export]
        macro_rules! wide_row {
            ($id:expr, $text:expr, $whole:expr, $number:expr, $truth:expr, $maybe:expr) => {
                $crate::plain::Wide { id: $id, $($t: $text,)* $($i: $whole,)* $($f: $number,)* $($b: $truth,)* $($n: $maybe,)* }
            };
        }
    };
}
wide_columns!(wide);

pub struct User {
    pub id: i32,
    pub name: String,
    pub email: String,
    pub age: Option<i32>,
    pub posts: Vec<Post>,
}
pub struct Post {
    pub id: i32,
    pub user_id: i32,
    pub title: String,
    pub body: Option<String>,
    pub created_at: DateTime<Utc>,
    pub user: Option<User>,
    pub comments: Vec<Comment>,
    pub tags: Vec<Tag>,
}
pub struct Comment {
    pub id: i32,
    pub post_id: i32,
    pub author: String,
    pub text: String,
    pub replies: Vec<Reply>,
}
pub struct Reply {
    pub id: i32,
    pub comment_id: i32,
    pub text: String,
    pub marks: Vec<Mark>,
}
pub struct Mark {
    pub id: i32,
    pub reply_id: i32,
    pub value: i32,
}
pub struct Tag {
    pub id: i32,
    pub name: String,
}

macro_rules! keyed {
    ($($row:ident)*) => { $(impl Keyed for $row { fn id(&self) -> i32 { self.id } })* };
}
keyed!(Person Event Wide User Post Comment Reply Mark Tag);

/// The keys of rows.
pub fn keys<T: Keyed>(rows: &[T]) -> Vec<i32> {
    rows.iter().map(Keyed::id).collect()
}

/// Moves children to the parents that they name.
pub fn hang<P: Keyed, C>(parents: &mut [P], children: Vec<C>, parent: impl Fn(&C) -> i32, list: impl Fn(&mut P) -> &mut Vec<C>) {
    let at: HashMap<i32, usize> = parents.iter().enumerate().map(|(index, parent)| (parent.id(), index)).collect();
    for child in children {
        if let Some(index) = at.get(&parent(&child)) {
            list(&mut parents[*index]).push(child);
        }
    }
}

/// A level of a tree, as a client reads it.
#[expect(async_fn_in_trait, reason = "nobody asks whether these futures are Send")]
pub trait Levels {
    /// The users up to a key.
    async fn users(&mut self, most: i32) -> Vec<User>;
    async fn posts(&mut self, users: &[i32]) -> Vec<Post>;
    async fn comments(&mut self, posts: &[i32]) -> Vec<Comment>;
    async fn replies(&mut self, comments: &[i32]) -> Vec<Reply>;
    async fn marks(&mut self, replies: &[i32]) -> Vec<Mark>;
    /// The posts up to a key, each with its user.
    async fn posts_and_users(&mut self, most: i32) -> Vec<Post>;
    /// The posts up to a key, alone.
    async fn first_posts(&mut self, most: i32) -> Vec<Post>;
    /// Tags with the posts that they belong to.
    async fn tags(&mut self, posts: &[i32]) -> Vec<(i32, Tag)>;
    /// The newest three posts of each of the users.
    async fn newest(&mut self, users: &[i32]) -> Vec<Post>;
}

/// A tree, level by level.
pub async fn level_by_level<L: Levels>(levels: &mut L, tree: Tree) -> (u64, i64) {
    let mut seen = (0, 0);
    match tree {
        Tree::Three(most) => {
            let mut users = levels.users(most).await;
            let mut posts = levels.posts(&keys(&users)).await;
            let comments = levels.comments(&keys(&posts)).await;
            hang(&mut posts, comments, |comment| comment.post_id, |post| &mut post.comments);
            hang(&mut users, posts, |post| post.user_id, |user| &mut user.posts);
            note_users(&users, &mut seen);
        }
        Tree::Five => {
            let mut users = levels.users(10).await;
            let mut posts = levels.posts(&keys(&users)).await;
            let mut comments = levels.comments(&keys(&posts)).await;
            let mut replies = levels.replies(&keys(&comments)).await;
            let marks = levels.marks(&keys(&replies)).await;
            hang(&mut replies, marks, |mark| mark.reply_id, |reply| &mut reply.marks);
            hang(&mut comments, replies, |reply| reply.comment_id, |comment| &mut comment.replies);
            hang(&mut posts, comments, |comment| comment.post_id, |post| &mut post.comments);
            hang(&mut users, posts, |post| post.user_id, |user| &mut user.posts);
            note_users(&users, &mut seen);
        }
        Tree::HasMany | Tree::Limited => {
            let mut users = levels.users(100).await;
            let keys = keys(&users);
            let posts = if tree == Tree::Limited { levels.newest(&keys).await } else { levels.posts(&keys).await };
            hang(&mut users, posts, |post| post.user_id, |user| &mut user.posts);
            note_users(&users, &mut seen);
        }
        Tree::BelongsTo => note_posts(&levels.posts_and_users(1_000).await, &mut seen),
        Tree::ManyToMany => {
            let mut posts = levels.first_posts(100).await;
            let tags = levels.tags(&keys(&posts)).await;
            let at: HashMap<i32, usize> = posts.iter().enumerate().map(|(index, post)| (post.id, index)).collect();
            for (post, tag) in tags {
                posts[at[&post]].tags.push(tag);
            }
            note_posts(&posts, &mut seen);
        }
    }
    seen
}

fn note(id: i32, seen: &mut (u64, i64)) {
    *seen = (seen.0 + 1, seen.1 + i64::from(id));
}

/// Counts users and all that hangs below them.
pub fn note_users(users: &[User], seen: &mut (u64, i64)) {
    for user in std::hint::black_box(users) {
        note(user.id, seen);
        note_posts(&user.posts, seen);
    }
}

/// Counts posts and all that hangs below them.
pub fn note_posts(posts: &[Post], seen: &mut (u64, i64)) {
    for post in std::hint::black_box(posts) {
        note(post.id, seen);
        post.user.iter().for_each(|user| note(user.id, seen));
        post.tags.iter().for_each(|tag| note(tag.id, seen));
        for comment in &post.comments {
            note(comment.id, seen);
            for reply in &comment.replies {
                note(reply.id, seen);
                reply.marks.iter().for_each(|mark| note(mark.id, seen));
            }
        }
    }
}
