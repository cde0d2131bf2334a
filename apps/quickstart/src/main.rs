//! Sequor's main job, end to end: `cargo run --release -p quickstart`, or with `DATABASE_URL=postgres://..` or `mysql://..`.

mod data;
mod models;
mod show;

use models::*;
use sequor::prelude::*;

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".into());
    let db = Db::connect(&url).await?;
    let start = show::step("Tables and data");
    db.sync::<All>(SyncMode::Force).await?;
    let rows = data::load(&db).await?;
    show::say(format!("{rows} rows of the solar system in {:.1} ms on {}", start.elapsed().as_secs_f64() * 1000.0, db.dialect().name()));
    filters(&db).await?;
    tree(&db).await?;
    pages(&db).await?;
    aggregates(&db).await?;
    json_search(&db).await?;
    changes(&db).await?;
    transactions(&db).await?;
    db.close().await
}

async fn filters(db: &Db) -> Result<()> {
    let start = show::step("Typed filters: large moons, or any of Mars");
    let find = Moon::find_all()
        .filter(Moon::RADIUS_KM.gt(1500.0).or(Moon::PLANET.is(Planet::NAME.eq("Mars"))))
        .include(Moon::PLANET)
        .include(Moon::DISCOVERER)
        .order_by(Moon::RADIUS_KM.desc());
    let text = find.to_sql(db.dialect())?;
    let moons = find.exec(db).await?;
    show::sql(&text, start.elapsed());
    let mut lines = Vec::new();
    for moon in &moons {
        let by = moon.discoverer.loaded()?.map_or("known since antiquity", |person| person.name.as_str());
        lines.push([moon.name.clone(), moon.planet.loaded()?.name.clone(), format!("{:.1}", moon.radius_km), by.to_owned()]);
    }
    show::table(["moon", "planet", "radius km", "discovered by"], lines);
    Ok(())
}

async fn tree(db: &Db) -> Result<()> {
    let start = show::step("An include tree: star → planets → their two largest moons and all missions, one statement a list");
    let star = db
        .expect_queries(4, async || {
            Star::find_one()
                .include(
                    Star::PLANETS
                        .order_by(Planet::ORBIT_DAYS.asc())
                        .include(Planet::MOONS.order_by(Moon::RADIUS_KM.desc()).limit(2))
                        .include(Planet::MISSIONS.order_by(Mission::LAUNCHED.asc())),
                )
                .or_fail()
                .exec(db)
                .await
        })
        .await?;
    show::say(format!("4 statements, {:.2} ms", start.elapsed().as_secs_f64() * 1000.0));
    let mut lines = Vec::new();
    for planet in star.planets.loaded()? {
        let moons: Vec<&str> = planet.moons.loaded()?.iter().map(|moon| moon.name.as_str()).collect();
        let missions = planet.missions.loaded()?.iter().zip(planet.missions.through()?);
        let missions: Vec<String> = missions.map(|(mission, visit)| format!("{} ({})", mission.name, visit.year)).collect();
        lines.push([planet.name.clone(), moons.join(", "), missions.join(", ")]);
    }
    show::table(["planet", "largest moons", "missions"], lines);
    Ok(())
}

async fn pages(db: &Db) -> Result<()> {
    show::step("Pages and cursors");
    let page = Moon::find_all().order_by(Moon::NAME.asc()).page(2, 5).exec(db).await?;
    let names: Vec<String> = page.rows.iter().map(|moon| moon.name.clone()).collect();
    show::say(format!("page {} of {} ({} moons): {}", page.page, page.pages, page.count, names.join(", ")));
    let first = Moon::find_all().order_by(Moon::RADIUS_KM.desc()).cursor(None, 3).exec(db).await?;
    let second = Moon::find_all().order_by(Moon::RADIUS_KM.desc()).cursor(first.next.clone(), 3).exec(db).await?;
    let names = |rows: &[Moon]| rows.iter().map(|moon| moon.name.as_str()).collect::<Vec<_>>().join(", ");
    show::say(format!("by cursor: {} → {}", names(&first.rows), names(&second.rows)));
    Ok(())
}

async fn aggregates(db: &Db) -> Result<()> {
    let start = show::step("Aggregates: who found how many moons");
    let find = Moon::find_all()
        .select((Moon::DISCOVERER.at(Discoverer::NAME), count_all().alias("n"), max(Moon::RADIUS_KM)))
        .filter(Moon::DISCOVERER_ID.is_not_null())
        .group_by(Moon::DISCOVERER.at(Discoverer::NAME))
        .having(count_all().gt(1))
        .order_by((alias("n").desc(), Moon::DISCOVERER.at(Discoverer::NAME).asc()));
    let text = find.to_sql(db.dialect())?;
    let rows: Vec<(String, i64, Option<f64>)> = find.exec(db).await?;
    show::sql(&text, start.elapsed());
    let lines = rows
        .into_iter()
        .map(|(name, count, largest)| [name, count.to_string(), largest.map_or_else(String::new, |radius| format!("{radius:.0}"))]);
    show::table(["discoverer", "moons", "largest, km"], lines);
    let (moons, mean): (i64, Option<f64>) = Moon::find_all().select((count_all(), avg(Moon::RADIUS_KM))).one().exec(db).await?;
    show::say(format!("{moons} moons, {:.0} km on average", mean.unwrap_or_default()));
    Ok(())
}

async fn json_search(db: &Db) -> Result<()> {
    let start = show::step("JSON search: craft with a radar, or heavier than 5 tonnes");
    let find = Mission::find_all()
        .filter(Mission::CRAFT.path("instruments").contains(json!(["radar"])).or(Mission::CRAFT.path("mass_kg").gt(5000)))
        .order_by(Mission::NAME.asc());
    let text = find.to_sql(db.dialect())?;
    let missions = find.exec(db).await?;
    show::sql(&text, start.elapsed());
    let lines = missions.iter().map(|mission| [mission.name.clone(), mission.agency.clone(), mission.craft.to_string()]);
    show::table(["mission", "agency", "craft"], lines);
    Ok(())
}

async fn changes(db: &Db) -> Result<()> {
    show::step("A whole graph in one call, change tracking, bulk writes");
    let kepler = draft!(Star {
        name: "Kepler-16",
        planets: [{ name: "Kepler-16b", kind: Kind::GasGiant, radius_km: 53_600.0, orbit_days: 228.776,
                    moons: [{ name: "Imagined", radius_km: 1.0, orbit_days: 1.0 }] }],
    })
    .create(db)
    .await?;
    let planet = kepler.planets.loaded()?[0].clone();
    show::say(format!("created {} with {} and its moon in one transaction", kepler.name, planet.name));
    let mut edit = planet.edit();
    edit.radius_km = 53_900.0;
    show::say(format!("changed: {:?}, before: {}", edit.changed(), edit.previous(Planet::RADIUS_KM)));
    let planet = edit.save(db).await?;
    let raised = Moon::update_all().set(Moon::RADIUS_KM, Moon::RADIUS_KM * 2.0).filter(Moon::PLANET_ID.eq(planet.id)).exec(db).await?;
    show::say(format!("{raised} moon of {} grew by one statement", planet.name));
    match draft!(Planet { name: "", kind: Kind::IceGiant, radius_km: 1.0, orbit_days: 1.0, star_id: kepler.id }).create(db).await {
        Err(error) => show::say(format!("refused: {error}")),
        Ok(_) => return Err(Error::usage("a planet without a name was stored")),
    }
    planet.destroy(db).await?;
    show::say(format!("without {}, {} moons are left (the database cascades)", planet.name, Moon::count().exec(db).await?));
    Ok(())
}

async fn transactions(db: &Db) -> Result<()> {
    show::step("A transaction that rolls back, and a savepoint that does so alone");
    let before = Planet::count().exec(db).await?;
    let failed: Result<()> = db
        .transaction(async |tx| {
            Planet::destroy_all().every_row().exec(tx).await?;
            Err(Error::usage("the Death Star misfired"))
        })
        .await;
    if let Err(error) = failed {
        show::say(format!("rolled back: {error}; {} of {before} planets are there", Planet::count().exec(db).await?));
    }
    let named = db
        .transaction(async |tx| {
            let sun = Star::find_one().filter(Star::NAME.eq("Sun")).or_fail().exec(tx).await?;
            let twice = tx
                .transaction(async |savepoint| {
                    draft!(Planet { name: "Earth", kind: Kind::Terrestrial, radius_km: 1.0, orbit_days: 1.0, star_id: sun.id })
                        .create(savepoint)
                        .await
                })
                .await;
            show::say(match twice {
                Err(error) => format!("savepoint: {error}"),
                Ok(_) => "two Earths?".to_owned(),
            });
            draft!(Planet { name: "Planet Nine", kind: Kind::IceGiant, radius_km: 24_000.0, orbit_days: 5_500_000.0, star_id: sun.id })
                .create(tx)
                .await
        })
        .await?;
    show::say(format!("committed: {} (still hypothetical)", named.name));
    Ok(())
}
