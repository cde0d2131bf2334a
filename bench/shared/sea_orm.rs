//! SeaORM on any of the databases: entities as `sea-orm-cli` writes them; related rows by `LoaderTrait::load_many`
//! (https://www.sea-ql.org/SeaORM/docs/relation/data-loader/); pages by cursor and offset (https://www.sea-ql.org/SeaORM/docs/basic-crud/select/).

#[path = "sea_orm/entities.rs"]
mod entities;

use bench_harness::data::{DEEP, New, key, rows, score};
use bench_harness::hand::days;
use bench_harness::{Ask, Contender, Seen, Stage, Tree, Work};
use entities::*;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue, ConnectOptions, Database, DatabaseConnection, IntoActiveModel, LoaderTrait, QueryOrder, QuerySelect, Set, TransactionTrait,
};
use std::cell::OnceCell;

pub struct Peer {
    stage: Stage,
    url: String,
    db: DatabaseConnection,
    pool: OnceCell<DatabaseConnection>,
    people: OnceCell<Vec<people::Model>>,
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

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).min_connections(1).sqlx_logging(false).test_before_acquire(false);
    options
}

impl Peer {
    /// `most`: how many rows one statement takes, as the database's limit of parameters demands.
    pub fn connect(stage: Stage, url: String, most: usize) -> Self {
        let db = stage.wait(Database::connect(options(&url, 1))).expect("a connection");
        Peer { stage, url, db, pool: OnceCell::new(), people: OnceCell::new(), most }
    }

    /// Loaded rows with a new score.
    fn changed(&self, count: usize, turn: u32) -> Vec<people::ActiveModel> {
        let find = || self.stage.wait(people::Entity::find().order_by_asc(people::Column::Id).limit(1_000).all(&self.db)).expect("rows");
        let change = |model: &people::Model| {
            let mut active = model.clone().into_active_model();
            active.score = Set(score(model.id, turn));
            active
        };
        self.people.get_or_init(find).iter().take(count).map(change).collect()
    }
}

impl Contender for Peer {
    fn name(&self) -> String {
        "SeaORM".to_owned()
    }

    fn run(&self, work: Work, Ask { operations, turn }: Ask) -> Option<Seen> {
        let (stage, db) = (self.stage, &self.db);
        let actives = |count: u32| -> Vec<inserted::ActiveModel> { rows(count).iter().map(active).collect() };
        Some(match work {
            Work::Tree(Tree::Limited) | Work::Stream => return None,
            Work::Create => {
                let actives = actives(operations);
                stage.here(create(db, actives))
            }
            Work::Insert(count) => {
                let all = (0..operations).map(|_| actives(count)).collect();
                stage.here(insert(db, all, self.most))
            }
            Work::Upsert => {
                let mut actives = actives(1_000);
                actives.iter_mut().zip(1..).for_each(|(active, id)| active.id = Set(id));
                stage.here(upsert(db, actives))
            }
            Work::UpdateOne => {
                let changed = self.changed(operations as usize, turn);
                stage.here(save(db, changed))
            }
            Work::UpdateMany => {
                let changed = self.changed(1_000, turn);
                stage.here(save_all(db, changed))
            }
            Work::UpdateAll => stage.here(update_all(db, f64::from(turn))),
            Work::Transaction => stage.here(transaction(db, operations, turn)),
            Work::Tasks(tasks) => {
                let connect = || stage.crowd.block_on(Database::connect(options(&self.url, 10))).expect("a pool");
                let pool = self.pool.get_or_init(connect).clone();
                stage.spread(tasks, operations, move |key| {
                    let pool = pool.clone();
                    async move { people::Entity::find_by_id(key).one(&pool).await.expect("an answer").expect("a row").id }
                })
            }
            Work::Find | Work::Rows(_) | Work::Wide(_) | Work::Filter | Work::Page | Work::Cursor | Work::Tree(_) => {
                stage.here(read(db, work, operations))
            }
        })
    }
}

async fn read(db: &DatabaseConnection, work: Work, times: u32) -> (u64, i64) {
    let mut seen = (0, 0);
    for i in 0..times {
        let (rows, sum) = match work {
            Work::Find => sum(people::Entity::find_by_id(key(i)).one(db).await.expect("an answer").into_iter().collect(), |row| row.id),
            Work::Rows(count) => {
                let find = people::Entity::find();
                let find = if count == 10_000 { find } else { find.order_by_asc(people::Column::Id).limit(u64::from(count)) };
                sum(find.all(db).await.expect("rows"), |row| row.id)
            }
            Work::Wide(count) => {
                let find = wide::Entity::find();
                let find = if count == 10_000 { find } else { find.order_by_asc(wide::Column::Id).limit(u64::from(count)) };
                sum(find.all(db).await.expect("rows"), |row| row.id)
            }
            Work::Filter => filter(db).await,
            Work::Page => {
                let pages =
                    people::Entity::find().filter(people::Column::Active.eq(true)).order_by_asc(people::Column::Id).paginate(db, 20);
                let count = pages.num_items().await.expect("a count");
                let (rows, sum) = sum(pages.fetch_page(2).await.expect("rows"), |row| row.id);
                (rows, sum + count as i64)
            }
            Work::Cursor => {
                let mut cursor = events::Entity::find().cursor_by(events::Column::Id);
                sum(cursor.after(DEEP).first(20).all(db).await.expect("rows"), |row| row.id)
            }
            Work::Tree(kind) => tree(db, kind).await,
            _ => (0, 0),
        };
        seen = (seen.0 + rows, seen.1 + sum);
    }
    seen
}

fn sum<T>(rows: Vec<T>, id: impl Fn(&T) -> i32) -> (u64, i64) {
    let rows = std::hint::black_box(rows);
    (rows.len() as u64, rows.iter().map(|row| i64::from(id(row))).sum())
}

async fn filter(db: &DatabaseConnection) -> (u64, i64) {
    use people::Column;
    let [from, to] = days();
    let find = people::Entity::find().filter(Column::Id.gte(100)).filter(Column::Id.lt(1_000)).filter(Column::Age.gt(10));
    let find = find.filter(Column::Age.lt(60)).filter(Column::CreatedAt.gte(from)).filter(Column::CreatedAt.lt(to));
    let find = find.filter(Column::Active.eq(true)).filter(Column::Name.ne("nobody")).filter(Column::Email.ne("nobody@example.com"));
    sum(find.filter(Column::Name.like("User %")).order_by_asc(Column::Id).all(db).await.expect("rows"), |row| row.id)
}

fn both(a: (u64, i64), b: (u64, i64)) -> (u64, i64) {
    (a.0 + b.0, a.1 + b.1)
}

async fn tree(db: &DatabaseConnection, tree: Tree) -> (u64, i64) {
    let users = async |most: i32| users::Entity::find().filter(users::Column::Id.lte(most)).all(db).await.expect("rows");
    match tree {
        Tree::Three(_) | Tree::Five | Tree::HasMany | Tree::Limited => {
            let found = users(match tree {
                Tree::Three(most) => most,
                Tree::Five => 10,
                _ => 100,
            })
            .await;
            let posts: Vec<posts::Model> = found.load_many(posts::Entity, db).await.expect("rows").into_iter().flatten().collect();
            let mut seen = sum(found, |row| row.id);
            if matches!(tree, Tree::Three(_) | Tree::Five) {
                let comments: Vec<comments::Model> =
                    posts.load_many(comments::Entity, db).await.expect("rows").into_iter().flatten().collect();
                if tree == Tree::Five {
                    let replies: Vec<replies::Model> =
                        comments.load_many(replies::Entity, db).await.expect("rows").into_iter().flatten().collect();
                    let marks: Vec<marks::Model> =
                        replies.load_many(marks::Entity, db).await.expect("rows").into_iter().flatten().collect();
                    seen = both(both(seen, sum(replies, |row| row.id)), sum(marks, |row| row.id));
                }
                seen = both(seen, sum(comments, |row| row.id));
            }
            both(seen, sum(posts, |row| row.id))
        }
        Tree::BelongsTo => {
            let found = posts::Entity::find().filter(posts::Column::Id.lte(1_000)).find_also_related(users::Entity).all(db).await;
            let (posts, users): (Vec<_>, Vec<_>) = found.expect("rows").into_iter().unzip();
            both(sum(posts, |row| row.id), sum(users.into_iter().flatten().collect(), |row: &users::Model| row.id))
        }
        Tree::ManyToMany => {
            let posts = posts::Entity::find().filter(posts::Column::Id.lte(100)).all(db).await.expect("rows");
            let tags = posts.load_many_to_many(tags::Entity, post_tags::Entity, db).await.expect("rows");
            both(sum(posts, |row| row.id), sum(tags.into_iter().flatten().collect(), |row: &tags::Model| row.id))
        }
    }
}

async fn create(db: &DatabaseConnection, actives: Vec<inserted::ActiveModel>) -> (u64, i64) {
    let mut rows = 0;
    for active in actives {
        rows += u64::from(active.insert(db).await.expect("a row").id > 0);
    }
    (rows, 0)
}

async fn insert(db: &DatabaseConnection, all: Vec<Vec<inserted::ActiveModel>>, most: usize) -> (u64, i64) {
    let mut count = 0;
    for mut actives in all {
        let transaction = db.begin().await.expect("a transaction");
        count += actives.len() as u64;
        while !actives.is_empty() {
            let rest = actives.split_off(actives.len().min(most));
            inserted::Entity::insert_many(actives).exec(&transaction).await.expect("rows");
            actives = rest;
        }
        transaction.commit().await.expect("a commit");
    }
    (count, 0)
}

async fn upsert(db: &DatabaseConnection, actives: Vec<inserted::ActiveModel>) -> (u64, i64) {
    let count = actives.len() as u64;
    let conflict = OnConflict::column(inserted::Column::Id).update_columns([inserted::Column::Score, inserted::Column::Bio]).to_owned();
    inserted::Entity::insert_many(actives).on_conflict(conflict).exec_without_returning(db).await.expect("rows");
    (count, 0)
}

async fn save(db: &impl sea_orm::ConnectionTrait, changed: Vec<people::ActiveModel>) -> (u64, i64) {
    let mut rows = 0;
    for active in changed {
        std::hint::black_box(active.update(db).await.expect("a row"));
        rows += 1;
    }
    (rows, 0)
}

async fn save_all(db: &DatabaseConnection, changed: Vec<people::ActiveModel>) -> (u64, i64) {
    // One statement cannot give each row a value of its own: https://www.sea-ql.org/SeaORM/docs/basic-crud/update/.
    let transaction = db.begin().await.expect("a transaction");
    let seen = save(&transaction, changed).await;
    transaction.commit().await.expect("a commit");
    seen
}

async fn update_all(db: &DatabaseConnection, to: f64) -> (u64, i64) {
    let update = people::Entity::update_many().col_expr(people::Column::Score, Expr::value(to)).filter(people::Column::Id.lte(1_000));
    update.exec(db).await.expect("rows");
    (1_000, 0)
}

async fn transaction(db: &DatabaseConnection, times: u32, turn: u32) -> (u64, i64) {
    let mut seen = 0;
    for i in 0..times {
        let keys = [key(i), key(i + 1)];
        let transaction = db.begin().await.expect("a transaction");
        let find = async |id: i32| people::Entity::find_by_id(id).one(&transaction).await.expect("an answer").expect("a row").id;
        for id in keys {
            seen += i64::from(find(id).await);
        }
        for id in keys {
            let update = people::Entity::update_many().col_expr(people::Column::Score, Expr::value(score(id, turn)));
            update.filter(people::Column::Id.eq(id)).exec(&transaction).await.expect("a row");
        }
        seen += i64::from(find(keys[0]).await);
        transaction.commit().await.expect("a commit");
    }
    (u64::from(times) * 3, seen)
}
