//! `sequor init`

use super::generate::write;
use super::{Command, Context, Done, Outcome};
use clap::{Arg, ArgAction};
use sequor_core::error::{Error, Result};
use serde_json::json;
use std::path::Path;

pub(crate) const NEW: Command = Command {
    path: "new",
    aliases: &[],
    about: "Make a folder with a project that runs",
    examples: "sequor new shop\nsequor new shop --database postgres://localhost/shop",
    in_project: false,
    arguments: |command| {
        arguments(command.arg(Arg::new("folder").value_name("FOLDER").required(true).help("The project's folder, and its name")))
    },
    run: |cx| -> Done { Box::pin(async move { new(&cx) }) },
};

pub(crate) const COMMAND: Command = Command {
    path: "init",
    aliases: &[],
    about: "Write sequor.toml, the folders and, where there is no Cargo.toml, a project that runs",
    examples: "sequor init\nsequor init --database postgres://localhost/app",
    in_project: false,
    arguments,
    run: |cx| -> Done { Box::pin(async move { run(&cx, Path::new("")) }) },
};

/// One of Sequelize's commands that write a part of what `init` writes.
const fn part(path: &'static str, about: &'static str, examples: &'static str, run: fn(Context) -> Done) -> Command {
    Command { path, aliases: &[], about, examples, in_project: false, arguments, run }
}

pub(crate) const CONFIG: Command =
    part("init:config", "Write sequor.toml", "sequor init:config", |cx| Box::pin(async move { some(&cx, "sequor.toml") }));

pub(crate) const MIGRATIONS: Command = part("init:migrations", "Make the folder of migrations", "sequor init:migrations", |cx| {
    Box::pin(async move { some(&cx, "migrations/") })
});

pub(crate) const SEEDERS: Command =
    part("init:seeders", "Make the folder of seeders", "sequor init:seeders", |cx| Box::pin(async move { some(&cx, "seeders/.") }));

pub(crate) const MODELS: Command = part("init:models", "Write src/models.rs and a first model", "sequor init:models", |cx| {
    Box::pin(async move { some(&cx, "src/models") })
});

/// Writes those files of a project whose path begins so.
fn some(cx: &Context, begin: &str) -> Result<Outcome> {
    let url = cx.text("database").unwrap_or("sqlite://app.db");
    let mut files = folders(url);
    files.extend(project(cx, url, Path::new(""))?);
    files.retain(|(path, _)| path.starts_with(begin));
    let there = |path: &str| Path::new(path).exists() && !path.ends_with(".gitkeep");
    if let Some((path, _)) = files.iter().find(|(path, _)| there(path) && !cx.flag("force")) {
        return Err(Error::usage(format!("{path} is there already; --force writes over it")));
    }
    let written = write_all(cx, Path::new(""), files, cx.flag("force"))?;
    let summary = written.is_empty().then(|| "It is there already.".to_owned());
    Ok(Outcome { summary, data: json!({ "files": written }), failed: false })
}

fn folders(url: &str) -> Vec<(String, String)> {
    let mut files = vec![("sequor.toml".to_owned(), configuration(url))];
    files.extend(["migrations/.gitkeep", "seeders/.gitkeep"].map(|path| (path.to_owned(), String::new())));
    files
}

/// Writes files that are not there yet, or all; the paths of those that were written.
fn write_all(cx: &Context, folder: &Path, files: Vec<(String, String)>, force: bool) -> Result<Vec<String>> {
    let mut written = Vec::new();
    for (path, text) in files {
        let path = folder.join(path);
        if !path.exists() || force {
            write(&path, &text)?;
            let shown = path.display().to_string();
            cx.console.say(format!("Created {shown}"));
            written.push(shown);
        }
    }
    Ok(written)
}

fn arguments(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("database").long("database").value_name("URL").help("The database of development; sqlite://app.db"))
        .arg(Arg::new("sequor-path").long("sequor-path").value_name("FOLDER").help("Depend on Sequor in this folder, instead of crates.io"))
        .arg(Arg::new("force").long("force").action(ArgAction::SetTrue).help("Write over files that are there"))
}

fn new(cx: &Context) -> Result<Outcome> {
    let folder = Path::new(cx.text("folder").unwrap_or_default());
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) && !cx.flag("force") {
        return Err(Error::usage(format!(
            "{} is there already and not empty; `sequor init` inside of it adds what is missing",
            folder.display()
        )));
    }
    let mut made = run(cx, folder)?;
    made.summary = made.summary.map(|next| next.replace("Next: ", &format!("Next: cd {}, ", in_shell(folder))));
    Ok(made)
}

/// A path as a shell takes it.
fn in_shell(path: &Path) -> String {
    let shown = path.display().to_string();
    if shown.contains(|letter: char| !letter.is_alphanumeric() && !"-_./".contains(letter)) {
        format!("'{}'", shown.replace('\'', r"'\''"))
    } else {
        shown
    }
}

fn run(cx: &Context, folder: &Path) -> Result<Outcome> {
    let force = cx.flag("force");
    if folder.join("sequor.toml").exists() && !force {
        return Err(Error::usage("sequor.toml is there already; --force writes over it"));
    }
    let url = cx.text("database").unwrap_or("sqlite://app.db");
    let own = !folder.join("Cargo.toml").exists();
    let mut files = folders(url);
    if own {
        files.extend(project(cx, url, folder)?);
    }
    let written = write_all(cx, folder, files, force)?;
    let next = if own {
        "Next: sequor migrate generate create-users, sequor db setup, cargo run"
    } else {
        "Next: add sequor with the feature \"cli\", and write src/bin/db.rs: sequor::cli::main!(User);"
    };
    Ok(Outcome::said(next, json!({ "files": written })))
}

fn configuration(url: &str) -> String {
    format!(
        "# Settings by environment: SEQUOR_ENV, APP_ENV or NODE_ENV names it, else development.\n# What wins, from last to first: flags, the environment (DATABASE_URL, DB_POOL_MAX ..), .env, this file.\nmigrations = \"migrations\"\nseeders = \"seeders\"\nseeder_storage = \"none\" # or \"sequelize\" (a table), \"json\" (a file): remember which seeders ran\n\n[development]\nurl = \"{url}\"\n\n[test]\nurl = \"sqlite::memory:\"\n\n[production]\nurl = \"${{DATABASE_URL}}\"\npool_max = 10\n"
    )
}

fn project(cx: &Context, url: &str, folder: &Path) -> Result<Vec<(String, String)>> {
    let folder = std::env::current_dir()?.join(folder);
    let given = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name: String = given.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    let name = if name.starts_with(|letter: char| letter.is_ascii_alphabetic()) { name } else { format!("app_{name}") };
    let feature = match url.split(':').next() {
        Some("postgres" | "postgresql") => "postgres",
        Some("mysql" | "mariadb") => "mysql",
        _ => "sqlite",
    };
    let sequor = match cx.text("sequor-path") {
        Some(path) => format!("path = \"{}\"", std::path::absolute(path)?.display()),
        None => format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
    };
    let file = |path: &str, text: &str| (path.to_owned(), text.replace("NAME", &name));
    Ok(vec![
        file(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"NAME\"\nversion = \"0.1.0\"\nedition = \"2024\"\ndefault-run = \"NAME\"\n\n[dependencies]\nsequor = {{ {sequor}, features = [\"{feature}\", \"cli\"] }}\ntokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n\n[workspace]\n"
            ),
        ),
        file("src/lib.rs", "//! NAME\n\npub mod models;\n"),
        file("src/models.rs", "//! The models.\n\nmod user;\npub use user::User;\n\nsequor::models!(pub type All = User);\n"),
        file("src/models/user.rs", include_str!("init/user.txt")),
        file("src/main.rs", include_str!("init/main.txt")),
        file(
            "src/bin/db.rs",
            "//! The command line of the database: cargo run --bin db -- migrate up\n\nsequor::cli::main!(NAME::models::All);\n",
        ),
        file("seeders/20240101000000-users.json", "{ \"User\": [{ \"email\": \"ann@example.com\", \"name\": \"Ann\" }] }\n"),
        file(".gitignore", "/target\n*.db\n*.db-*\n.env\n"),
    ])
}
