#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn main() {
    let _ = User::find_all().filter(User::AGE == 18);
}
