//! `sequor migrate up`

use super::{UP_TO_DATE, migrator, outcome};
use crate::command::{Command, Context, Done, Outcome};
use clap::{Arg, ArgAction};
use sequor_core::error::Result;

pub(crate) const COMMAND: Command = Command {
    path: "migrate up",
    aliases: &["db:migrate"],
    about: "Run the migrations that have not run",
    examples: "sequor migrate up\nsequor migrate up --plan\nsequor db:migrate --to 20240101000000-create-users",
    in_project: false,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

fn arguments(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("to").long("to").value_name("NAME").help("Stop after this one"))
        .arg(Arg::new("plan").long("plan").action(ArgAction::SetTrue).help("Only show the statements"))
}

pub(crate) async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    let db = cx.connect().await?;
    if cx.flag("plan") {
        return plan(cx, &migrator, &db).await;
    }
    let report = match cx.text("to") {
        Some(name) => migrator.to(super::stem(name), &db).await?,
        None => migrator.up(&db).await?,
    };
    db.close().await?;
    Ok(outcome(&report, UP_TO_DATE))
}

async fn plan(cx: &Context, migrator: &sequor_orm::migrate::Migrator, db: &sequor_orm::db::Db) -> Result<Outcome> {
    let plan = migrator.plan(db).await?;
    let mut data = Vec::new();
    for one in &plan {
        let notes = [(one.transaction, "", ", without a transaction"), (one.reversible, "", ", cannot be undone")];
        let notes: String = notes.iter().map(|(is, yes, no)| if *is { *yes } else { *no }).collect();
        cx.console.say(format!("-- {}{notes}", one.name));
        for statement in &one.statements {
            cx.console.say(format!("{};", statement.trim_end_matches(';')));
        }
        data.push(serde_json::json!({
            "name": one.name, "statements": one.statements, "transaction": one.transaction, "reversible": one.reversible,
        }));
    }
    let summary = plan.is_empty().then(|| UP_TO_DATE.to_owned());
    Ok(Outcome { summary, data: serde_json::json!({ "plan": data }), failed: false })
}
