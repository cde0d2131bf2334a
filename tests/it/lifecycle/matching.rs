//! Which rows the writes of many rows reach: limits, orders and offsets of calls, of scopes and of default scopes, with and without listeners.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "tickets", paranoid, default_scope = "Ticket::first_open")]
pub struct Ticket {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub rank: i32,
    #[field(default = true)]
    pub open: bool,
    #[field(default = "new")]
    pub state: String,
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Ticket {
    fn first_open(find: Find<Ticket>) -> Find<Ticket> {
        find.filter(Ticket::OPEN.eq(true)).order_by(Ticket::RANK.desc()).limit(1)
    }

    fn page(most: u64, from: u64) -> impl Scope<Ticket> {
        move |find: Find<Ticket>| find.limit(most).offset(from)
    }
}

/// Tickets of the ranks 1 to 4, the last one closed.
async fn seed(db: &Db) -> sequor::Result<()> {
    Ticket::destroy_all().unscoped().with_deleted().force().every_row().exec(db).await?;
    Ticket::bulk_create((1..=4).map(|rank| draft!(Ticket { rank: rank, open: rank < 4 })).collect::<Vec<_>>()).exec(db).await?;
    Ok(())
}

async fn ranks(db: &Db, filter: Filter<Ticket>) -> sequor::Result<Vec<i32>> {
    let rows = Ticket::find_all().unscoped().with_deleted().filter(filter).order_by(Ticket::RANK.asc()).exec(db).await?;
    Ok(rows.into_iter().map(|ticket| ticket.rank).collect())
}

/// The same writes for those who listen, whose rows are read first.
fn listen(db: &Db) {
    db.global_hooks().after_change("listener", |_change: &sequor::AnyChange, _cx| Box::pin(async { Ok(()) }));
}

async fn the_default_scope(db: &Db) -> sequor::Result<()> {
    seed(db).await?;
    let done = || Ticket::STATE.eq("done");
    assert_eq!(Ticket::update_all().set(Ticket::STATE, "done").every_row().exec(db).await?, 3);
    assert_eq!(ranks(db, done()).await?, [1, 2, 3]);
    seed(db).await?;
    assert_eq!(Ticket::update_all().set(Ticket::STATE, "done").every_row().individual_hooks().exec(db).await?, 3);
    assert_eq!(Ticket::update_all().set(Ticket::STATE, "one").limit(1).exec(db).await?, 1);
    assert_eq!(ranks(db, Ticket::STATE.eq("one")).await?, [3]);
    assert_eq!(Ticket::destroy_all().limit(2).exec(db).await?, 2);
    assert_eq!(ranks(db, Ticket::DELETED_AT.is_not_null()).await?, [2, 3]);
    assert_eq!(Ticket::destroy_all().every_row().exec(db).await?, 1);
    // Restoring knows no default scope.
    let last = |find: Find<Ticket>| find.order_by(Ticket::RANK.desc());
    assert_eq!(Ticket::restore_all().scope(last).limit(1).exec(db).await?, 1);
    assert_eq!(ranks(db, Ticket::DELETED_AT.is_null()).await?, [3, 4], "the first in the order of the scope");
    assert_eq!(Ticket::restore_all().exec(db).await?, 2);
    Ok(())
}

#[sequor::test(models(Ticket))]
async fn the_limit_of_a_default_scope_is_none_of_a_write(db: Db) -> sequor::Result<()> {
    the_default_scope(&db).await?;
    listen(&db);
    the_default_scope(&db).await
}

async fn an_offset(db: &Db) -> sequor::Result<()> {
    seed(db).await?;
    let refused = |result: sequor::Result<u64>, verb: &str| {
        let Err(Error::Usage(error)) = result else { panic!("{verb}: {result:?}") };
        assert!(error.message.starts_with(&format!("{verb} of Ticket takes no offset")), "{}", error.message);
    };
    refused(Ticket::update_all().set(Ticket::STATE, "done").scope(Ticket::page(1, 1)).exec(db).await, "update_all");
    refused(Ticket::destroy_all().scope(Ticket::page(1, 1)).exec(db).await, "destroy_all");
    refused(Ticket::restore_all().scope(Ticket::page(1, 1)).exec(db).await, "restore_all");
    assert_eq!(ranks(db, Ticket::STATE.eq("new").and(Ticket::DELETED_AT.is_null())).await?, [1, 2, 3, 4]);
    Ok(())
}

#[sequor::test(models(Ticket))]
async fn a_write_of_many_rows_takes_no_offset(db: Db) -> sequor::Result<()> {
    an_offset(&db).await?;
    listen(&db);
    an_offset(&db).await
}

#[sequor::test]
async fn limits_and_offsets_of_run_time_models_are_the_same(db: Db) -> sequor::Result<()> {
    let definition = json!({
        "name": "Note",
        "attributes": { "rank": "INTEGER", "state": "STRING" },
        "options": {
            "paranoid": true,
            "scopes": { "second": { "order": [["rank", "DESC"]], "limit": 1, "offset": 1 }, "top": { "order": [["rank", "DESC"]], "limit": 2 } },
        },
    });
    let note = db.define(ModelDef::from_json(definition)?)?;
    note.sync(SyncMode::Create).await?;
    note.bulk_create(json!([{ "rank": 1 }, { "rank": 2 }, { "rank": 3 }])).exec(&db).await?;
    let second = note.scope(json!("second"));
    for result in [
        second.update_all(json!({ "state": "x" }), json!({ "where": {} })).exec(&db).await,
        second.destroy_all(json!({ "where": {} })).exec(&db).await,
        second.restore_all(json!({ "where": {} })).exec(&db).await,
    ] {
        assert!(matches!(&result, Err(Error::Usage(error)) if error.message.contains("of Note takes no offset")), "{result:?}");
    }
    let top = note.scope(json!("top"));
    assert_eq!(top.destroy_all(json!({ "where": {} })).exec(&db).await?, 2);
    assert_eq!(note.restore_all(json!({ "where": {}, "limit": 1 })).exec(&db).await?, 1);
    assert_eq!(note.find_all(json!({})).exec(&db).await?.len(), 2);
    Ok(())
}
