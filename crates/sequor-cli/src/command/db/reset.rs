//! `sequor db reset`

use super::{drop, setup};
use crate::command::{Command, Context, Done, Outcome};
use sequor_core::error::Result;

pub(crate) const COMMAND: Command = Command {
    path: "db reset",
    aliases: &["db:reset"],
    about: "Remove the database, then make, migrate and seed it again",
    examples: "sequor db reset\nsequor db reset --yes --no-seed",
    in_project: true,
    arguments: setup::arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

async fn run(cx: &Context) -> Result<Outcome> {
    let dropped = drop::run(cx).await?;
    cx.console.say(dropped.summary.unwrap_or_default());
    setup::run(cx).await
}
