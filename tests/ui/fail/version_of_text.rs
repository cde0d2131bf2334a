use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(version)]
struct User {
    #[field(primary_key)]
    id: i64,
    version: String,
}

fn main() {}
