//! Tour section 2: connecting, options, closing.

use crate::models::*;
use sequor::prelude::*;
use std::time::Duration;

#[sequor::test]
async fn options_are_a_chain(db: Db) -> sequor::Result<()> {
    drop(db);
    let db = Db::options("sqlite::memory:")
        .pool(Pool { max: 10, min: 2, idle: secs(30), ..Pool::default() })
        .retry(Retry { max: 3, delay: secs(1), ..Retry::default() })
        .slow_query(millis(200))
        .logging(true)
        .implicit_transactions(true)
        .register::<(User, Post, Tag)>()
        .connect()
        .await?;
    db.authenticate().await?;
    let health = db.health().await;
    assert!(health.ok, "{health:?}");
    db.close().await?;
    let error = User::count().exec(&db).await.err().map(|error| error.to_string());
    assert!(error.as_deref().is_some_and(|text| text.contains("closed")), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn one_line_connects() -> sequor::Result<()> {
    let db = Db::connect("sqlite::memory:").await?;
    let all = Db::options("sqlite::memory:").register_all().connect().await?;
    assert_eq!((db.dialect(), all.dialect()), (Dialect::Sqlite, Dialect::Sqlite));
    db.close().await?;
    all.close().await
}

#[tokio::test]
async fn settings_come_from_the_environment() -> sequor::Result<()> {
    let options = Db::from_env();
    // The environment of a test run names no DATABASE_URL of its own; the error says what to set.
    if let Err(error) = options.connect().await {
        assert!(error.to_string().contains("DATABASE_URL"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn replicas_are_named_in_a_list() -> sequor::Result<()> {
    let folder = std::env::temp_dir().join(format!("sequor-replica-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let url = format!("sqlite://{}", folder.join("app.db").display());
    let db = Db::options(&url).read_replicas([url.as_str()]).connect().await?;
    db.sync::<(User, Profile, Post, Tag, PostTag)>(SyncMode::Create).await?;
    let ann = draft!(User { email: "ann@x.io", name: "Ann" }).create(&db).await?;
    assert_eq!(User::find_by_pk(ann.id).or_fail().exec(&db.primary()).await?, ann);
    assert_eq!(User::find_all().exec(&db).await?.len(), 1);
    db.close().await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

#[test]
fn defaults_are_those_of_the_tour() {
    let pool = Pool::default();
    assert_eq!((pool.max, pool.min, pool.acquire, pool.idle, pool.evict), (10, 0, secs(60), secs(10), secs(1)));
    assert_eq!((pool.lifetime, pool.max_uses, pool.max_waiters), (Some(Duration::from_secs(1800)), None, 10_000));
    assert_eq!(Retry::default().max, 1);
}
