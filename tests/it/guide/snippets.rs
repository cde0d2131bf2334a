//! The snippets of the guide, page by page, as the pages show them.

use crate::expressions::models::{Article, Category};
use sequor::prelude::*;
use sequor::{FrameBound, Window, rank};

mod eager_loading {
    use crate::loading::library::*;
    use sequor::prelude::*;

    #[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
    async fn includes_and_later_loads(db: Db) -> sequor::Result<()> {
        shelve(&db).await?;
        let mut titles = Vec::new();
        let authors = Author::find_all()
            .include(Author::BADGE)
            .include(Author::BOOKS.order_by(Book::PAGES.desc()).limit(2))
            .order_by(Author::NAME.asc())
            .limit(10)
            .exec(&db)
            .await?;
        for book in authors[0].books.loaded()? {
            titles.push(book.title.as_str());
        }
        // NULL stands where the database puts it: first when descending on PostgreSQL.
        assert_eq!(titles, if db.dialect() == Dialect::Postgres { ["Gamma", "Beta"] } else { ["Beta", "Alpha"] });
        let books = Book::find_all().filter(Book::AUTHOR.is_present()).exec(&db).await?;
        db.expect_queries(1, async || {
            for book in &books {
                book.load(Book::AUTHOR, &db).await?;
            }
            Ok::<_, Error>(())
        })
        .await?;
        assert!(books.iter().all(|book| book.author.get().is_some()));
        Ok(())
    }
}

#[sequor::test(models(Category, Article))]
async fn filters_documents_and_windows(db: Db) -> sequor::Result<()> {
    crate::expressions::models::seed(&db).await?;
    let size: Vec<String> = Article::find_all().select(when(Article::STOCK.eq(0), "none").otherwise("some")).exec(&db).await?;
    assert_eq!(size.len(), 4);
    let mine = Article::find_all().filter(Article::CATEGORY_ID.eq(outer(Category::ID)));
    let full = Category::find_all().filter(Filter::exists(mine)).exec(&db).await?;
    assert_eq!(full.len(), 4);
    Article::update_all().set(Article::DATA, Article::DATA.set_path("a.ok", true)).filter(Article::ID.eq(1)).exec(&db).await?;
    assert_eq!(Article::count().filter(Article::DATA.path("a.ok").eq(true)).exec(&db).await?, 1);
    let ranks: Vec<(i64, i64)> = Article::find_all()
        .select((Article::ID, rank().over(Window::new().partition_by(Article::CATEGORY_ID).order_by(Article::PRICE.desc()))))
        .exec(&db)
        .await?;
    assert!(ranks.len() == 4 && ranks.iter().all(|(_, rank)| *rank == 1));
    let three = Window::new().order_by(Article::ID.asc()).rows_between(FrameBound::Preceding(2), FrameBound::CurrentRow);
    let sums: Vec<Option<i64>> = Article::find_all().select(sum(Article::STOCK).over(three)).exec(&db).await?;
    assert_eq!(sums.iter().flatten().sum::<i64>(), 5 + 5 + 12 + 14);
    let food = Category::find_all().filter(Category::CHILDREN.reached_from(Category::NAME.eq("Food"))).exec(&db).await?;
    assert_eq!(food.len(), 3);
    let dear = Article::find_all().filter(Article::PRICE.gt(9.0));
    let titles = Article::find_all().with_cte("dear", dear).from_cte("dear").select(Article::TITLE).exec(&db).await?;
    assert_eq!(titles, ["  Saw "]);
    let food = Category::find_all().filter(Category::NAME.eq("Food"));
    let below = Category::find_all().with_recursive("below", food, Category::PARENT_ID.eq(outer(Category::ID))).from_cte("below");
    assert_eq!(below.count().exec(&db).await?, 3);
    Ok(())
}

mod full_text {
    use sequor::prelude::*;

    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(table = "papers", index(columns("title", "body"), method = "fulltext"))]
    pub struct Paper {
        #[field(primary_key, auto_increment)]
        pub id: i64,
        pub title: String,
        pub body: Option<String>,
    }

    async fn both(db: Db) -> sequor::Result<Vec<Paper>> {
        let search = "sailing boat";
        let papers = Paper::find_all()
            .filter(sequor::matches((Paper::TITLE, Paper::BODY), search))
            .order_by(sequor::match_rank((Paper::TITLE, Paper::BODY), search).desc())
            .exec(&db)
            .await?;
        let titled = Paper::find_all().filter(Paper::TITLE.matches("sailing")).exec(&db).await?;
        assert_eq!(papers.len(), 1);
        Ok(titled)
    }

    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(table = "logbooks", index(columns("entry", "harbour"), method = "fulltext", language = "english"))]
    pub struct Logbook {
        #[field(primary_key, auto_increment)]
        pub id: i64,
        pub entry: String,
        pub harbour: Option<String>,
    }

    #[sequor::test(models(Paper, Logbook))]
    async fn searches(db: Db) -> sequor::Result<()> {
        draft!(Paper { title: "Sailing alone", body: Some("in a boat".into()) }).create(&db).await?;
        draft!(Paper { title: "A boat" }).create(&db).await?;
        let titled = both(db.clone()).await;
        // MySQL and MariaDB refuse a search in columns that are not those of one index.
        if db.dialect().is_mysql() {
            assert!(titled.is_err());
        } else {
            assert_eq!(titled?.len(), 1);
        }
        draft!(Logbook { entry: "The boats" }).create(&db).await?;
        let found = Logbook::count().filter(sequor::matches((Logbook::ENTRY, Logbook::HARBOUR), "boats")).exec(&db).await?;
        assert_eq!(found, 1);
        Ok(())
    }
}

pub mod shapes {
    use crate::loading::library::{Author, AuthorName, Badge, Book, BookLabel, Chapter, Label, Note, shelve};
    use sequor::prelude::*;

    #[derive(Projection)]
    #[projection(of = Book)]
    pub struct BookView {
        title: String,
        #[projection(of = Author)]
        author: Option<AuthorName>,
        #[projection(expr = Book::CHAPTERS.count())]
        chapters: i64,
        #[projection(expr = Book::PAGES + 1)]
        more: Option<i32>,
    }

    #[derive(Projection)]
    #[projection(of = Author)]
    pub struct Boss {
        pub name: String,
    }

    #[derive(Projection)]
    #[projection(of = Label)]
    pub struct LabelName {
        pub name: String,
    }

    #[sequor::test(models(Author, Badge, Book, Chapter, Label, BookLabel, Note))]
    async fn cursors_and_projections(db: Db) -> sequor::Result<()> {
        shelve(&db).await?;
        let page = Author::find_all().order_by((Author::BORN.desc(), Author::NAME.asc())).cursor(None, 20).exec(&db).await?;
        let next = Author::find_all().order_by((Author::BORN.desc(), Author::NAME.asc())).cursor(page.next, 20).exec(&db).await?;
        assert_eq!((page.rows.len(), next.rows.len()), (4, 4));
        let names: Vec<(i64, String)> = Author::find_all().select((Author::ID, Author::NAME)).exec(&db).await?;
        assert_eq!(names.len(), 4);
        let views: Vec<BookView> = Book::find_all().project::<BookView>().order_by(Book::ID.asc()).exec(&db).await?;
        let first = &views[0];
        assert_eq!((first.title.as_str(), first.chapters, first.more), ("Alpha", 2, Some(101)));
        assert_eq!(first.author.as_ref().map(|author| author.name.as_str()), Some("Ann"));
        let writers: Vec<Writer> = Author::find_all().project::<Writer>().order_by(Author::ID.asc()).exec(&db).await?;
        let (ann, bo) = (&writers[0], &writers[1]);
        assert_eq!((ann.name.as_str(), ann.books.len(), bo.boss.as_ref().map(|boss| boss.name.as_str())), ("Ann", 3, Some("Ann")));
        assert_eq!(ann.books[0].title, "Alpha");
        assert!(ann.books.iter().flat_map(|book| &book.labels).all(|label| !label.name.is_empty()));
        Ok(())
    }

    #[derive(Projection)]
    #[projection(of = Author)]
    pub struct Writer {
        name: String,
        #[projection(of = Book, relation = Author::BOOKS.order_by(Book::TITLE.asc()).limit(3))]
        books: Vec<Shelf>,
        #[projection(of = Author)]
        boss: Option<Boss>,
    }

    #[derive(Projection)]
    #[projection(of = Book)]
    pub struct Shelf {
        title: String,
        #[projection(of = Label)]
        labels: Vec<LabelName>,
    }
}

mod tour {
    use crate::models::*;
    use sequor::prelude::*;

    #[sequor::test(models(User, Profile, Post, Tag, PostTag))]
    async fn plans(db: Db) -> sequor::Result<()> {
        // PostgreSQL reads a short table from one end to the other, whatever indexes it has.
        let many = (0..3_000).map(|number| draft!(User { email: format!("user{number}@x.io"), name: "One of many" }));
        User::bulk_create(many).exec(&db).await?;
        if db.dialect() == Dialect::Postgres {
            db.execute(sql!("ANALYZE users")).await?;
        }
        let plan = User::find_all().filter(User::EMAIL.eq("ann@x.io")).explain(&db).await?;
        println!("{plan}");
        assert!(plan.whole_tables().is_empty());
        for step in plan.steps() {
            println!("{} {:?} by {:?}", step.operation, step.table, step.index);
        }
        Ok(())
    }

    #[sequor::test(models(User, Post), fixtures("users.yaml", "posts.json"))]
    async fn finds_ann(db: Db) -> sequor::Result<()> {
        let users = db.expect_queries(2, async || User::find_all().include(User::POSTS).exec(&db).await).await?;
        assert_eq!(users[0].posts.loaded()?.len(), 1);
        Ok(())
    }
}

pub mod counted {
    use sequor::prelude::*;

    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(timestamps)]
    pub struct User {
        #[field(primary_key, auto_increment)]
        pub id: i64,
        #[field(default = 0)]
        pub posts_count: i64,
        pub created_at: DateTime<Utc>,
        pub updated_at: DateTime<Utc>,
    }

    #[derive(Model, Clone, Debug, PartialEq)]
    pub struct Post {
        #[field(primary_key, auto_increment)]
        pub id: i64,
        pub user_id: i64,
        #[relation(counter_cache = "posts_count", touch)]
        pub user: BelongsTo<User>,
    }

    #[derive(Model, Clone, Debug, PartialEq)]
    pub struct Reading {
        #[field(primary_key, auto_increment)]
        pub id: i64,
        pub marks: HasMany<Mark>,
    }

    #[derive(Model, Clone, Debug, PartialEq)]
    pub struct Mark {
        #[field(primary_key, auto_increment)]
        pub id: i64,
        pub reading_id: i64,
    }

    #[sequor::test(models(User, Post, Reading, Mark))]
    async fn counters_and_streams(db: Db) -> sequor::Result<()> {
        let user = draft!(User {}).create(&db).await?;
        draft!(Post { user_id: user.id }).create(&db).await?;
        assert_eq!(User::find_by_pk(user.id).or_fail().exec(&db).await?.posts_count, 1);
        draft!(Reading { marks: [{}, {}] }).create(&db).await?;
        let mut seen = 0;
        let mut rows = Reading::find_all().include(Reading::MARKS).stream(&db);
        while let Some(row) = rows.next().await {
            let row = row?;
            seen += row.marks.loaded()?.len();
        }
        assert_eq!(seen, 2);
        Ok(())
    }
}
