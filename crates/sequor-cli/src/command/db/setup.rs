//! `sequor db setup`

use super::create;
use crate::command::{Command, Context, Done, Outcome, migrate, seed};
use clap::{Arg, ArgAction};
use sequor_core::error::Result;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "db setup",
    aliases: &["db:setup"],
    about: "Make the database, run its migrations and its seeders",
    examples: "sequor db setup\nsequor db setup --no-seed --env test",
    in_project: true,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

pub(crate) fn arguments(command: clap::Command) -> clap::Command {
    command.arg(Arg::new("no-seed").long("no-seed").action(ArgAction::SetTrue).help("Run no seeders"))
}

pub(crate) async fn run(cx: &Context) -> Result<Outcome> {
    let created = create::run(cx).await?;
    cx.console.say(created.summary.unwrap_or_default());
    let none = !cx.settings.migrations.is_dir() && cx.app.migrations.is_none() && !cx.settings.migrations_named;
    let migrated = if none { Outcome::said("There are no migrations.", json!({ "migrations": [] })) } else { migrate::up::run(cx).await? };
    if let Some(said) = migrated.summary {
        cx.console.say(said);
    }
    let mut data = json!({ "database": created.data, "migrations": migrated.data, "seeders": null });
    let mut summary = None;
    if !cx.flag("no-seed") {
        let seeded = seed::run::run(cx).await?;
        data["seeders"] = seeded.data;
        summary = seeded.summary;
    }
    Ok(Outcome { summary, data, failed: false })
}
