//! `sequor migrate generate`

use super::discard;
use crate::command::generate::{given_name, name_argument, stamped, write, write_new};
use crate::command::{Command, Context, Done, Outcome};
use clap::{Arg, ArgAction};
use sequor_core::error::{Error, Result};
use sequor_core::schema::Schema;
use sequor_orm::Dialect;
use sequor_orm::migrate::{GeneratedMigration, Generator};
use sequor_orm::sync::{PlanStep, owned};
use serde_json::json;
use std::path::PathBuf;

pub(crate) const COMMAND: Command = Command {
    path: "migrate generate",
    aliases: &[],
    about: "Write the migration from the last snapshot to the models",
    examples: "sequor migrate generate add-phone\nsequor migrate generate people --rename users:people --rename people.mail:email\n\
               sequor migrate generate ages --cast users.age --fill users.age=0",
    in_project: true,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

fn arguments(command: clap::Command) -> clap::Command {
    let list = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).action(ArgAction::Append).help(help)
    };
    name_argument(command, "What it does: add-phone")
        .arg(list("rename", "OLD:NEW", "Another name: users:people, people.mail:email, role.ADMIN:OWNER"))
        .arg(list("cast", "TABLE.COLUMN", "Its values may become another type although some may be refused"))
        .arg(list("fill", "TABLE.COLUMN=SQL", "What rows get that have no value there"))
        .arg(list("dialect", "DATABASE", "postgres, mysql or sqlite; that of the database's URL, else all three"))
        .arg(
            Arg::new("from-database")
                .long("from-database")
                .action(ArgAction::SetTrue)
                .help("Start from what the database has, not from a snapshot"),
        )
}

/// The file of the snapshot.
pub(crate) fn snapshot_path(cx: &Context) -> PathBuf {
    cx.settings.migrations.join("snapshot.json")
}

/// The last snapshot, when there is one.
pub(crate) fn snapshot(cx: &Context) -> Result<Option<Schema>> {
    let path = snapshot_path(cx);
    if !path.is_file() {
        return Ok(None);
    }
    let shown = path.display();
    let text = std::fs::read_to_string(&path).map_err(|error| Error::migration(format!("{shown} cannot be read: {error}")))?;
    let json = serde_json::from_str(&text).map_err(|error| {
        Error::migration(format!("{shown} is no JSON ({error}): where a merge left its marks, keep what both sides say; `sequor migrate check` compares the result with models and database"))
    })?;
    Schema::from_json(&json).map(Some)
}

/// The generator of the program's models, for the project's databases.
pub(crate) fn generator(cx: &Context) -> Result<Generator> {
    if cx.app.models.is_empty() {
        return Err(Error::usage(
            "this program knows no models: write src/bin/db.rs with `sequor::cli::main!(User, Post);` (sequor init makes one) and run it in the project",
        ));
    }
    Ok(Generator::new(cx.app.models.clone()).dialects(dialects(cx)?))
}

fn dialects(cx: &Context) -> Result<Vec<Dialect>> {
    let given = cx.texts("dialect");
    if given.is_empty() {
        let scheme = cx.settings.url().ok().and_then(|url| url.split(':').next()).unwrap_or_default();
        return Ok(dialect(scheme).map_or_else(|| vec![Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite], |one| vec![one]));
    }
    given
        .iter()
        .map(|name| dialect(name).ok_or_else(|| Error::usage(format!("{name:?} is no database: postgres, mysql and sqlite are"))))
        .collect()
}

fn dialect(name: &str) -> Option<Dialect> {
    Some(match name {
        "postgres" | "postgresql" => Dialect::Postgres,
        // One file serves both.
        "mysql" | "mariadb" => Dialect::Mysql,
        "sqlite" => Dialect::Sqlite,
        _ => return None,
    })
}

async fn run(cx: &Context) -> Result<Outcome> {
    let name = stamped(cx, &cx.settings.migrations)?;
    let mut generator = generator(cx)?;
    for text in cx.texts("rename") {
        generator = generator.rename(text);
    }
    for text in cx.texts("cast") {
        generator = generator.cast(&text)?;
    }
    for text in cx.texts("fill") {
        generator = generator.fill(&text)?;
    }
    let from = base(cx, &generator).await?;
    for text in generator.candidates(&from)? {
        let (old, new) = text.split_once(':').unwrap_or_default();
        if cx.console.wonders(&format!("Is {new} what {old} was?"))? {
            generator = generator.rename(text);
        }
    }
    let Some(made) = generator.generate(&from)? else {
        if !snapshot_path(cx).is_file() {
            write(&snapshot_path(cx), &pretty(&generator.schema()?.to_json()))?;
        }
        return Ok(Outcome::said("Nothing to do: the models are as the snapshot says.", json!({ "steps": [] })));
    };
    save(cx, &name, &made)
}

/// What the migration starts from.
async fn base(cx: &Context, generator: &Generator) -> Result<Schema> {
    if cx.flag("from-database") {
        let db = cx.connect().await?;
        return Ok(owned(db.catalog().await?, &generator.schema()?));
    }
    if let Some(known) = snapshot(cx)? {
        return Ok(known);
    }
    if !cx.settings.migrations.is_dir() || super::migrator(cx)?.migrations().is_empty() {
        return Ok(Schema::default());
    }
    let name = given_name(cx)?;
    Err(Error::migration(format!(
        "{} is missing, but there are migrations: bring it back from version control, or run `sequor migrate generate {name} --from-database` on a database where they have run",
        snapshot_path(cx).display()
    )))
}

fn save(cx: &Context, name: &str, made: &GeneratedMigration) -> Result<Outcome> {
    let folder = cx.settings.migrations.join(name);
    let all = if cx.settings.migrations.is_dir() { super::migrator(cx)?.migrations().to_vec() } else { Vec::new() };
    let last = all.iter().rfind(|one| !one.is_repeatable()).map_or("", |one| one.name());
    for (file, text) in &made.files {
        write_new(&folder.join(file), text)?;
    }
    let known = std::fs::read_to_string(snapshot_path(cx)).ok().and_then(|text| serde_json::from_str(&text).ok());
    let mut way = discard::way_back(&made.snapshot, &known.unwrap_or(json!({})));
    way[discard::AFTER] = json!(last);
    write(&folder.join(discard::BEFORE), &pretty(&way))?;
    write(&snapshot_path(cx), &pretty(&made.snapshot))?;
    say(cx, &made.steps);
    if let Some(why) = &made.irreversible {
        cx.console.say(cx.console.warn(&format!("It has no down.sql: {why}")));
    }
    let shown = folder.display().to_string();
    let files: Vec<&String> = made.files.keys().collect();
    let data = json!({ "name": name, "path": shown, "files": files, "steps": made.steps.iter().map(step_json).collect::<Vec<_>>() });
    Ok(Outcome::said(format!("New migration was created at {shown} ."), data))
}

/// The steps for people: what is lost, and what may fail, stands beside them.
pub(crate) fn say(cx: &Context, steps: &[PlanStep]) {
    for step in steps {
        let mut line = format!("  {}", step.what);
        if let Some(loses) = &step.loses {
            line.push_str(&cx.console.warn(&format!("   LOSES {loses}")));
        }
        if let Some(note) = &step.note {
            line.push_str(&cx.console.warn(&format!("   {note}")));
        }
        cx.console.say(line);
    }
}

pub(crate) fn step_json(step: &PlanStep) -> serde_json::Value {
    json!({ "step": step.what, "statements": step.statements, "loses": step.loses, "note": step.note })
}

pub(crate) fn pretty(json: &serde_json::Value) -> String {
    format!("{json:#}\n")
}
