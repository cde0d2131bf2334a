use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(validate = "User::check")]
struct User {
    #[field(primary_key)]
    id: i64,
    name: String,
}

impl User {
    fn check(name: String) -> bool {
        name.is_empty()
    }
}

fn main() {}
