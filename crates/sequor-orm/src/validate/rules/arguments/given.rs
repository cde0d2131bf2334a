//! [`Given`]: how a rule reads its arguments.

use super::super::setting::value_of;
use super::super::subject::text_of;
use super::same_name;
use sequor_core::Value;
use serde_json::Value as Json;
use std::borrow::Cow;

/// The arguments of one check: some without a name, then perhaps an object of named ones.
#[derive(Clone, Copy)]
pub(in super::super) struct Given<'a>(pub(in super::super) &'a [Value]);

impl<'a> Given<'a> {
    pub(super) fn object(self) -> Option<&'a serde_json::Map<String, Json>> {
        match self.0.last() {
            Some(Value::Json(json)) => json.as_object(),
            _ => None,
        }
    }

    /// An argument by position or by name; null counts as absent.
    pub(in super::super) fn get(self, position: usize, name: &str) -> Option<Cow<'a, Value>> {
        let object = self.object();
        let bare = self.0.len() - usize::from(object.is_some());
        if position < bare && !self.0[position].is_null() {
            return Some(plain(&self.0[position]));
        }
        let (_, value) = object?.iter().find(|(key, value)| same_name(key, name) && !value.is_null())?;
        Some(Cow::Owned(value_of(value.clone())))
    }

    pub(in super::super) fn text(self, position: usize, name: &str) -> Option<String> {
        self.get(position, name).map(|value| text_of(&value).into_owned())
    }

    pub(in super::super) fn number(self, position: usize, name: &str) -> Option<f64> {
        self.get(position, name).and_then(|value| number_of(&value))
    }

    pub(in super::super) fn flag(self, position: usize, name: &str, default: bool) -> bool {
        match self.get(position, name).as_deref() {
            Some(Value::Bool(flag)) => *flag,
            _ => default,
        }
    }

    pub(in super::super) fn list(self, position: usize, name: &str) -> Option<Vec<String>> {
        self.get(position, name).map(|value| texts_of(&value))
    }

    /// Every argument, lists spread out: the members of [`Kind::Items`].
    pub(in super::super) fn items(self) -> impl Iterator<Item = Cow<'a, Value>> {
        self.0.iter().flat_map(|value| -> Box<dyn Iterator<Item = Cow<'a, Value>>> {
            match (value, json_list(value)) {
                (Value::Array(items), _) => Box::new(items.iter().map(Cow::Borrowed)),
                (_, Some(items)) => Box::new(items.iter().map(|item| Cow::Owned(value_of(item.clone())))),
                (scalar, None) => Box::new(std::iter::once(Cow::Borrowed(scalar))),
            }
        })
    }
}

pub(super) fn json_list(value: &Value) -> Option<&Vec<Json>> {
    match value {
        Value::Json(json) => json.as_array(),
        _ => None,
    }
}

/// JSON that is no object, as a plain value.
pub(super) fn plain(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::Json(json) if !json.is_object() => Cow::Owned(value_of((**json).clone())),
        other => Cow::Borrowed(other),
    }
}

fn texts_of(value: &Value) -> Vec<String> {
    Given(std::slice::from_ref(value)).items().map(|item| text_of(&item).into_owned()).collect()
}

pub(super) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(_) => None,
        other => text_of(other).trim().parse().ok().filter(|number: &f64| !number.is_nan()),
    }
}
