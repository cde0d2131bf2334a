use sequor::prelude::*;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Admin,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key, auto_increment)]
    id: i64,
    roles: Vec<Role>,
}

fn main() {}
