use sequor::prelude::*;

#[derive(Model)]
struct User {
    #[field(primary_key)]
    id: i64,
}

fn main() {}
