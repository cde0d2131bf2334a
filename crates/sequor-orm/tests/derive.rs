//! The derives: models, enums, drafts, compiled against the real traits.

#![allow(missing_docs, clippy::unwrap_used)]

extern crate sequor_orm as sequor;

use chrono::{DateTime, Utc};
use sequor::Json;
use sequor::model::{BelongsTo, BelongsToMany, DbEnum as _, HasMany, HasOne, Model as _};
use sequor_macros::{DbEnum, Model, draft};
use serde_json::json;
use uuid::Uuid;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "user_role", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    Admin,
    Nurse,
    SchoolAdmin,
}

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
    pub bio: Option<String>,
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
    pub posts: BelongsToMany<Post, PostTag>,
}

#[derive(Model, Clone, Debug, PartialEq)]
pub struct PostTag {
    #[field(primary_key)]
    pub post_id: Uuid,
    #[field(primary_key)]
    pub tag_id: i64,
    pub added_by: Option<i64>,
}

#[test]
fn the_definition_follows_the_attributes() {
    let user = User::model();
    assert_eq!(user.table.name, "users");
    assert_eq!(user.columns.len(), 9);
    assert_eq!(user.columns[1].name, "email");
    assert!(user.columns[1].unique.is_some());
    assert_eq!(user.columns[2].ty, sequor::__private::ColumnType::VarChar(80));
    assert_eq!(User::ROLE.position(), 3);
    assert_eq!(user.relations[1].foreign_key[0], "user_id");
    assert_eq!(Post::model().relations[1].through.as_ref().map(|through| through.other_key[0].to_string()), Some("tag_id".to_owned()));
    assert_eq!(Role::SchoolAdmin.label(), "SCHOOL_ADMIN");
}

#[test]
fn drafts_hold_what_they_are_given() {
    let name = "Bo";
    let tag = draft!(Tag { name: "sql" });
    let _ = draft!(User { email: "ann@x.io", name: "Ann" });
    let _ = draft!(User { email: "bo@x.io", name, age: 18, posts: [{ title: "Hi", tags: [{ name: "rust" }, tag] }, { title: "Ho", published: true }] });
    let _ = draft!(User { email: "bo@x.io", name, role: Role::Admin, profile: {}, posts: [] });
    let _ = draft!(Post { title: { let text = "a"; text.to_owned() }, user: { email: "c@x.io", name: "Cy" } });
    let _ = draft!(Profile { user_id: 7, bio: None });
}
