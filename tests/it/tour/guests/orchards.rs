//! An orchard in SQL of its own: every kind of value between the braces, columns that have other names than their fields, types that a database does not have.

use sequor::Range;
use sequor::prelude::*;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "orchard_kind")]
pub enum Kind {
    Apple,
    Pear,
}

#[derive(DbType, Clone, Copy, Debug, PartialEq)]
pub struct Kilos(pub f64);

#[derive(Embed, Clone, Debug, PartialEq)]
pub struct Spot {
    pub row: i32,
    pub col: i32,
    pub label: Option<String>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "orchard_trees", rename_all = "camelCase")]
pub struct Tree {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(max = 30)))]
    pub name: String,
    pub kind: Kind,
    #[field(column = "yieldKg")]
    pub harvest: Kilos,
    #[field(embed)]
    pub spot: Spot,
    #[field(default = 0)]
    pub seeds: u64,
    pub note: Option<String>,
    pub orchard_id: Option<i64>,
    pub orchard: BelongsTo<Option<Orchard>>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "orchards")]
pub struct Orchard {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    /// The tree's column has this name too.
    #[field(column = "yieldKg")]
    pub wanted: f64,
    pub trees: HasMany<Tree>,
}

fn tree(name: &str, kind: Kind, kilos: f64) -> Draft<Tree> {
    draft!(Tree { name, kind, harvest: Kilos(kilos), spot: Spot { row: 1, col: 2, label: None } })
}

async fn planted(db: &Db) -> Result<Vec<Tree>> {
    let trees = vec![tree("a", Kind::Apple, 10.0), tree("b", Kind::Apple, 20.5), tree("c", Kind::Pear, 5.25)];
    draft!(Orchard { name: "South", wanted: 1.0, trees }).create(db).await?;
    Tree::find_all().order_by(Tree::ID.asc()).exec(db).await
}

#[sequor::test(models(Orchard, Tree))]
async fn lists_of_types_of_ones_own(db: Db) -> sequor::Result<()> {
    planted(&db).await?;
    let (kinds, none, weights) = (vec![Kind::Apple, Kind::Pear], Vec::<Kind>::new(), [Kilos(10.0), Kilos(5.25)]);
    let one = &kinds[..1];
    let all: Vec<i64> = db.query_as(sql!("SELECT count(id) FROM orchard_trees WHERE kind IN ({kinds})")).await?;
    let apples: Vec<(i64,)> = db.query_as(sql!("SELECT count(id) FROM orchard_trees WHERE kind IN {one}")).await?;
    let nothing: Vec<u64> = db.query_as(sql!("SELECT count(id) FROM orchard_trees WHERE kind IN ({none})")).await?;
    let others: Vec<u64> =
        db.query_as(sql!("SELECT count(id) FROM orchard_trees WHERE kind NOT IN ({none}) AND kind NOT IN {one}")).await?;
    assert_eq!((all, apples, nothing, others), (vec![3], vec![(2,)], vec![0], vec![1]));
    let some = Tree::find_all().filter(sql!("{Tree::HARVEST} IN ({weights})").into()).exec(&db).await?;
    assert_eq!(some.len(), 2);
    let bytes: &[u8] = &[1, 2];
    let same: Vec<Vec<u8>> = match db.dialect() {
        Dialect::Postgres => db.query_as(sql!("SELECT {bytes}::bytea")).await?,
        Dialect::Sqlite | Dialect::Mysql | Dialect::Mariadb => db.query_as(sql!("SELECT {bytes}")).await?,
    };
    assert_eq!(same, [vec![1, 2]]);
    Ok(())
}

#[sequor::test(models(Orchard, Tree))]
async fn columns_in_expressions(db: Db) -> sequor::Result<()> {
    planted(&db).await?;
    let limit = 12.0;
    // Both tables of the join have a column of that name.
    let found = Tree::find_all()
        .include(Tree::ORCHARD)
        .filter(sql!("{Tree::HARVEST} < {limit}").into())
        .order_by(raw_expr::<Tree, f64>(sql!("{Tree::HARVEST} * 2")).desc())
        .exec(&db)
        .await?;
    assert_eq!(found.iter().map(|tree| tree.harvest.0).collect::<Vec<_>>(), [10.0, 5.25]);
    assert!(found[0].orchard.loaded()?.is_some());
    let more: Vec<(String, f64)> = Tree::find_all()
        .select((Tree::NAME, raw_expr::<Tree, f64>(sql!("{Tree::HARVEST} + {limit}"))))
        .order_by(Tree::ID.asc())
        .exec(&db)
        .await?;
    assert_eq!(more[0], ("a".to_owned(), 22.0));
    let with = Orchard::find_all()
        .filter(Orchard::TREES.any(sql!("{Tree::HARVEST} > {limit}").into()))
        .include(Orchard::TREES.filter(sql!("{Tree::HARVEST} > {limit}").into()));
    assert_eq!(with.exec(&db).await?[0].trees.loaded()?.len(), 1);
    Tree::update_all().set(Tree::HARVEST, raw_expr::<_, Kilos>(sql!("{Tree::HARVEST} / 2"))).filter(Tree::NAME.eq("a")).exec(&db).await?;
    assert_eq!(Tree::find_one().filter(Tree::NAME.eq("a")).or_fail().exec(&db).await?.harvest, Kilos(5.0));
    let whole = db.execute(sql!("DELETE FROM orchard_trees WHERE {Tree::HARVEST} > 1")).await.unwrap_err();
    assert!(matches!(&whole, Error::Usage(_)) && whole.to_string().contains("raw_expr"), "{whole}");
    Ok(())
}

#[sequor::test(models(Orchard, Tree))]
async fn answers_that_lack_something(db: Db) -> sequor::Result<()> {
    planted(&db).await?;
    let narrow = db.query_as::<(i64, String)>(sql!("SELECT id FROM orchard_trees")).await.unwrap_err();
    assert_eq!(narrow.to_string(), "cannot read: the query returns 1 column, where (i64, String) reads 2");
    let lacks = db.query_as::<Orchard>(sql!("SELECT id FROM orchards")).await.unwrap_err();
    assert_eq!(lacks.to_string(), "cannot read Orchard.name: the query returns no column name; it returns id");
    Ok(())
}

#[sequor::test(models(Orchard, Tree))]
async fn whole_structs_in_lists_of_columns(db: Db) -> sequor::Result<()> {
    planted(&db).await?;
    let body = json!({ "name": "d", "kind": "Pear", "harvest": 1.5, "spot": { "row": 4, "col": 5, "label": "x" } });
    let made = Draft::<Tree>::from_json(body, (Tree::NAME, Tree::KIND, Tree::HARVEST, Tree::SPOT))?.create(&db).await?;
    assert_eq!(made.spot, Spot { row: 4, col: 5, label: Some("x".into()) });
    let moved = made.edit().assign(json!({ "spot": { "row": 9 } }), Tree::SPOT)?;
    assert_eq!(moved.changed(), ["spot.row"]);
    let made = moved.save(&db).await?;
    let refused = made.edit().assign(json!({ "name": "e" }), Tree::SPOT).unwrap_err();
    assert!(refused.to_string().contains("name"), "{refused}");
    let again = draft!(Tree { name: "d", kind: Kind::Apple, harvest: Kilos(0.0), spot: Spot { row: 7, col: 8, label: None } });
    let rows = Tree::bulk_create(vec![again]).update_on_duplicate((Tree::SPOT, Tree::KIND)).exec(&db).await?;
    assert_eq!((rows[0].spot.row, rows[0].spot.label.as_deref(), rows[0].kind, rows[0].harvest), (7, None, Kind::Apple, Kilos(1.5)));
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "orchard_seasons")]
pub struct Season {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub days: Range<NaiveDate>,
    pub host: sequor::IpNetwork,
}

#[sequor::test]
async fn a_type_that_is_not_there_names_its_field(db: Db) -> sequor::Result<()> {
    let made = db.sync::<Season>(SyncMode::Create).await;
    if db.dialect() == Dialect::Postgres {
        let day = NaiveDate::MAX.min("2026-05-01".parse()?);
        let season = draft!(Season { days: day.., host: "10.0.0.1" }).create(&db).await?;
        assert_eq!((made?, season.reload(&db).await?.host.0.as_str()), ((), "10.0.0.1"));
        assert_eq!(Season::count().filter(Season::HOST.eq("10.0.0.1")).exec(&db).await?, 1);
        return Ok(());
    }
    let error = made.unwrap_err();
    assert!(matches!(error, Error::Usage(_)), "{error}");
    assert_eq!(error.to_string(), "Season.days: a column of type range is PostgreSQL's; this database has none");
    Ok(())
}
