//! `sequor migrate new`

use crate::command::generate::{name_argument, stamped, write_new};
use crate::command::{Command, Context, Done, Outcome};
use sequor_core::error::Result;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "migrate new",
    aliases: &["migration:generate", "migration:create"],
    about: "Write an empty migration, up.sql and down.sql",
    examples: "sequor migrate new add-phone\nsequor migration:generate --name add-phone",
    in_project: false,
    arguments: |command| name_argument(command, "What it does: add-phone"),
    run: |cx| -> Done { Box::pin(async move { run(&cx) }) },
};

fn run(cx: &Context) -> Result<Outcome> {
    let name = stamped(cx)?;
    let folder = cx.settings.migrations.join(&name);
    write_new(&folder.join("up.sql"), &format!("-- {name}\n"))?;
    write_new(&folder.join("down.sql"), &format!("-- undoes {name}; without this file it cannot be undone\n"))?;
    let shown = folder.display().to_string();
    Ok(Outcome::said(format!("New migration was created at {shown} ."), json!({ "name": name, "path": shown })))
}
