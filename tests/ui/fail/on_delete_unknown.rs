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
    team_id: i64,
    #[relation(on_delete = "cascad")]
    team: BelongsTo<Team>,
}

fn main() {}
