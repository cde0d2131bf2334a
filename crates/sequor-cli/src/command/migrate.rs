//! `sequor migrate ..`: runs the SQL files of the project.

pub(super) mod down;
pub(super) mod down_all;
pub(super) mod new;
pub(super) mod redo;
pub(super) mod status;
pub(super) mod to;
pub(super) mod up;

use super::{Context, Outcome};
use crate::console::Console;
use sequor_core::error::Result;
use sequor_orm::migrate::{MigrationEvent, MigrationReport, MigrationState, Migrator};
use serde_json::json;

/// The migrator of the project's folder, which tells the console what it does.
pub(crate) fn migrator(cx: &Context) -> Result<Migrator> {
    let migrator = if cx.settings.migrations.is_dir() { Migrator::from_directory(&cx.settings.migrations)? } else { Migrator::new([]) };
    let console = cx.console.clone();
    Ok(migrator.on_event(move |event| tell(&console, event)))
}

fn tell(console: &Console, event: &MigrationEvent<'_>) {
    match event {
        MigrationEvent::Waiting => console.say("Another program migrates this database; waiting for it."),
        MigrationEvent::Started { name, undo } => {
            console.say(format!("== {name}: {} =======", if *undo { "reverting" } else { "migrating" }));
        }
        MigrationEvent::StatementDone { number, of, .. } => console.progress(*number, *of),
        MigrationEvent::Finished { name, undo, took } => {
            let word = console.good(if *undo { "reverted" } else { "migrated" });
            console.say(format!("== {name}: {word} ({:.3}s)\n", took.as_secs_f64()));
        }
        _ => {}
    }
}

/// What ran, for people and programs; `nothing` when nothing did.
pub(crate) fn outcome(report: &MigrationReport, nothing: &str) -> Outcome {
    let done: Vec<_> = report
        .done
        .iter()
        .map(|one| json!({ "name": one.name, "direction": if one.undo { "down" } else { "up" }, "milliseconds": one.milliseconds }))
        .collect();
    let summary = done.is_empty().then(|| nothing.to_owned());
    Outcome { summary, data: json!({ "migrations": done }), failed: false }
}

pub(crate) const UP_TO_DATE: &str = "No migrations were executed, database schema was already up to date.";
pub(crate) const NONE_RAN: &str = "No executed migrations found.";

/// A name as Sequelize's commands take it, with the file's ending.
pub(crate) fn stem(name: &str) -> &str {
    [".js", ".sql", ".ts"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

/// Asks before tables of production are undone.
pub(crate) fn production(cx: &Context, what: &str) -> Result<()> {
    if cx.settings.environment() == "production" {
        cx.console.destroy(what, &cx.settings.database()?, "production")?;
    }
    Ok(())
}

/// Whether a migration's change is in the database.
pub(crate) fn is_up(state: &MigrationState) -> bool {
    matches!(state, MigrationState::Applied | MigrationState::Changed | MigrationState::Missing)
}
