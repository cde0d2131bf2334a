//! The data set as it is written down, and how it gets into the tables.

use crate::models::*;
use sequor::prelude::*;
use std::collections::HashMap;

#[derive(serde::Deserialize)]
struct DataSet {
    star: String,
    planets: Vec<PlanetRow>,
    discoverers: Vec<DiscovererRow>,
    moons: Vec<MoonRow>,
    missions: Vec<MissionRow>,
}

#[derive(serde::Deserialize)]
struct PlanetRow {
    name: String,
    kind: String,
    radius_km: f64,
    orbit_days: f64,
}

#[derive(serde::Deserialize)]
struct DiscovererRow {
    key: String,
    name: String,
    born: i32,
}

#[derive(serde::Deserialize)]
struct MoonRow {
    planet: String,
    name: String,
    radius_km: f64,
    orbit_days: f64,
    discovered: Option<i32>,
    discoverer: Option<String>,
}

#[derive(serde::Deserialize)]
struct MissionRow {
    name: String,
    agency: String,
    launched: i32,
    craft: serde_json::Value,
    visits: Vec<VisitRow>,
}

#[derive(serde::Deserialize)]
struct VisitRow {
    planet: String,
    year: i32,
    kind: String,
}

fn kind(text: &str) -> Kind {
    match text {
        "gas giant" => Kind::GasGiant,
        "ice giant" => Kind::IceGiant,
        _ => Kind::Terrestrial,
    }
}

/// Writes the whole data set in one transaction; gives the number of rows.
pub async fn load(db: &Db) -> Result<usize> {
    let data: DataSet = serde_json::from_str(include_str!("../data/solar-system.json"))?;
    db.transaction(async |tx| {
        let star = draft!(Star { name: &data.star }).create(tx).await?;
        let planets = data.planets.iter().map(|planet| {
            draft!(Planet {
                name: &planet.name,
                kind: kind(&planet.kind),
                radius_km: planet.radius_km,
                orbit_days: planet.orbit_days,
                star_id: star.id
            })
        });
        let planets = Planet::bulk_create(planets).exec(tx).await?;
        let ids: HashMap<&str, i64> = planets.iter().map(|planet| (planet.name.as_str(), planet.id)).collect();
        let discoverers =
            Discoverer::bulk_create(data.discoverers.iter().map(|row| draft!(Discoverer { name: &row.name, born: row.born })))
                .exec(tx)
                .await?;
        let people: HashMap<&str, i64> =
            data.discoverers.iter().zip(&discoverers).map(|(row, stored)| (row.key.as_str(), stored.id)).collect();
        let moons = data.moons.iter().map(|moon| {
            draft!(Moon {
                name: &moon.name,
                radius_km: moon.radius_km,
                orbit_days: moon.orbit_days,
                discovered: moon.discovered,
                planet_id: ids[moon.planet.as_str()],
                discoverer_id: moon.discoverer.as_deref().and_then(|key| people.get(key).copied()),
            })
        });
        let moons = Moon::bulk_create(moons).exec(tx).await?;
        let mut visits = Vec::new();
        for row in &data.missions {
            let mission = draft!(Mission { name: &row.name, agency: &row.agency, launched: row.launched, craft: row.craft.clone() })
                .create(tx)
                .await?;
            for visit in &row.visits {
                visits.push(draft!(Visit {
                    mission_id: mission.id,
                    planet_id: ids[visit.planet.as_str()],
                    year: visit.year,
                    kind: &visit.kind
                }));
            }
        }
        let visits = Visit::bulk_create(visits).exec(tx).await?;
        Ok(1 + planets.len() + discoverers.len() + moons.len() + data.missions.len() + visits.len())
    })
    .await
}
