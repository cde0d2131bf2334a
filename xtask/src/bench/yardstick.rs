//! `cargo xtask bench --compile`: what the compiler needs for fifty linked models with three functions each, first and after one edit.

use super::{target_folder, tool};
use sequor_tools::process::{Result, check, must};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// How many models the crate has.
const MODELS: usize = 50;

/// Generates the crate, builds what it needs, and measures the crate alone.
///
/// # Errors
/// A folder that cannot be written, a crate that does not build.
pub fn run() -> Result<()> {
    tool("time")?;
    let target = target_folder();
    let folder = target.join("yardstick");
    let built = |what: &str| {
        let mut build = cargo(&folder, &target);
        must(build.args(["build", "--quiet"]), what)
    };
    write(&folder, 1)?;
    built("the yardstick does not build")?;
    must(cargo(&folder, &target).args(["clean", "--quiet", "-p", "yardstick"]), "cargo clean")?;
    let first = measured(&folder, &target)?;
    write(&folder, 2)?;
    let edited = measured(&folder, &target)?;
    println!("{MODELS} linked models, 3 functions each: processor time of cargo and rustc, and the largest process");
    println!("  first build of the crate   {:>6.1} s   {:>5.0} MB", first.0, first.1);
    println!("  after an edit of one query {:>6.1} s   {:>5.0} MB", edited.0, edited.1);
    Ok(())
}

fn cargo(folder: &Path, target: &Path) -> Command {
    let mut cargo = crate::process::cargo();
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", std::path::absolute(target.join("yardstick-target")).unwrap_or_default());
    cargo
}

/// Builds the crate: seconds of processor time, megabytes of the largest process.
fn measured(folder: &Path, target: &Path) -> Result<(f64, f64)> {
    let build = cargo(folder, target);
    let mut time = Command::new("time");
    time.args(["-f", "measured %U %S %M"]).arg(build.get_program()).args(["build", "--quiet"]).current_dir(folder);
    time.envs(build.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = check(&mut time, "the yardstick does not build")?;
    let line = said.lines().find_map(|line| line.strip_prefix("measured ")).ok_or("time said nothing")?;
    let numbers: Vec<f64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    match numbers.as_slice() {
        [user, system, kilobytes] => Ok((user + system, kilobytes / 1024.0)),
        _ => Err(format!("time said {line}")),
    }
}

/// The crate; `limit` stands in one of its queries.
fn write(folder: &Path, limit: usize) -> Result<()> {
    let root = std::env::current_dir().map_err(|error| error.to_string())?;
    let manifest = format!(
        "[package]\nname = \"yardstick\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         sequor = {{ path = {:?}, features = [\"postgres\", \"mysql\"] }}\n\n[workspace]\n",
        root.join("crates/sequor")
    );
    let mut source = String::from("//! Fifty linked models.\n\nuse sequor::prelude::*;\n");
    for number in 0..MODELS {
        model(&mut source, number, if number == 0 { limit } else { 1 });
    }
    let put = |path: &str, text: &str| {
        let path = folder.join(path);
        path.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    put("Cargo.toml", &manifest)?;
    put("src/lib.rs", &source)
}

/// A model of ten columns, child of the one before it and parent of the next, with a filtered query with an include, a create and an update of many.
fn model(out: &mut String, number: usize, limit: usize) {
    let mut fields = String::new();
    let mut draft = String::new();
    let mut include = String::new();
    if number > 0 {
        let parent = number - 1;
        let _ = write!(fields, "    pub m{parent}_id: i64,\n    pub m{parent}: BelongsTo<M{parent}>,\n");
        let _ = write!(draft, ", m{parent}_id: 1i64");
    }
    if number + 1 < MODELS {
        let child = number + 1;
        let _ = write!(fields, "    #[relation(foreign_key = \"m{number}_id\")]\n    pub children: HasMany<M{child}>,\n");
        let _ = write!(include, ".include(M{number}::CHILDREN.filter(M{child}::COUNT.gt(1)))");
    }
    let _ = write!(
        out,
        r#"
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "m{number}s", timestamps)]
pub struct M{number} {{
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    pub note: Option<String>,
    pub count: i32,
    pub score: f64,
    pub active: bool,
    pub price: Decimal,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
{fields}}}

pub async fn find{number}(db: &Db) -> Result<Vec<M{number}>> {{
    M{number}::find_all().filter(M{number}::ACTIVE.eq(true).and(M{number}::NAME.like("a%"))){include}.order_by(M{number}::ID.asc()).limit({limit}).exec(db).await
}}

pub async fn create{number}(db: &Db) -> Result<M{number}> {{
    draft!(M{number} {{ name: "a", count: 1, score: 1.5, active: true, price: Decimal::ONE{draft} }}).create(db).await
}}

pub async fn update{number}(db: &Db) -> Result<u64> {{
    M{number}::update_all().set(M{number}::COUNT, 2).set(M{number}::ACTIVE, false).filter(M{number}::SCORE.lt(0.5)).exec(db).await
}}
"#
    );
}
