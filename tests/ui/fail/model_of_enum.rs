use sequor::prelude::*;

#[derive(Model, Clone)]
enum Role {
    Admin,
}

fn main() {}
