//! The models that the cases share.
#![allow(dead_code)]

use sequor::prelude::*;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    Admin,
    Nurse,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(timestamps)]
pub struct User {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub email: String,
    pub name: String,
    #[field(default = Role::Nurse)]
    pub role: Role,
    pub age: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub posts: HasMany<Post>,
}

#[derive(Model, Clone, Debug, PartialEq)]
pub struct Post {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    pub title: String,
    #[field(default = false)]
    pub published: bool,
    pub user_id: i64,
    pub user: BelongsTo<User>,
    pub tags: BelongsToMany<Tag, PostTag>,
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
