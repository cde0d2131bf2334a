//! `sequor db create`

use crate::command::{Command, Context, Done, Outcome, none};
use sequor_core::error::Result;
use sequor_orm::db::Db;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "db create",
    aliases: &["db:create"],
    about: "Make the database that the settings name",
    examples: "sequor db create\nsequor db create --env test",
    in_project: false,
    arguments: none,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

pub(crate) async fn run(cx: &Context) -> Result<Outcome> {
    let (url, name) = (cx.settings.url()?, cx.settings.database()?);
    let made = Db::create_database(url).await?;
    let line = if made { format!("Database {name} created.") } else { format!("Database {name} is there already.") };
    Ok(Outcome::said(line, json!({ "database": name, "created": made })))
}
