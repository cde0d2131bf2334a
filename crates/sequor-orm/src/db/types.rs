//! [`TypeMap`]: one value of each type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// One value of each type; cheap to clone.
///
/// ```
/// # use sequor::prelude::*;
/// # fn main() -> sequor::Result<()> {
/// use sequor::TypeMap;
/// let mut extras = TypeMap::default();
/// extras.insert("from the web");
/// let mut all = TypeMap::default();
/// all.extend(&extras);
/// assert!(!all.is_empty() && all.get::<&str>() == Some(&"from the web"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct TypeMap {
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl TypeMap {
    /// Puts a value in, in place of one of its type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.values.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// The value of a type.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.values.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Adds all values of another map.
    pub fn extend(&mut self, other: &TypeMap) {
        self.values.extend(other.values.iter().map(|(key, value)| (*key, value.clone())));
    }
}

impl fmt::Debug for TypeMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeMap({})", self.values.len())
    }
}
