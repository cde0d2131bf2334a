use sequor::prelude::*;

#[derive(DbEnum, Clone, Copy, PartialEq)]
enum Role {
    Admin,
}

fn main() {}
