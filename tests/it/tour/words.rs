//! The statements of the tour's sections 2, 3, 4, 5, 7 and 8 that other programs here say in words of their own, as they are written there; `..` is filled.

use crate::models::*;
use sequor::Page;
use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "providers")]
pub struct Provider {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    pub interactions: HasMany<Interaction>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "provider_interactions")]
pub struct Interaction {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub model: String,
    pub provider_id: i64,
    pub provider: BelongsTo<Provider>,
}

models!(pub type Words = All, Provider, Interaction);

#[tokio::test]
async fn section_two() -> sequor::Result<()> {
    let folder = std::env::temp_dir().join(format!("sequor-words-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let url = format!("sqlite://{}/app.db", folder.display());
    let db = Db::connect(&url).await?;
    db.authenticate().await?;
    db.health().await;
    db.close().await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

#[sequor::test(models(Words))]
#[rustfmt::skip]
async fn section_three(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let first = User::find_all().first().or_fail().exec(&db).await?;
    assert_eq!(first.id, 1);
    let user: Option<User>  = User::find_by_pk(1).exec(&db).await?;
    assert_eq!(user.as_ref(), Some(&first));
    let user: User          = User::find_by_pk(1).or_fail().exec(&db).await?;        // Error::NotFound
    assert_eq!(user, first);
    let users: Vec<User>    = User::find_all()
        .filter(User::AGE.gte(18).and(User::NAME.ilike("%ann%").or(User::ROLE.is_in([Role::Admin]))))
        .filter(!User::EMAIL.ends_with("@spam.io"))                                  // filters compose with AND, always
        .order_by((User::CREATED_AT.desc(), User::ID.asc()))
        .limit(10).offset(20)
        .exec(&db).await?;
    assert!(users.is_empty());
    let page: Page<User>    = User::find_all().order_by(User::ID.asc()).page(2, 20).exec(&db).await?;
    assert_eq!((page.rows.len(), page.count, page.page, page.page_size, page.pages, page.has_next, page.has_previous), (0, 2, 2, 20, 1, false, true));
    let names: Vec<UserName> = User::find_all().project::<UserName>().exec(&db).await?;   // #[derive(Projection)] #[projection(of = User)]
    assert_eq!(names.len(), 2);
    let one: Option<User>   = User::find_one().filter(User::EMAIL.eq("a@x.io")).exec(&db).await?;    // or find_all()...one()
    assert_eq!(one, None);
    Ok(())
}

#[sequor::test(models(Words))]
#[rustfmt::skip]
async fn section_four(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let users = User::find_all()
        .include(User::PROFILE)
        .include(User::POSTS
            .filter(Post::PUBLISHED.eq(true)).order_by(Post::CREATED_AT.desc())
            .limit(3)                                    // three per parent, not three in all
            .include(Post::TAGS)
            .include(Post::USER))
        .exec(&db).await?;
    let mut seen = 0;
    for user in &users {
        for post in user.posts.loaded()? { seen += post.tags.loaded()?.len() + usize::from(post.user.loaded()?.id == user.id) }
    }
    assert_eq!(seen, 4);
    let required = User::find_all().include(User::POSTS.filter(Post::PUBLISHED.eq(true)).required());             // inner join semantics
    assert_eq!(required.exec(&db).await?.len(), 1);
    let of_admins = Post::find_all().filter(Post::USER.is(User::ROLE.eq(Role::Admin)));      // '$user.role$' of Sequelize
    assert_eq!(of_admins.exec(&db).await?.len(), 3);
    let users = User::find_all().order_by(User::ID.asc()).exec(&db).await?;
    let user = users[0].clone();
    user.load(User::POSTS, &db).await?;                  // lazily, for one (&self: the rows lie in the relation field)
    users.load(User::POSTS, &db).await?;                 // for a whole slice: one statement; a second load does nothing
    assert_eq!((user.posts.loaded()?.len(), users[0].posts.loaded()?.len()), (3, 3));
    Ok(())
}

#[sequor::test(models(Words))]
#[rustfmt::skip]
async fn section_five(db: Db) -> sequor::Result<()> {
    let drafts = || [("ann@x.io", 5), ("bo@x.io", 6)].map(|(email, age)| draft!(User { email, name: "New", age }));
    User::bulk_create(drafts()).exec(&db).await?;                                       // returns rows with their keys
    {
        let drafts = drafts();
        User::bulk_create(drafts).update_on_duplicate((User::NAME, User::AGE)).exec(&db).await?;
    }
    {
        let drafts = drafts();
        User::bulk_create(drafts).ignore_duplicates().skip_validation().individual_hooks().exec(&db).await?;   // validates by default
    }
    assert_eq!(User::count().exec(&db).await?, 2);
    let (user, created) = User::find_or_create(User::EMAIL.eq("a@x.io"), draft!(User { email: "a@x.io", name: "A" })).exec(&db).await?;
    assert_eq!((user.name.as_str(), created), ("A", true));
    let draft = draft!(User { email: "a@x.io", name: "Anna" });
    let (user, created) = User::upsert(draft).exec(&db).await?;
    assert_eq!((user.name.as_str(), created), ("Anna", false));
    User::update_all().set(User::ROLE, Role::Nurse).set(User::AGE, User::AGE + 1)   // MissingFilter too without a filter
        .filter(User::AGE.lt(10)).exec(&db).await?;          // u64; .returning() gives Vec<User>
    assert_eq!(User::count().filter(User::AGE.is_in([6, 7])).exec(&db).await?, 2);
    assert_eq!(User::destroy_all().filter(User::AGE.is_null()).exec(&db).await?, 1);
    assert!(matches!(User::destroy_all().exec(&db).await, Err(Error::MissingFilter { .. })));
    User::restore_all().exec(&db).await?;
    let (gone, all) = (User::find_all().only_deleted(), User::find_all().with_deleted().unscoped());
    assert_eq!((gone.exec(&db).await?.len(), all.exec(&db).await?.len()), (0, 3));
    Profile::truncate().exec(&db).await?;
    Ok(())
}

#[sequor::test(models(Words))]
#[rustfmt::skip]
async fn sections_seven_and_eight(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let (told, hears) = tokio::sync::oneshot::channel();
    let order = db.transaction(async |tx| {
        let p = draft!(Provider { name: "P" }).create(tx).await?;
        tx.transaction(async |sp| { draft!(Provider { name: "lost" }).create(sp).await?; Err::<(), _>(Error::usage("no")) }).await.ok();            // savepoint
        tx.after_commit(async move { told.send(()).ok(); });                      // a future of (), run once the commit is durable
        draft!(Interaction { provider_id: p.id, model: "m" }).create(tx).await
    }).await?;                                    // commit on Ok, roll back on Err, panic or drop; over sequor::Result
    assert!(hears.await.is_ok());
    assert_eq!((order.provider_id, Provider::count().exec(&db).await?), (1, 1));
    db.transaction_with(Tx::serializable().read_only().retry(5).timeout(secs(5)), async |tx| { User::count().exec(tx).await }).await?;  // cloned per attempt
    let tx = db.begin().await?;  Provider::update_all().set(Provider::NAME, "Q").every_row().exec(&tx).await?;  tx.commit().await?;        // unmanaged

    let (age, role) = (18, Role::Admin);
    let rows: Vec<User> = db.query_as(sql!("SELECT * FROM users WHERE age > {age} AND role = {role}")).await?;
    assert_eq!(rows.len(), 1);
    let id = rows[0].id;
    let n = db.execute(sql!("UPDATE users SET age = {age} WHERE id = {id}")).await?;   // {x} is always a bound parameter
    assert_eq!(n, 1);
    Ok(())
}
