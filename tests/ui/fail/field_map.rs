use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    settings: std::collections::HashMap<String, String>,
}

fn main() {}
