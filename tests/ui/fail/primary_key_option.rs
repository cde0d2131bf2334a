use sequor::prelude::*;

#[derive(Model, Clone)]
struct User {
    #[field(primary_key)]
    id: Option<i64>,
}

fn main() {}
