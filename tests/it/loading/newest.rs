//! A limit for each parent: the same rows whichever way they are read, and no more of them than an index has to give.

use sequor::prelude::*;
use sequor::{QueryEvent, Strategy};
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "columnists")]
pub struct Columnist {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    pub articles: HasMany<Article>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "articles", index(columns("columnist_id", "day desc"), name = "articles_of_days"))]
pub struct Article {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub columnist_id: i32,
    pub day: i32,
    pub words: Option<i32>,
    pub columnist: BelongsTo<Columnist>,
    pub topics: BelongsToMany<Topic, ArticleTopic>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "topics")]
pub struct Topic {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "article_topics")]
pub struct ArticleTopic {
    #[field(primary_key)]
    pub article_id: i64,
    #[field(primary_key)]
    pub topic_id: i64,
}

const EACH: i32 = 30;

fn words(number: i32) -> Option<i32> {
    (number % 7 != 0).then_some(number * 37 % 100)
}

/// Twenty columnists with thirty articles each, the last one with none; each article has three of ten topics.
async fn fill(db: &Db) -> sequor::Result<()> {
    let people = Columnist::bulk_create((0..21).map(|_| draft!(Columnist {}))).exec(db).await?;
    let topics = Topic::bulk_create((0..10).map(|number| draft!(Topic { name: format!("t{number}") }))).exec(db).await?;
    let article = |number: i32| {
        let author = people[(number / EACH) as usize].id;
        draft!(Article { columnist_id: author, day: number * 11 % 17, words: words(number) })
    };
    let articles = Article::bulk_create((0..20 * EACH).map(article)).exec(db).await?;
    let links = articles.iter().flat_map(|article| [1, 3, 7].map(|step| (article.id, topics[((article.id * step) % 10) as usize].id)));
    let mut links: Vec<_> = links.collect();
    links.sort_unstable();
    links.dedup();
    let links = links.into_iter().map(|(article_id, topic_id)| draft!(ArticleTopic { article_id, topic_id }));
    ArticleTopic::bulk_create(links).without_returning().exec(db).await?;
    Ok(())
}

/// What of an article is compared.
type Seen = (i64, Vec<String>);

/// The articles of a columnist as a program picks them: latest day first, the longest of a day first, NULL being shorter than all.
async fn picked(db: &Db, columnist: i32, offset: usize, limit: usize) -> sequor::Result<Vec<Seen>> {
    let mut all = Article::find_all().filter(Article::COLUMNIST_ID.eq(columnist)).filter(Article::DAY.gt(2)).exec(db).await?;
    all.sort_by_key(|article| (-article.day, -article.words.unwrap_or(-1), article.id));
    let mut seen = Vec::new();
    for article in all.into_iter().skip(offset).take(limit) {
        let links = ArticleTopic::find_all().filter(ArticleTopic::ARTICLE_ID.eq(article.id)).exec(db).await?;
        let ids: Vec<i64> = links.iter().map(|link| link.topic_id).collect();
        let topics = Topic::find_all().filter(Topic::ID.is_in(ids)).order_by(Topic::NAME.desc()).limit(2).exec(db).await?;
        seen.push((article.id, topics.into_iter().map(|topic| topic.name).collect()));
    }
    Ok(seen)
}

#[sequor::test(models(Columnist, Article, Topic, ArticleTopic))]
async fn each_parent_has_its_own(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    for (offset, limit, few) in [(0, 3, false), (2, 4, false), (28, 9, false), (0, 2, true)] {
        let articles = Columnist::ARTICLES
            .filter(Article::DAY.gt(2))
            .order_by((Article::DAY.desc(), coalesce(Article::WORDS, -1).desc(), Article::ID.asc()))
            .offset(offset)
            .limit(limit)
            .include(Article::TOPICS.order_by(Topic::NAME.desc()).limit(2));
        for strategy in [Strategy::Auto, Strategy::OneFlush, Strategy::Sequential] {
            let mut find = Columnist::find_all().include(articles.clone()).include_strategy(strategy).order_by(Columnist::ID.asc());
            if few {
                find = find.filter(Columnist::ID.gt(18));
            }
            let people = find.exec(&db).await?;
            assert_eq!(people.len(), if few { 3 } else { 21 });
            for columnist in people {
                let mut seen = Vec::new();
                for article in columnist.articles.loaded()? {
                    seen.push((article.id, article.topics.loaded()?.iter().map(|topic| topic.name.clone()).collect::<Vec<_>>()));
                }
                assert_eq!(seen, picked(&db, columnist.id, offset as usize, limit as usize).await?, "{strategy:?} of {}", columnist.id);
            }
        }
    }
    Ok(())
}

#[sequor::test(models(Columnist, Article, Topic, ArticleTopic), databases("postgres"))]
async fn rows_are_read_parent_by_parent_where_an_index_finds_those_of_one(db: Db) -> sequor::Result<()> {
    fill(&db).await?;
    let texts = Arc::new(Mutex::new(Vec::new()));
    let kept = texts.clone();
    db.global_hooks().before_query("keep", move |query: &QueryEvent<'_>, _cx| {
        if query.sql().contains("LIMIT") || query.sql().contains("row_number") {
            kept.lock().unwrap().push(query.sql().to_owned());
        }
        Box::pin(async { Ok(()) })
    });
    let newest = Columnist::ARTICLES.order_by(Article::DAY.desc()).limit(3).include(Article::TOPICS.limit(1));
    Columnist::find_all().include(newest.clone()).include_strategy(Strategy::Sequential).exec(&db).await?;
    Columnist::find_all().include(newest).include_strategy(Strategy::OneFlush).exec(&db).await?;
    insta::assert_snapshot!(texts.lock().unwrap().join("\n"));
    Ok(())
}
