//! Models, enums and projections may be defined inside of a function.
use sequor::prelude::*;

fn main() {
    #[derive(DbEnum, Clone, Copy, Debug, PartialEq)]
    enum Kind {
        A,
        B,
    }

    #[derive(Model, Clone, Debug, PartialEq)]
    struct Thing {
        #[field(primary_key, auto_increment)]
        id: i64,
        kind: Kind,
    }

    #[derive(Projection)]
    #[projection(of = Thing)]
    struct View {
        id: i64,
        #[projection(column = Thing::KIND)]
        what: Kind,
    }

    let _ = draft!(Thing { kind: Kind::B });
    let _ = (Kind::A, Thing::find_all().project::<View>(), |view: View| (view.id, view.what), |thing: Thing| (thing.id, thing.kind));
}

#[test]
fn compiles_and_runs() {
    main();
}
