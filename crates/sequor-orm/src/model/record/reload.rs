//! Reading a record again, with the associations and the scopes it was read with.

use super::{Record, Related, RuntimeModel};
use crate::db::Db;
use crate::query::{Clauses, key_filter};
use sequor_core::error::{Error, Result, UsageErrorKind};
use sequor_core::schema::{ModelDef, Models};
use sequor_core::statement::{Expr, Field, SelectItem};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

impl Record {
    /// Reads the row again, all of its attributes, and the associations it was read with, in the scopes it was found in. Sequelize: `reload(options)`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, mut note) = noted().await?;
    /// note.association_create("tags", json!({ "name": "rust" }), json!({}), &db).await?;
    /// note.reload_with(json!({ "include": ["tags"] }), &db).await?;
    /// assert_eq!(note.to_json()["tags"][0]["name"], "rust");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage(Instance)` when the row is gone, or softly deleted without `paranoid: false`; `Usage` that names the place of an unknown key.
    pub async fn reload_with(&mut self, options: Json, db: &Db) -> Result<()> {
        let key = self.state.stored_key()?;
        let mut options = match options {
            Json::Object(map) => map,
            _ => Map::new(),
        };
        let anew = options.contains_key("include");
        if let (Some(include), false) = (&self.include, anew) {
            options.insert("include".into(), include.as_ref().clone());
        }
        let include = options.get("include").cloned().map(Arc::new);
        let some = options.contains_key("attributes");
        let model = RuntimeModel::of(db, self.state.model.clone()).found_with(self.scopes.clone());
        let mut query = model.query(Json::Object(options))?;
        query.clauses.filters.push(key_filter(&query.model, key));
        query.clauses.unordered = true;
        if !anew {
            show_keys(&mut query.clauses, &self.state.model, db.registry())?;
        }
        let Some(mut found) = model.read(query).await?.pop() else {
            return Err(Error::of_usage(
                UsageErrorKind::Instance,
                "Instance could not be reloaded because it does not exist anymore (find call returned null)",
            ));
        };
        found.include = include;
        found.scopes = self.scopes.clone();
        if some {
            self.take(found);
        } else {
            *self = found;
        }
        Ok(())
    }
}

impl Record {
    /// Takes over what was read, and keeps the rest.
    fn take(&mut self, found: Record) {
        let original = found.state.original.unwrap_or_default();
        let mut stored = self.state.original.take().unwrap_or_default();
        for (position, value) in found.state.values.into_iter().enumerate().filter(|(_, value)| value.is_some()) {
            if let (Some(known), Some(read)) = (stored.get_mut(position), original.get(position)) {
                known.clone_from(read);
            }
            self.state.values[position] = value;
            self.state.unread.retain(|unread| *unread != position);
            let column = self.state.model.columns[position].name.clone();
            if let Some(selected) = self.selected.as_mut().filter(|selected| selected.iter().all(|(_, known)| *known != position)) {
                selected.push((column, position));
            }
        }
        self.state.original = Some(stored);
        for (name, value) in found.extras {
            self.extras.retain(|(known, _)| *known != name);
            self.extras.push((name, value));
        }
        for (name, related) in found.relations {
            self.relations.retain(|(known, _)| *known != name);
            self.relations.push((name, related));
        }
        self.include = found.include;
    }
}

/// The rows of the includes show their keys, as those of Sequelize do when they are read again with the includes of before.
fn show_keys(clauses: &mut Clauses, model: &ModelDef, models: &dyn Models) -> Result<()> {
    for include in &mut clauses.includes {
        let Some(relation) = model.relation(&include.relation) else { continue };
        let target = models.model(&relation.target)?;
        if let Some(items) = include.clauses.select.as_mut().filter(|items| !items.is_empty()) {
            for key in target.key_columns() {
                let shown =
                    |item: &SelectItem| matches!(&item.expr, Expr::Field(Field { path, name, .. }) if path.is_empty() && *name == key.name);
                if !items.iter().any(shown) {
                    items.push(SelectItem::new(Expr::field(key.name.clone())));
                }
            }
        }
        show_keys(&mut include.clauses, &target, models)?;
    }
    Ok(())
}

/// Lets rows remember what they were read with.
pub(super) fn remember(rows: &mut [Record], include: Option<&Json>, scopes: Option<&Arc<[Json]>>) {
    let include = include.cloned().map(Arc::new);
    for row in rows {
        row.include.clone_from(&include);
        row.scopes = scopes.cloned();
    }
}

impl Related {
    /// The rows, one or many.
    pub(super) fn rows(&self) -> &[Record] {
        match self {
            Related::One(row) => row.as_deref().map(std::slice::from_ref).unwrap_or_default(),
            Related::Many(rows) => rows,
        }
    }
}
