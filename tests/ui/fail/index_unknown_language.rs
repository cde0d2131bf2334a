use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(index(columns("name"), method = "fulltext", language = "englisch"))]
struct User {
    #[field(primary_key)]
    id: i64,
    name: String,
}

fn main() {}
