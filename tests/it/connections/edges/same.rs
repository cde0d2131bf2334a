//! Many tasks that want the same row at once.

use crate::connections::{note, on_each_server, sized};
use sequor::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// A row with a name of its own.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "names")]
pub struct Named {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(max = 40)))]
    pub name: String,
    pub seen: i64,
}

const TASKS: usize = 32;

on_each_server! {
    // T-18
    async fn one_of_many_creates_a_row_and_the_others_read_it(bed) {
        let db = bed.with(Pool { max: 8, ..Pool::default() }).await?;
        db.sync::<Named>(SyncMode::Create).await?;
        let (rounds, start) = (sized(10, 1000), Instant::now());
        for round in 0..rounds {
            let gate = Arc::new(tokio::sync::Barrier::new(TASKS));
            let tasks: Vec<_> = (0..TASKS).map(|task| {
                let (db, gate, name) = (db.clone(), gate.clone(), format!("n{round}"));
                tokio::spawn(async move {
                    gate.wait().await;
                    // Every other round writes by upsert, which creates or changes.
                    if round % 2 == 1 {
                        let upsert = Named::upsert(draft!(Named { name: name.clone(), seen: 1 })).conflict_on(Named::NAME);
                        upsert.exec(&db).await?;
                        let row = Named::find_one().filter(Named::NAME.eq(&name)).or_fail().exec(&db).await?;
                        return Ok::<_, Error>((row.id, false));
                    }
                    let draft = draft!(Named { name: name.clone(), seen: i64::try_from(task).unwrap_or(0) });
                    let (row, created) = Named::find_or_create(Named::NAME.eq(&name), draft).exec(&db).await?;
                    Ok((row.id, created))
                })
            }).collect();
            let (mut ids, mut created) = (BTreeSet::new(), 0);
            for task in tasks {
                let (id, is_new) = task.await.map_err(Error::other)??;
                ids.insert(id);
                created += u32::from(is_new);
            }
            assert_eq!((ids.len(), created), (1, u32::from(round % 2 == 0)), "round {round}");
        }
        assert_eq!(Named::count().exec(&db).await?, rounds);
        note(&format!("| {} | {TASKS} tasks want one new row | {rounds} | one created each time, {:?} in all |", bed.database, start.elapsed()));
        db.close().await
    }
}
