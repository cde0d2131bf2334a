//! [`WriteOptions`]: what a write may say beside its values.

use crate::db::{Db, Run, TypeMap};
use sequor_core::Name;
use std::panic::Location;

/// What a write may say beside its values. Typed writes are strict; the JSON door sets Sequelize's defaults.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/notes.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, mut note) = noted().await?;
/// use sequor::WriteOptions;
/// let mut options = WriteOptions::at(std::panic::Location::caller());
/// options.silent = true;   // leaves updatedAt alone
/// note.update_with(json!({ "stars": 3 }), &db, options).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// Whether the rules of the model are checked.
    pub validate: bool,
    /// Whether hooks run.
    pub hooks: bool,
    /// Only these fields are written.
    pub fields: Option<Vec<Name>>,
    /// Whether what a before-hook changes is written beside `fields`.
    pub hooks_may_add: bool,
    /// Whether an update that finds no row is none, as in Sequelize.
    pub may_be_gone: bool,
    /// Whether the rules are checked only for the attributes of a stored row that changed, as in Sequelize.
    pub changed_only: bool,
    /// Leaves `updated_at` alone.
    pub silent: bool,
    /// Deletes rows of paranoid models for good.
    pub force: bool,
    /// Leaves the version of the optimistic lock alone: nobody's edit is outdated by a counter.
    pub(crate) keeps_version: bool,
    /// What becomes of the values that a hook before the statement set.
    pub(crate) recheck: Recheck,
    /// Typed extras for hooks.
    pub extras: TypeMap,
    /// Key-values for the comment behind the statement.
    pub tags: Vec<(String, String)>,
    /// Where the program asked for it.
    pub site: &'static Location<'static>,
}

/// What becomes of the values that a hook before the statement set, once the rules have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recheck {
    /// The rules are checked for them: typed models.
    Rules,
    /// They are stored as they are: Sequelize's creates, and its updates of many rows.
    Never,
    /// The rules are checked for them, and the hooks of validation run again: Sequelize's saves of stored rows.
    Hooks,
}

impl WriteOptions {
    /// The defaults: validated, with hooks.
    pub fn at(site: &'static Location<'static>) -> WriteOptions {
        WriteOptions {
            validate: true,
            hooks: true,
            fields: None,
            hooks_may_add: false,
            may_be_gone: false,
            changed_only: false,
            silent: false,
            force: false,
            keeps_version: false,
            recheck: Recheck::Rules,
            extras: TypeMap::default(),
            tags: Vec::new(),
            site,
        }
    }

    /// Whether a field may be written.
    pub(crate) fn writes(&self, name: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == name))
    }

    /// Whether the write is one of run-time models, whose hooks run as in Sequelize.
    pub(crate) fn is_sequelizes(&self) -> bool {
        self.recheck != Recheck::Rules
    }

    /// The options of the rows that are created with this one, where they are not its own: Sequelize hands none down.
    pub(crate) fn below(&self) -> Option<WriteOptions> {
        let own = self.is_sequelizes() && !(self.validate && self.hooks && self.fields.is_none() && !self.silent);
        own.then(|| WriteOptions { validate: true, hooks: true, fields: None, silent: false, ..self.clone() })
    }

    pub(crate) fn run(&self, operation: &'static str, model: &Name) -> Run {
        Run { operation, model: Some(model.clone()), site: self.site, write: true }
    }

    /// The extras of the handle and of this call.
    pub(crate) fn extras(&self, db: &Db) -> TypeMap {
        let mut extras = db.extras().clone();
        extras.extend(&self.extras);
        extras
    }
}

/// What a call says beside its values, while it is put together.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) validate: bool,
    pub(crate) hooks: bool,
    pub(crate) extras: TypeMap,
}

impl Default for Call {
    fn default() -> Call {
        Call { validate: true, hooks: true, extras: TypeMap::default() }
    }
}

impl Call {
    /// A call with a typed extra.
    pub(crate) fn with<E: Clone + Send + Sync + 'static>(extra: E) -> Call {
        let mut call = Call::default();
        call.extras.insert(extra);
        call
    }

    /// The options of the write.
    pub(crate) fn options(self, site: &'static Location<'static>) -> WriteOptions {
        WriteOptions { validate: self.validate, hooks: self.hooks, extras: self.extras, ..WriteOptions::at(site) }
    }
}

/// The methods by which a builder says what goes beside its values.
macro_rules! called {
    ($name:ident) => {
        impl<M: crate::model::Model> $name<M> {
            /// Leaves out the rules of the model.
            pub fn skip_validation(mut self) -> $name<M> {
                self.call.validate = false;
                self
            }

            /// Runs without hooks when `false`.
            pub fn hooks(mut self, run: bool) -> $name<M> {
                self.call.hooks = run;
                self
            }

            /// Carries a typed extra that hooks read.
            pub fn with<E: Clone + Send + Sync + 'static>(mut self, extra: E) -> $name<M> {
                self.call.extras.insert(extra);
                self
            }
        }
    };
}

pub(crate) use called;
