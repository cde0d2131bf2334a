use sequor::prelude::*;

#[derive(Model, Clone)]
struct User<T> {
    #[field(primary_key)]
    id: T,
}

fn main() {}
