//! `after_read`: model and keys of every row that leaves the engine, on every path; its error withholds the rows.

use super::cascades::{Bed, Nurse, Pillow, Ward};
use sequor::prelude::*;
use std::sync::{Arc, Mutex};

#[derive(Projection, Debug, PartialEq)]
#[projection(of = Ward)]
pub struct WardName {
    pub name: String,
}

type Seen = Arc<Mutex<Vec<String>>>;

fn watched(db: &Db) -> Seen {
    let seen = Seen::default();
    let log = seen.clone();
    db.global_hooks().after_read("audit", move |rows, _cx| {
        log.lock().map(|mut log| log.push(format!("{} {}", rows.model(), rows.keys().len()))).ok();
        Box::pin(async { Ok(()) })
    });
    seen
}

fn taken(seen: &Seen) -> Vec<String> {
    seen.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default()
}

async fn filled(db: &Db) -> sequor::Result<()> {
    for name in ["A", "B"] {
        let ward = draft!(Ward { name: name }).create(db).await?;
        draft!(Bed { ward_id: ward.id }).create(db).await?;
    }
    Ok(())
}

#[sequor::test(models(Ward, Bed, Pillow, Nurse))]
async fn every_path_tells_what_it_reads(db: Db) -> sequor::Result<()> {
    filled(&db).await?;
    let seen = watched(&db);
    Ward::find_all().exec(&db).await?;
    assert_eq!(taken(&seen), ["Ward 2"]);
    Ward::find_by_pk(1).hooks(false).exec(&db).await?;
    assert_eq!(taken(&seen), ["Ward 1"]);
    let beds = Bed::find_all().include(Bed::WARD).exec(&db).await?;
    assert_eq!(taken(&seen), ["Bed 2", "Ward 2"]);
    assert_eq!(beds.len(), 2);
    let bed = Bed::find_by_pk(1).or_fail().exec(&db).await?;
    taken(&seen);
    bed.load(Bed::WARD, &db).await?;
    assert_eq!(taken(&seen), ["Ward 1"]);
    let names = Ward::find_all().project::<WardName>().order_by(Ward::ID.asc()).exec(&db).await?;
    assert_eq!((names[1].name.as_str(), taken(&seen)), ("B", vec!["Ward 2".to_owned()]));
    let picked: Vec<(String, i64)> = Ward::find_all().select((Ward::NAME, Ward::ID)).exec(&db).await?;
    assert_eq!((picked.len(), taken(&seen)), (2, vec!["Ward 2".to_owned()]));
    let mut rows = Ward::find_all().stream(&db);
    while rows.next().await.transpose()?.is_some() {}
    assert_eq!(taken(&seen), ["Ward 2"]);
    Ok(())
}

#[sequor::test(models(Ward, Bed, Pillow, Nurse))]
async fn its_error_withholds_the_rows_on_every_path(db: Db) -> sequor::Result<()> {
    filled(&db).await?;
    let bed = Bed::find_by_pk(1).or_fail().exec(&db).await?;
    db.global_hooks().after_read("audit", |rows, _cx| {
        let withheld = rows.model() == "Ward";
        Box::pin(async move { if withheld { Err(Error::usage("the audit store is down")) } else { Ok(()) } })
    });
    assert!(Ward::find_all().exec(&db).await.is_err());
    assert!(Ward::find_all().hooks(false).exec(&db).await.is_err());
    assert!(Bed::find_all().include(Bed::WARD).exec(&db).await.is_err());
    assert!(bed.load(Bed::WARD, &db).await.is_err());
    assert!(Ward::find_all().project::<WardName>().exec(&db).await.is_err());
    assert!(Ward::find_all().select((Ward::NAME, Ward::ID)).exec(&db).await.is_err());
    assert!(Ward::find_all().select((Ward::NAME, count_all())).group_by(Ward::NAME).exec(&db).await.is_err());
    assert!(Ward::find_all().stream(&db).next().await.is_some_and(|row| row.is_err()));
    assert_eq!(Bed::find_all().exec(&db).await?.len(), 2);
    assert!(db.global_hooks().remove("audit"));
    assert_eq!(Ward::find_all().exec(&db).await?.len(), 2);
    Ok(())
}
