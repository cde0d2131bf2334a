use sequor::prelude::*;

fn main() {
    struct Point { x: i32 }
    let _ = draft!(Point { x: 1 });
}
