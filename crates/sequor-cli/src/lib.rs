//! Sequor's command line: databases, migrations, seeders and generators.
//!
//! A project gets every command with its models linked in by one line in `src/bin/db.rs`, `sequor::cli::main!(User, Post, Tag);`. The stand-alone
//! `sequor` finds and runs that program, and does by itself what needs no models.

mod app;
mod command;
mod completion;
mod console;
mod foreign;
mod project;
pub mod seed;
mod settings;

pub use app::{App, standalone};
pub use command::{COMMANDS, Command, Context, Outcome};
pub use console::Console;
pub use seed::{Seeder, SeederStorage};
pub use settings::Settings;

/// What [`main!`] names. Not for programs.
#[doc(hidden)]
pub mod __private {
    pub use sequor_macros::models;
}

/// The `main` of a project's own command line, with its models: `sequor::cli::main!(User, Post, Tag);`.
///
/// A name may be a list that `models!` made. Seeders in Rust and embedded migrations are added by [`App`], in a `main` of your own.
#[macro_export]
macro_rules! main {
    ($($model:ty),+ $(,)?) => {
        $crate::__private::models!(type SequorModels = $($model),+);

        fn main() -> ::std::process::ExitCode {
            $crate::App::new::<SequorModels>().run()
        }
    };
}
