//! Entities as `sea-orm-cli` writes them.

macro_rules! entity {
    ($module:ident $table:literal { $($field:ident: $type:ty),* $(,)? } $($relations:item)*) => {
        pub mod $module {
            use sea_orm::entity::prelude::*;
            #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                $(pub $field: $type,)*
            }
            impl ActiveModelBehavior for ActiveModel {}
            $($relations)*
        }
    };
}

macro_rules! related {
    ($other:ident $relation:ident) => {
        impl Related<super::$other::Entity> for Entity {
            fn to() -> RelationDef {
                Relation::$relation.def()
            }
        }
    };
}

entity! { people "people" { name: String, email: String, age: Option<i32>, score: f64, active: bool, bio: Option<String>, created_at: DateTimeUtc }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
}
entity! { inserted "inserted" { name: String, email: String, age: Option<i32>, score: f64, active: bool, bio: Option<String>, created_at: DateTimeUtc }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
}
entity! { events "events" { kind: String, amount: f64 }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
}

macro_rules! wide {
    ([$($t:ident)*] [$($i:ident)*] [$($f:ident)*] [$($b:ident)*] [$($n:ident)*]) => {
        entity! { wide "wide" { $($t: String,)* $($i: i32,)* $($f: f64,)* $($b: bool,)* $($n: Option<String>),* }
            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}
        }
    };
}
bench_harness::wide_columns!(wide);

entity! { users "users" { name: String, email: String, age: Option<i32> }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::posts::Entity")]
        Posts,
    }
    related!(posts Posts);
}
entity! { posts "posts" { user_id: i32, title: String, body: Option<String>, created_at: DateTimeUtc }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::users::Entity", from = "Column::UserId", to = "super::users::Column::Id")]
        User,
        #[sea_orm(has_many = "super::comments::Entity")]
        Comments,
    }
    related!(users User);
    related!(comments Comments);
    impl Related<super::tags::Entity> for Entity {
        fn to() -> RelationDef {
            super::post_tags::Relation::Tag.def()
        }
        fn via() -> Option<RelationDef> {
            Some(super::post_tags::Relation::Post.def().rev())
        }
    }
}
entity! { tags "tags" { name: String }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl Related<super::posts::Entity> for Entity {
        fn to() -> RelationDef {
            super::post_tags::Relation::Post.def()
        }
        fn via() -> Option<RelationDef> {
            Some(super::post_tags::Relation::Tag.def().rev())
        }
    }
}
pub mod post_tags {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "post_tags")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub post_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub tag_id: i32,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::posts::Entity", from = "Column::PostId", to = "super::posts::Column::Id")]
        Post,
        #[sea_orm(belongs_to = "super::tags::Entity", from = "Column::TagId", to = "super::tags::Column::Id")]
        Tag,
    }
    impl ActiveModelBehavior for ActiveModel {}
}
entity! { comments "comments" { post_id: i32, author: String, text: String }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::posts::Entity", from = "Column::PostId", to = "super::posts::Column::Id")]
        Post,
        #[sea_orm(has_many = "super::replies::Entity")]
        Replies,
    }
    related!(posts Post);
    related!(replies Replies);
}
entity! { replies "replies" { comment_id: i32, text: String }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::comments::Entity", from = "Column::CommentId", to = "super::comments::Column::Id")]
        Comment,
        #[sea_orm(has_many = "super::marks::Entity")]
        Marks,
    }
    related!(comments Comment);
    related!(marks Marks);
}
entity! { marks "marks" { reply_id: i32, value: i32 }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::replies::Entity", from = "Column::ReplyId", to = "super::replies::Column::Id")]
        Reply,
    }
    related!(replies Reply);
}
