//! `accounts`: serves the API.

use accounts::config::Config;
use accounts::http::{App, router};
use accounts::models::All;
use accounts::tokens::Keys;
use sequor::prelude::*;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let config = Config::from_env()?;
    let db = config.connect().await?;
    if !config.production {
        // Production is migrated, never synchronised.
        db.sync::<All>(SyncMode::Alter).await?;
    }
    accounts::files::sweep(&config.files).await?;
    let app = App { db: db.clone(), keys: Keys::new(&config.secret), files: config.files.clone(), shows_codes: !config.production };
    let listener = tokio::net::TcpListener::bind(&config.address).await?;
    println!("Accounts: http://{}/", listener.local_addr()?);
    let ended = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, router(app)).with_graceful_shutdown(ended).await?;
    db.close().await
}
