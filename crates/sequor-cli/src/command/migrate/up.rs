//! `sequor migrate up`

use super::{UP_TO_DATE, leniency, migrator, outcome};
use crate::command::{Command, Context, Done, Outcome};
use clap::{Arg, ArgAction};
use sequor_core::error::{Error, Result};
use sequor_orm::migrate::{MigrationState, MigrationStatus};

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
    leniency(command)
        .arg(Arg::new("to").long("to").value_name("NAME").help("Stop after this one"))
        .arg(Arg::new("from").long("from").value_name("NAME").help("Begin behind this one, which has run as all before it have"))
        .arg(Arg::new("plan").long("plan").action(ArgAction::SetTrue).help("Only show the statements"))
}

pub(crate) async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    let db = if cx.flag("plan") { cx.look().await? } else { cx.connect().await? };
    if let Some(name) = cx.text("from").map(super::stem) {
        nothing_before(&migrator, name, &db).await?;
    }
    if cx.flag("plan") {
        return plan(cx, &migrator, &db).await;
    }
    let report = match cx.text("to") {
        Some(name) => {
            let name = super::stem(name);
            only_forward(&migrator, name, &db).await?;
            migrator.to(name, &db).await?
        }
        None => migrator.up(&db).await?,
    };
    db.close().await?;
    Ok(outcome(&report, UP_TO_DATE))
}

/// `up` never undoes: a migration that has run is no place to go up to. Sequelize's `--to` goes forward alone, too.
async fn only_forward(migrator: &sequor_orm::migrate::Migrator, name: &str, db: &sequor_orm::db::Db) -> Result<()> {
    let same = |known: &str| known.replace('_', "-") == name.replace('_', "-");
    let status = migrator.status(db).await?;
    let has_run =
        status.iter().find(|one| same(&one.name)).is_some_and(|one| one.applied_at.is_some() || one.state == MigrationState::Applied);
    if has_run {
        return Err(Error::migration(format!(
            "{name} has run already, and `up` only goes forward: to undo what came after it say `sequor migrate to {name}`"
        )));
    }
    Ok(())
}

/// `--from` passes over nothing: what stands before has to have run.
async fn nothing_before(migrator: &sequor_orm::migrate::Migrator, name: &str, db: &sequor_orm::db::Db) -> Result<()> {
    let status = migrator.status(db).await?;
    let place = place(&status, name)?;
    match status[..=place].iter().find(|one| one.state == MigrationState::Pending || one.state == MigrationState::Late) {
        Some(one) => Err(Error::migration(format!(
            "{} has not run, and --from would pass over it: run it with the others, or write down that the database has it with `sequor migrate baseline {name}`",
            one.name
        ))),
        None => Ok(()),
    }
}

fn place(status: &[MigrationStatus], name: &str) -> Result<usize> {
    let same = |known: &str| known.replace('_', "-") == name.replace('_', "-");
    status.iter().position(|one| same(&one.name)).ok_or_else(|| {
        let names: Vec<&str> = status.iter().map(|one| one.name.as_str()).collect();
        Error::migration(format!("there is no migration {}: there are {}", name.escape_debug(), names.join(", ")))
    })
}

async fn plan(cx: &Context, migrator: &sequor_orm::migrate::Migrator, db: &sequor_orm::db::Db) -> Result<Outcome> {
    let mut plan = migrator.plan(db).await?;
    if let Some(name) = cx.text("to").map(super::stem) {
        let status = migrator.status(db).await?;
        let (known, place) = (|name: &str| status.iter().position(|one| one.name == name), place(&status, name)?);
        plan.retain(|one| known(&one.name).is_none_or(|at| at <= place));
    }
    let mut data = Vec::new();
    for one in &plan {
        let notes = [(one.transaction, "", ", without a transaction"), (one.reversible, "", ", cannot be undone")];
        let notes: String = notes.iter().map(|(is, yes, no)| if *is { *yes } else { *no }).collect();
        cx.console.say(format!("-- {}{notes}", one.name));
        if one.code {
            cx.console.say("-- runs up.rs");
        }
        for (number, statement) in one.statements.iter().enumerate() {
            for effect in one.effects.iter().filter(|effect| effect.statement == number) {
                cx.console.say(cx.console.warn(&format!("-- {effect}")));
            }
            cx.console.say(format!("{};", statement.trim_end_matches(';')));
        }
        data.push(serde_json::json!({
            "name": one.name, "statements": one.statements, "transaction": one.transaction, "reversible": one.reversible,
            "code": one.code, "effects": one.effects,
        }));
    }
    let summary = plan.is_empty().then(|| UP_TO_DATE.to_owned());
    Ok(Outcome { summary, data: serde_json::json!({ "plan": data }), failed: false })
}
