//! `sequor migrate new`

use crate::command::generate::{given_name, name_argument, stamped, write_new};
use crate::command::{Command, Context, Done, Outcome};
use clap::{Arg, ArgAction};
use sequor_core::error::Result;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "migrate new",
    aliases: &["migration:generate", "migration:create"],
    about: "Write an empty migration, up.sql and down.sql",
    examples: "sequor migrate new add-phone\nsequor migrate new split-names --rust       # up.rs: for data that SQL cannot bring along\n\
               sequor migrate new views --repeatable       # runs again whenever its text changes\nsequor migration:generate --name add-phone",
    in_project: false,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx) }) },
};

fn arguments(command: clap::Command) -> clap::Command {
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    name_argument(command, "What it does: add-phone")
        .arg(flag("rust", "Write up.rs: a function instead of SQL"))
        .arg(flag("repeatable", "Runs again whenever its text changes: views, functions, triggers").conflicts_with("rust"))
}

fn run(cx: &Context) -> Result<Outcome> {
    let name = if cx.flag("repeatable") { given_name(cx)? } else { stamped(cx, &cx.settings.migrations)? };
    let folder = cx.settings.migrations.join(&name);
    for (file, text) in files(cx, &name) {
        write_new(&folder.join(file), &text)?;
    }
    let shown = folder.display().to_string();
    Ok(Outcome::said(format!("New migration was created at {shown} ."), json!({ "name": name, "path": shown })))
}

fn files(cx: &Context, name: &str) -> Vec<(&'static str, String)> {
    if cx.flag("rust") {
        return vec![("up.rs", format!("//! {name}\n{}", include_str!("new/up.txt")))];
    }
    if cx.flag("repeatable") {
        let text = format!(
            "-- sequor: repeatable\n-- {name}: runs after all others, and again whenever this text changes: DROP VIEW IF EXISTS ..; CREATE VIEW ..;\n"
        );
        return vec![("up.sql", text)];
    }
    vec![("up.sql", format!("-- {name}\n")), ("down.sql", format!("-- undoes {name}; without this file it cannot be undone\n"))]
}
