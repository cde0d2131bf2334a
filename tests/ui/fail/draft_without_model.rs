use sequor::prelude::*;

fn main() {
    let _ = draft!({ email: "ann@x.io" });
}
