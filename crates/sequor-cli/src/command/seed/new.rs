//! `sequor seed new`

use crate::command::generate::{name_argument, stamped, write_new};
use crate::command::{Command, Context, Done, Outcome};
use clap::Arg;
use sequor_core::error::Result;
use serde_json::json;

pub(crate) const COMMAND: Command = Command {
    path: "seed new",
    aliases: &["seed:generate", "seed:create"],
    about: "Write an empty seeder",
    examples: "sequor seed new demo-users\nsequor seed new users --format yaml\nsequor seed:generate --name demo-users",
    in_project: false,
    arguments: |command| {
        name_argument(command, "What it holds: demo-users").arg(
            Arg::new("format")
                .long("format")
                .value_parser(["sql", "json", "yaml", "csv"])
                .default_value("sql")
                .help("What it is written in"),
        )
    },
    run: |cx| -> Done { Box::pin(async move { run(&cx) }) },
};

fn run(cx: &Context) -> Result<Outcome> {
    let name = stamped(cx, &cx.settings.seeders)?;
    let format = cx.text("format").unwrap_or("sql");
    let folder = &cx.settings.seeders;
    let path = match format {
        "sql" => {
            let folder = folder.join(&name);
            write_new(&folder.join("up.sql"), &format!("-- {name}\n"))?;
            write_new(&folder.join("down.sql"), &format!("-- undoes {name}\n"))?;
            folder
        }
        other => {
            let path = folder.join(format!("{name}.{other}"));
            let text = if other == "csv" {
                ""
            } else if other == "json" {
                "{}\n"
            } else {
                "# Model:\n#   - { column: value }\n{}\n"
            };
            write_new(&path, text)?;
            path
        }
    };
    let shown = path.display().to_string();
    Ok(Outcome::said(format!("New seed was created at {shown} ."), json!({ "name": name, "path": shown })))
}
