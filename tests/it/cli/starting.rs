//! The chapter on a first project, executed as it stands there: with its models compiled beforehand, and in tier 1 as a stranger would, by cargo.

use super::Project;
use super::book::Book;
use std::path::Path;
use std::process::{Command, Stdio};

const CHAPTER: &str = include_str!("../../../docs/src/first-project.md");

/// The project's model after each chapter, as `sequor-tests-shop` has it.
const STAGES: [(&str, &str); 3] = [
    ("1", include_str!("../../../crates/sequor-cli/src/command/init/user.txt")),
    ("2", include_str!("../../fixtures/first-project/second.rs")),
    ("3", include_str!("../../fixtures/first-project/third.rs")),
];

/// A project in a folder of the chapter's name.
fn shop() -> Project {
    let mut project = Project::empty();
    project.folder.push("shop");
    std::fs::create_dir_all(&project.folder).unwrap();
    project
}

fn init(project: &Project) -> Command {
    let sequor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sequor");
    let mut command = project.command(env!("CARGO_BIN_EXE_sequor-tests-alone"), "init --sequor-path", &[]);
    command.arg(sequor);
    command
}

/// The program of the stage at which the project is.
fn compiled(project: &Project) -> Command {
    let model = std::fs::read_to_string(project.path().join("src/models/user.rs")).unwrap();
    let stage = STAGES.iter().find(|(_, text)| *text == model).map(|(stage, _)| *stage);
    let stage = stage.expect("the chapter's models are those of tests/fixtures/first-project");
    project.command(env!("CARGO_BIN_EXE_sequor-tests-shop"), "", &[("STAGE", stage)])
}

async fn follow(book: Book<'_>, project: &Project) {
    book.run(CHAPTER);
    // The row went through a rename and a change of labels, in development and in production.
    for file in ["app.db", "live.db"] {
        let db = sequor::Db::connect(&format!("sqlite://{}/{file}", project.path().display())).await.unwrap();
        let rows: Vec<(String, String)> = db.query_as(sequor::sql!("SELECT full_name, role FROM users")).await.unwrap();
        assert_eq!(rows, [("Ann".to_owned(), "member".to_owned())], "{file}");
        db.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_chapter_on_a_first_project_is_true() {
    let project = shop();
    let book = Book::new(&project).program("sequor init", init).program("sequor", compiled).program("cargo run", compiled);
    follow(book, &project).await;
    std::fs::remove_dir_all(project.path().parent().unwrap()).unwrap();
}

/// Compiles what `sequor init` writes, in minutes: tier 1.
#[tokio::test]
async fn the_project_of_init_compiles_and_runs() {
    if std::env::var("SEQUOR_TIER").as_deref() != Ok("1") {
        return;
    }
    let project = shop();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let by_cargo = |mut command: Command| {
        command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("shop"));
        // The versions of this workspace are on this machine.
        command.env("CARGO_NET_OFFLINE", "true").env_remove("CARGO_MANIFEST_DIR");
        command
    };
    let book = Book::new(&project)
        .program("sequor init", |project| {
            std::fs::copy(root.join("Cargo.lock"), project.path().join("Cargo.lock")).unwrap();
            init(project)
        })
        .program("sequor", |project| by_cargo(project.command(env!("CARGO_BIN_EXE_sequor-tests-alone"), "", &[])))
        .program("cargo run", |project| {
            let mut command = project.command(std::env::var("CARGO").as_deref().unwrap_or("cargo"), "run --quiet", &[]);
            command.stderr(Stdio::inherit());
            by_cargo(command)
        });
    follow(book, &project).await;
    std::fs::remove_dir_all(project.path().parent().unwrap()).unwrap();
}
