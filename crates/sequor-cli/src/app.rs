//! [`App`]: a program that is the command line of a project.

use crate::command::{self, Context};
use crate::console::Console;
use crate::foreign;
use crate::project;
use crate::seed::Seeder;
use crate::settings::Settings;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_orm::__private::EmbeddedMigration;
use sequor_orm::migrate::{Migration, Migrator};
use sequor_orm::model::ModelList;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

/// The command line of a project: its models, its migrations, its seeders in Rust.
///
/// ```no_run
/// use sequor_cli::{App, Seeder};
///
/// fn main() -> std::process::ExitCode {
///     App::without_models()
///         .seeder(Seeder::new("20240101000000-demo-data", |db| {
///             Box::pin(async move { db.execute_sql_script("INSERT INTO tags (name) VALUES ('demo')").await })
///         }))
///         .run()
/// }
/// ```
#[derive(Clone, Default)]
pub struct App {
    pub(crate) models: Vec<Arc<ModelDef>>,
    pub(crate) seeders: Vec<Seeder>,
    pub(crate) migrations: Option<Vec<Migration>>,
    pub(crate) default_url: Option<String>,
    pub(crate) alone: bool,
}

impl App {
    /// The command line of a program with these models.
    pub fn new<L: ModelList>() -> App {
        App { models: L::models(), ..App::default() }
    }

    /// A command line that knows no models.
    pub fn without_models() -> App {
        App::default()
    }

    /// Adds a seeder that is written in Rust; it runs among the files, in the order of names.
    #[must_use]
    pub fn seeder(mut self, seeder: Seeder) -> App {
        self.seeders.push(seeder);
        self
    }

    /// The migrations that are in the program, so that no file has to be copied to a server: `.migrations(migrations!("migrations"))`.
    ///
    /// They are run instead of the files of the folder, unless `--migrations-path` names one. When the folder is there and holds more, the commands say
    /// that the program has to be built again.
    ///
    /// ```no_run
    /// use sequor_cli::App;
    /// # use sequor_orm::__private::EmbeddedMigration;
    /// # const MIGRATIONS: &[EmbeddedMigration] = &[]; // migrations!("migrations")
    ///
    /// fn main() -> std::process::ExitCode {
    ///     App::without_models().migrations(MIGRATIONS).default_url("sqlite://app.db").run()
    /// }
    /// ```
    #[must_use]
    pub fn migrations(mut self, migrations: &'static [EmbeddedMigration]) -> App {
        self.migrations = Some(Migrator::embedded(migrations).migrations().to_vec());
        self
    }

    /// The database where neither a flag nor the environment nor a file names one, outside of production.
    #[must_use]
    pub fn default_url(mut self, url: impl Into<String>) -> App {
        self.default_url = Some(url.into());
        self
    }

    /// Runs the command that the program's arguments name; the status is 0 when it succeeded, 1 when it failed, 2 when it was not understood.
    pub fn run(self) -> ExitCode {
        self.run_with(std::env::args_os().collect())
    }

    /// As [`App::run`], with arguments of your own; the first is the program's name.
    pub fn run_with(self, arguments: Vec<OsString>) -> ExitCode {
        let name = arguments.first().map(|name| std::path::Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned());
        let line = command::line(name.unwrap_or_else(|| "sequor".into()));
        let matches = match line.try_get_matches_from(&arguments) {
            Ok(matches) => matches,
            Err(error) => {
                match foreign::hint(&arguments, &error) {
                    Some(hint) => eprintln!("ERROR: {hint}"),
                    None => drop(error.print()),
                }
                return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
            }
        };
        let Some((command, matches)) = command::find(&matches) else { return ExitCode::from(2) };
        let console = Console::new(matches.get_flag("json"), matches.get_flag("yes"), matches.get_one::<String>("confirm").cloned());
        let console = console.detailed(matches.get_flag("debug"));
        if self.alone
            && (command.in_project || command.path.starts_with("migrate") && project::has_rust_migrations(matches))
            && let Some(program) = project::own_program()
        {
            return project::run_own(&program, &arguments[1..], &console);
        }
        match self.execute(command, matches, &console) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                console.fail(&error);
                ExitCode::FAILURE
            }
        }
    }

    fn execute(self, command: &'static command::Command, matches: &clap::ArgMatches, console: &Console) -> Result<()> {
        let settings = Settings::read(matches, self.default_url.as_deref())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Error::usage(format!("no threads for the command: {error}")))?;
        let context = Context { app: self, settings, matches: matches.clone(), console: console.clone() };
        let outcome = runtime.block_on((command.run)(context))?;
        console.finish(&outcome);
        if outcome.failed { Err(Error::usage(outcome.summary.unwrap_or_else(|| "the check failed".into()))) } else { Ok(()) }
    }
}

/// The stand-alone `sequor`.
pub fn standalone() -> ExitCode {
    App { alone: true, ..App::default() }.run()
}
