#![deny(unused_must_use)]

#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

async fn run(_db: &Db) -> Result<()> {
    User::find_all().filter(User::AGE.gt(18));
    Ok(())
}

fn main() {
    let _ = run;
}
