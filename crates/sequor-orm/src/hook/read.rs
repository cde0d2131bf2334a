//! [`ReadRows`]: which rows left the engine, for `after_read`.

use sequor_core::Value;
use sequor_core::schema::ModelDef;
use std::sync::Arc;

/// The rows of one model that a read found.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// db.global_hooks().after_read("audit", |rows, _| Box::pin(async move {
///     println!("{} rows of {} were read", rows.keys().len(), rows.model());
///     Ok(())
/// }));
/// User::find_all().exec(&db).await?;
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReadRows {
    pub(crate) model: Arc<ModelDef>,
    pub(crate) keys: Vec<Vec<Value>>,
}

impl ReadRows {
    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model.name
    }

    /// The primary keys of the rows; empty keys where the model has none.
    pub fn keys(&self) -> &[Vec<Value>] {
        &self.keys
    }
}
