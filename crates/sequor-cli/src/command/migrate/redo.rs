//! `sequor migrate redo`

use super::{NONE_RAN, ask_before, leniency, migrator, outcome, production};
use crate::command::{Command, Context, Done, Outcome};
use sequor_core::error::Result;

pub(crate) const COMMAND: Command = Command {
    path: "migrate redo",
    aliases: &[],
    about: "Undo the last migration and run it again",
    examples: "sequor migrate redo",
    in_project: false,
    arguments: leniency,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    production(cx, "This undoes the last migration")?;
    let db = cx.connect().await?;
    ask_before(cx, &migrator.losses(1, &db).await?)?;
    let report = migrator.redo(&db).await?;
    db.close().await?;
    Ok(outcome(&report, NONE_RAN))
}
