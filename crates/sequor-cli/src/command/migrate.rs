//! `sequor migrate ..`: runs the SQL files of the project.

pub(super) mod baseline;
pub(super) mod check;
pub(super) mod discard;
pub(super) mod down;
pub(super) mod down_all;
pub(super) mod generate;
pub(super) mod new;
pub(super) mod rebase;
pub(super) mod redo;
pub(super) mod resolve;
pub(super) mod squash;
pub(super) mod status;
pub(super) mod to;
pub(super) mod up;
pub(super) mod verify;

use super::{Context, Outcome};
use crate::console::Console;
use sequor_core::error::{Error, Result};
use sequor_orm::migrate::{Loss, Migration, MigrationEvent, MigrationReport, MigrationState, Migrator};
use serde_json::json;
use std::time::Duration;

/// The migrator of the program's migrations or of the project's folder, which tells the console what it does.
pub(crate) fn migrator(cx: &Context) -> Result<Migrator> {
    let folder = &cx.settings.migrations;
    let embedded = cx.app.migrations.is_some() && !cx.settings.migrations_named;
    if !folder.is_dir() && !embedded {
        cx.settings.url()?;
        return Err(Error::usage(format!(
            "there is no folder {} here: run the command in the project's folder, name the folder by --migrations-path, or make it with `sequor init`",
            folder.display()
        )));
    }
    let in_folder = if folder.is_dir() { Migrator::from_directory(folder)? } else { Migrator::new([]) };
    let migrator = match &cx.app.migrations {
        Some(own) if !cx.settings.migrations_named => {
            tell_of_newer(cx, own, &in_folder);
            Migrator::new(own.iter().cloned())
        }
        _ => in_folder,
    };
    let migrator = if cx.flag("out-of-order") { migrator.out_of_order() } else { migrator };
    let migrator = if cx.flag("ignore-missing") { migrator.ignore_missing() } else { migrator };
    let wait = cx.matches.try_get_one::<u64>("lock-wait").ok().flatten().copied();
    let migrator = if let Some(wait) = wait { migrator.lock_wait(Duration::from_secs(wait)) } else { migrator };
    let console = cx.console.clone();
    Ok(migrator.on_event(move |event| tell(&console, event)))
}

/// A file that is newer than the program is not run by it.
fn tell_of_newer(cx: &Context, own: &[Migration], in_folder: &Migrator) {
    for one in in_folder.migrations().iter().filter(|one| !own.contains(one)) {
        cx.console.note(&format!(
            "{}/{} is not in this program as the file has it: build it again, or say --migrations-path {}",
            cx.settings.migrations.display(),
            one.name(),
            cx.settings.migrations.display()
        ));
    }
}

/// The flags of commands that run migrations.
pub(crate) fn leniency(command: clap::Command) -> clap::Command {
    let flag = |name: &'static str, help: &'static str| clap::Arg::new(name).long(name).action(clap::ArgAction::SetTrue).help(help);
    command
        .arg(flag("out-of-order", "Also run those whose names sort before one that has run"))
        .arg(flag("ignore-missing", "Go on when some have run whose files are gone"))
        .arg(
            clap::Arg::new("lock-wait")
                .long("lock-wait")
                .value_name("SECONDS")
                .value_parser(clap::value_parser!(u64))
                .help("How long to wait while another program migrates; 600"),
        )
}

fn tell(console: &Console, event: &MigrationEvent<'_>) {
    match event {
        MigrationEvent::Waiting => console.say("Another program migrates this database; waiting for it."),
        MigrationEvent::Started { name, undo } => {
            console.say(format!("== {name}: {} =======", if *undo { "reverting" } else { "migrating" }));
        }
        MigrationEvent::StatementDone { number, of, .. } => console.progress(*number, *of),
        MigrationEvent::Progress { done, of, .. } => {
            let number = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
            console.progress(number(*done), number(*of));
        }
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

/// Asks before rows of other databases are lost.
pub(crate) fn ask_before(cx: &Context, losses: &[Loss]) -> Result<()> {
    if losses.is_empty() || cx.settings.environment() == "production" {
        return Ok(());
    }
    let lost: Vec<String> = losses.iter().map(ToString::to_string).collect();
    let what = format!("Undoing {} removes {}", losses.last().map_or("it", |loss| loss.migration.as_str()), lost.join(", "));
    cx.console.destroy(&what, &cx.settings.database()?, cx.settings.environment())
}

/// Whether a migration's change is in the database.
pub(crate) fn is_up(state: &MigrationState) -> bool {
    matches!(state, MigrationState::Applied | MigrationState::Changed | MigrationState::Missing)
}
