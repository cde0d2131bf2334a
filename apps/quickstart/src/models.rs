//! The models: a star, its planets, their moons and discoverers, and missions that visited planets.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "stars")]
pub struct Star {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub name: String,
    pub planets: HasMany<Planet>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "planets", timestamps)]
pub struct Planet {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique, validate(len(min = 1, max = 40)))]
    pub name: String,
    pub kind: Kind,
    pub radius_km: f64,
    pub orbit_days: f64,
    pub star_id: i64,
    pub star: BelongsTo<Star>,
    pub moons: HasMany<Moon>,
    pub missions: BelongsToMany<Mission, Visit>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "planet_kind", rename_all = "kebab-case")]
pub enum Kind {
    Terrestrial,
    GasGiant,
    IceGiant,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "moons", timestamps, index(columns("planet_id", "radius_km desc")))]
pub struct Moon {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub name: String,
    #[field(validate(min(0)))]
    pub radius_km: f64,
    pub orbit_days: f64,
    pub discovered: Option<i32>,
    pub planet_id: i64,
    #[relation(on_delete = "cascade")]
    pub planet: BelongsTo<Planet>,
    pub discoverer_id: Option<i64>,
    pub discoverer: BelongsTo<Option<Discoverer>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "discoverers")]
pub struct Discoverer {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub name: String,
    pub born: i32,
    pub moons: HasMany<Moon>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "missions")]
pub struct Mission {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub name: String,
    pub agency: String,
    pub launched: i32,
    #[field(default = json!({}))]
    pub craft: Json,
    pub planets: BelongsToMany<Planet, Visit>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "visits")]
pub struct Visit {
    #[field(primary_key)]
    pub mission_id: i64,
    #[field(primary_key)]
    pub planet_id: i64,
    pub year: i32,
    pub kind: String,
}

models!(pub type All = Star, Planet, Discoverer, Moon, Mission, Visit);
