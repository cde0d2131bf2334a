//! Tour section 1: the options of models, fields and relations in the forms that a reader of it would write.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(timestamps(created = "made_at", updated = false), paranoid(column = "removed_at"), version = "revision")]
pub struct Category {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    #[field(unique = "name_in_parent")]
    pub name: String,
    #[field(unique = "name_in_parent", index)]
    pub parent_id: Option<i32>,
    #[field(db_default = "7")]
    pub weight: i32,
    #[relation(foreign_key = "parent_id", on_delete = "set null")]
    pub parent: BelongsTo<Option<Category>>,
    #[relation(foreign_key = "parent_id", dependent = "destroy")]
    pub children: HasMany<Category>,
    pub revision: i32,
    pub made_at: DateTime<Utc>,
    pub removed_at: Option<DateTime<Utc>>,
}

#[sequor::test(models(Category))]
async fn trees_with_renamed_columns(db: Db) -> sequor::Result<()> {
    let root = draft!(Category { name: "root", children: [{ name: "a", children: [{ name: "b" }] }] }).create(&db).await?;
    assert_eq!(Category::find_all().to_sql(Dialect::Sqlite)?.matches("categories").count(), 1);
    assert_eq!((root.weight, root.revision, root.children.loaded()?[0].weight), (7, 0, 7));
    let found = Category::find_all()
        .filter(Category::PARENT.is(Category::NAME.eq("root")))
        .include(Category::PARENT.include(Category::CHILDREN))
        .include(Category::CHILDREN.include(Category::CHILDREN))
        .exec(&db)
        .await?;
    assert_eq!(found.len(), 1);
    let parent = found[0].parent.loaded()?.ok_or_else(|| Error::usage("no parent"))?;
    assert_eq!((parent.id, parent.children.loaded()?.len(), found[0].children.loaded()?[0].name.as_str()), (root.id, 1, "b"));
    let orphan = Category::find_all().filter(Category::PARENT_ID.is_null()).include(Category::PARENT).one().or_fail().exec(&db).await?;
    assert!(orphan.parent.loaded()?.is_none());
    orphan.destroy(&db).await?;
    assert_eq!(Category::count().exec(&db).await?, 0, "dependent = destroy takes the children along");
    let gone = Category::find_by_pk(root.id).with_deleted().or_fail().exec(&db).await?;
    assert!(gone.removed_at.is_some());
    gone.restore(&db).await?;
    assert_eq!(Category::count().exec(&db).await?, 3);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "teams")]
pub struct Team {
    #[field(primary_key)]
    pub code: String,
    #[field(unique)]
    pub city: String,
    #[relation(foreign_key = "home_code")]
    pub home_games: HasMany<Game>,
    #[relation(foreign_key = "away_code")]
    pub away_games: HasMany<Game>,
    #[relation(foreign_key = "city", source_key = "city")]
    pub fans: HasMany<Fan>,
    #[relation(foreign_key = "team_code", other_key = "rival_code")]
    pub rivals: BelongsToMany<Team, Rivalry>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "games")]
pub struct Game {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub home_code: String,
    pub away_code: Option<String>,
    #[relation(foreign_key = "home_code")]
    pub home: BelongsTo<Team>,
    #[relation(foreign_key = "away_code", on_delete = "restrict")]
    pub away: BelongsTo<Option<Team>>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "fans")]
pub struct Fan {
    #[field(primary_key, default = Uuid::new_v4())]
    pub id: Uuid,
    pub city: String,
    #[relation(foreign_key = "city", target_key = "city")]
    pub team: BelongsTo<Team>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "rivalries")]
pub struct Rivalry {
    #[field(primary_key)]
    pub team_code: String,
    #[field(primary_key)]
    pub rival_code: String,
    #[field(default = 1)]
    pub heat: i32,
}

#[sequor::test(models(Team, Game, Fan, Rivalry))]
async fn several_relations_to_one_model(db: Db) -> sequor::Result<()> {
    let york = draft!(Team { code: "YOR", city: "York", fans: [{}, {}] }).create(&db).await?;
    let bath = draft!(Team { code: "BAT", city: "Bath", rivals: [york.clone()] }).create(&db).await?;
    draft!(Game { home: &york, away: bath.clone() }).create(&db).await?;
    draft!(Game { home: { code: "LDS", city: "Leeds" }, away_code: "YOR" }).create(&db).await?;
    let games = Game::find_all().include(Game::HOME).include(Game::AWAY).order_by(Game::ID.asc()).exec(&db).await?;
    assert_eq!((games[0].home.loaded()?.city.as_str(), games[0].away.loaded()?.map(|team| team.city.as_str())), ("York", Some("Bath")));
    let json = serde_json::to_value(&games)?;
    assert_eq!(serde_json::from_value::<Vec<Game>>(json)?, games);
    let teams = Team::find_all()
        .include(Team::HOME_GAMES)
        .include(Team::AWAY_GAMES.required())
        .include(Team::FANS)
        .include(Team::RIVALS)
        .order_by(Team::CODE.asc())
        .exec(&db)
        .await?;
    assert_eq!(teams.iter().map(|team| team.code.as_str()).collect::<Vec<_>>(), ["BAT", "YOR"]);
    assert_eq!((teams[0].rivals.loaded()?[0].code.as_str(), teams[0].rivals.through()?[0].heat), ("YOR", 1));
    let back: Vec<Team> = serde_json::from_value(serde_json::to_value(&teams)?)?;
    assert_eq!(back, teams);
    assert!(
        serde_json::from_value::<Team>(json!({ "code": "X", "city": "Y", "fans": {} }))
            .is_err_and(|error| error.to_string().contains("list"))
    );
    assert!(serde_json::from_value::<Team>(json!({ "code": "X", "city": "Y" }))?.fans.loaded().is_err());
    assert_eq!((teams[1].fans.loaded()?.len(), teams[1].home_games.loaded()?.len(), teams[1].rivals.loaded()?.len()), (2, 1, 0));
    let fan = Fan::find_all().include(Fan::TEAM).first().or_fail().exec(&db).await?;
    assert_eq!(fan.team.loaded()?.code, "YOR");
    york.relation(Team::RIVALS).with(Rivalry::HEAT, 5).add(&bath, &db).await?;
    let hot = Team::find_all().filter(Team::RIVALS.any(Team::CITY.eq("Bath"))).exec(&db).await?;
    assert_eq!(hot[0].code, "YOR");
    york.relation(Team::RIVALS).set([&bath], &db).await?;
    assert_eq!(Rivalry::find_by_pk(("YOR", "BAT")).or_fail().exec(&db).await?.heat, 5);
    assert_eq!(Team::find_by_pk("YOR").or_fail().exec(&db).await?.city, "York");
    Ok(())
}

fn seal(text: String) -> sequor::Result<String> {
    if text.len() < 3 { Err(Error::usage("three characters at least")) } else { Ok(text.chars().rev().collect()) }
}

#[derive(Embed, Clone, Debug, PartialEq)]
pub struct Money {
    pub amount: Decimal,
    #[field(column = "cur", default = "EUR")]
    pub currency: String,
}

#[derive(DbType, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Isbn(pub String);

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binding {
    Paper,
    #[db_enum(rename = "hard-cover")]
    Hard,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "books", json = "camelCase", computed(spine = Book::spine), index(columns("isbn"), unique, name = "books_isbn"), check(name = "pages_positive", "pages > 0"))]
pub struct Book {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub isbn: Isbn,
    #[field(set_with = seal, sensitive)]
    pub secret: String,
    #[field(set_with = seal)]
    pub motto: Option<String>,
    #[field(hidden)]
    pub note: Option<String>,
    #[field(embed)]
    pub price: Money,
    #[field(default = Binding::Hard)]
    pub binding: Binding,
    #[field(default = 100)]
    pub pages: u32,
    #[field(generated = "pages * 2")]
    pub sides: i64,
    #[field(json = "tagList", default = vec!["new".to_owned()])]
    pub tags: Vec<String>,
    #[field(default = Json(Cover::default()))]
    pub cover: Json<Cover>,
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cover {
    pub color: String,
    pub size: Option<u8>,
}

impl Book {
    fn spine(&self) -> String {
        format!("{} {}", self.isbn.0, self.price.amount.normalize())
    }
}

#[sequor::test(models(Book))]
async fn every_kind_of_field(db: Db) -> sequor::Result<()> {
    let price = Money { amount: "12.50".parse()?, currency: "GBP".into() };
    let draft = draft!(Book { isbn: Isbn("978-1".into()), secret: "swordfish", motto: "amor", price: price.clone() });
    assert!(!format!("{draft:?}").contains("hsif"), "{draft:?}");
    let book = draft.create(&db).await?;
    assert_eq!((book.secret.as_str(), book.motto.as_deref(), book.sides, book.binding), ("hsifdrows", Some("roma"), 200, Binding::Hard));
    assert_eq!((book.price.clone(), book.tags.as_slice(), book.cover.0.clone()), (price, ["new".to_owned()].as_slice(), Cover::default()));
    let refused = draft!(Book { isbn: Isbn("978-2".into()), secret: "x", price: book.price.clone() }).create(&db).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("three characters")));
    let json = serde_json::to_value(&book)?;
    assert_eq!((json["tagList"][0].as_str(), json["spine"].as_str(), json.get("note")), (Some("new"), Some("978-1 12.5"), None));
    let back: Book = serde_json::from_value(json)?;
    assert_eq!(back, book);
    assert_eq!(serde_json::to_value(&book)?["price"], json!({ "amount": book.price.amount, "currency": "GBP" }));
    assert_eq!(Book::json_schema()["properties"]["price"]["required"], json!(["amount"]));
    let body = json!({ "isbn": "978-3", "secret": "swordfish", "price": { "amount": "1" } });
    let listed = (Book::ISBN, Book::SECRET, Book::PRICE.at(Money::AMOUNT));
    let cheap = Draft::<Book>::from_json(body, listed)?.create(&db).await?;
    assert_eq!((cheap.price.amount, cheap.price.currency.as_str()), (Decimal::ONE, "EUR"));
    let more = cheap.edit().assign(json!({ "price": { "amount": "2", "currency": "USD" } }), Book::PRICE.at(Money::AMOUNT)).err();
    assert!(more.is_some_and(|error| error.to_string().contains("Book.price.currency may not be given here; taken are price.amount")));
    Book::destroy_all().filter(Book::ISBN.eq(Isbn("978-3".into()))).exec(&db).await?;
    let found = Book::find_all()
        .filter(Book::PRICE.at(Money::AMOUNT).gt(Decimal::from(12)))
        .filter(Book::PRICE.at(Money::CURRENCY).eq("GBP"))
        .filter(Book::ISBN.eq(Isbn("978-1".into())))
        .filter(Book::BINDING.ne(Binding::Paper))
        .order_by(Book::PRICE.at(Money::AMOUNT).desc())
        .exec(&db)
        .await?;
    assert_eq!(found, [book.clone()]);
    let mut edit = book.edit();
    edit.price.amount = "13.00".parse()?;
    edit.cover.0.color = "red".into();
    edit.tags.push("old".into());
    let saved = edit.save(&db).await?;
    assert_eq!((saved.price.amount, saved.tags.len(), saved.secret.as_str()), (Decimal::from(13), 2, "hsifdrows"));
    let twice = draft!(Book { isbn: Isbn("978-1".into()), secret: "swordfish", price: saved.price.clone() }).create(&db).await;
    match twice {
        Err(Error::UniqueConstraint { fields, .. }) => assert_eq!(fields, ["isbn"]),
        other => panic!("{other:?}"),
    }
    let mut edit = saved.edit();
    edit.pages = 0;
    match edit.save(&db).await {
        Err(Error::CheckConstraint { constraint, .. }) => assert_eq!(constraint, "pages_positive"),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "sales")]
pub struct Sale {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub shop: String,
    pub euros: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "shop_totals", view = "SELECT shop, CAST(SUM(euros) AS CHAR(20)) AS total FROM sales GROUP BY shop")]
pub struct ShopTotal {
    #[field(primary_key)]
    pub shop: String,
    pub total: String,
}

#[sequor::test(models(Sale, ShopTotal))]
async fn views_are_read(db: Db) -> sequor::Result<()> {
    for (shop, euros) in [("a", 3_i64), ("a", 4), ("b", 5)] {
        draft!(Sale { shop, euros }).create(&db).await?;
    }
    let totals = ShopTotal::find_all().order_by(ShopTotal::SHOP.asc()).exec(&db).await?;
    assert_eq!(totals.iter().map(|row| row.total.trim()).collect::<Vec<_>>(), ["7", "5"]);
    Ok(())
}
