use sequor::prelude::*;

#[derive(Embed, Clone, Debug, PartialEq)]
struct Point {
    north: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Map {
    #[field(primary_key, auto_increment)]
    id: i64,
    #[field(embed)]
    centre: Point,
}

#[derive(Projection)]
#[projection(of = Map)]
struct Middle {
    centre: Point,
}

fn main() {}
