//! `sequor migrate status`

use super::{is_up, migrator};
use crate::command::{Command, Context, Done, Outcome};
use clap::{Arg, ArgAction};
use sequor_core::error::Result;
use sequor_orm::migrate::MigrationState;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "migrate status",
    aliases: &["db:migrate:status"],
    about: "Show which migrations have run",
    examples: "sequor migrate status\nsequor migrate status --json\nsequor migrate status --check    # fails when one is pending, changed or missing",
    in_project: false,
    arguments: |command| {
        command.arg(Arg::new("check").long("check").action(ArgAction::SetTrue).help("Fail unless all have run as they are"))
    },
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    let db = cx.connect().await?;
    let mut list = Vec::new();
    for one in migrator.status(&db).await? {
        let word = if is_up(&one.state) { cx.console.good("up") } else { cx.console.warn("down") };
        let data = serde_json::to_value(&one)?;
        let note = match &one.state {
            MigrationState::Applied | MigrationState::Pending => String::new(),
            _ => format!("  {}", cx.console.warn(&data["state"].to_string())),
        };
        cx.console.say(format!("{word} {}{note}", one.name));
        list.push(data);
    }
    if cx.flag("check") {
        migrator.check(&db).await?;
    }
    db.close().await?;
    let summary = list.is_empty().then(|| format!("There are no migrations in {}.", cx.settings.migrations.display()));
    Ok(Outcome { summary, data: json!({ "migrations": list }), failed: false })
}
