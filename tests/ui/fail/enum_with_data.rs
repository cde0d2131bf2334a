use sequor::prelude::*;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq)]
enum Role {
    Admin,
    Nurse(i32),
}

fn main() {}
