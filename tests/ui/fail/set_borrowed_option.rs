use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key, auto_increment)]
    id: i64,
    nick: Option<String>,
}

fn new(nick: Option<&str>) -> Draft<User> {
    draft!(User { nick })
}

fn main() {
    let _ = new;
}
