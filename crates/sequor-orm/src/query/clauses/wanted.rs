//! [`Wanted`]: the clauses of a query, made when somebody looks at them. A query for the row of a key, and nothing else, never has any.

use super::Clauses;
use crate::query::key_filter;
use sequor_core::Value;
use sequor_core::schema::ModelDef;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

/// The clauses of a query. Whoever looks at them finds them whole: a key that was asked for is a condition like any other.
// On the heap: a query moves through many hands before it runs.
#[derive(Clone, Default)]
pub struct Wanted {
    changed: Option<Box<Clauses>>,
    /// What a key is as clauses, for those who only look.
    seen: OnceLock<Box<Clauses>>,
    key: Option<(&'static Arc<ModelDef>, Value)>,
}

impl Wanted {
    /// The row of a key of one column.
    pub(crate) fn of_key(model: &'static Arc<ModelDef>, key: Value) -> Wanted {
        Wanted { changed: None, seen: OnceLock::new(), key: Some((model, key)) }
    }

    /// The key, where nothing else is asked.
    #[inline]
    pub(crate) fn only_key(&self) -> Option<&Value> {
        if self.changed.is_some() { None } else { self.key.as_ref().map(|(_, key)| key) }
    }

    /// The clauses by themselves.
    pub(crate) fn into_clauses(mut self) -> Clauses {
        std::mem::take(&mut *self)
    }

    fn see(&self) -> &Clauses {
        self.seen.get_or_init(|| made(self.key.as_ref()))
    }
}

#[cold]
fn made(key: Option<&(&'static Arc<ModelDef>, Value)>) -> Box<Clauses> {
    let filters = key.map(|(model, key)| key_filter(model, vec![key.clone()]));
    Box::new(Clauses { filters: filters.into_iter().collect(), ..Clauses::default() })
}

impl Deref for Wanted {
    type Target = Clauses;

    #[inline]
    fn deref(&self) -> &Clauses {
        match &self.changed {
            Some(clauses) => clauses,
            None => self.see(),
        }
    }
}

impl DerefMut for Wanted {
    #[inline]
    fn deref_mut(&mut self) -> &mut Clauses {
        let Wanted { changed, seen, key } = self;
        changed.get_or_insert_with(|| seen.take().unwrap_or_else(|| made(key.as_ref())))
    }
}

impl From<Clauses> for Wanted {
    fn from(clauses: Clauses) -> Wanted {
        Wanted { changed: Some(Box::new(clauses)), seen: OnceLock::new(), key: None }
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_changes_nothing() {
        let wanted = Wanted::from(Clauses { limit: Some(3), ..Clauses::default() });
        assert_eq!((wanted.limit, wanted.only_key()), (Some(3), None));
        let mut nothing = Wanted::default();
        assert!(nothing.filters.is_empty());
        nothing.limit = Some(1);
        assert_eq!((nothing.limit, nothing.clone().limit), (Some(1), Some(1)));
    }
}
