//! The table of rules: what each is called, what it takes, and the function that checks it.
//!
//! A rule is pure: it sees one value and its arguments, never a model or a database. When a rule runs, in which order, and what becomes of a failure is
//! decided by the parent module; `null` never reaches a rule but `notNull`. Semantics are those of Sequelize 6 and of the validator.js it wraps; where
//! they differ on purpose, the rule's `doc` says so.

mod arguments;

mod codes;
mod dates;
mod encodings;
mod finance;
mod locales;
mod membership;
mod network;
mod numbers;
mod pattern;
mod setting;
mod subject;
mod text;

pub(super) use numbers::is_numeral;

pub use arguments::{Argument, Arguments, Kind, check_arguments, named_arguments};
pub use setting::Setting;
pub use subject::Subject;

use sequor_core::{Error, Result, Value};
use std::sync::LazyLock;

/// The function of a rule: whether the subject passes with these arguments.
pub type Check = fn(&Subject<'_>, &[Value]) -> Result<bool>;

/// One row of the table of rules.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The name in Sequelize, in failures and in JSON: `isEmail`.
    pub key: &'static str,
    /// The name in the derive: `email`.
    pub attribute: &'static str,
    /// What it takes.
    pub arguments: Arguments,
    /// Whether a value passes.
    pub check: Check,
    /// Completes "passes when the value ..".
    pub doc: &'static str,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("key", &self.key).field("arguments", &self.arguments).finish_non_exhaustive()
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        self.key == other.key
    }
}

impl Rule {
    const fn new(key: &'static str, attribute: &'static str, check: Check, doc: &'static str) -> Rule {
        Rule { key, attribute, arguments: Arguments::NONE, check, doc }
    }

    /// The same rule with arguments; the first `positional` of them may be given without a name.
    const fn takes(self, list: &'static [Argument], positional: usize) -> Rule {
        Rule { arguments: Arguments { list, positional, any: false }, ..self }
    }

    /// Like [`Rule::takes`], and at least one argument must be there.
    const fn takes_any(self, list: &'static [Argument], positional: usize) -> Rule {
        Rule { arguments: Arguments { list, positional, any: true }, ..self }
    }

    /// How the rule is written in a derive, with sample arguments.
    pub fn example(&self) -> String {
        let samples = self.arguments.samples();
        let samples = if samples.is_empty() { samples } else { format!("({samples})") };
        format!("validate({}{samples})", self.attribute)
    }
}

static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    [
        text::RULES,
        membership::RULES,
        numbers::RULES,
        dates::RULES,
        network::RULES,
        encodings::RULES,
        codes::RULES,
        finance::RULES,
        locales::RULES,
    ]
    .concat()
});

/// Every rule, by family.
pub fn all() -> &'static [Rule] {
    &ALL
}

/// The rule of a name: Sequelize's (`isEmail`), the derive's (`email`), or either in snake case (`is_email`).
pub fn find(name: &str) -> Option<&'static Rule> {
    let all = all();
    if let Some(rule) = all.iter().find(|rule| rule.key == name).or_else(|| all.iter().find(|rule| rule.attribute == name)) {
        return Some(rule);
    }
    let folded = fold(name);
    all.iter().find(|rule| {
        let key = fold(rule.key);
        key == folded || fold(rule.attribute) == folded || key.strip_prefix("is").is_some_and(|rest| rest == folded)
    })
}

/// The rule of a name, or an error that names the nearest ones.
///
/// # Errors
/// `Usage` when there is no such rule.
#[track_caller]
pub fn require(name: &str) -> Result<&'static Rule> {
    let Some(rule) = find(name) else {
        let near = nearest(name).map(|rule| format!("; did you mean {} ({} in a derive)?", rule.key, rule.attribute)).unwrap_or_default();
        return Err(Error::usage(format!("invalid validator function: there is no validation rule {name}{near}")));
    };
    Ok(rule)
}

/// The message of a failure that has none of its own, in Sequelize's words.
pub fn default_message(rule: &Rule, path: &str) -> String {
    format!("Validation {} on {path} failed", rule.key)
}

/// Whether a value passes: null passes every rule but `notNull`, everything else is up to the rule.
///
/// # Errors
/// `Usage` for arguments that [`check_arguments`] would refuse, and for a regular expression that needs too many steps on this value.
pub fn passes(rule: &Rule, value: &Value, args: &[Value]) -> Result<bool> {
    if value.is_null() { Ok(rule.key != "notNull") } else { (rule.check)(&Subject::new(value), args) }
}

/// A name without case and underscores.
fn fold(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

fn nearest(name: &str) -> Option<&'static Rule> {
    let folded = fold(name);
    let distance = |rule: &&Rule| {
        let (key, attribute) = (fold(rule.key), fold(rule.attribute));
        edits(&folded, &key).min(edits(&folded, &attribute))
    };
    all().iter().min_by_key(distance).filter(|rule| distance(rule) * 3 <= folded.len())
}

/// The number of letters to insert, remove or replace to come from one text to the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], line + 1);
        for (place, other) in to.iter().enumerate() {
            let replaced = corner + usize::from(letter != *other);
            corner = row[place + 1];
            row[place + 1] = replaced.min(row[place] + 1).min(corner + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
