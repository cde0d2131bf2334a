//! `sequor migrate down`

use super::{NONE_RAN, ask_before, leniency, migrator, outcome, production, stem};
use crate::command::{Command, Context, Done, Outcome};
use clap::Arg;
use sequor_core::error::Result;

pub(crate) const COMMAND: Command = Command {
    path: "migrate down",
    aliases: &["db:migrate:undo"],
    about: "Undo the last migration, or one that is named",
    examples: "sequor migrate down\nsequor migrate down --steps 2\nsequor db:migrate:undo --name 20240101000000-create-users",
    in_project: false,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

fn arguments(command: clap::Command) -> clap::Command {
    leniency(command)
        .arg(Arg::new("name").long("name").value_name("NAME").conflicts_with("steps").help("This one alone, whatever has run after it"))
        .arg(Arg::new("steps").long("steps").value_name("COUNT").value_parser(clap::value_parser!(u32).range(1..)).help("How many; 1"))
}

async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    if let Some(name) = cx.text("name").map(stem) {
        production(cx, &format!("This undoes the migration {name}"))?;
        let db = cx.connect().await?;
        ask_before(cx, &migrator.losses_named(name, &db).await?)?;
        let report = migrator.down_named(name, &db).await?;
        db.close().await?;
        return Ok(outcome(&report, NONE_RAN));
    }
    let steps = cx.matches.get_one::<u32>("steps").copied().unwrap_or(1);
    production(
        cx,
        &if steps == 1 { "This undoes the last migration".to_owned() } else { format!("This undoes the last {steps} migrations") },
    )?;
    let db = cx.connect().await?;
    let count = usize::try_from(steps).unwrap_or(usize::MAX);
    ask_before(cx, &migrator.losses(count, &db).await?)?;
    let report = migrator.down_many(count, &db).await?;
    db.close().await?;
    Ok(outcome(&report, NONE_RAN))
}
