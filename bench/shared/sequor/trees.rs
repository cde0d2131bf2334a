//! Rows with what belongs to them. A tree counts as its rows and the sum of their keys.

use crate::models::*;
use sequor::prelude::*;

fn note(seen: &mut (u64, i64), id: i32) {
    *seen = (seen.0 + 1, seen.1 + i64::from(id));
}

pub async fn three(db: Db, times: u32, count: i32) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        let find = User::find_all().filter(User::ID.lte(count)).include(User::POSTS.include(Post::COMMENTS));
        for user in &find.exec(&db).await.expect("rows") {
            note(&mut seen, user.id);
            for post in user.posts.loaded().expect("loaded") {
                note(&mut seen, post.id);
                post.comments.loaded().expect("loaded").iter().for_each(|comment| note(&mut seen, comment.id));
            }
        }
    }
    seen
}

pub async fn five(db: Db, times: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        let replies = Comment::REPLIES.include(Reply::MARKS);
        let find = User::find_all().filter(User::ID.lte(10)).include(User::POSTS.include(Post::COMMENTS.include(replies)));
        for user in &find.exec(&db).await.expect("rows") {
            note(&mut seen, user.id);
            for post in user.posts.loaded().expect("loaded") {
                note(&mut seen, post.id);
                for comment in post.comments.loaded().expect("loaded") {
                    note(&mut seen, comment.id);
                    for reply in comment.replies.loaded().expect("loaded") {
                        note(&mut seen, reply.id);
                        reply.marks.loaded().expect("loaded").iter().for_each(|mark| note(&mut seen, mark.id));
                    }
                }
            }
        }
    }
    seen
}

pub async fn belongs_to(db: Db, times: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        for post in &Post::find_all().filter(Post::ID.lte(1_000)).include(Post::USER).exec(&db).await.expect("rows") {
            note(&mut seen, post.id);
            note(&mut seen, post.user.loaded().expect("loaded").id);
        }
    }
    seen
}

pub async fn has_many(db: Db, times: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        for user in &User::find_all().filter(User::ID.lte(100)).include(User::POSTS).exec(&db).await.expect("rows") {
            note(&mut seen, user.id);
            user.posts.loaded().expect("loaded").iter().for_each(|post| note(&mut seen, post.id));
        }
    }
    seen
}

pub async fn many_to_many(db: Db, times: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        for post in &Post::find_all().filter(Post::ID.lte(100)).include(Post::TAGS).exec(&db).await.expect("rows") {
            note(&mut seen, post.id);
            post.tags.loaded().expect("loaded").iter().for_each(|tag| note(&mut seen, tag.id));
        }
    }
    seen
}

pub async fn limited(db: Db, times: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for _ in 0..times {
        let newest = User::POSTS.order_by(Post::ID.desc()).limit(3);
        for user in &User::find_all().filter(User::ID.lte(100)).include(newest).exec(&db).await.expect("rows") {
            note(&mut seen, user.id);
            user.posts.loaded().expect("loaded").iter().for_each(|post| note(&mut seen, post.id));
        }
    }
    seen
}
