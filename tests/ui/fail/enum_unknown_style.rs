use sequor::prelude::*;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq)]
#[db_enum(rename_all = "shouting")]
enum Role {
    Admin,
}

fn main() {}
