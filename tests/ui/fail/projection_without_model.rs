use sequor::prelude::*;

#[derive(Projection)]
struct UserName {
    name: String,
}

fn main() {}
