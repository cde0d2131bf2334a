use sequor::prelude::*;

fn main() {
    let _ = migrations!("no/such/folder");
}
