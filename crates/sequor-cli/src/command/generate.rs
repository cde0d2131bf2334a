//! What writes files: names, stamps and the refusal to overwrite.

pub(super) mod model;

use super::Context;
use clap::Arg;
use sequor_core::error::{Error, Result};
use std::path::Path;

/// A name, given alone or by Sequelize's `--name`.
pub(crate) fn name_argument(command: clap::Command, help: &'static str) -> clap::Command {
    command
        .arg(Arg::new("name").value_name("NAME").help(help).required_unless_present("name-flag"))
        .arg(Arg::new("name-flag").long("name").value_name("NAME").help("The same, as Sequelize has it").conflicts_with("name"))
}

/// The name that was given.
pub(crate) fn given_name(cx: &Context) -> Result<String> {
    let name = cx.text("name").or_else(|| cx.text("name-flag")).unwrap_or_default().trim().to_owned();
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    if name.is_empty() || !name.chars().all(fits) {
        return Err(Error::usage(format!("{name:?} is no name: letters, digits, - and _ make one")));
    }
    Ok(name)
}

/// The name behind the time in UTC: `20240101000000-add-phone`; later than every name in the folder, whose order is that of names.
pub(crate) fn stamped(cx: &Context, folder: &Path) -> Result<String> {
    let newest = newest_stamp(folder);
    let now = chrono::Utc::now().naive_utc();
    let stamp = newest.map_or(now, |newest| now.max(newest + chrono::TimeDelta::seconds(1)));
    Ok(format!("{}-{}", stamp.format(STAMP), given_name(cx)?))
}

/// The latest time that a name in a folder begins with.
pub(crate) fn newest_stamp(folder: &Path) -> Option<chrono::NaiveDateTime> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| stamp_of(&entry.file_name().to_string_lossy())).max()
}

/// How the time is written.
pub(crate) const STAMP: &str = "%Y%m%d%H%M%S";

fn stamp_of(name: &str) -> Option<chrono::NaiveDateTime> {
    chrono::NaiveDateTime::parse_from_str(name.get(..14)?, STAMP).ok()
}

/// Writes a file that is not there yet, and its folders.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<()> {
    if path.exists() {
        return Err(Error::usage(format!("{} is there already", path.display())));
    }
    write(path, text)
}

/// Writes a file and its folders.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text).map_err(|error| Error::usage(format!("{} cannot be written: {error}", path.display())))
}
