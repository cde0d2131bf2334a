use sequor::prelude::*;

#[derive(Model, Clone)]
struct Cell {
    #[field(primary_key)]
    k0: i64,
    #[field(primary_key)]
    k1: i64,
    #[field(primary_key)]
    k2: i64,
    #[field(primary_key)]
    k3: i64,
    #[field(primary_key)]
    k4: i64,
    #[field(primary_key)]
    k5: i64,
    #[field(primary_key)]
    k6: i64,
    #[field(primary_key)]
    k7: i64,
    #[field(primary_key)]
    k8: i64,
}

fn main() {}
