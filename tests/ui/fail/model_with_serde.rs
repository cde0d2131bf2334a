use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct User {
    #[field(primary_key, auto_increment)]
    id: i64,
    name: String,
}

fn main() {}
