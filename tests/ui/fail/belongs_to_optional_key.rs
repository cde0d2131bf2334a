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
    team_id: Option<i64>,
    team: BelongsTo<Team>,
}

fn main() {}
