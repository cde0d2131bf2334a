use sequor::prelude::*;

#[derive(Embed, Clone, Debug, PartialEq)]
struct Place {
    x: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    #[field(embed)]
    place: Option<Place>,
}

fn main() {}
