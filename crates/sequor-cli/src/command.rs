//! [`COMMANDS`]: every command, one file each. Adding one is a file and its row.

mod db;
mod generate;
mod init;
mod migrate;
mod seed;

use crate::app::App;
use crate::console::Console;
use crate::settings::Settings;
use clap::{Arg, ArgAction, ArgMatches};
use sequor_core::error::Result;
use sequor_orm::db::Db;
use std::future::Future;
use std::pin::Pin;

/// The future of a command.
pub(crate) type Done = Pin<Box<dyn Future<Output = Result<Outcome>> + Send>>;

/// One command.
pub struct Command {
    /// Its words: `migrate up`.
    pub path: &'static str,
    /// Sequelize's spellings of it: `db:migrate`.
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub about: &'static str,
    /// What its help shows at the end.
    pub examples: &'static str,
    /// Whether a project's own program should run it, because that knows the models.
    pub in_project: bool,
    pub(crate) arguments: fn(clap::Command) -> clap::Command,
    pub(crate) run: fn(Context) -> Done,
}

/// What a command is given.
#[derive(Clone)]
pub struct Context {
    pub(crate) app: App,
    pub(crate) settings: Settings,
    pub(crate) matches: ArgMatches,
    pub(crate) console: Console,
}

impl Context {
    /// Connects to the database, with the program's models.
    pub(crate) async fn connect(&self) -> Result<Db> {
        let db = self.settings.options()?.connect().await?;
        for model in &self.app.models {
            db.registry().add(model.clone());
        }
        Ok(db)
    }

    /// Connects for a command that only looks: it makes no file of SQLite's that is not there.
    pub(crate) async fn look(&self) -> Result<Db> {
        match self.settings.absent_file()? {
            true => Db::connect("sqlite::memory:").await,
            false => self.connect().await,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.matches.try_get_one::<String>(name).ok().flatten().map(String::as_str)
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.matches.try_get_many::<String>(name).ok().flatten().map(|texts| texts.cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or(false)
    }
}

/// How a command ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The last line for people.
    pub summary: Option<String>,
    /// The whole answer for `--json`.
    pub data: serde_json::Value,
    /// Whether the status is that of a failure.
    pub failed: bool,
}

impl Outcome {
    pub(crate) fn data(data: serde_json::Value) -> Outcome {
        Outcome { data, ..Outcome::default() }
    }

    pub(crate) fn said(summary: impl Into<String>, data: serde_json::Value) -> Outcome {
        Outcome { summary: Some(summary.into()), data, failed: false }
    }
}

/// Every command.
pub const COMMANDS: &[Command] = &[
    init::NEW,
    init::COMMAND,
    init::CONFIG,
    init::MIGRATIONS,
    init::SEEDERS,
    init::MODELS,
    generate::model::COMMAND,
    db::create::COMMAND,
    db::drop::COMMAND,
    db::reset::COMMAND,
    db::setup::COMMAND,
    migrate::new::COMMAND,
    migrate::generate::COMMAND,
    migrate::discard::COMMAND,
    migrate::up::COMMAND,
    migrate::down::COMMAND,
    migrate::down_all::COMMAND,
    migrate::to::COMMAND,
    migrate::redo::COMMAND,
    migrate::status::COMMAND,
    migrate::baseline::COMMAND,
    migrate::resolve::COMMAND,
    migrate::check::COMMAND,
    migrate::squash::COMMAND,
    migrate::rebase::COMMAND,
    migrate::verify::COMMAND,
    seed::new::COMMAND,
    seed::run::COMMAND,
    seed::run_named::COMMAND,
    seed::undo::COMMAND,
    seed::undo_all::COMMAND,
    Command {
        path: "completions",
        aliases: &[],
        about: "Write what a shell needs to complete commands",
        examples: "sequor completions bash > ~/.local/share/bash-completion/completions/sequor",
        in_project: false,
        arguments: crate::completion::arguments,
        run: crate::completion::run,
    },
];

/// The whole command line, for clap.
pub(crate) fn line(name: String) -> clap::Command {
    let mut line = base(clap::Command::new("sequor").bin_name(name.clone()).about("Databases, migrations, seeders and generators"))
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true);
    for (group, about) in
        [("db", "Make and remove the database"), ("migrate", "Change the tables"), ("seed", "Fill the tables"), ("model", "Write models")]
    {
        let mut sub = clap::Command::new(group).about(about).subcommand_required(true).arg_required_else_help(true);
        for command in COMMANDS {
            if let Some((_, word)) = command.path.split_once(' ').filter(|(first, _)| *first == group) {
                sub = sub.subcommand(one(command, word, &name));
            }
        }
        line = line.subcommand(sub);
    }
    for command in COMMANDS {
        if !command.path.contains(' ') {
            line = line.subcommand(one(command, command.path, &name).hide(command.path.contains(':')));
        }
        for alias in command.aliases {
            line = line.subcommand(one(command, alias, &name).hide(true));
        }
    }
    line.after_help(
        "Sequelize's spellings work too: db:create, db:migrate, db:migrate:undo, db:migrate:status, db:seed:all, migration:generate, ..;\nand its flags: --config, --options-path, --models-path, --debug",
    )
}

fn one(command: &'static Command, name: &'static str, program: &str) -> clap::Command {
    let mut examples = String::from("Examples:");
    for example in command.examples.lines() {
        examples.push_str("\n  ");
        examples.push_str(&example.replace("sequor ", &format!("{program} ")));
    }
    if !command.aliases.is_empty() {
        examples.push_str(&format!("\n\nSequelize: {}", command.aliases.join(", ")));
    }
    (command.arguments)(clap::Command::new(name).about(command.about).after_help(examples))
}

/// Options of every command stand behind a command's own.
const BEHIND: usize = 1000;

fn base(line: clap::Command) -> clap::Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).global(true).display_order(BEHIND).help(help)
    };
    line.arg(text("env", "NAME", "The environment; SEQUOR_ENV, APP_ENV or NODE_ENV, else development"))
        .arg(text("url", "URL", "The database; wins over DATABASE_URL and sequor.toml"))
        .arg(text("migrations-path", "FOLDER", "The folder of migrations; migrations"))
        .arg(text("seeders-path", "FOLDER", "The folder of seeders; seeders"))
        .arg(text("confirm", "DATABASE", "Confirms what destroys data, in production too"))
        .arg(text("config", "FILE", "Sequelize's config.json or config.js; wins over everything but --url").hide(true))
        .arg(text("options-path", "FILE", "Sequelize's .sequelizerc").hide(true))
        .arg(text("models-path", "FOLDER", "The folder that model generate writes into; src/models").hide(true))
        .arg(Arg::new("debug").long("debug").action(ArgAction::SetTrue).global(true).hide(true).help("Errors with all their details"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).global(true).display_order(BEHIND).help("Answer in JSON"))
        .arg(
            Arg::new("yes")
                .long("yes")
                .short('y')
                .action(ArgAction::SetTrue)
                .global(true)
                .display_order(BEHIND)
                .help("Do not ask, outside of production"),
        )
}

/// The command that was called, with its own arguments.
pub(crate) fn find(matches: &ArgMatches) -> Option<(&'static Command, &ArgMatches)> {
    let (first, matches) = matches.subcommand()?;
    let named = |path: &str| COMMANDS.iter().find(|command| command.path == path || command.aliases.contains(&path));
    match matches.subcommand() {
        Some((second, inner)) => named(&format!("{first} {second}")).map(|command| (command, inner)),
        None => named(first).map(|command| (command, matches)),
    }
}

/// The arguments of a command that has none.
pub(crate) fn none(command: clap::Command) -> clap::Command {
    command
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, line};

    #[test]
    fn the_command_line_is_sound_and_every_command_has_an_example() {
        line("sequor".into()).debug_assert();
        assert!(COMMANDS.iter().all(|command| !command.examples.is_empty()));
    }
}
