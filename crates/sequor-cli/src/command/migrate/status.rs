//! `sequor migrate status`

use super::{is_up, migrator};
use crate::command::{Command, Context, Done, Outcome};
use clap::{Arg, ArgAction};
use sequor_core::error::Result;
use sequor_orm::migrate::{MigrationState, MigrationStatus};
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
    let db = cx.look().await?;
    let mut list = Vec::new();
    for one in migrator.status(&db).await? {
        let word = if is_up(&one.state) { cx.console.good("up") } else { cx.console.warn("down") };
        let data = serde_json::to_value(&one)?;
        let note = note(&one).map(|note| format!("  {}", cx.console.warn(&note))).unwrap_or_default();
        cx.console.say(format!("{word} {}{note}", one.name));
        list.push(data);
    }
    if cx.flag("check") {
        migrator.check(&db).await?;
    }
    db.close().await?;
    let summary = list.is_empty().then(|| {
        let folder = &cx.settings.migrations;
        match programs(folder) {
            0 => format!("There are no migrations in {}.", folder.display()),
            count => format!(
                "There are no migrations in {} but {count} of Sequelize's (.js), which only sequelize-cli runs; what it ran counts as applied here.",
                folder.display()
            ),
        }
    });
    Ok(Outcome { summary, data: json!({ "migrations": list }), failed: false })
}

/// What somebody should know beside up and down.
fn note(one: &MigrationStatus) -> Option<String> {
    // What was written down names its place by itself.
    let at = |statement: &usize, message: &str| match message.strip_prefix(&one.name).and_then(|rest| rest.strip_prefix('/')) {
        Some(place) => place.to_owned(),
        None => format!("statement {statement}: {message}"),
    };
    Some(match &one.state {
        MigrationState::Applied | MigrationState::Pending => return None,
        MigrationState::Changed => "its file was changed after it had run".to_owned(),
        MigrationState::Missing => "its file is gone".to_owned(),
        MigrationState::Outdated => "its text is another now: up runs it again".to_owned(),
        MigrationState::Late => "late: one that sorts behind it has run".to_owned(),
        MigrationState::Renamed { from } => format!("has run as {from}"),
        MigrationState::Duplicate => "two have this name".to_owned(),
        MigrationState::Failed { statement, message, undo: false } => format!("failed at {}", at(statement, message)),
        MigrationState::Failed { statement, message, undo: true } => format!("undoing it failed at {}", at(statement, message)),
        MigrationState::Unknown { statement, .. } => {
            format!("cut short while statement {statement} ran: look whether it is done, then sequor migrate resolve")
        }
    })
}

/// How many of Sequelize's migrations, which are programs, lie in a folder.
fn programs(folder: &std::path::Path) -> usize {
    let is_one = |entry: &std::fs::DirEntry| {
        entry.path().extension().is_some_and(|end| ["js", "cjs", "mjs", "ts"].iter().any(|known| end == *known))
    };
    std::fs::read_dir(folder).map_or(0, |entries| entries.flatten().filter(is_one).count())
}
