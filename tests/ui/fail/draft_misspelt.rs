#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn main() {
    let _ = draft!(User { emial: "ann@x.io", email: "ann@x.io", name: "Ann" });
}
