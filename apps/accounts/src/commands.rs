//! The commands of the database, run by the program itself: `accounts db:migrate`, `accounts db:seed:all`, ..
//!
//! Migrations and seeders are in the binary: nothing else has to be copied to a server.

use crate::config::DEVELOPMENT_URL;
use crate::models::All;
use crate::seeders;
use sequor::cli::{App, Seeder};
use sequor::prelude::*;

/// The migrations of the folder `migrations`.
pub fn migrator() -> Migrator {
    Migrator::embedded(migrations!("migrations"))
}

/// The command line.
pub fn app() -> App {
    App::new::<All>().migrations(migrations!("migrations")).default_url(DEVELOPMENT_URL).seeder(
        Seeder::new("20240101000000-demo-data", |db| Box::pin(async move { seeders::demo(&db).await.map(drop) }))
            .undo(|db| Box::pin(async move { seeders::remove_demo(&db).await })),
    )
}

/// Brings the tables up to date in development; in production says what has to be done first.
pub async fn prepare(db: &Db, production: bool) -> Result<()> {
    if !production {
        migrator().up(db).await?;
        return db.sync::<All>(SyncMode::Alter).await;
    }
    // Production is migrated by a command, never synchronised.
    let pending = migrator().status(db).await?.into_iter().find(|one| one.state == sequor::MigrationState::Pending);
    match pending {
        Some(one) => Err(Error::usage(format!("{} has not run on this database: run `accounts db:migrate` first", one.name))),
        None => Ok(()),
    }
}
