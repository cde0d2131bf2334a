//! `sequor db drop`

use crate::command::{Command, Context, Done, Outcome, none};
use sequor_core::error::Result;
use sequor_orm::db::Db;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "db drop",
    aliases: &["db:drop"],
    about: "Remove the database, with everything in it",
    examples: "sequor db drop\nsequor db drop --yes --env test\nsequor db drop --env production --confirm app",
    in_project: false,
    arguments: none,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

pub(crate) async fn run(cx: &Context) -> Result<Outcome> {
    let (url, name) = (cx.settings.url()?, cx.settings.database()?);
    cx.console.destroy(&format!("This removes the database {name} with all its rows"), &name, cx.settings.environment())?;
    let dropped = Db::drop_database(url).await?;
    let line = if dropped { format!("Database {name} dropped.") } else { format!("There is no database {name}.") };
    Ok(Outcome::said(line, json!({ "database": name, "dropped": dropped })))
}
