//! `sequor migrate rebase`: migrations of two branches, one behind the other.

use super::discard::{AFTER, BEFORE};
use super::generate::pretty;
use super::{migrator, stem};
use crate::command::generate::{STAMP, newest_stamp, write};
use crate::command::{Command, Context, Done, Outcome};
use clap::Arg;
use sequor_core::error::{Error, Result};
use sequor_orm::migrate::{Migration, REBASED};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) const COMMAND: Command = Command {
    path: "migrate rebase",
    aliases: &[],
    about: "Put migrations of a branch behind all others, after a merge",
    examples: "sequor migrate rebase 20240102000000-add-phone\nsequor migrate rebase                                # is there anything to do?",
    in_project: false,
    arguments: |command| {
        let names = Arg::new("names").value_name("NAME").num_args(0..);
        command.arg(names.help("The first of the branch, and those that were generated after it come along"))
    },
    run: |cx| -> Done { Box::pin(async move { run(&cx) }) },
};

/// A migration that was generated without knowing another which stands before it now.
pub(super) struct Head {
    name: String,
    after: String,
    unknown: Vec<String>,
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let after = if self.after.is_empty() { "from the start".to_owned() } else { format!("after {}", self.after) };
        write!(
            f,
            "{} was generated {after}, without {}, which another branch brought: `sequor migrate rebase {}` puts yours last, whichever it is",
            self.name,
            self.unknown.join(", "),
            self.name
        )
    }
}

/// What was generated on two branches.
pub(super) fn heads(cx: &Context, migrations: &[Migration]) -> Vec<Head> {
    let names: Vec<&str> = migrations.iter().filter(|one| !one.is_repeatable()).map(Migration::name).collect();
    let head = |(place, name): (usize, &&str)| {
        let after = before(cx, name)?.get(AFTER)?.as_str()?.to_owned();
        // A base that was squashed or removed tells nothing any more.
        let start = if after.is_empty() { 0 } else { names.iter().position(|known| *known == after)? + 1 };
        let unknown: Vec<String> = names.get(start..place)?.iter().map(|name| (*name).to_owned()).collect();
        (!unknown.is_empty()).then(|| Head { name: (*name).to_owned(), after, unknown })
    };
    names.iter().enumerate().filter_map(head).collect()
}

/// What a generated migration remembers.
fn before(cx: &Context, name: &str) -> Option<Map<String, Json>> {
    let text = std::fs::read_to_string(cx.settings.migrations.join(name).join(BEFORE)).ok()?;
    serde_json::from_str(&text).ok()
}

fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    let all: Vec<&Migration> = migrator.migrations().iter().filter(|one| !one.is_repeatable()).collect();
    let given = cx.texts("names");
    if given.is_empty() {
        let heads = heads(cx, migrator.migrations());
        if heads.is_empty() {
            return Ok(Outcome::said("Nothing to do: each migration was generated after the one before it.", json!({ "renamed": [] })));
        }
        return Err(Error::usage(heads.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")));
    }
    let moved = chosen(cx, &all, &given)?;
    let stays: Vec<&Migration> = all.iter().copied().filter(|one| !moved.iter().any(|moved| moved.name() == one.name())).collect();
    let now = chrono::Utc::now().naive_utc();
    let mut stamp = newest_stamp(&cx.settings.migrations).map_or(now, |newest| now.max(newest + chrono::TimeDelta::seconds(1)));
    let mut last = stays.last().map_or(String::new(), |one| one.name().to_owned());
    let mut renamed = BTreeMap::new();
    for one in &moved {
        let name = format!("{}-{}", stamp.format(STAMP), without_stamp(one.name()));
        remember(cx, one.name(), &last, &stays)?;
        rename(cx, one, &name)?;
        cx.console.say(format!("  {} is {name} now", one.name()));
        renamed.insert(one.name().to_owned(), name.clone());
        (last, stamp) = (name, stamp + chrono::TimeDelta::seconds(1));
    }
    let said = "Databases where they have run under their old names know them. Run `sequor migrate check`: models, snapshot and database tell whether both branches are in.";
    Ok(Outcome::said(said, json!({ "renamed": renamed })))
}

/// The migrations that were named, and those that were generated after one of them, in their order.
fn chosen<'a>(cx: &Context, all: &[&'a Migration], given: &[String]) -> Result<Vec<&'a Migration>> {
    let same = |one: &str, other: &str| one.replace('-', "_") == stem(other).replace('-', "_");
    if let Some(name) = given.iter().find(|name| !all.iter().any(|one| same(one.name(), name))) {
        return Err(Error::usage(format!("there is no migration {name}: `sequor migrate status` lists their names")));
    }
    let mut moved: Vec<&Migration> = Vec::new();
    for one in all {
        let after = before(cx, one.name()).and_then(|before| before.get(AFTER)?.as_str().map(str::to_owned));
        let follows = after.is_some_and(|after| moved.iter().any(|known| known.name() == after));
        if follows || given.iter().any(|name| same(one.name(), name)) {
            moved.push(one);
        }
    }
    if let Some(one) = moved.iter().find(|one| one.has_code()) {
        return Err(Error::usage(format!(
            "{} is written in Rust, whose file cannot say what it was called: rename it by hand where it has not run",
            one.name()
        )));
    }
    Ok(moved)
}

fn without_stamp(name: &str) -> &str {
    name.trim_start_matches(|letter: char| letter.is_ascii_digit()).trim_start_matches(['-', '_'])
}

/// Writes down what it stands behind now. Where one of those in between changes the same tables, the way back to the snapshot before is not known any more.
fn remember(cx: &Context, name: &str, last: &str, stays: &[&Migration]) -> Result<()> {
    let Some(mut way) = before(cx, name) else { return Ok(()) };
    let touched = |way: &Map<String, Json>| -> Vec<String> {
        let parts = way.iter().filter_map(|(key, part)| Some((key, part.as_object()?)));
        parts.flat_map(|(key, part)| part.keys().map(move |name| format!("{key}.{name}"))).collect()
    };
    let after = way.get(AFTER).and_then(Json::as_str).unwrap_or_default().to_owned();
    let own = touched(&way);
    let between = stays.iter().filter(|one| one.name() > after.as_str()).filter_map(|one| before(cx, one.name()));
    if between.flat_map(|other| touched(&other)).any(|one| own.contains(&one)) {
        way.clear();
    }
    way.insert(AFTER.to_owned(), json!(last));
    write(&cx.settings.migrations.join(name).join(BEFORE), &pretty(&Json::Object(way)))
}

/// Gives its folder, or its files, another name; each `up.sql` says the old one.
fn rename(cx: &Context, migration: &Migration, name: &str) -> Result<()> {
    let (folder, old) = (&cx.settings.migrations, migration.name());
    let moves: Vec<(PathBuf, PathBuf)> = if folder.join(old).is_dir() {
        vec![(folder.join(old), folder.join(name))]
    } else {
        let file = |(file, _): (&str, &str)| (folder.join(format!("{old}.{file}")), folder.join(format!("{name}.{file}")));
        let alone = (folder.join(format!("{old}.sql")), folder.join(format!("{name}.up.sql")));
        migration.files().map(file).chain([alone]).filter(|(from, _)| from.is_file()).collect()
    };
    for (from, to) in &moves {
        std::fs::rename(from, to).map_err(|error| Error::usage(format!("{} cannot be renamed: {error}", from.display())))?;
    }
    for (file, text) in migration.files().filter(|(file, _)| file.starts_with("up.")) {
        let path = if folder.join(name).is_dir() { folder.join(name).join(file) } else { folder.join(format!("{name}.{file}")) };
        write(&path, &format!("{REBASED}{old}\n{text}"))?;
    }
    Ok(())
}
