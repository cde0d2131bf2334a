use sequor::prelude::*;

fn even(number: &i64) -> bool {
    number % 2 == 0
}

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    #[field(validate(custom(even)))]
    name: String,
}

fn main() {}
