#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

impl Tag {
    fn rust() -> Draft<Tag> {
        draft!(Self { name: "rust" })
    }
}

fn main() {}
