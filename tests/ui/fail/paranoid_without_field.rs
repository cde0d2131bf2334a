use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(paranoid)]
struct User {
    #[field(primary_key)]
    id: i64,
    name: String,
}

fn main() {}
