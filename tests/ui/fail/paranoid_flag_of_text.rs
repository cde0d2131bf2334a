use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(paranoid(flag = "active"))]
struct User {
    #[field(primary_key)]
    id: i64,
    active: String,
}

fn main() {}
