//! What fingers type that know another tool: its commands and options, each with ours.

use clap::error::{Error, ErrorKind};
use std::ffi::OsString;

/// Commands of others: their words, whose they are, what to write.
const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "db:migrate:schema:timestamps:add",
        "Sequelize's",
        "nothing: `sequor_migrations` holds the time of each migration, and `SequelizeMeta` stays as it is",
    ),
    ("migrate dev", "Prisma's", "`sequor migrate generate NAME`, then `sequor migrate up`"),
    ("migrate deploy", "Prisma's", "`sequor migrate up`"),
    ("migrate diff", "Prisma's", "`sequor migrate check` compares models, files and database; `sequor migrate up --plan` shows the SQL"),
    (
        "db push",
        "Prisma's",
        "`SyncMode::Alter` in the program (`db.sync::<All>(SyncMode::Alter)`); `sequor migrate generate NAME` for what goes to production",
    ),
    ("db pull", "Prisma's", "`sequor migrate generate NAME --from-database` starts from a database; models are not written from one yet"),
    ("db seed", "Prisma's", "`sequor seed run`"),
    ("db execute", "Prisma's", "a migration (`sequor migrate new NAME`), or the client of your database"),
    ("db migrate", "Rails'", "`sequor migrate up`"),
    ("db rollback", "Rails'", "`sequor migrate down`"),
    ("db:rollback", "Rails'", "`sequor migrate down`"),
    ("generate", "Prisma's", "nothing: the derives write the code when the program is built"),
    ("format", "Prisma's", "`cargo fmt`: models are Rust"),
    ("validate", "Prisma's", "`cargo check`: models are Rust; `sequor migrate check` compares them with files and database"),
    ("makemigrations", "Django's", "`sequor migrate generate NAME`"),
    ("sqlmigrate", "Django's", "`sequor migrate up --plan`, or open `up.sql` in the migration's folder"),
    ("showmigrations", "Django's", "`sequor migrate status`"),
    ("squashmigrations", "Django's", "`sequor migrate squash NAME`"),
    ("inspectdb", "Django's", "`sequor migrate generate NAME --from-database` starts from a database; models are not written from one yet"),
    ("dbshell", "Django's", "the client of your database: psql, mysql, sqlite3"),
    ("flush", "Django's", "`sequor db reset`"),
    ("sqlflush", "Django's", "`sequor db reset`"),
    ("loaddata", "Django's", "a file in `seeders/` (JSON, CSV, YAML, SQL), then `sequor seed run NAME`"),
    ("dumpdata", "Django's", "the dump of your database: pg_dump, mysqldump, sqlite3 .dump"),
    ("createsuperuser", "Django's", "a seeder: `sequor seed new admin`"),
    ("startproject", "Django's", "`sequor new NAME`"),
    ("startapp", "Django's", "`sequor model generate NAME field:type ..`"),
    ("runserver", "Django's", "`cargo run`"),
    ("check", "Django's", "`sequor migrate check`"),
    ("migrate run", "SQLx's and Diesel's", "`sequor migrate up`"),
    ("migrate add", "SQLx's", "`sequor migrate new NAME`"),
    ("migrate revert", "SQLx's", "`sequor migrate down`"),
    ("migrate info", "SQLx's", "`sequor migrate status`"),
    ("migrate rollback", "others'", "`sequor migrate down`"),
    ("migrate undo", "others'", "`sequor migrate down`"),
    ("migrate fresh", "SeaORM's", "`sequor db reset`"),
    ("migrate refresh", "SeaORM's", "`sequor migrate reset`, then `sequor migrate up`"),
    ("migrate create", "others'", "`sequor migrate new NAME`"),
    ("migrate init", "SeaORM's", "`sequor init`"),
    ("migration run", "Diesel's", "`sequor migrate up`"),
    ("migration revert", "Diesel's", "`sequor migrate down`"),
    ("migration redo", "Diesel's", "`sequor migrate redo`"),
    ("migration list", "Diesel's", "`sequor migrate status`"),
    ("migration generate", "Diesel's", "`sequor migrate new NAME`, or `sequor migrate generate NAME` from the models"),
    ("setup", "Diesel's", "`sequor db setup`"),
    ("database", "Diesel's and SQLx's", "`sequor db create`, `drop`, `reset`, `setup`"),
    ("migrate lint", "Sequor's, but not there yet", "`sequor migrate up --plan` says who waits for each statement"),
    ("pull", "Sequor's, but not there yet", "`sequor migrate generate NAME --from-database` starts from a database"),
    ("import", "Sequor's, but not there yet", "models by hand, or `sequor model generate`"),
    ("studio", "Sequor's, but not there yet", "the client of your database"),
    ("audit", "Sequor's, but not there yet", "nothing"),
    ("sync", "Sequor's, but not there yet", "nothing"),
];

/// Options of others.
const OPTIONS: &[(&str, &str)] = &[
    ("--create-only", "`sequor migrate generate NAME` writes and runs nothing; `sequor migrate up` runs"),
    ("--fake", "`sequor migrate baseline NAME` writes down that it has run"),
    ("--fake-initial", "`sequor migrate baseline NAME` writes down that it has run"),
    ("--empty", "`sequor migrate new NAME` writes an empty migration"),
    ("--merge", "`sequor migrate rebase NAME` puts one branch behind the other"),
    ("--dry-run", "`sequor migrate up --plan` shows the statements, `sequor migrate check` what the models have that no migration makes"),
    ("--force", "`--yes` confirms, in production `--confirm DATABASE`"),
    ("--accept-data-loss", "`--yes` confirms, in production `--confirm DATABASE`"),
    ("--noinput", "`--yes` answers the questions"),
    ("--no-input", "`--yes` answers the questions"),
    ("--skip-seed", "`sequor db create` and `sequor migrate up` seed nothing"),
    ("--skip-generate", "nothing is generated: the derives write the code when the program is built"),
    ("--schema", "models are Rust, and the program knows them"),
    ("--database", "`--env NAME` names an environment of sequor.toml, `--url URL` a database"),
    ("--database-url", "`--url URL` names the database"),
    ("--source", "`--migrations-path FOLDER` names the folder"),
];

/// What to write instead of what was not understood.
pub(crate) fn hint(arguments: &[OsString], error: &Error) -> Option<String> {
    if !matches!(error.kind(), ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument) {
        return None;
    }
    let texts: Vec<&str> = arguments.iter().skip(1).filter_map(|one| one.to_str()).collect();
    if error.kind() == ErrorKind::UnknownArgument {
        let given = texts.iter().map(|text| text.split('=').next().unwrap_or_default());
        let known = given.filter_map(|text| OPTIONS.iter().find(|(option, _)| *option == text));
        let named = error.to_string();
        return known
            .into_iter()
            .find(|(option, _)| named.contains(&format!("'{option}")))
            .map(|(option, ours)| format!("{option} is another tool's: {ours}"));
    }
    let words: Vec<&str> = texts.iter().copied().filter(|text| !text.starts_with('-')).collect();
    let two = words.get(..2).map(|words| words.join(" "));
    let said = |text: &str| COMMANDS.iter().find(|(command, ..)| *command == text);
    let known = two.as_deref().and_then(said).or_else(|| said(words.first()?));
    if let Some((command, whose, ours)) = known {
        return Some(format!("`{command}` is {whose}; here: {ours}"));
    }
    // Django's `migrate polls 0001`.
    (words.first() == Some(&"migrate") && words.len() > 2)
        .then(|| "a migration is named behind a verb: `sequor migrate to NAME`, `sequor migrate down --name NAME`; `sequor migrate --help` lists them".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, OPTIONS};

    #[test]
    fn no_command_of_ours_is_called_anothers() {
        let ours = |text: &str| crate::COMMANDS.iter().any(|one| one.path == text || one.aliases.contains(&text));
        assert!(COMMANDS.iter().all(|(command, ..)| !ours(command)), "one is ours");
        assert!(OPTIONS.iter().all(|(option, _)| option.starts_with("--")));
    }
}
