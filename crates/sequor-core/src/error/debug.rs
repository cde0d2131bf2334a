//! `Debug` of an error: what `fn main() -> sequor::Result<()>` and `unwrap` print is read by people.

use super::Error;
use std::fmt;

/// The text of `{:#}`; `{:#?}` shows the parts.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { parts(self, f) } else { write!(f, "{self:#}") }
    }
}

fn parts(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (name, fields): (&str, &[(&str, &dyn fmt::Debug)]) = match error {
        Error::Validation(error) => return f.debug_tuple("Validation").field(error).finish(),
        Error::Connection(error) => return f.debug_tuple("Connection").field(error).finish(),
        Error::Usage(error) => return f.debug_tuple("Usage").field(error).finish(),
        Error::Other(error) => return f.debug_tuple("Other").field(error).finish(),
        Error::UniqueConstraint { fields, detail } => ("UniqueConstraint", &[("fields", fields), ("detail", detail)]),
        Error::ForeignKeyConstraint { fields, detail } => ("ForeignKeyConstraint", &[("fields", fields), ("detail", detail)]),
        Error::CheckConstraint { constraint, detail } => ("CheckConstraint", &[("constraint", constraint), ("detail", detail)]),
        Error::NotNull { fields, detail } => ("NotNull", &[("fields", fields), ("detail", detail)]),
        Error::ExclusionConstraint { detail } => ("ExclusionConstraint", &[("detail", detail)]),
        Error::NotFound { model, relation } => ("NotFound", &[("model", model), ("relation", relation)]),
        Error::NotLoaded { model, relation } => ("NotLoaded", &[("model", model), ("relation", relation)]),
        Error::OptimisticLock { model, versions } => ("OptimisticLock", &[("model", model), ("versions", versions)]),
        Error::Decode { detail } => ("Decode", &[("detail", detail)]),
        Error::Timeout { detail } => ("Timeout", &[("detail", detail)]),
        Error::Deadlock { detail } => ("Deadlock", &[("detail", detail)]),
        Error::Serialization { detail } => ("Serialization", &[("detail", detail)]),
        Error::Database { code, detail } => ("Database", &[("code", code), ("detail", detail)]),
        Error::Hook { hook, source } => ("Hook", &[("hook", hook), ("source", source)]),
        Error::Migration { detail } => ("Migration", &[("detail", detail)]),
        Error::MissingFilter { model, operation } => ("MissingFilter", &[("model", model), ("operation", operation)]),
    };
    let mut shown = f.debug_struct(name);
    for (field, value) in fields {
        shown.field(field, value);
    }
    shown.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_prints_a_sentence_and_the_parts_are_there_on_request() {
        let error = Error::NotLoaded { model: "User".into(), relation: "posts".into() };
        assert_eq!(format!("{error:?}"), format!("{error:#}"));
        assert!(format!("{error:?}").contains("User.posts"), "{error:?}");
        assert!(format!("{error:#?}").starts_with("NotLoaded {\n    model: \"User\""), "{error:#?}");
    }
}
