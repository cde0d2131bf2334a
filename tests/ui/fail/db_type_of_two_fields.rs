use sequor::prelude::*;

#[derive(DbType, Clone, Debug, PartialEq)]
struct Money(i64, String);

fn main() {}
