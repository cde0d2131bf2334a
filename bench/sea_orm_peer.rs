//! SeaORM on any of the databases: entities as `sea-orm-cli` writes them; related rows by `LoaderTrait::load_many` (https://www.sea-ql.org/SeaORM/docs/relation/data-loader/).

use crate::models::{New, key};
use crate::workloads::Place;
use bench_harness::{Case, case, timed};
use sea_orm::entity::prelude::*;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectOptions, Database, DatabaseConnection, LoaderTrait, QueryOrder, QuerySelect, Set,
    TransactionTrait,
};

mod people {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "people")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub email: String,
        pub age: Option<i32>,
        pub score: f64,
        pub active: bool,
        pub bio: Option<String>,
        pub created_at: DateTimeUtc,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
mod inserted {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "inserted")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub email: String,
        pub age: Option<i32>,
        pub score: f64,
        pub active: bool,
        pub bio: Option<String>,
        pub created_at: DateTimeUtc,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
mod users {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub email: String,
        pub age: Option<i32>,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::posts::Entity")]
        Posts,
    }
    impl Related<super::posts::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Posts.def()
        }
    }
    impl ActiveModelBehavior for ActiveModel {}
}
mod posts {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "posts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub user_id: i32,
        pub title: String,
        pub body: Option<String>,
        pub created_at: DateTimeUtc,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::users::Entity", from = "Column::UserId", to = "super::users::Column::Id")]
        User,
        #[sea_orm(has_many = "super::comments::Entity")]
        Comments,
    }
    impl Related<super::users::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::User.def()
        }
    }
    impl Related<super::comments::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Comments.def()
        }
    }
    impl ActiveModelBehavior for ActiveModel {}
}
mod comments {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "comments")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub post_id: i32,
        pub author: String,
        pub text: String,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::posts::Entity", from = "Column::PostId", to = "super::posts::Column::Id")]
        Post,
    }
    impl Related<super::posts::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Post.def()
        }
    }
    impl ActiveModelBehavior for ActiveModel {}
}

pub struct Peer<'a> {
    place: &'a Place,
    db: DatabaseConnection,
    most: usize,
}

fn active(row: &New) -> inserted::ActiveModel {
    inserted::ActiveModel {
        id: ActiveValue::NotSet,
        name: Set(row.name.clone()),
        email: Set(row.email.clone()),
        age: Set(row.age),
        score: Set(row.score),
        active: Set(row.active),
        bio: Set(row.bio.clone()),
        created_at: Set(row.created_at),
    }
}

impl<'a> Peer<'a> {
    /// `most`: how many rows one statement takes, as the database's limit of parameters demands.
    pub fn connect(place: &'a Place, url: String, most: usize) -> Self {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).min_connections(1).sqlx_logging(false).test_before_acquire(false);
        Peer { place, db: place.wait(Database::connect(options)).expect("a connection"), most }
    }

    pub fn find_by_key(&self, per: u32) -> Case<'_> {
        case("SeaORM", per, move || {
            timed(|| {
                self.place.wait(async {
                    for i in 0..per {
                        std::hint::black_box(people::Entity::find_by_id(key(i)).one(&self.db).await.expect("an answer").expect("a row"));
                    }
                })
            })
        })
    }

    pub fn rows(&self, per: u32, count: u32) -> Case<'_> {
        case("SeaORM", per, move || {
            timed(|| {
                self.place.wait(async {
                    for _ in 0..per {
                        let find = people::Entity::find();
                        let find = if count == 10000 { find } else { find.order_by_asc(people::Column::Id).limit(u64::from(count)) };
                        assert!(find.all(&self.db).await.expect("rows").len() == count as usize);
                    }
                })
            })
        })
    }

    pub fn insert<'b>(&'b self, data: &'b [New], empty: &'b dyn Fn()) -> Case<'b> {
        case("SeaORM", 1, move || {
            empty();
            timed(|| {
                self.place.wait(async {
                    let transaction = self.db.begin().await.expect("a transaction");
                    for chunk in data.chunks(self.most) {
                        inserted::Entity::insert_many(chunk.iter().map(active)).exec(&transaction).await.expect("rows");
                    }
                    transaction.commit().await.expect("a commit");
                })
            })
        })
    }

    pub fn create_one<'b>(&'b self, data: &'b [New]) -> Case<'b> {
        case("SeaORM", data.len() as u32, move || {
            timed(|| {
                self.place.wait(async {
                    for row in data {
                        assert!(active(row).insert(&self.db).await.expect("a row").id > 0);
                    }
                })
            })
        })
    }

    pub fn include(&self, count: i32) -> Case<'_> {
        case("SeaORM", 1, move || {
            timed(|| {
                self.place.wait(async {
                    let users = users::Entity::find().filter(users::Column::Id.lte(count)).all(&self.db).await.expect("rows");
                    let posts = users.load_many(posts::Entity, &self.db).await.expect("rows");
                    let flat: Vec<posts::Model> = posts.into_iter().flatten().collect();
                    let comments = flat.load_many(comments::Entity, &self.db).await.expect("rows");
                    assert!(users.len() == count as usize && flat.len() == 10 * count as usize && comments[0].len() == 5);
                })
            })
        })
    }
}
