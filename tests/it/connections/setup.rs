//! What `after_connect` sets a session up with: it stays, whatever the pool has to clean.

use super::{Account, Bed, on_each_server};
use sequor::__private::{RawPart, RawSql};
use sequor::prelude::*;

/// A row whose key the database counts.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "tickets")]
pub struct Ticket {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
}

/// A setting of the session, as it is set and as it is read.
struct Setting {
    set: fn(i64) -> String,
    read: &'static str,
}

impl Setting {
    fn of(bed: &Bed) -> Setting {
        match bed.database {
            "postgres" => {
                Setting { set: |to| format!("SET geqo_threshold = {to}"), read: "SELECT CAST(current_setting('geqo_threshold') AS bigint)" }
            }
            "mysql" => Setting {
                set: |to| format!("SET SESSION auto_increment_increment = {to}"),
                read: "SELECT CAST(@@SESSION.auto_increment_increment AS SIGNED)",
            },
            _ => Setting { set: |to| format!("PRAGMA cache_size = {to}"), read: "PRAGMA cache_size" },
        }
    }

    async fn read(&self, db: &Db) -> sequor::Result<i64> {
        Ok(db.query_as::<(i64,)>(raw(self.read)).await?[0].0)
    }

    /// A database of one connection, whose hook sets this.
    async fn connect(&self, bed: &Bed, to: i64) -> sequor::Result<Db> {
        let set = (self.set)(to);
        let hooks = move |hooks: &sequor::GlobalHooks<'_>| {
            hooks.after_connect("setting", move |connection| {
                let set = set.clone();
                Box::pin(async move { connection.execute(&set).await })
            });
        };
        let one = Pool { max: 1, ..Pool::default() };
        Db::options(&bed.url).pool(one).register::<Account>().with_hooks(hooks).connect().await
    }
}

fn raw(text: &str) -> RawSql {
    RawSql::new(vec![RawPart::Text(text.to_owned().into())])
}

on_each_server! {
    async fn stays_from_loan_to_loan(bed) {
        let setting = Setting::of(&bed);
        let db = setting.connect(&bed, 7).await?;
        for _ in 0..3 {
            assert_eq!(setting.read(&db).await?, 7);
        }
        let read = db.transaction(async |tx| setting.read(tx).await).await?;
        assert_eq!(read, 7);
        db.close().await
    }

    async fn comes_back_when_a_session_is_cleaned(bed) {
        let setting = Setting::of(&bed);
        let db = setting.connect(&bed, 7).await?;
        db.sync::<Account>(SyncMode::Create).await?;
        db.execute(raw(&(setting.set)(9))).await?;
        assert_eq!(setting.read(&db).await?, 7, "what one program set is undone, what the hook set is not");
        let transaction = db.begin().await?;
        draft!(Account { id: 1, balance: 1 }).create(&transaction).await?;
        drop(transaction);
        assert_eq!((setting.read(&db).await?, Account::count().exec(&db).await?), (7, 0));
        assert_eq!(db.pool_status().opened, 1, "all of it on one connection");
        db.close().await
    }

    async fn keys_of_many_rows_lie_as_far_apart_as_the_server_counts(bed) {
        let db = Setting::of(&bed).connect(&bed, 7).await?;
        db.sync::<Ticket>(SyncMode::Create).await?;
        let drafts = ["a", "b", "c"].map(|name| draft!(Ticket { name }));
        let made = Ticket::bulk_create(drafts).exec(&db).await?;
        assert_eq!(made, Ticket::find_all().order_by(Ticket::NAME.asc()).exec(&db).await?);
        if bed.database == "mysql" {
            assert_eq!((made[1].id - made[0].id, made[2].id - made[1].id), (7, 7), "the server counts by sevens");
        }
        db.close().await
    }
}
