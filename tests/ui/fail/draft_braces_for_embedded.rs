use sequor::prelude::*;

#[derive(Embed, Clone, Debug, PartialEq)]
struct Address {
    city: String,
    zip: Option<String>,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Shop {
    #[field(primary_key, auto_increment)]
    id: i64,
    name: String,
    #[field(embed)]
    address: Address,
}

fn main() {
    let _ = draft!(Shop { name: "a", address: { city: "Berlin", zip: None } });
    let _ = draft!(Shop { name: { first: "a" }, address: Address { city: "Berlin".into(), zip: None } });
}
