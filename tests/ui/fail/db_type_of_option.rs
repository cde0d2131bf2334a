use sequor::prelude::*;

#[derive(DbType, Clone, Debug, PartialEq)]
struct Email(Option<String>);

fn main() {}
