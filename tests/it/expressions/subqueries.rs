//! Sub-queries, tuples, trees read by one recursive statement, unions.

use super::models::*;
use sequor::prelude::*;
use sequor::tuple;

#[sequor::test(models(Category, Article))]
async fn queries_stand_inside_conditions(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let names = async |filter: Filter<Category>| {
        Category::find_all().filter(filter).select(Category::NAME).order_by(Category::ID.asc()).exec(&db).await
    };
    let stocked = Article::find_all().filter(Article::STOCK.gt(0));
    assert_eq!(names(Category::ID.in_query(stocked.clone().select(Article::CATEGORY_ID))).await?, ["Food", "Fruit", "Apples"]);
    assert_eq!(names(Category::ID.not_in_query(stocked.select(Article::CATEGORY_ID))).await?, ["Root", "Tools"]);
    let of_mine = || Article::find_all().filter(Article::CATEGORY_ID.eq(outer(Category::ID)));
    assert_eq!(names(Filter::exists(of_mine().filter(Article::PRICE.gt(3.0)))).await?, ["Food", "Tools"]);
    assert_eq!(names(Filter::not_exists(of_mine())).await?, ["Root"]);
    let priced: Vec<(String, Option<f64>)> = Category::find_all()
        .select((Category::NAME, scalar(of_mine().select(max(Article::PRICE)))))
        .order_by(Category::ID.asc())
        .exec(&db)
        .await?;
    assert_eq!(priced[1], ("Food".into(), Some(3.75)));
    assert_eq!(priced[0], ("Root".into(), None));
    let dear: Vec<String> = Article::find_all()
        .filter(Article::PRICE.gt(scalar(Article::find_all().select(avg(Article::PRICE)))))
        .select(Article::TITLE.trim())
        .exec(&db)
        .await?;
    assert_eq!(dear, ["Saw"]);
    let cheapest: Vec<String> = Category::find_all()
        .filter(Category::ID.in_query(Article::find_all().order_by(Article::PRICE.asc()).limit(1).select(Article::CATEGORY_ID)))
        .select(Category::NAME)
        .exec(&db)
        .await?;
    assert_eq!(cheapest, ["Apples"]);
    let pairs = Article::find_all().filter(Article::ID.eq(3)).select((Article::STOCK, Article::ID));
    assert_eq!(Article::count().filter(tuple((Article::STOCK, Article::ID)).in_query(pairs)).exec(&db).await?, 1);
    let lonely = Category::find_all().filter(Category::ID.eq(outer(Category::ID))).exec(&db).await;
    assert!(matches!(lonely, Err(Error::Usage(_))), "{lonely:?}");
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn a_tree_is_read_by_one_query_and_circles_end(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let below = Category::CHILDREN.reached_from(Category::NAME.eq("Food"));
    let rows =
        db.expect_queries(1, async || Category::find_all().filter(below.clone()).order_by(Category::ID.asc()).exec(&db).await).await?;
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["Food", "Fruit", "Apples"]);
    let above = Category::PARENT.reached_from(Category::NAME.eq("Apples"));
    assert_eq!(Category::count().filter(above).exec(&db).await?, 4);
    let sold: i64 = Article::find_all().filter(Article::CATEGORY.is(below.clone())).select(count_all()).one().exec(&db).await?;
    assert_eq!(sold, 3);
    Category::update_all().set(Category::PARENT_ID, 4_i64).filter(Category::NAME.eq("Food")).exec(&db).await?;
    assert_eq!(Category::count().filter(below).exec(&db).await?, 3);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn unions_intersections_and_differences(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let (cheap, full) = (Article::find_all().filter(Article::PRICE.lt(3.0)), Article::find_all().filter(Article::STOCK.eq(7)));
    let ids = |rows: Vec<Article>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(cheap.clone().union(full.clone()).order_by(Article::ID.desc()).exec(&db).await?), [4, 3, 1]);
    assert_eq!(ids(cheap.clone().union_all(full.clone()).order_by(Article::ID.asc()).exec(&db).await?), [1, 3, 3, 4]);
    assert_eq!(ids(cheap.clone().intersect(full.clone()).exec(&db).await?), [3]);
    assert_eq!(ids(cheap.clone().except(full.clone()).exec(&db).await?), [1]);
    let chained = cheap.clone().union(full.clone()).intersect(full.clone()).order_by(Article::ID.asc()).limit(1).offset(1);
    assert_eq!(ids(chained.exec(&db).await?), [4]);
    assert_eq!(cheap.clone().union(full.clone()).count().exec(&db).await?, 3);
    let names: Vec<String> =
        cheap.select(Article::TITLE).union(full.select(Article::TITLE)).order_by(Article::TITLE.asc()).limit(2).exec(&db).await?;
    assert_eq!(names, ["100% juice", "Bread"]);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn locks_name_relations_and_batches_walk_all_rows(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    db.transaction(async |tx| {
        let find = || Article::find_all().filter(Article::STOCK.gt(0)).order_by(Article::ID.asc());
        assert_eq!(find().lock(Lock::Update).skip_locked().exec(tx).await?.len(), 3);
        assert_eq!(find().include(Article::CATEGORY).lock(Lock::Update).exec(tx).await?.len(), 3);
        let both =
            find().include(Article::CATEGORY.filter(Category::ID.gt(0)).required()).lock_of(Lock::Share, Article::CATEGORY).no_wait();
        assert_eq!(both.exec(tx).await?.len(), 3);
        Ok(())
    })
    .await?;
    assert_eq!(Article::find_all().use_index("PRIMARY").filter(Article::ID.gt(0)).exec(&db).await?.len(), 4);
    let mut batches = Article::find_all().filter(Article::ID.ne(2)).find_in_batches(2, &db);
    let mut seen = Vec::new();
    while let Some(rows) = batches.next().await? {
        seen.push(rows.len());
    }
    assert_eq!(seen, [2, 1]);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn named_queries_are_read_by_their_name(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let dear = || Article::find_all().order_by(Article::PRICE.desc()).limit(2);
    let titles = async |find: Find<Article>| find.pluck(Article::TITLE).order_by(Article::ID.asc()).exec(&db).await;
    assert_eq!(titles(Article::find_all().with_cte("dear", dear()).from_cte("dear")).await?, ["  Saw ", "Bread"]);
    let stocked = Article::find_all().with_cte("dear", dear()).from_cte("dear").filter(Article::STOCK.gt(0)).include(Article::CATEGORY);
    let rows = db.expect_queries(1, async || stocked.clone().exec(&db).await).await?;
    assert_eq!((rows.len(), rows[0].category.loaded()?.name.as_str()), (1, "Food"));
    assert_eq!(stocked.clone().count().exec(&db).await?, 1);
    assert_eq!(stocked.page(1, 5).exec(&db).await?.count, 1);
    // A sub-query reads it too, and a later name builds on an earlier one.
    let of_dear = Article::find_all().from_cte("few").select(Article::CATEGORY_ID);
    let names: Vec<String> = Category::find_all()
        .with_cte("dear", dear())
        .with_cte("few", Article::find_all().from_cte("dear").filter(Article::STOCK.gt(0)))
        .filter(Category::ID.in_query(of_dear))
        .pluck(Category::NAME)
        .exec(&db)
        .await?;
    assert_eq!(names, ["Food"]);
    let by_category: Vec<(i64, i64)> = Article::find_all()
        .with_cte("all of them", Article::find_all())
        .from_cte("all of them")
        .select((Article::CATEGORY_ID, count_all()))
        .group_by(Article::CATEGORY_ID)
        .order_by(Article::CATEGORY_ID.asc())
        .exec(&db)
        .await?;
    assert_eq!(by_category, [(2, 1), (3, 1), (4, 1), (5, 1)]);
    for wrong in [
        Article::find_all().from_cte("nobody"),
        Article::find_all().with_cte("c", Category::find_all()).from_cte("c"),
        Article::find_all().with_cte("a", dear()).with_cte("a", dear()).from_cte("a"),
        Article::find_all().with_cte("", dear()).from_cte(""),
    ] {
        let refused = wrong.exec(&db).await;
        assert!(matches!(refused, Err(Error::Usage(_))), "{refused:?}");
    }
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn rows_that_follow_from_each_other_and_circles_end(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let food = || Category::find_all().filter(Category::NAME.eq("Food"));
    let below = || Category::find_all().with_recursive("below", food(), Category::PARENT_ID.eq(outer(Category::ID))).from_cte("below");
    let rows = db.expect_queries(1, async || below().order_by(Category::ID.asc()).exec(&db).await).await?;
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["Food", "Fruit", "Apples"]);
    assert_eq!(below().filter(Category::NAME.ne("Food")).count().exec(&db).await?, 2);
    let sold: i64 = Article::find_all()
        .with_recursive("below", food(), Category::PARENT_ID.eq(outer(Category::ID)))
        .filter(Article::CATEGORY_ID.in_query(Category::find_all().from_cte("below").select(Category::ID)))
        .select(count_all())
        .one()
        .exec(&db)
        .await?;
    assert_eq!(sold, 3);
    let apples = Category::find_all().filter(Category::NAME.eq("Apples"));
    let above = Category::find_all().with_recursive("above", apples, Category::ID.eq(outer(Category::PARENT_ID))).from_cte("above");
    assert_eq!(above.count().exec(&db).await?, 4);
    Category::update_all().set(Category::PARENT_ID, 4_i64).filter(Category::NAME.eq("Food")).exec(&db).await?;
    assert_eq!(below().count().exec(&db).await?, 3);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn the_first_of_each_group_on_every_database(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let find = || Article::find_all().distinct_on(Article::STOCK).order_by((Article::STOCK.desc(), Article::PRICE.desc()));
    let rows = find().exec(&db).await?;
    assert_eq!(rows.iter().map(|row| row.title.as_str()).collect::<Vec<_>>(), ["Bread", "Élan", "  Saw "]);
    let rows = find().limit(1).offset(1).include(Article::CATEGORY).exec(&db).await?;
    assert_eq!((rows[0].title.as_str(), rows[0].category.loaded()?.name.as_str()), ("Élan", "Apples"));
    let picked: Vec<(i32, f64)> = Article::find_all()
        .select((Article::STOCK, Article::PRICE.alias("cost")))
        .distinct_on(Article::STOCK)
        .order_by((Article::STOCK.asc(), Article::PRICE.asc()))
        .exec(&db)
        .await?;
    assert_eq!(picked, [(0, 20.0), (5, 1.5), (7, 2.25)]);
    assert_eq!(find().count().exec(&db).await?, 3);
    Ok(())
}
