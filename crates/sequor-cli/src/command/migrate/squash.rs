//! `sequor migrate squash`

use super::migrator;
use crate::command::generate::{given_name, name_argument, write_new};
use crate::command::{Command, Context, Done, Outcome};
use sequor_core::error::{Error, Result};
use sequor_orm::migrate::Migration;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "migrate squash",
    aliases: &[],
    about: "Make one migration of all; databases where they have run count it as applied",
    examples: "sequor migrate squash start --yes",
    in_project: false,
    arguments: |command| name_argument(command, "The name of the new one: start"),
    run: |cx| -> Done { Box::pin(async move { run(&cx) }) },
};

fn run(cx: &Context) -> Result<Outcome> {
    let all = migrator(cx)?;
    let ordered: Vec<&Migration> = all.migrations().iter().filter(|one| !one.is_repeatable()).collect();
    let Some(last) = ordered.last() else { return Err(Error::migration("there are no migrations to squash")) };
    let stamp: String = last.name().chars().take_while(char::is_ascii_digit).collect();
    let name = format!("{stamp}-{}", given_name(cx)?);
    let made = all.squash(&name)?;
    let count = ordered.len();
    cx.console.destroy(
        &format!("This puts {name} in the place of {count} migrations and removes their files"),
        &name,
        cx.settings.environment(),
    )?;
    if ordered.iter().any(|one| one.name() == name) {
        return Err(Error::usage(format!("there is a migration {name} already: give another name")));
    }
    for (file, text) in made.files() {
        write_new(&cx.settings.migrations.join(&name).join(file), text)?;
    }
    for one in &ordered {
        remove(cx, one)?;
    }
    let undo =
        if made.files().any(|(file, _)| file.starts_with("down")) { "" } else { " It has no down.sql, because one of them has none." };
    let names: Vec<&str> = ordered.iter().map(|one| one.name()).collect();
    let shown = cx.settings.migrations.join(&name).display().to_string();
    Ok(Outcome::said(format!("{shown} stands for {count} migrations now.{undo}"), json!({ "name": name, "replaces": names })))
}

/// Removes the files of a migration: its folder, or those beside the others.
fn remove(cx: &Context, migration: &Migration) -> Result<()> {
    let folder = cx.settings.migrations.join(migration.name());
    if folder.is_dir() {
        return std::fs::remove_dir_all(&folder).map_err(|error| Error::usage(format!("{} cannot be removed: {error}", folder.display())));
    }
    for (file, _) in migration.files() {
        for name in [format!("{}.{file}", migration.name()), format!("{}.sql", migration.name())] {
            let path = cx.settings.migrations.join(name);
            if path.is_file() {
                std::fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}
