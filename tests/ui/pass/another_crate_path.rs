//! A crate that re-exports Sequor under its own name says so.
pub(crate) mod framework {
    pub mod orm {
        pub use ::sequor::__private;
    }
}

use sequor::prelude::*;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq)]
#[db_enum(crate = "crate::framework::orm")]
pub enum Kind {
    A,
}

#[derive(DbType, Clone, Debug, PartialEq)]
#[db_type(crate = "crate::framework::orm")]
pub struct Code(String);

#[derive(Embed, Clone, Debug, PartialEq)]
#[embed(crate = "crate::framework::orm")]
pub struct Place {
    pub city: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(crate = "crate::framework::orm")]
pub struct Thing {
    #[field(primary_key)]
    pub code: Code,
    pub kind: Kind,
    #[field(embed)]
    pub place: Place,
}

#[derive(Projection)]
#[projection(of = Thing, crate = "crate::framework::orm")]
pub struct ThingView {
    pub kind: Kind,
}

fn main() {
    let _ = draft!(Thing { code: Code(String::new()), kind: Kind::A, place: Place { city: String::new() } });
    let _ = |view: ThingView| view.kind;
}

#[test]
fn compiles_and_runs() {
    main();
}
