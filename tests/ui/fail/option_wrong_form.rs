use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table(users))]
struct User {
    #[field(primary_key)]
    id: i64,
    #[field(column = email)]
    email: String,
}

fn main() {}
