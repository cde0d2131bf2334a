use sequor::prelude::*;

struct Team {
    id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    teams: HasMany<Team>,
}

fn main() {}
