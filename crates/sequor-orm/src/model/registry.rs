//! [`Registry`]: the models that a `Db` knows, by name. [`ModelList`]: lists of models as types.

use super::Model;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, Models, TableDef, linked_tables};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The models that a `Db` knows.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{ModelList, Registry};
/// let registry: &Registry = db.registry();
/// <(User, Post)>::register(registry);
/// registry.remove("Post");
/// let names: Vec<_> = registry.all().iter().map(|model| model.name.to_string()).collect();
/// assert_eq!(names, ["User"]);
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Registry {
    models: RwLock<Listed>,
    /// Rises with each change.
    generation: AtomicU64,
    /// The tables of all models, and of which generation they are.
    tables: Mutex<Option<(u64, Arc<Vec<TableDef>>)>>,
}

#[derive(Debug, Default)]
struct Listed {
    order: Vec<String>,
    by_name: HashMap<String, Arc<ModelDef>>,
}

/// A model that is linked into the program; submitted by the derive.
pub struct Registered(pub fn() -> &'static Arc<ModelDef>);

inventory::collect!(Registered);

impl Registry {
    /// Adds a model, or replaces the one of its name.
    pub fn add(&self, model: Arc<ModelDef>) {
        let mut listed = self.models.write().unwrap_or_else(PoisonError::into_inner);
        let name = model.name.to_string();
        if listed.by_name.get(&name).is_some_and(|known| Arc::ptr_eq(known, &model)) {
            return;
        }
        if listed.by_name.insert(name.clone(), model).is_none() {
            listed.order.push(name);
        }
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Adds models, each unless one of its name is known.
    pub(crate) fn add_missing(&self, models: &[Arc<ModelDef>]) {
        for model in models.iter().filter(|model| self.by_name(&model.name).is_none()) {
            self.add(model.clone());
        }
    }

    /// A number that rises with each change: what was made of the models of another one is old.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The tables of all models with the keys between them; a relation that leads nowhere has none.
    pub(crate) fn tables(&self) -> Arc<Vec<TableDef>> {
        let generation = self.generation();
        let mut kept = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((known, tables)) if *known == generation => tables.clone(),
            _ => {
                let tables = Arc::new(linked_tables(&self.all(), self));
                *kept = Some((generation, tables.clone()));
                tables
            }
        }
    }

    /// Forgets a model.
    pub fn remove(&self, name: &str) {
        let mut listed = self.models.write().unwrap_or_else(PoisonError::into_inner);
        listed.by_name.remove(name);
        listed.order.retain(|known| known != name);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// All models, in the order in which they came.
    pub fn all(&self) -> Vec<Arc<ModelDef>> {
        let listed = self.models.read().unwrap_or_else(PoisonError::into_inner);
        listed.order.iter().filter_map(|name| listed.by_name.get(name).cloned()).collect()
    }

    /// The model of a table, the one of this name first: also one that is only linked into the program.
    #[cold]
    pub(crate) fn of_table(&self, table: &str, name: Option<&str>) -> Option<Arc<ModelDef>> {
        let linked = inventory::iter::<Registered>.into_iter().map(|registered| (registered.0)().clone());
        let mut found: Vec<Arc<ModelDef>> = self.all().into_iter().chain(linked).filter(|model| model.table.name == table).collect();
        found.sort_by_key(|model| name != Some(&*model.name));
        found.into_iter().next()
    }

    /// Adds every model that is linked into the program.
    ///
    /// # Errors
    /// `Usage` when there is none: a crate of models that no code names is dropped by the linker.
    pub fn register_all(&self) -> Result<()> {
        let mut count = 0;
        for registered in inventory::iter::<Registered> {
            self.add((registered.0)().clone());
            count += 1;
        }
        if count == 0 {
            return Err(Error::usage(
                "register_all() found no model: a crate whose models are never named is left out by the linker, write `use models as _;` for it",
            ));
        }
        Ok(())
    }
}

impl Models for Registry {
    fn by_name(&self, name: &str) -> Option<Arc<ModelDef>> {
        self.models.read().unwrap_or_else(PoisonError::into_inner).by_name.get(name).cloned()
    }
}

/// One model, or a tuple of up to 12 lists; `models!` makes longer ones.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::ModelList;
/// models!(pub type All = User, Post);
/// assert_eq!(All::models().len(), 2);
/// db.sync::<All>(SyncMode::Create).await?;
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of models",
    label = "expected a model, or a tuple of models",
    note = "tuples hold at most 12; `models!(pub type All = User, Post, ..)` makes a list of any length"
)]
pub trait ModelList {
    /// Calls `visit` with each model.
    fn each(visit: &mut dyn FnMut(&'static Arc<ModelDef>));

    /// The models as a list.
    fn models() -> Vec<Arc<ModelDef>> {
        let mut list = Vec::new();
        Self::each(&mut |model| list.push(model.clone()));
        list
    }

    /// Adds all of them to a registry.
    fn register(registry: &Registry) {
        Self::each(&mut |model| registry.add(model.clone()));
    }
}

impl<M: Model> ModelList for M {
    fn each(visit: &mut dyn FnMut(&'static Arc<ModelDef>)) {
        visit(M::model());
    }
}

macro_rules! tuple {
    ($($name:ident)+) => {
        #[diagnostic::do_not_recommend]
        impl<$($name: ModelList),+> ModelList for ($($name,)+) {
            fn each(visit: &mut dyn FnMut(&'static Arc<ModelDef>)) {
                $($name::each(visit);)+
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
tuple!(A B C D E F G H I);
tuple!(A B C D E F G H I J);
tuple!(A B C D E F G H I J K);
tuple!(A B C D E F G H I J K L);
