//! The models of the tour, as its first section shows them.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "users", timestamps, paranoid)]
pub struct User {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(email))]
    pub email: String,
    #[field(validate(len(min = 1, max = 80)))]
    pub name: String,
    #[field(default = Role::Nurse)]
    pub role: Role,
    pub age: Option<i32>,
    #[field(default = json!({}))]
    pub settings: Json,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,

    pub profile: HasOne<Profile>,
    pub posts: HasMany<Post>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "profiles")]
pub struct Profile {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub bio: String,
    pub user_id: i64,
    pub user: BelongsTo<User>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "posts", timestamps, index(columns("user_id", "created_at desc")))]
pub struct Post {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    pub title: String,
    pub body: Option<String>,
    #[field(default = false)]
    pub published: bool,
    pub user_id: i64,
    #[relation(on_delete = "cascade", on_update = "cascade")]
    pub user: BelongsTo<User>,
    pub tags: BelongsToMany<Tag, PostTag>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "tags")]
pub struct Tag {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub name: String,
    pub posts: BelongsToMany<Post, PostTag>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "post_tags")]
pub struct PostTag {
    #[field(primary_key)]
    pub post_id: Uuid,
    #[field(primary_key)]
    pub tag_id: i64,
    pub added_by: Option<i64>,
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "user_role", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    Admin,
    Nurse,
    SchoolAdmin,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = User)]
pub struct UserName {
    pub id: i64,
    pub name: String,
}

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Post)]
pub struct PostView {
    pub id: Uuid,
    pub title: String,
    #[projection(of = User)]
    pub user: UserName,
    #[projection(expr = Post::TAGS.count())]
    pub tags: i64,
}

models!(pub type All = User, Profile, Post, Tag, PostTag);

/// Two users, three posts, two tags.
pub async fn seed(db: &Db) -> sequor::Result<Vec<User>> {
    let ann = draft!(User {
        email: "ann@x.io",
        name: "Ann",
        age: 31,
        role: Role::Admin,
        posts: [
            { title: "First", published: true, tags: [{ name: "rust" }, { name: "sql" }] },
            { title: "Second", published: true },
            { title: "Third" },
        ],
    })
    .create(db)
    .await?;
    let bo = draft!(User { email: "bo@x.io", name: "Bo", age: 17 }).create(db).await?;
    Ok(vec![ann, bo])
}
