//! `sequor migrate reset`

use super::{NONE_RAN, ask_before, is_up, leniency, migrator, outcome, production};
use crate::command::{Command, Context, Done, Outcome};
use clap::Arg;
use sequor_core::error::{Error, Result};

pub(crate) const COMMAND: Command = Command {
    path: "migrate reset",
    aliases: &["db:migrate:undo:all"],
    about: "Undo all migrations, or down to and including one",
    examples: "sequor migrate reset --yes\nsequor db:migrate:undo:all --to 20240101000000-create-users",
    in_project: false,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

fn arguments(command: clap::Command) -> clap::Command {
    leniency(command).arg(Arg::new("to").long("to").value_name("NAME").help("The last one to undo"))
}

async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    production(cx, "This undoes migrations")?;
    let db = cx.connect().await?;
    let applied: Vec<_> = migrator.status(&db).await?.into_iter().filter(|one| is_up(&one.state)).collect();
    let count = match cx.text("to") {
        None => applied.len(),
        Some(name) => {
            let same = |one: &str| one.replace('_', "-") == super::stem(name).replace('_', "-");
            let Some(place) = applied.iter().position(|one| same(&one.name)) else {
                return Err(Error::migration(format!("{name} has not run, so nothing was undone: see `sequor migrate status`")));
            };
            applied.len() - place
        }
    };
    ask_before(cx, &migrator.losses(count, &db).await?)?;
    let report = if cx.text("to").is_some() { migrator.down_many(count, &db).await? } else { migrator.down_all(&db).await? };
    db.close().await?;
    Ok(outcome(&report, NONE_RAN))
}
