//! `sequor migrate verify`

use super::migrator;
use crate::command::{Command, Context, Done, Outcome};
use clap::Arg;
use sequor_core::error::Result;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "migrate verify",
    aliases: &[],
    about: "Ask the questions of verify.sql of what has run; the status is 1 when an answer is no",
    examples: "sequor migrate verify\nsequor migrate verify 20240101000000-create-users",
    in_project: false,
    arguments: |command| command.arg(Arg::new("name").value_name("NAME").help("Only those of this migration")),
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    let db = cx.look().await?;
    let asked = migrator.verify(cx.text("name").map(super::stem), &db).await?;
    db.close().await?;
    let said = match asked {
        0 => "There is no question: no migration that has run has a verify.sql.".to_owned(),
        1 => "1 question was answered with yes.".to_owned(),
        _ => format!("{asked} questions were answered with yes."),
    };
    Ok(Outcome::said(said, json!({ "questions": asked })))
}
