//! `sequor migrate to`

use super::{UP_TO_DATE, ask_before, leniency, migrator, outcome, production};
use crate::command::{Command, Context, Done, Outcome};
use clap::Arg;
use sequor_core::error::Result;

pub(crate) const COMMAND: Command = Command {
    path: "migrate to",
    aliases: &[],
    about: "Go up or down to a migration",
    examples: "sequor migrate to 20240101000000-create-users",
    in_project: false,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

fn arguments(command: clap::Command) -> clap::Command {
    leniency(command).arg(Arg::new("name").required(true).value_name("NAME").help("The last migration that shall have run"))
}

async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    production(cx, "This may undo migrations")?;
    let db = cx.connect().await?;
    let name = super::stem(cx.text("name").unwrap_or_default());
    ask_before(cx, &migrator.losses_to(name, &db).await?)?;
    let report = migrator.to(name, &db).await?;
    db.close().await?;
    Ok(outcome(&report, UP_TO_DATE))
}
