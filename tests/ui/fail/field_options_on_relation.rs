use sequor::prelude::*;

#[derive(Model, Clone)]
struct Team {
    #[field(primary_key)]
    id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    #[field(hidden)]
    teams: HasMany<Team>,
}

fn main() {}
