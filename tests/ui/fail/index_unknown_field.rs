use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(index(columns("nmae desc")))]
struct User {
    #[field(primary_key)]
    id: i64,
    name: String,
}

fn main() {}
