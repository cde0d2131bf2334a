//! `sequor migrate baseline`

use super::{migrator, stem};
use crate::command::{Command, Context, Done, Outcome};
use clap::Arg;
use sequor_core::error::Result;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "migrate baseline",
    aliases: &[],
    about: "Write down that all migrations up to one have run, without running them: for a database that was made otherwise",
    examples: "sequor migrate baseline 20240101000000-create-users",
    in_project: false,
    arguments: |command| command.arg(Arg::new("name").required(true).value_name("NAME").help("The last one that the database has")),
    run: |cx| -> Done { Box::pin(async move { run(&cx).await }) },
};

async fn run(cx: &Context) -> Result<Outcome> {
    let migrator = migrator(cx)?;
    let db = cx.connect().await?;
    let report = migrator.baseline(stem(cx.text("name").unwrap_or_default()), &db).await?;
    db.close().await?;
    for name in report.names() {
        cx.console.say(format!("{name}: written down as run"));
    }
    let summary = report.done.is_empty().then(|| "They were written down already.".to_owned());
    Ok(Outcome { summary, data: json!({ "baseline": report.names() }), failed: false })
}
