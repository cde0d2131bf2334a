//! A collection of maps, by a person who asks for two things at once: whole embedded structs in projections, aggregates under a default scope that sorts.

use sequor::prelude::*;

#[derive(Embed, Clone, Debug, PartialEq)]
pub struct Point {
    pub north: i32,
    pub east: i32,
}

#[derive(Embed, Clone, Debug, PartialEq)]
pub struct Frame {
    #[field(embed)]
    pub corner: Point,
    pub scale: Option<i64>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "curious_maps", rename_all = "camelCase", default_scope = "Map::oldest_first")]
pub struct Map {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub title: String,
    pub year: i32,
    pub kind: String,
    #[field(embed)]
    pub drawn_frame: Frame,
    #[field(embed, column = "pt_")]
    pub centre: Point,
    pub atlas_id: Option<i64>,
    pub atlas: BelongsTo<Option<Atlas>>,
}

impl Map {
    fn oldest_first(q: Find<Map>) -> Find<Map> {
        q.order_by((Map::YEAR.asc(), Map::ID.asc()))
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "curious_atlases")]
pub struct Atlas {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    #[field(embed)]
    pub office: Point,
    pub maps: HasMany<Map>,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Map)]
struct Framed {
    title: String,
    #[projection(embed)]
    drawn_frame: Frame,
    #[projection(expr = Map::YEAR + 1)]
    next: i32,
    #[projection(embed, column = Map::CENTRE)]
    middle: Point,
    #[projection(embed, column = Map::DRAWN_FRAME.at(Frame::CORNER))]
    corner: Point,
    kind: String,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Map)]
struct Placed {
    #[projection(of = Atlas)]
    atlas: Option<Office>,
    #[projection(embed)]
    centre: Point,
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Atlas)]
struct Office {
    #[projection(embed)]
    office: Point,
    #[projection(of = Map)]
    maps: Vec<Framed>,
}

fn point(north: i32, east: i32) -> Point {
    Point { north, east }
}

fn frame(north: i32, scale: Option<i64>) -> Frame {
    Frame { corner: point(north, -north), scale }
}

async fn collect(db: &Db) -> Result<()> {
    draft!(Atlas {
        name: "Old",
        office: point(1, 2),
        maps: [
            { title: "Isles", year: 1700, kind: "sea", drawn_frame: frame(5, Some(9)), centre: point(3, 4) },
            { title: "Alps", year: 1650, kind: "land", drawn_frame: frame(6, None), centre: point(7, 8) },
        ],
    })
    .create(db)
    .await?;
    draft!(Map { title: "Poles", year: 1900, kind: "sea", drawn_frame: frame(7, None), centre: point(0, 0) }).create(db).await.map(drop)
}

#[sequor::test(models(Atlas, Map))]
async fn a_projection_holds_whole_embedded_structs(db: Db) -> Result<()> {
    collect(&db).await?;
    let alps = Framed {
        title: "Alps".into(),
        drawn_frame: frame(6, None),
        next: 1651,
        middle: point(7, 8),
        corner: point(6, -6),
        kind: "land".into(),
    };
    let framed = Map::find_all().project::<Framed>().exec(&db).await?;
    assert_eq!((framed.len(), &framed[0], framed[1].drawn_frame.scale), (3, &alps, Some(9)));
    let page = Map::find_all().project::<Framed>().cursor(None, 2).exec(&db).await?;
    assert_eq!((page.rows.len(), &page.rows[0]), (2, &alps));
    let mut streamed = Map::find_all().project::<Framed>().stream(&db);
    assert_eq!(streamed.next().await.transpose()?.map(|row| row.middle), Some(point(7, 8)));

    let placed = Map::find_all().project::<Placed>().exec(&db).await?;
    let office = placed[0].atlas.as_ref().ok_or_else(|| Error::usage("no atlas"))?;
    assert_eq!((&office.office, &office.maps[0], office.maps.len()), (&point(1, 2), &alps, 2));
    assert_eq!((placed[2].atlas.as_ref(), &placed[2].centre), (None, &point(0, 0)));
    let whole = Map::find_all().select((Map::DRAWN_FRAME.at(Frame::CORNER).at(Point::NORTH), Map::TITLE)).exec(&db).await?;
    assert_eq!(whole[0], (6, "Alps".to_owned()));
    Ok(())
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Atlas)]
struct Desk {
    name: String,
    #[projection(embed)]
    office: Point,
}

#[sequor::test(models(Atlas, Map))]
async fn embedded_structs_of_raw_rows(db: Db) -> Result<()> {
    collect(&db).await?;
    let name = "Old";
    let desks: Vec<Desk> = db.query_as(sql!("SELECT office_east, name, office_north FROM curious_atlases WHERE name = {name}")).await?;
    assert_eq!(desks, [Desk { name: "Old".into(), office: point(1, 2) }]);
    Ok(())
}

#[sequor::test(models(Atlas, Map))]
async fn a_default_scope_that_sorts_leaves_aggregates_alone(db: Db) -> Result<()> {
    collect(&db).await?;
    let (rows, newest): (i64, Option<i32>) = Map::find_all().select((count_all(), max(Map::YEAR))).one().exec(&db).await?;
    assert_eq!((rows, newest), (3, Some(1900)));
    assert_eq!(Map::find_all().order_by(Map::TITLE.asc()).select(min(Map::YEAR)).one().exec(&db).await?, Some(1650));
    let kinds: Vec<(String, i64)> =
        Map::find_all().select((Map::KIND, count_all())).group_by(Map::KIND).order_by(Map::KIND.asc()).exec(&db).await?;
    assert_eq!(kinds, [("land".into(), 1), ("sea".into(), 2)]);
    let years: Vec<(i32, i64)> = Map::find_all().select((Map::YEAR, count_all())).group_by(Map::YEAR).exec(&db).await?;
    assert_eq!(
        years.iter().map(|(year, _)| *year).collect::<Vec<_>>(),
        [1650, 1700, 1900],
        "groups keep the scope's order by what is grouped"
    );
    let of_atlas: Vec<(String, Option<i32>)> =
        Atlas::find_all().select((Atlas::NAME, Atlas::MAPS.aggregate(max(Map::YEAR)))).exec(&db).await?;
    assert_eq!(of_atlas, [("Old".to_owned(), Some(1700))]);
    let old = Atlas::find_one().or_fail().exec(&db).await?;
    assert_eq!(old.related(Atlas::MAPS).select(sum(Map::YEAR)).one().exec(&db).await?, Some(3350));
    Ok(())
}

impl Map {
    fn newest(most: u64) -> impl Scope<Map> {
        move |q: Find<Map>| q.reorder(Map::YEAR.desc()).limit(most)
    }
}

#[sequor::test(models(Atlas, Map))]
async fn a_write_with_a_limit_takes_the_first_rows_of_its_order(db: Db) -> Result<()> {
    collect(&db).await?;
    let kinds = async || -> Result<Vec<String>> { Ok(Map::find_all().exec(&db).await?.into_iter().map(|map| map.kind).collect()) };
    let newest = |db: &Db| Map::update_all().set(Map::KIND, "new").unscoped().scope(Map::newest(1)).exec(db);
    assert_eq!((newest(&db).await?, kinds().await?), (1, vec!["land".into(), "sea".into(), "new".into()]));
    let oldest = Map::update_all().set(Map::KIND, "old").limit(2);
    assert_eq!((oldest.exec(&db).await?, kinds().await?), (2, vec!["old".into(), "old".into(), "new".into()]), "by the default scope");
    let rows = Map::update_all().set(Map::KIND, "first").limit(1).returning().exec(&db).await?;
    assert_eq!((rows.len(), rows[0].title.as_str()), (1, "Alps"));
    assert_eq!(Map::destroy_all().unscoped().scope(Map::newest(2)).exec(&db).await?, 2);
    assert_eq!(Map::find_all().exec(&db).await?.iter().map(|map| map.title.as_str()).collect::<Vec<_>>(), ["Alps"]);
    Ok(())
}
