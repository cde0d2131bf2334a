//! A program that is killed, or held, in the middle of what it does; and one that is started in an environment of its own.

use sequor::prelude::*;
use sequor::{MigrationEvent, secs};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "notes")]
struct Note {
    #[field(primary_key, auto_increment)]
    id: i64,
    text: String,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> sequor::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let url = std::env::var("DATABASE_URL").map_err(Error::other)?;
    match words[..] {
        ["auto-sync"] => {
            let db = Db::options(&url).register::<Note>().auto_sync(SyncMode::Create).connect().await?;
            draft!(Note { text: "kept" }).create(&db).await?;
            println!("{}", Note::count().exec(&db).await?);
            db.close().await
        }
        ["migrate", how, number] => {
            let (how, at) = (how.to_owned(), number.parse::<usize>()?);
            let db = Db::connect(&url).await?;
            let migrator = Migrator::from_directory("migrations")?.lock_timeout(secs(60)).on_event(move |event| match event {
                MigrationEvent::Statement { number, .. } if how == "kill-before" && *number == at => kill(),
                MigrationEvent::StatementDone { number, .. } if how == "kill-after" && *number == at => kill(),
                MigrationEvent::Statement { number, .. } if how == "hold" && *number == at => hold(),
                _ => {}
            });
            migrator.up(&db).await.map(drop)
        }
        _ => Err(Error::usage("auto-sync, or migrate kill-before|kill-after|hold NUMBER")),
    }
}

/// As `kill -9` from outside: nothing is cleaned up.
fn kill() {
    let _ = std::process::Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
    hold();
}

/// Tells that it holds, and holds until it is killed.
fn hold() {
    println!("holding");
    loop {
        std::thread::park();
    }
}
