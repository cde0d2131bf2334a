//! `accounts` serves the API; `accounts db:migrate` and the like run a command of the database.

use accounts::config::Config;
use accounts::http::{App, router};
use accounts::tokens::Keys;
use accounts::{commands, files, seeders};
use sequor::prelude::*;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        return commands::app().run();
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("accounts: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve() -> Result<()> {
    let config = Config::from_env()?;
    let db = config.connect().await?;
    commands::prepare(&db, config.production).await?;
    if config.has_demo_data() && seeders::demo(&db).await? {
        println!("demo data: log in as {} with the password {}", seeders::EMAIL, seeders::PASSWORD);
    }
    files::sweep(&config.files, &db).await?;
    let app = App { db: db.clone(), keys: Keys::new(&config.secret), files: config.files.clone(), shows_codes: !config.production };
    let listener = tokio::net::TcpListener::bind(&config.address).await;
    let listener =
        listener.map_err(|error| Error::usage(format!("{} cannot be served: {error}; HOST and PORT choose another", config.address)))?;
    println!("Accounts: http://{}/", listener.local_addr()?);
    axum::serve(listener, router(app)).with_graceful_shutdown(ended()).await?;
    db.close().await
}

/// Ends at Ctrl-C, or when told to terminate.
async fn ended() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}
