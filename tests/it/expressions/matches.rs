//! Full text: every word of a search occurs.

use super::models::*;
use sequor::prelude::*;

#[sequor::test(models(Category, Article))]
async fn every_word_of_a_search_occurs(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    if matches!(db.dialect(), Dialect::Mysql | Dialect::Mariadb) {
        db.execute(sql!("CREATE FULLTEXT INDEX articles_words ON articles (title)")).await?;
    }
    let ids = async |search: &str| {
        Article::find_all().filter(Article::TITLE.matches(search)).select(Article::ID).order_by(Article::ID.asc()).exec(&db).await
    };
    assert_eq!(ids("juice").await?, [3]);
    assert_eq!(ids("JUICE, 100").await?, [3]);
    assert_eq!(ids("juice bread").await?, [0_i64; 0]);
    assert_eq!(ids("bread'); --").await?, [4]);
    for nothing in ["", "+-*\"'()~<>@", "'"] {
        assert_eq!(ids(nothing).await?, [0_i64; 0], "{nothing:?}");
    }
    Ok(())
}
