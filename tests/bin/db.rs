//! The command line of a project with models and a seeder in Rust, for the tests of `sequor::cli`.

use sequor::cli::{App, Seeder};
use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "users", timestamps)]
struct User {
    #[field(primary_key, auto_increment)]
    id: i64,
    #[field(unique, validate(email))]
    email: String,
    age: Option<i32>,
    #[field(default = true)]
    active: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

fn main() -> std::process::ExitCode {
    let demo = Seeder::new("20240103000000-demo", |db| {
        Box::pin(async move { draft!(User { email: "rust@example.com", age: 7 }).create(&db).await.map(drop) })
    })
    .undo(|db| Box::pin(async move { User::destroy_all().filter(User::EMAIL.eq("rust@example.com")).exec(&db).await.map(drop) }));
    App::new::<User>().seeder(demo).run()
}
