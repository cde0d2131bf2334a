use sequor::prelude::*;

#[derive(Model, Clone)]
struct User {
    #[field(primary_key, auto_increment)]
    id: i64,
    #[field(auto_increment)]
    number: i64,
}

fn main() {}
