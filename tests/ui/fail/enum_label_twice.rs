use sequor::prelude::*;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq)]
enum Role {
    Admin,
    #[db_enum(rename = "Admin")]
    Boss,
}

fn main() {}
