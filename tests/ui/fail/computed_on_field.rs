use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    #[field(computed, unique)]
    full_name: String,
}

impl User {
    fn full_name(&self) -> String {
        self.id.to_string()
    }
}

fn main() {}
