use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    #[field(default = 7, db_default = "7")]
    age: i32,
}

fn main() {}
