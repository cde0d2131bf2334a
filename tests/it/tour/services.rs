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
