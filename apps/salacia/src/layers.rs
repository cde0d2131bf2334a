//! The two data layers behind one trait: the chosen one serves; when it cannot start, the other does, and says so.

use crate::config::{Config, Layer};
use crate::models::{AiInteraction, All};
use crate::search_index::{self, SearchIndex};
use crate::sequor_log::SequorLog;
use salacia_classic::ClassicLog;
use salacia_log::{Events, FewScans, MessageLog};
use sequor::prelude::*;
use std::sync::Arc;

/// What serves, and why.
#[derive(Clone)]
pub struct Layers {
    /// The layer that serves.
    pub log: Arc<dyn MessageLog>,
    /// The layer that was asked for.
    pub chosen: &'static str,
    /// Why another serves, if it does.
    pub reason: Option<String>,
    /// The connections, when Sequor serves.
    pub db: Option<Db>,
}

fn name(layer: Layer) -> &'static str {
    match layer {
        Layer::Sequor => "sequor",
        Layer::Classic => "classic",
    }
}

impl Layers {
    /// Starts the chosen layer, or else the other one.
    pub async fn start(config: &Config, events: &Events) -> Result<Layers> {
        let other = if config.layer == Layer::Sequor { Layer::Classic } else { Layer::Sequor };
        let why = match Layers::only(config, config.layer, events).await {
            Ok(layers) => return Ok(layers),
            Err(error) => error,
        };
        tracing::error!(chosen = name(config.layer), serving = name(other), "the chosen data layer does not start: {why}");
        match Layers::only(config, other, events).await {
            Ok(layers) => Ok(Layers { chosen: name(config.layer), reason: Some(why.to_string()), ..layers }),
            Err(error) => {
                tracing::error!("the {} data layer does not start either: {error}", name(other));
                Err(why)
            }
        }
    }

    async fn only(config: &Config, layer: Layer, events: &Events) -> Result<Layers> {
        let (log, db): (Arc<dyn MessageLog>, Option<Db>) = match layer {
            Layer::Sequor => {
                let db = open(config, events).await?;
                (Arc::new(SequorLog::new(db.clone())), Some(db))
            }
            Layer::Classic => {
                let log = ClassicLog::open(&config.url, config.pool.max, events.clone()).await;
                (Arc::new(log.map_err(Error::other)?), None)
            }
        };
        Ok(Layers { log: Arc::new(FewScans::new(log)), chosen: name(layer), reason: None, db })
    }
}

/// Opens the database with Sequor. Tables that are there are served as they are; where there are none, they are made.
pub async fn open(config: &Config, events: &Events) -> Result<Db> {
    let db = Db::options(&config.url).pool(config.pool.clone()).retry(Retry { max: 3, delay: millis(200), ..Retry::default() });
    let db = db.slow_query(millis(500)).register::<All>().connect().await?;
    if let Err(error) = AiInteraction::count().exec(&db).await {
        match error {
            Error::Database { .. } => db.sync::<All>(SyncMode::Create).await?,
            other => return Err(other),
        }
    }
    let db = db.with_extra(events.clone());
    Ok(if search_index::is_there(&db).await? { db.with_extra(SearchIndex) } else { db })
}
