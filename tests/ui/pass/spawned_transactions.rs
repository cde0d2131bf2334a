#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn whole(db: Db) -> Result<User> {
    let email = String::from("ann@x.io");
    let mut attempts = 0;
    let user = db
        .transaction(async |tx| {
            attempts += 1;
            let user = draft!(User { email: &email, name: "Ann", posts: [{ title: "Hi", tags: [{ name: "rust" }] }] }).create(tx).await?;
            tx.transaction(async |sp| {
                let posts = user.related(User::POSTS).exec(sp).await?;
                posts.load(Post::TAGS, sp).await?;
                Ok(())
            })
            .await
            .ok();
            let mut user = user.edit();
            user.name = "Anna".into();
            user.save(tx).await
        })
        .await?;
    let found = User::find_all()
        .include(User::POSTS.filter(Post::PUBLISHED.eq(true)).order_by(Post::TITLE.desc()).limit(3).include(Post::TAGS).include(Post::USER))
        .filter(User::AGE.gte(18).and(User::NAME.ilike("%ann%").or(User::ROLE.is_in([Role::Admin]))))
        .filter(User::POSTS.any(Post::PUBLISHED.eq(true)))
        .order_by((User::CREATED_AT.desc(), User::ID.asc()))
        .exec(&db)
        .await?;
    assert!(attempts == 1 && found.len() < 2);
    Ok(user)
}

fn main() {
    fn sent<T: Send + 'static>(_: T) {}
    let spawn = |db: Db| sent(whole(db));
    let _ = spawn;
}

#[test]
fn compiles_and_runs() {
    main();
}
