#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn main() {
    let _ = draft!(User { email: Some("ann@x.io"), name: "Ann" });
}
