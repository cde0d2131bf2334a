// What the examples of single methods share: two models, and a database with one user.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "users", paranoid)]
pub struct User {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(min = 1, max = 80)))]
    pub name: String,
    pub age: Option<i32>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub posts: HasMany<Post>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "posts")]
pub struct Post {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub title: String,
    pub user_id: Option<i64>,
    pub user: BelongsTo<Option<User>>,
}

#[allow(dead_code)]
pub async fn seeded() -> Result<(Db, User)> {
    let db = Db::connect("sqlite::memory:").await?;
    db.sync::<(User, Post)>(SyncMode::Create).await?;
    let ann = draft!(User { name: "Ann", age: 31 }).create(&db).await?;
    Ok((db, ann))
}
