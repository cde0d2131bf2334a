//! `sequor db:seed`, Sequelize's command for seeders that are named.

use super::{given, names, run};
use crate::command::{Command, Context, Done, Outcome};
use sequor_core::error::{Error, Result};

pub(crate) const COMMAND: Command = Command {
    path: "seed one",
    aliases: &["db:seed"],
    about: "Run the seeders that are named",
    examples: "sequor seed one 20240101000000-demo-data\nsequor db:seed --seed 20240101000000-demo-data",
    in_project: true,
    arguments: names,
    run: |cx| -> Done { Box::pin(async move { run_named(&cx).await }) },
};

async fn run_named(cx: &Context) -> Result<Outcome> {
    if given(cx).is_empty() {
        return Err(Error::usage("name a seeder: sequor db:seed --seed 20240101000000-demo-data; `sequor seed run` runs all"));
    }
    run::run(cx).await
}
