//! `sequor migrate discard`

use super::generate::{pretty, snapshot_path};
use super::{is_up, migrator};
use crate::command::generate::write;
use crate::command::{Command, Context, Done, Outcome, none};
use sequor_core::error::{Error, Result};
use sequor_core::schema::Schema;
use serde_json::{Map, Value as Json, json};

pub(crate) const COMMAND: Command = Command {
    path: "migrate discard",
    aliases: &[],
    about: "Take back the last migration that was generated, files and snapshot, where it has not run",
    examples: "sequor migrate discard\nsequor migrate discard --yes",
    in_project: false,
    arguments: none,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

/// The file in the folder of a generated migration with the way from its snapshot back to the one before.
pub(super) const BEFORE: &str = "before.json";

/// The entry of that file with the name of the migration that was the last when it was generated.
pub(super) const AFTER: &str = "after";

/// The parts of one snapshot that another has otherwise: tables, enums and the rest by name; null for what only the first has (RFC 7396, two levels deep).
pub(super) fn way_back(after: &Json, before: &Json) -> Json {
    let mut way = Map::new();
    let keys = |json: &Json| json.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    for key in keys(after).into_iter().chain(keys(before)) {
        if after[&key] == before[&key] || way.contains_key(&key) {
            continue;
        }
        if !(after[&key].is_object() && before[&key].is_object()) {
            way.insert(key.clone(), before[&key].clone());
            continue;
        }
        let names = keys(&after[&key]).into_iter().chain(keys(&before[&key]));
        let changed = names.filter(|name| after[&key][name] != before[&key][name]).map(|name| (name.clone(), before[&key][&name].clone()));
        way.insert(key.clone(), Json::Object(changed.collect()));
    }
    Json::Object(way)
}

/// Goes that way.
fn back(snapshot: &mut Json, way: &Json) {
    let Some(parts) = snapshot.as_object_mut() else { return };
    for (key, change) in way.as_object().into_iter().flatten().filter(|(key, _)| *key != AFTER) {
        match (parts.get_mut(key).and_then(Json::as_object_mut), change.as_object()) {
            (Some(known), Some(changed)) => {
                for (name, value) in changed {
                    if value.is_null() {
                        known.shift_remove(name);
                    } else {
                        known.insert(name.clone(), value.clone());
                    }
                }
            }
            _ if change.is_null() => drop(parts.shift_remove(key)),
            _ => drop(parts.insert(key.clone(), change.clone())),
        }
    }
}

async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    let newest = migrator.migrations().iter().rfind(|one| !one.is_repeatable());
    let Some(last) = newest else { return Err(Error::migration("there are no migrations, so none was generated")) };
    let (name, folder) = (last.name().to_owned(), cx.settings.migrations.join(last.name()));
    let Ok(way) = std::fs::read_to_string(folder.join(BEFORE)) else {
        return Err(Error::migration(format!(
            "{name}, the last migration, was not generated: it has no {BEFORE}, which says what the snapshot was before; remove its files by hand"
        )));
    };
    let db = cx.look().await?;
    let status = migrator.status(&db).await?;
    db.close().await?;
    let here = status.iter().find(|one| one.name == name);
    if here.is_some_and(|one| !is_up(&one.state) && one.applied_at.is_some()) {
        return Err(Error::migration(format!(
            "{name} ended in the middle here: mend it and run `sequor migrate up`, or undo its first statements by hand and say `sequor migrate resolve {name} --rolled-back`"
        )));
    }
    if here.is_some_and(|one| is_up(&one.state)) {
        return Err(Error::migration(format!("{name} has run here: undo it first with `sequor migrate down --name {name}`")));
    }
    let path = snapshot_path(cx);
    let unreadable = |error: serde_json::Error| Error::migration(format!("{} or {BEFORE} is no JSON: {error}", path.display()));
    let mut snapshot: Json = serde_json::from_str(&std::fs::read_to_string(&path)?).map_err(unreadable)?;
    let way: Json = serde_json::from_str(&way).map_err(unreadable)?;
    if way.as_object().is_some_and(|way| way.keys().all(|key| key == AFTER)) {
        return Err(Error::migration(format!(
            "{name} was rebased over a migration of the same tables, so what the snapshot was before it is not known: remove its files by hand, bring {} back from version \
             control, and generate it again",
            path.display()
        )));
    }
    back(&mut snapshot, &way);
    let shown = folder.display();
    cx.console.destroy(&format!("This removes {shown} with its files"), &name, cx.settings.environment())?;
    if snapshot.as_object().is_none_or(Map::is_empty) {
        std::fs::remove_file(&path)?;
    } else {
        // In the order in which snapshots are written, so that version control sees no difference.
        let ordered = Schema::from_json(&snapshot).map_or(snapshot, |schema| schema.to_json());
        write(&path, &pretty(&ordered))?;
    }
    std::fs::remove_dir_all(&folder).map_err(|error| Error::usage(format!("{shown} cannot be removed: {error}")))?;
    Ok(Outcome::said(format!("{shown} is gone, and the snapshot is as before it."), json!({ "name": name })))
}

#[cfg(test)]
mod tests {
    use super::{back, way_back};
    use serde_json::json;

    #[test]
    fn the_way_back_leads_back() {
        let (one, two) = (json!({ "columns": { "a": 1 } }), json!({ "columns": { "b": 1, "c": 2 } }));
        let snapshots = [
            json!({}),
            json!({ "version": 1, "tables": { "x": one } }),
            json!({ "version": 1, "tables": { "x": two, "y": one }, "enums": { "e": ["a"] } }),
            json!({ "version": 1, "tables": { "y": one, "z": two }, "views": { "v": "SELECT 1" } }),
        ];
        for before in &snapshots {
            for after in &snapshots {
                let mut made = after.clone();
                back(&mut made, &way_back(after, before));
                assert_eq!(&made, before, "from {after}");
            }
        }
    }
}
