use sequor::prelude::*;

#[derive(DbEnum, Clone, Debug, PartialEq)]
enum Role {
    Admin,
}

fn main() {}
