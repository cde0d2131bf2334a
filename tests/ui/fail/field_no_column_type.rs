use sequor::prelude::*;

#[derive(Clone, Debug, PartialEq)]
struct Place {
    x: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    place: Place,
}

fn main() {}
