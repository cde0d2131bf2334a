use sequor::prelude::*;

#[derive(Model, Clone)]
struct Id(i64);

fn main() {}
