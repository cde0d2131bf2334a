//! `cargo xtask bench --compile`: what the compiler needs for fifty linked models with three functions each, first and after one edit; `--size`: how large a program
//! is that calls them all. Sequor's beside the same of other libraries.

mod peers;

use super::{target_folder, tool};
use sequor_tools::process::{Result, check, must};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How many models the crate has.
const MODELS: usize = 50;

/// A library, and how the models and functions are written with it.
struct Library {
    name: &'static str,
    /// Lines of the manifest; `@sequor@` is the path of Sequor.
    dependencies: &'static str,
    /// What stands above the models.
    head: &'static str,
    /// Writes the model of a number and its functions, with a limit in its query.
    model: fn(&mut String, usize, usize),
    /// How a program connects: `async` or nothing, the line that makes `db`, and what the functions borrow.
    program: (&'static str, &'static str, &'static str),
}

const SEQUOR: Library = Library {
    name: "Sequor",
    dependencies: "sequor = { path = \"@sequor@\", features = [\"postgres\", \"mysql\"] }\n",
    head: "use sequor::prelude::*;\n",
    model,
    program: ("async ", "let db = sequor::Db::connect(&url).await?;", "&db"),
};

/// Sequor with the one driver that the others have in their programs.
const SEQUOR_ALONE: Library = Library {
    name: "Sequor, PostgreSQL alone",
    dependencies: "sequor = { path = \"@sequor@\", default-features = false, features = [\"postgres\"] }\n",
    ..SEQUOR
};

/// Generates the crates, builds what they need, and measures each alone. `only` names one library.
///
/// # Errors
/// A folder that cannot be written, a crate that does not build.
pub fn run(only: Option<&str>) -> Result<()> {
    tool("time", "time")?;
    println!("{MODELS} linked models, 3 functions each: processor time of cargo and rustc, and the largest process");
    println!("{:10} {:>24} {:>24}", "", "first build of the crate", "after an edit of a query");
    for library in [SEQUOR, peers::DIESEL, peers::SEA_ORM, peers::TOASTY] {
        if only.is_some_and(|only| only != library.name) {
            continue;
        }
        let (first, edited) = library.measure()?;
        println!("{:10} {:>14.1} s {:>5.0} MB {:>14.1} s {:>5.0} MB", library.name, first.0, first.1, edited.0, edited.1);
    }
    Ok(())
}

/// Builds a program of each library that connects and calls all the functions, as users ship it: optimised, without symbols.
///
/// # Errors
/// A folder that cannot be written, a program that does not build.
pub fn sizes(only: Option<&str>) -> Result<()> {
    println!("A program that calls {} functions of {MODELS} models, optimised and stripped", MODELS * 3);
    for library in [SEQUOR_ALONE, SEQUOR, peers::DIESEL, peers::SEA_ORM, peers::TOASTY] {
        if only.is_none_or(|only| only == library.name) {
            println!("{:26} {:>6.1} MB", library.name, library.size()?);
        }
    }
    Ok(())
}

/// Seconds of processor time, megabytes of the largest process.
type Cost = (f64, f64);

impl Library {
    fn folder(&self) -> PathBuf {
        target_folder().join("yardstick").join(self.name)
    }

    fn measure(&self) -> Result<(Cost, Cost)> {
        let folder = self.folder();
        self.write(&folder, 1)?;
        must(cargo(&folder).args(["build", "--quiet"]), &format!("the yardstick does not build with {}", self.name))?;
        must(cargo(&folder).args(["clean", "--quiet", "-p", "yardstick"]), "cargo clean")?;
        let first = measured(&folder)?;
        self.write(&folder, 2)?;
        Ok((first, measured(&folder)?))
    }

    /// The crate; `limit` stands in one of its queries.
    fn write(&self, folder: &Path, limit: usize) -> Result<()> {
        let root = std::env::current_dir().map_err(|error| error.to_string())?;
        let dependencies = self.dependencies.replace("@sequor@", &root.join("crates/sequor").display().to_string());
        let manifest = format!(
            "[package]\nname = \"yardstick\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n[workspace]\n\n\
             [dev-dependencies]\ntokio = {{ version = \"1\", features = [\"rt\", \"macros\"] }}\n\n[profile.release]\nstrip = true\n"
        );
        let mut source = format!("//! Fifty linked models.\n\n{}", self.head);
        for number in 0..MODELS {
            (self.model)(&mut source, number, if number == 0 { limit } else { 1 });
        }
        put(folder, "Cargo.toml", &manifest)?;
        put(folder, "src/lib.rs", &source)
    }

    /// Megabytes of a program.
    fn size(&self) -> Result<f64> {
        let folder = self.folder();
        self.write(&folder, 1)?;
        let (asynchronous, connect, borrowed) = self.program;
        let (head, awaited) = match asynchronous {
            "" => ("", ""),
            _ => ("#[tokio::main(flavor = \"current_thread\")]\n", ".await"),
        };
        let mut calls = String::new();
        for number in 0..MODELS {
            for function in ["find", "create", "update"] {
                let call = format!("yardstick::{function}{number}({borrowed})");
                let call = if awaited.is_empty() { call } else { format!("Box::pin({call}){awaited}") };
                let _ = writeln!(calls, "    {call}?;");
            }
        }
        // What a library asks of the crate of the models it asks of the crate that uses them.
        let limit = self.head.lines().find(|line| line.starts_with("#![")).unwrap_or_default();
        let source = format!(
            "//! Calls everything.\n\n{limit}\n{head}{asynchronous}fn main() -> Result<(), Box<dyn std::error::Error>> {{\n    \
             let url = std::env::args().nth(1).unwrap_or_default();\n    {connect}\n{calls}    Ok(())\n}}\n"
        );
        put(&folder, "examples/program.rs", &source)?;
        must(cargo(&folder).args(["build", "--quiet", "--release", "--example", "program"]), &format!("no program of {}", self.name))?;
        let program = folder.join("target/release/examples/program");
        let bytes = std::fs::metadata(&program).map_err(|error| format!("{}: {error}", program.display()))?.len();
        Ok(f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0)
    }
}

fn put(folder: &Path, path: &str, text: &str) -> Result<()> {
    let path = folder.join(path);
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
    made.map_err(|error| format!("{}: {error}", path.display()))
}

fn cargo(folder: &Path) -> Command {
    let mut cargo = crate::process::cargo();
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", std::path::absolute(folder.join("target")).unwrap_or_default());
    cargo
}

/// Builds the crate.
fn measured(folder: &Path) -> Result<Cost> {
    let build = cargo(folder);
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
