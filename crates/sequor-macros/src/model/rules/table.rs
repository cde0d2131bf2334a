//! Finding a rule by name, and checking its arguments.

pub use super::list::{RULES, Rule};

use crate::errors::Errors;
use crate::names;
use proc_macro2::{Ident, Span};

/// The rule of a name: the derive's, Sequelize's, or either in another case.
pub fn find(name: &str) -> Option<&'static Rule> {
    let folded = fold(name);
    RULES.iter().find(|rule| rule.name == name).or_else(|| RULES.iter().find(|rule| fold(rule.name) == folded || fold(rule.key) == folded))
}

fn fold(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Rule {
    /// Whether it takes a list as all of its arguments.
    pub fn items(&self) -> bool {
        matches!(self.arguments, [only] if only.ends_with('*'))
    }

    /// The position of an argument.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.arguments.iter().position(|argument| fold(argument) == fold(name))
    }

    /// The name of the argument at a position.
    pub fn argument(&self, place: usize) -> &'static str {
        self.arguments.get(place).map_or("", |name| name.trim_end_matches(['!', '*']))
    }

    /// Refuses unknown, surplus and missing arguments.
    pub fn check(&self, span: Span, bare: &[Span], named: &[Ident], errors: &mut Errors) -> Option<()> {
        let names: Vec<&str> = (0..self.arguments.len()).map(|place| self.argument(place)).collect();
        let takes = if names.is_empty() { "it takes no arguments".to_owned() } else { format!("it takes: {}", names.join(", ")) };
        if let Some(surplus) = bare.get(self.positional) {
            let reason = if self.positional == 0 && !names.is_empty() { "its arguments have names" } else { "too many values" };
            errors.at(*surplus, format!("rule `{}`: {reason} ({takes})", self.name));
            return None;
        }
        let mut fine = Some(());
        for name in named {
            let text = names::plain(name);
            if self.place(&text).is_none() {
                let near = names::nearest(&text, &names).map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
                errors.at(name.span(), format!("rule `{}` has no argument `{text}`{near} ({takes})", self.name));
                fine = None;
            }
        }
        let given = |place: usize| place < bare.len() || named.iter().any(|name| self.place(&names::plain(name)) == Some(place));
        if let Some(missing) = (0..names.len()).find(|place| self.arguments[*place].ends_with('!') && !given(*place)) {
            errors.at(span, format!("rule `{}` needs `{}` ({takes})", self.name, self.argument(missing)));
            fine = None;
        }
        fine
    }
}
