//! `sequor seed run`

use super::{all, each, given, names};
use crate::command::{Command, Context, Done, Outcome};
use crate::seed::{choose, is_remembered};
use sequor_core::error::Result;

pub(crate) const COMMAND: Command = Command {
    path: "seed run",
    aliases: &["db:seed:all"],
    about: "Run all seeders, or those that are named",
    examples: "sequor seed run\nsequor seed run 20240101000000-demo-data\nsequor db:seed:all --env test",
    in_project: true,
    arguments: names,
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

pub(crate) async fn run(cx: &Context) -> Result<Outcome> {
    let all = all(cx)?;
    let named = given(cx);
    let db = cx.connect().await?;
    let storage = &cx.settings.seeder_storage;
    storage.prepare(&db).await?;
    let list = if named.is_empty() {
        let ran = storage.names(&db).await?;
        all.into_iter().filter(|seeder| !is_remembered(&ran, &seeder.name)).collect()
    } else {
        choose(&all, &named)?
    };
    let outcome = each(cx, &db, &list, false).await?;
    db.close().await?;
    Ok(outcome)
}
