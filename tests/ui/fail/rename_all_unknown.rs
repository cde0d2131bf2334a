use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(rename_all = "camel_case")]
struct User {
    #[field(primary_key)]
    id: i64,
    first_name: String,
}

fn main() {}
