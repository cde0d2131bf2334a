//! JSON: kinds, keys, lengths, JSON null, containment; paths set, removed and merged in updates.

use super::models::*;
use sequor::prelude::*;

#[sequor::test(models(Category, Article))]
async fn asks_documents_the_same_on_every_database(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let ids =
        async |filter: Filter<Article>| Article::find_all().filter(filter).select(Article::ID).order_by(Article::ID.asc()).exec(&db).await;
    assert_eq!(ids(Article::DATA.has_key("n")).await?, [1]);
    assert_eq!(ids(Article::DATA.path("n").is_json_null()).await?, [1]);
    assert_eq!(ids(Article::DATA.path("n").is_null()).await?, [1, 2, 3, 4]);
    assert_eq!(ids(Article::DATA.path("kind").eq("null")).await?, [1]);
    assert_eq!(ids(Article::DATA.path("a.b").len().eq(2)).await?, [1]);
    assert_eq!(ids(Article::DATA.path("a.b[1]").eq(2)).await?, [1]);
    assert_eq!(ids(Article::DATA.path("size").gt(2.5)).await?, [2]);
    assert_eq!(ids(Article::DATA.path("size").kind().eq("number".to_owned())).await?, [2, 3]);
    assert_eq!(ids(Article::DATA.path("ok").kind().eq("boolean".to_owned())).await?, [4]);
    assert_eq!(ids(Article::DATA.path("ok").eq(true)).await?, [4]);
    assert_eq!(ids(Article::DATA.contains_json(json!({ "a": { "b": [2] } }))).await?, [1]);
    assert_eq!(ids(Article::DATA.contained_in_json(json!({ "ok": true, "more": 1 }))).await?, [4]);
    assert_eq!(ids(Article::DATA.path("a").contains(json!({ "b": [] }))).await?, [1, 2]);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn sets_removes_and_merges_paths(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let set = async |id: i64, value: sequor::TypedExpr<Article, Json>| {
        assert_eq!(Article::update_all().set(Article::DATA, value).filter(Article::ID.eq(id)).exec(&db).await?, 1);
        Ok::<_, Error>(Article::find_by_pk(id).or_fail().exec(&db).await?.data.0)
    };
    let quote = "it's \"x\" \\ $.a";
    assert_eq!(
        set(4, Article::DATA.set_path("deep.er.still", json!([1, quote]))).await?,
        json!({ "ok": true, "deep": { "er": { "still": [1, quote] } } })
    );
    assert_eq!(set(4, Article::DATA.set_path("ok", json!(null))).await?, json!({ "ok": null, "deep": { "er": { "still": [1, quote] } } }));
    assert_eq!(
        set(4, Article::DATA.set_path("deep.er.still[0]", 7)).await?,
        json!({ "ok": null, "deep": { "er": { "still": [7, quote] } } })
    );
    assert_eq!(set(4, Article::DATA.remove_path("deep.er.still")).await?, json!({ "ok": null, "deep": { "er": {} } }));
    assert_eq!(set(4, Article::DATA.remove_path("not.there")).await?, json!({ "ok": null, "deep": { "er": {} } }));
    assert_eq!(
        set(1, Article::DATA.merge(json!({ "a": { "c": "x" }, "n": { "new": 1 }, "kind": null }))).await?,
        json!({ "a": { "b": [1, 2], "c": "x" }, "n": { "new": 1 } })
    );
    let key = format!("[\"{}\"]", "a'.b;--");
    assert_eq!(set(2, Article::DATA.set_path(&key, true)).await?["a'.b;--"], json!(true));
    let wrong = Article::update_all().set(Article::DATA, Article::DATA.set_path("a..b", 1)).filter(Article::ID.eq(1)).exec(&db).await;
    assert!(matches!(wrong, Err(Error::Usage(_))), "{wrong:?}");
    Ok(())
}
