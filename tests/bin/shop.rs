//! The project of the book's first tutorial, compiled beforehand: its model as it stands after each chapter, chosen by `STAGE`. Without arguments it is `cargo run`.

#[path = "../../crates/sequor-cli/src/command/init/user.txt"]
mod first;
#[path = "../fixtures/first-project/second.rs"]
mod second;
#[path = "../fixtures/first-project/third.rs"]
mod third;

use sequor::cli::App;
use sequor::prelude::*;
use std::process::ExitCode;

fn main() -> ExitCode {
    let stage = std::env::var("STAGE").unwrap_or_default();
    if std::env::args().len() == 1 {
        return list(&stage).map_or_else(failed, |()| ExitCode::SUCCESS);
    }
    match stage.as_str() {
        "1" => App::new::<first::User>().run(),
        "2" => App::new::<second::User>().run(),
        _ => App::new::<third::User>().run(),
    }
}

fn failed(error: sequor::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

#[tokio::main(flavor = "current_thread")]
async fn list(stage: &str) -> sequor::Result<()> {
    let db = Db::from_env().connect().await?;
    let lines: Vec<String> = match stage {
        "1" => first::User::find_all().exec(&db).await?.iter().map(|user| format!("{} <{}>", user.name, user.email)).collect(),
        "2" => second::User::find_all().exec(&db).await?.iter().map(|user| format!("{} <{}>", user.name, user.email)).collect(),
        _ => {
            let users = third::User::find_all().exec(&db).await?;
            users.iter().map(|user| format!("{} <{}>, {:?}", user.full_name, user.email, user.role)).collect()
        }
    };
    lines.iter().for_each(|line| println!("{line}"));
    db.close().await
}
