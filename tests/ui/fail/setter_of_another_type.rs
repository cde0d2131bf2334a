use sequor::prelude::*;

fn double(number: i64) -> i64 {
    number * 2
}

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    #[field(set_with = double)]
    name: String,
}

fn main() {}
