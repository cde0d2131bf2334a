//! `sequor migrate resolve`

use super::{migrator, production, stem};
use crate::command::{Command, Context, Done, Outcome};
use clap::{Arg, ArgAction, ArgGroup};
use sequor_core::error::Result;
use sequor_orm::migrate::Resolve;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "migrate resolve",
    aliases: &[],
    about: "Say what came of a migration that was cut short, after you have looked at the database",
    examples: "sequor migrate resolve 20240101000000-create-users --done\nsequor migrate resolve 20240101000000-create-users --rolled-back",
    in_project: false,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

const WAYS: [(&str, Resolve, &str); 4] = [
    ("done", Resolve::StatementDone, "The statement whose end is unknown is done"),
    ("not-done", Resolve::StatementNotDone, "The statement whose end is unknown is not done"),
    ("applied", Resolve::Applied, "The whole migration is applied as its file now says"),
    ("rolled-back", Resolve::RolledBack, "Nothing of the migration is there any more"),
];

fn arguments(command: clap::Command) -> clap::Command {
    let command = command.arg(Arg::new("name").required(true).value_name("NAME").help("The migration"));
    let command = WAYS
        .iter()
        .fold(command, |command, (name, _, help)| command.arg(Arg::new(*name).long(*name).action(ArgAction::SetTrue).help(*help)));
    command.group(ArgGroup::new("how").args(WAYS.map(|(name, ..)| name)).required(true))
}

async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    let name = stem(cx.text("name").unwrap_or_default());
    production(cx, "This changes what is known of a migration")?;
    let Some((word, how, _)) = WAYS.iter().find(|(flag, ..)| cx.flag(flag)) else { return Ok(Outcome::default()) };
    let db = cx.connect().await?;
    migrator.resolve(name, *how, &db).await?;
    db.close().await?;
    Ok(Outcome::said(format!("{name}: {word}. `sequor migrate up` goes on."), json!({ "name": name, "resolved": word })))
}
