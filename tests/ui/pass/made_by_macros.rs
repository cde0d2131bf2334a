//! Models that the program's own macros write.
#![deny(warnings)]
use sequor::prelude::*;

macro_rules! lookup {
    ($name:ident, $ty:ty, $value:expr, $table:literal) => {
        #[derive(Model, Clone, Debug, PartialEq)]
        #[model(table = $table)]
        pub struct $name {
            #[field(primary_key)]
            pub code: $ty,
            #[field(default = $value)]
            pub rank: i32,
            pub label: Option<$ty>,
        }
    };
}

lookup!(Country, String, 1, "countries");
lookup!(Currency, String, 1 + 1, "currencies");

macro_rules! made {
    ($model:ident, $($field:ident = $value:expr),*) => {
        draft!($model { $($field: $value),* })
    };
}

fn main() {
    let _ = made!(Country, code = "NO", rank = 3);
    let _ = made!(Currency, code = String::from("NOK"));
}

#[test]
fn compiles_and_runs() {
    main();
}
