//! `sequor seed ..`: fills tables.

pub(super) mod new;
pub(super) mod run;
pub(super) mod run_named;
pub(super) mod undo;
pub(super) mod undo_all;

use super::{Context, Outcome};
use crate::seed::{Seeder, seeders};
use sequor_core::error::Result;
use sequor_orm::db::Db;
use serde_json::json;
use std::time::Instant;

/// Every seeder of the project.
pub(crate) fn all(cx: &Context) -> Result<Vec<Seeder>> {
    seeders(&cx.settings.seeders, cx.settings.environment(), &cx.app.seeders)
}

/// Runs or undoes seeders one after the other, and tells of each.
pub(crate) async fn each(cx: &Context, db: &Db, list: &[Seeder], undo: bool) -> Result<Outcome> {
    let (begins, ended) = if undo { ("reverting", "reverted") } else { ("migrating", "migrated") };
    let mut done = Vec::new();
    for (number, seeder) in list.iter().enumerate() {
        cx.console.say(format!("== {}: {begins} =======", seeder.name));
        let start = Instant::now();
        if undo {
            seeder.revert(db, &cx.settings.seeder_storage).await?;
        } else {
            seeder.run(db, &cx.settings.seeder_storage).await?;
        }
        cx.console.say(format!("== {}: {} ({:.3}s)\n", seeder.name, cx.console.good(ended), start.elapsed().as_secs_f64()));
        cx.console.progress(number + 1, list.len());
        done.push(json!({ "name": seeder.name, "direction": if undo { "down" } else { "up" } }));
    }
    let summary = done.is_empty().then(|| "No seeders found.".to_owned());
    Ok(Outcome { summary, data: json!({ "seeders": done }), failed: false })
}

/// The argument with the names of seeders.
pub(crate) fn names(command: clap::Command) -> clap::Command {
    command.arg(clap::Arg::new("name").value_name("NAME").num_args(0..).help("Seeders, with or without their ending")).arg(
        clap::Arg::new("seed")
            .long("seed")
            .value_name("NAME")
            .num_args(1..)
            .action(clap::ArgAction::Append)
            .help("The same, as Sequelize has it"),
    )
}

/// The names that were given, either way.
pub(crate) fn given(cx: &Context) -> Vec<String> {
    let mut names = cx.texts("name");
    names.extend(cx.texts("seed"));
    names
}
