//! The commands of the database, from the program's own binary, and the tables that they make.

use crate::process::{Server, run};
use crate::start::{Place, send};
use accounts::models::{All, Otp, Payment, User};
use accounts::passwords;
use sequor::prelude::*;
use serde_json::Value;

/// Columns, keys and indexes of every table but the history's, in an order of their own.
async fn shape(db: &Db) -> Vec<String> {
    let sql = if db.dialect().is_mysql() {
        sql!(
            "SELECT CONCAT_WS(' ', table_name, column_name, column_type, is_nullable, column_default, extra) FROM information_schema.columns
               WHERE table_schema = DATABASE() AND table_name NOT LIKE 'sequor%'
             UNION ALL SELECT CONCAT_WS(' ', table_name, index_name, seq_in_index, column_name, non_unique, collation)
               FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name NOT LIKE 'sequor%'
             UNION ALL SELECT CONCAT_WS(' ', table_name, constraint_name, referenced_table_name, delete_rule, update_rule)
               FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE() ORDER BY 1"
        )
    } else {
        sql!(
            "SELECT concat_ws(' ', m.name, c.name, lower(c.type), c.\"notnull\", c.dflt_value, c.pk)
               FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sq%' AND m.name NOT LIKE 'sequor%'
             UNION ALL SELECT concat_ws(' ', m.name, i.name, i.\"unique\", i.origin, k.seqno, k.name, k.\"desc\")
               FROM sqlite_schema m JOIN pragma_index_list(m.name) i JOIN pragma_index_xinfo(i.name) k WHERE m.type = 'table' AND k.key AND m.name NOT LIKE 'sequor%'
             UNION ALL SELECT concat_ws(' ', m.name, f.\"from\", f.\"table\", f.on_delete, f.on_update)
               FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY 1"
        )
    };
    db.query_as::<(String,)>(sql).await.unwrap().into_iter().map(|(line,)| line).collect()
}

async fn migrating(place: &Place) {
    assert!(run(place, "db:create").good().contains("created."));
    assert!(run(place, "db:create").good().contains("is there already."));
    assert_eq!(run(place, "db:migrate:status").good(), "down 20240101000000-create-initial-schema\ndown 20240215000000-revoke-tokens\n");
    assert!(run(place, "db:migrate").good().contains("== 20240215000000-revoke-tokens: migrated ("));
    assert_eq!(run(place, "db:migrate:status").good(), "up 20240101000000-create-initial-schema\nup 20240215000000-revoke-tokens\n");
    run(place, "migrate status --check").good();

    // What the migrations make is what the models are: synchronising changes nothing, and makes the same from nothing.
    let db = place.connect().await;
    let migrated = shape(&db).await;
    assert!(migrated.len() > 50, "{migrated:#?}");
    db.sync::<All>(SyncMode::Alter).await.unwrap();
    assert_eq!(shape(&db).await, migrated);
    db.sync::<All>(SyncMode::Force).await.unwrap();
    assert_eq!(shape(&db).await, migrated);

    // Empty tables are undone without a question.
    assert!(run(place, "db:migrate:undo").good().contains("== 20240215000000-revoke-tokens: reverted ("));
    run(place, "db:migrate:undo:all").good();
    assert!(shape(&db).await.is_empty(), "{:?}", shape(&db).await);
    db.close().await.unwrap();
    run(place, "db:drop --yes").good();
}

async fn seeding(place: &Place) {
    assert!(run(place, "db:setup").good().contains("== 20240101000000-demo-data: migrated ("));
    // A second run finds everything there.
    run(place, "db:seed:all").good();
    let db = place.connect().await;
    let user = User::find_one().include(User::OTPS).include(User::PAYMENTS).exec(&db).await.unwrap().unwrap();
    let (otps, payments): (&[Otp], &[Payment]) = (user.otps.loaded().unwrap(), user.payments.loaded().unwrap());
    assert_eq!((user.email.as_str(), otps.len(), payments.len()), ("demo@example.com", 1, 1));
    assert!(user.password.starts_with("$argon2id$") && passwords::fits("demo-password".into(), user.password.clone()).await);
    assert!(otps[0].code.starts_with("$argon2id$"));
    {
        let server = Server::start(place, &[("APP_ENV", "production")]);
        let client = reqwest::Client::new();
        let body = json!({ "email": "demo@example.com", "password": "demo-password" });
        let (status, tokens) = send(&client, &server.url, "POST", "/login", "", body).await;
        assert_eq!(status, 200, "{tokens}");
        let payments = send(&client, &server.url, "GET", "/payments", tokens["accessToken"].as_str().unwrap(), Value::Null).await.1;
        assert_eq!(payments["count"], 1, "{payments}");
    }
    // Rows are not removed without a yes.
    let refused = run(place, "db:migrate:undo:all").bad();
    assert!(refused.contains("removes 1 row of") && refused.contains("1 row of users") && refused.contains("--yes"), "{refused}");
    assert!(run(place, "db:seed:undo").bad().contains("--yes"));
    assert!(run(place, "db:seed:undo --env production --yes").bad().contains("--confirm"));
    assert_eq!(User::count().exec(&db).await.unwrap(), 1);
    assert!(run(place, "db:seed:undo --yes").good().contains("== 20240101000000-demo-data: reverted ("));
    assert_eq!((User::count().exec(&db).await.unwrap(), Payment::count().exec(&db).await.unwrap()), (0, 0));
    run(place, "db:seed:all").good();
    run(place, "db:migrate:undo:all --yes").good();
    db.close().await.unwrap();
    run(place, "db:drop --yes").good();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrate_and_undo_on_sqlite() {
    migrating(&Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrate_and_undo_on_mysql() {
    let Some(place) = Place::mysql() else { return };
    migrating(&place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_and_undo_on_sqlite() {
    seeding(&Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_and_undo_on_mysql() {
    let Some(place) = Place::mysql() else { return };
    seeding(&place).await;
}
