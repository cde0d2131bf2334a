use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    #[field(validate(len(mni = 1)))]
    name: String,
}

fn main() {}
