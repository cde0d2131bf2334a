//! Tour section 12, as far as it is built: tests and tenants.

use crate::models::*;
use sequor::prelude::*;

#[sequor::test(models(User, Profile, Post, Tag, PostTag))]
async fn finds_ann(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let users = db.expect_queries(2, async || User::find_all().include(User::POSTS).exec(&db).await).await?;
    assert_eq!(users.len(), 2);
    Ok(())
}

#[sequor::test]
async fn tenants_have_schemas_of_their_own(db: Db) -> sequor::Result<()> {
    let (seven, eight) = (db.schema("tenant_7"), db.schema("tenant_8"));
    for tenant in [&seven, &eight] {
        tenant.sync::<(User, Profile, Post, Tag, PostTag)>(SyncMode::Force).await?;
        tenant.sync::<(User, Profile, Post, Tag, PostTag)>(SyncMode::Create).await?;
    }
    seed(&seven).await?;
    let users = seven.transaction(async |tx| User::find_all().include(User::POSTS.include(Post::TAGS)).exec(tx).await).await?;
    assert_eq!((users.len(), users[0].posts.loaded()?.len(), User::count().exec(&eight).await?), (2, 3, 0));
    assert_eq!(User::update_all().set(User::AGE, 1).filter(User::POSTS.any(Post::PUBLISHED.eq(true))).exec(&seven).await?, 1);
    let wrong = User::count().exec(&db.schema("x\"; DROP TABLE users; --")).await;
    assert!(matches!(wrong, Err(Error::Usage(_))), "{wrong:?}");
    if db.dialect() != Dialect::Sqlite {
        // The schemas (databases on MySQL) outlive the test's own database.
        for tenant in [&seven, &eight] {
            tenant.drop_tables::<(User, Profile, Post, Tag, PostTag)>().await?;
        }
    }
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "secrets")]
struct Secret {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub tenant: i64,
    pub text: String,
}

#[sequor::test(models(Secret))]
async fn settings_reach_row_level_security(db: Db) -> sequor::Result<()> {
    if db.dialect() != Dialect::Postgres {
        let refused = Secret::count().exec(&db.with_setting("app.tenant", 7)).await;
        assert!(matches!(refused, Err(Error::Usage(_))), "{refused:?}");
        return Ok(());
    }
    for tenant in [7_i64, 7, 8] {
        draft!(Secret { tenant, text: "x" }).create(&db).await?;
    }
    db.execute(sql!("ALTER TABLE secrets ENABLE ROW LEVEL SECURITY")).await?;
    db.execute(sql!("ALTER TABLE secrets FORCE ROW LEVEL SECURITY")).await?;
    db.execute(sql!("CREATE POLICY own ON secrets USING (tenant = current_setting('app.tenant')::bigint)")).await?;
    let seen: Vec<(String,)> = db.with_setting("app.tenant", 7).query_as(sql!("SELECT current_setting('app.tenant')")).await?;
    assert_eq!(seen[0].0, "7");
    let left: Vec<(Option<String>,)> = db.query_as(sql!("SELECT nullif(current_setting('app.tenant', true), '')")).await?;
    assert_eq!(left[0].0, None, "the setting must not outlive its transaction");
    let inside = db.with_setting("app.tenant", 8).transaction(async |tx| Secret::find_all().exec(tx).await).await?;
    // A superuser sees every row whatever the policy says; the setting is what counts here.
    assert!(!inside.is_empty());
    Ok(())
}
