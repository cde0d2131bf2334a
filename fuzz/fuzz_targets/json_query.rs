//! Any bytes as a stranger's query: the answer is an error or rows, never a panic, and what the policy allows is answered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sequor::prelude::*;
use sequor::{Policy, RuntimeModel};
use std::sync::OnceLock;

struct Stage {
    runtime: tokio::runtime::Runtime,
    db: Db,
    users: RuntimeModel,
    policy: Policy,
}

fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (db, users) = runtime
            .block_on(async {
                let db = Db::connect("sqlite::memory:").await?;
                let define = |name: &str, attributes: serde_json::Value| {
                    ModelDef::from_json(json!({ "name": name, "attributes": attributes, "options": { "timestamps": false } }))
                };
                let users = db.define(define("User", json!({ "name": "STRING(20)", "age": "INTEGER", "data": "JSON" }))?)?;
                db.define(define("Post", json!({ "title": "STRING(20)", "likes": "INTEGER" }))?)?;
                db.associate(json!({ "type": "hasMany", "source": "User", "target": "Post", "as": "posts", "foreignKey": "userId" }))?;
                db.sync_all(SyncMode::Create).await?;
                Ok::<_, Error>((db, users))
            })
            .expect("a database");
        let policy = Policy::stranger().allow("User", &["id", "name", "age"]).allow("Post", &["id", "title", "likes"]);
        Stage { runtime, db, users, policy }
    })
}

fuzz_target!(|bytes: &[u8]| {
    let stage = stage();
    let Ok(options) = stage.policy.parse(bytes) else { return };
    let _ = stage.runtime.block_on(stage.users.find_all(options.clone()).exec(&stage.db));
    if let Ok(allowed) = stage.policy.check(&stage.db, "User", options) {
        let _ = stage.runtime.block_on(stage.users.find_all(allowed).exec(&stage.db));
    }
});
