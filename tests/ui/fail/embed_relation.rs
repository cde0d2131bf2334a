use sequor::prelude::*;

#[derive(Embed, Clone, Debug, PartialEq)]
struct Place {
    x: i32,
    owners: HasMany<Owner>,
}

#[derive(Model, Clone)]
struct Owner {
    #[field(primary_key)]
    id: i64,
}

fn main() {}
