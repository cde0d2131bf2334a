//! `sequor migrate reset`

use super::{NONE_RAN, is_up, migrator, outcome, production};
use crate::command::{Command, Context, Done, Outcome};
use clap::Arg;
use sequor_core::error::Result;

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
    command.arg(Arg::new("to").long("to").value_name("NAME").help("The last one to undo"))
}

async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    production(cx, "This undoes migrations")?;
    let db = cx.connect().await?;
    let report = match cx.text("to") {
        None => migrator.down_all(&db).await?,
        Some(name) => {
            let applied: Vec<_> = migrator.status(&db).await?.into_iter().filter(|one| is_up(&one.state)).collect();
            let same = |one: &str| one.replace('_', "-") == super::stem(name).replace('_', "-");
            let Some(place) = applied.iter().position(|one| same(&one.name)) else {
                return Err(sequor_core::Error::migration(format!(
                    "{name} has not run, so nothing was undone: see `sequor migrate status`"
                )));
            };
            migrator.down_many(applied.len() - place, &db).await?
        }
    };
    db.close().await?;
    Ok(outcome(&report, NONE_RAN))
}
