//! `sequor seed undo`

use super::{all, each, given, names};
use crate::command::{Command, Context, Done, Outcome};
use crate::seed::{SeederStorage, choose, is_remembered};
use sequor_core::error::Result;

pub(crate) const COMMAND: Command = Command {
    path: "seed undo",
    aliases: &["db:seed:undo"],
    about: "Undo the last seeder, or those that are named",
    examples: "sequor seed undo\nsequor seed undo 20240101000000-demo-data --yes",
    in_project: true,
    arguments: names,
    run: |cx| -> Done { Box::pin(async move { run(&cx, false).await }) },
};

pub(crate) async fn run(cx: &Context, every: bool) -> Result<Outcome> {
    let all = all(cx)?;
    let named = given(cx);
    cx.console.destroy("This removes what seeders wrote", &cx.settings.database()?, cx.settings.environment())?;
    let db = cx.connect().await?;
    let storage = &cx.settings.seeder_storage;
    storage.prepare(&db).await?;
    let mut list = choose(&all, &named)?;
    if named.is_empty() {
        let ran = storage.names(&db).await?;
        list = all.into_iter().filter(|seeder| *storage == SeederStorage::None || is_remembered(&ran, &seeder.name)).collect();
        list.reverse();
        list.truncate(if every { usize::MAX } else { 1 });
    }
    let outcome = each(cx, &db, &list, true).await?;
    db.close().await?;
    Ok(outcome)
}
