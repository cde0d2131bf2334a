//! The tour's models and their lists.
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
pub struct Profile {
    #[field(primary_key, auto_increment)]
    pub id: i64,
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
pub struct Tag {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
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

#[derive(Projection)]
#[projection(of = User)]
struct UserName {
    name: String,
}

#[derive(Projection)]
#[projection(of = Post)]
struct PostView {
    id: Uuid,
    title: String,
    #[projection(of = User)]
    user: UserName,
    #[projection(expr = Post::TAGS.count())]
    tags: i64,
}

models!(pub type All = User, Profile, Post, Tag, PostTag);

async fn run(db: &Db) -> Result<()> {
    let (age, role) = (18, Role::Admin);
    let _: Vec<User> = db.query_as(sql!("SELECT * FROM users WHERE age > {age} AND role = {role}")).await?;
    let views: Vec<PostView> = Post::find_all().project::<PostView>().order_by(Post::ID.asc()).exec(db).await?;
    for view in views {
        println!("{} {} {} {}", view.id, view.title, view.user.name, view.tags);
    }
    db.sync::<All>(SyncMode::Create).await
}

fn main() {
    let _ = run;
}

#[test]
fn compiles_and_runs() {
    main();
}
