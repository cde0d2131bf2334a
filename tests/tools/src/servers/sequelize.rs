//! The real sequelize-cli from npm, for the tests in which a database goes from Sequelize to Sequor and back.

use crate::process::{Result, check, find};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What its folder holds in the repository.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// The folder with its `node_modules`: the one that SEQUOR_SEQUELIZE_CLI names, or one beside this program, made when it is not there.
pub fn folder() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("SEQUOR_SEQUELIZE_CLI").filter(|given| !given.is_empty()) {
        return Ok(given.into());
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = program.parent().and_then(Path::parent).ok_or("this program lies in no folder")?;
    let folder = target.join("sequelize-cli");
    if is_complete(&folder) {
        return Ok(folder);
    }
    let npm = find("npm", &[]).ok_or("npm was not found (Debian: apt-get install nodejs npm)")?;
    // Made beside its place and moved there: another run may do the same, and one that is cut off leaves nothing half-made.
    let making = target.join(format!("sequelize-cli-{}", std::process::id()));
    std::fs::create_dir_all(&making).map_err(|error| error.to_string())?;
    for name in FILES {
        std::fs::copy(Path::new("tests/sequelize").join(name), making.join(name)).map_err(|error| format!("{name}: {error}"))?;
    }
    println!("installing sequelize-cli");
    let mut command = Command::new(npm);
    command.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&making);
    check(&mut command, "npm ci")?;
    std::fs::copy(making.join(FILES[1]), making.join("installed")).map_err(|error| error.to_string())?;
    let _ = std::fs::remove_dir_all(&folder);
    match std::fs::rename(&making, &folder) {
        Err(_) if is_complete(&folder) => std::fs::remove_dir_all(&making).map_err(|error| error.to_string())?,
        moved => moved.map_err(|error| error.to_string())?,
    }
    Ok(folder)
}

/// Whether what the repository asks for is what was installed to the end.
fn is_complete(folder: &Path) -> bool {
    let wanted = std::fs::read(Path::new("tests/sequelize").join(FILES[1])).ok();
    wanted.is_some() && wanted == std::fs::read(folder.join("installed")).ok()
}
