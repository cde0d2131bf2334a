//! How related rows, parts of rows and many rows are read: include trees, projections, pages, cursors, streams.

mod agreement;
mod between;
mod cursors;
mod lazy;
pub mod library;
#[cfg(target_os = "linux")]
mod memory;
mod newest;
mod parents;
mod plans;
mod projections;
mod shapes;
mod streaming;
mod trees;
mod wide;

use sequor::SyncMode;
use sequor::prelude::*;
use std::path::PathBuf;

/// A row of a long table.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "measures")]
pub struct Measure {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub sensor: i32,
    pub level: Option<i32>,
    pub note: String,
    pub marks: HasMany<Mark>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "marks")]
pub struct Mark {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub label: String,
    pub measure_id: i64,
    #[relation(on_delete = "cascade")]
    pub measure: BelongsTo<Measure>,
}

/// So many measures, every third without level and every fifth with two marks.
pub async fn measures(db: &Db, count: i32) -> sequor::Result<()> {
    let drafts = (0..count).map(|number| {
        let level = (number % 3 != 0).then_some(number % 11);
        draft!(Measure { sensor: number % 7, level: level, note: format!("note {number}") })
    });
    let rows = Measure::bulk_create(drafts.collect::<Vec<_>>()).exec(db).await?;
    let marks = rows
        .iter()
        .filter(|row| row.id % 5 == 0)
        .flat_map(|row| ["a", "b"].map(|label| draft!(Mark { label: format!("{label}{}", row.id), measure_id: row.id })));
    Mark::bulk_create(marks.collect::<Vec<_>>()).exec(db).await?;
    Ok(())
}

/// A database with more than one connection: of SQLite a file, where the tests' own database lies in memory and is one connection.
pub struct Shared {
    pub db: Db,
    file: Option<PathBuf>,
}

impl Shared {
    pub async fn of(db: &Db) -> sequor::Result<Shared> {
        if db.dialect() != Dialect::Sqlite {
            return Ok(Shared { db: db.clone(), file: None });
        }
        let file = std::env::temp_dir().join(format!("sequor-{}.db", Uuid::new_v4()));
        let db = Db::connect(&format!("sqlite://{}", file.display())).await?;
        db.sync::<(Measure, Mark)>(SyncMode::Create).await?;
        Ok(Shared { db, file: Some(file) })
    }

    pub async fn remove(self) {
        if let Some(file) = self.file {
            let _ = self.db.close().await;
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", file.display()));
            }
        }
    }
}
