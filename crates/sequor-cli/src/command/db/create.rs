//! `sequor db create`

use crate::command::{Command, Context, Done, Outcome};
use clap::Arg;
use sequor_core::error::Result;
use sequor_orm::db::{DatabaseOptions, Db};
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "db create",
    aliases: &["db:create"],
    about: "Make the database that the settings name",
    examples: "sequor db create\nsequor db create --env test\nsequor db:create --charset utf8mb4 --collate utf8mb4_unicode_ci",
    in_project: false,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

/// The options of the database, each with its help.
const OPTIONS: [(&str, &str); 5] = [
    ("charset", "MySQL's character set: utf8mb4"),
    ("collate", "The collation: utf8mb4_unicode_ci, de_DE.UTF-8"),
    ("encoding", "PostgreSQL's encoding: UTF8"),
    ("ctype", "PostgreSQL's character classes: de_DE.UTF-8"),
    ("template", "The database that PostgreSQL copies: template0"),
];

fn arguments(command: clap::Command) -> clap::Command {
    OPTIONS.iter().fold(command, |command, (name, help)| command.arg(Arg::new(*name).long(*name).value_name("NAME").help(*help)))
}

pub(crate) async fn run(cx: &Context) -> Result<Outcome> {
    let (url, name) = (cx.settings.url()?, cx.settings.database()?);
    let text = |name: &str| cx.text(name).map(str::to_owned);
    let options = DatabaseOptions {
        charset: text("charset"),
        collate: text("collate"),
        encoding: text("encoding"),
        ctype: text("ctype"),
        template: text("template"),
    };
    let made = Db::create_database_with(url, &options).await?;
    let line = if made { format!("Database {name} created.") } else { format!("Database {name} is there already.") };
    Ok(Outcome::said(line, json!({ "database": name, "created": made })))
}
