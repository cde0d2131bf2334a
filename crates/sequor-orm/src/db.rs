//! [`Db`]: what every statement runs on.

mod types;

pub use types::TypeMap;

use crate::model::Registry;
use sequor_core::Name;
use sequor_core::driver::{Batch, StepDone};
use sequor_core::error::Result;
use sequor_core::schema::{ModelDef, Models};
use sequor_sql::Dialect;
use std::panic::Location;
use std::sync::Arc;

/// A handle.
#[derive(Clone, Debug)]
pub struct Db {
    registry: Arc<Registry>,
}

/// What a batch is for.
#[derive(Clone, Debug)]
pub struct Run {
    /// The operation.
    pub operation: &'static str,
    /// The model.
    pub model: Option<Name>,
    /// The call site.
    pub site: &'static Location<'static>,
    /// Whether it may write.
    pub write: bool,
}

/// The models of a `Db`.
pub struct DbModels(Arc<Registry>);

impl Models for DbModels {
    fn by_name(&self, name: &str) -> Option<Arc<ModelDef>> {
        self.0.by_name(name)
    }
}

impl Db {
    pub(crate) fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    pub(crate) fn models(&self) -> DbModels {
        DbModels(self.registry.clone())
    }

    pub(crate) async fn run(&self, _batch: Batch, _run: Run) -> Result<Vec<StepDone>> {
        Ok(Vec::new())
    }
}
