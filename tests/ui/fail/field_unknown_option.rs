use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    #[field(uniqe)]
    email: String,
}

fn main() {}
