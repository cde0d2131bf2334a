//! [`Arguments`]: what a rule takes, how that is checked when the model is defined, and how a rule reads it.

mod given;

pub(super) use given::Given;

use super::setting::value_of;
use super::subject::text_of;
use super::{Rule, dates, pattern};
use given::{json_list, number_of, plain};
use sequor_core::{Error, Result, Value};
use serde_json::Value as Json;

/// What a rule takes.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    /// Every argument; each can be given by name.
    pub list: &'static [Argument],
    /// How many of them, from the first, may be given without a name.
    pub positional: usize,
    /// Whether at least one of them must be there.
    pub any: bool,
}

/// One argument of a rule.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name; case and underscores are ignored.
    pub name: &'static str,
    /// What it must be.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// A value for examples, as a derive spells it; empty when examples leave the argument out.
    pub sample: &'static str,
}

/// What an argument must be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Any text (or a number, taken as text).
    Text,
    /// A regular expression in JavaScript's syntax.
    Pattern,
    /// The flags of a regular expression: some of `dgimsuy`.
    Flags,
    /// A number.
    Number,
    /// true or false.
    Bool,
    /// A date.
    Date,
    /// A list of scalars.
    List,
    /// A list of scalars, nested once or spread over all arguments.
    Items,
    /// One of these texts, or a list of them.
    OneOf(fn() -> Vec<&'static str>),
}

/// The position of an argument that is only given by name.
pub(super) const NAMED: usize = usize::MAX;

impl Argument {
    pub(super) const fn new(name: &'static str, kind: Kind, sample: &'static str) -> Argument {
        Argument { name, kind, required: false, sample }
    }

    pub(super) const fn required(self) -> Argument {
        Argument { required: true, ..self }
    }
}

impl Arguments {
    /// For a rule that takes nothing.
    pub const NONE: Arguments = Arguments { list: &[], positional: 0, any: false };

    /// The argument of a name.
    pub fn find(&self, name: &str) -> Option<&'static Argument> {
        self.list.iter().find(|argument| same_name(argument.name, name))
    }

    /// The arguments of an example in a derive.
    pub fn samples(&self) -> String {
        let sample = |argument: &&Argument| {
            let bare = self.positional > 0 && self.list.iter().take(self.positional).filter(|other| !other.sample.is_empty()).count() < 2;
            let first = self.list.first().is_some_and(|first| first.name == argument.name);
            if bare && first { argument.sample.to_owned() } else { format!("{} = {}", argument.name, argument.sample) }
        };
        self.list.iter().filter(|argument| !argument.sample.is_empty()).map(|argument| sample(&argument)).collect::<Vec<_>>().join(", ")
    }

    /// What the rule takes, for messages and the docs.
    pub fn summary(&self) -> String {
        let word = |argument: &Argument| {
            let kind = argument.kind.summary();
            if argument.required { format!("{}: {kind}", argument.name) } else { format!("{}?: {kind}", argument.name) }
        };
        if self.list.is_empty() { "no arguments".into() } else { self.list.iter().map(word).collect::<Vec<_>>().join(", ") }
    }
}

impl Kind {
    fn summary(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Pattern => "regular expression",
            Kind::Flags => "flags",
            Kind::Number => "number",
            Kind::Bool => "bool",
            Kind::Date => "date",
            Kind::List | Kind::Items => "list",
            Kind::OneOf(_) => "name",
        }
    }

    fn check(self, value: &Value) -> Result<(), String> {
        let scalar = !matches!(value, Value::Null | Value::Json(_) | Value::Array(_) | Value::Range(_) | Value::Bytes(_));
        match self {
            Kind::Text if scalar => Ok(()),
            Kind::Text => Err("must be text".into()),
            Kind::Pattern if matches!(value, Value::Text(_)) => Ok(()),
            Kind::Pattern => Err("must be the text of a regular expression".into()),
            Kind::Flags => pattern::check_flags(&text_of(value)).map_err(|error| error.to_string()),
            Kind::Number if number_of(value).is_some() => Ok(()),
            Kind::Number => Err("must be a number".into()),
            Kind::Bool if matches!(value, Value::Bool(_)) => Ok(()),
            Kind::Bool => Err("must be true or false".into()),
            Kind::Date if scalar && dates::instant_of(&text_of(value)).is_some() => Ok(()),
            Kind::Date => Err("must be a date such as \"2020-01-31\"".into()),
            Kind::List | Kind::Items if matches!(value, Value::Array(_)) || json_list(value).is_some() => Ok(()),
            Kind::Items if scalar => Ok(()),
            Kind::List | Kind::Items => Err("must be a list".into()),
            Kind::OneOf(known) => one_of(&known(), value),
        }
    }
}

fn one_of(known: &[&str], value: &Value) -> Result<(), String> {
    let names = match value {
        Value::Array(items) => items.iter().map(|item| text_of(item).into_owned()).collect(),
        other => vec![text_of(other).into_owned()],
    };
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("{name} is not known; known are {}", known.join(", "))),
        None => Ok(()),
    }
}

/// Checks the arguments of a rule when a model is defined.
///
/// # Errors
/// `Usage`, naming the rule and what it takes: a missing, surplus or unknown argument, one of the wrong kind, a bad regular expression.
#[track_caller]
pub fn check_arguments(rule: &Rule, args: &[Value]) -> Result<()> {
    checked(rule, args)
        .map_err(|problem| Error::usage(format!("validation rule {}: {problem}; it takes {}", rule.key, rule.arguments.summary())))
}

fn checked(rule: &Rule, args: &[Value]) -> Result<(), String> {
    let arguments = &rule.arguments;
    if let [Argument { kind: kind @ Kind::Items, name, .. }] = arguments.list {
        return if args.is_empty() { Err(format!("{name} is missing")) } else { args.iter().try_for_each(|item| kind.check(item)) };
    }
    let given = Given(args);
    let bare = args.len() - usize::from(given.object().is_some());
    if bare > arguments.positional {
        return Err(match arguments.positional {
            0 if arguments.list.is_empty() => "it takes nothing".into(),
            0 => "its arguments have names".into(),
            most => format!("at most {most} without a name"),
        });
    }
    for (argument, value) in arguments.list.iter().zip(&args[..bare]).filter(|(_, value)| !value.is_null()) {
        argument.kind.check(&plain(value)).map_err(|problem| format!("{} {problem}", argument.name))?;
    }
    for (name, value) in given.object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let argument = arguments.find(name).ok_or_else(|| format!("there is no argument {name}"))?;
        argument.kind.check(&value_of(value.clone())).map_err(|problem| format!("{name} {problem}"))?;
    }
    let present = |place: usize, argument: &Argument| given.get(place, argument.name).is_some();
    if let Some((_, missing)) = arguments.list.iter().enumerate().find(|(place, argument)| argument.required && !present(*place, argument))
    {
        return Err(format!("{} is missing", missing.name));
    }
    if arguments.any && !arguments.list.iter().enumerate().any(|(place, argument)| present(place, argument)) {
        return Err("at least one argument must be there".into());
    }
    checked_pattern(arguments, given)
}

fn checked_pattern(arguments: &Arguments, given: Given<'_>) -> Result<(), String> {
    match (arguments.list.first().map(|argument| argument.kind), given.text(0, "pattern")) {
        (Some(Kind::Pattern), Some(source)) => {
            let flags = given.text(1, "flags").unwrap_or_default();
            pattern::check(&source, &flags).map_err(|error| error.to_string())
        }
        _ => Ok(()),
    }
}

/// Puts the named arguments of a derive (`len(min = 1, max = 80)`) behind those without a name, in the form that JSON would give them.
///
/// # Errors
/// `Usage` as [`check_arguments`], which this calls.
#[track_caller]
pub fn named_arguments(rule: &Rule, bare: Vec<Value>, named: Vec<(String, Value)>) -> Result<Vec<Value>> {
    let arguments = &rule.arguments;
    let place = |name: &str| arguments.list.iter().take(arguments.positional).position(|argument| same_name(argument.name, name));
    let mut args = bare;
    if named.iter().all(|(name, _)| place(name).is_some()) {
        for (name, value) in named {
            let place = place(&name).unwrap_or_default();
            if args.len() <= place {
                args.resize(place + 1, Value::Null);
            }
            args[place] = value;
        }
    } else {
        args.push(Value::from(Json::Object(named.into_iter().map(|(name, value)| (name, value.to_json())).collect())));
    }
    check_arguments(rule, &args)?;
    Ok(args)
}

/// Whether two names are the same but for case and underscores.
fn same_name(one: &str, other: &str) -> bool {
    let letters = |name: &str| name.bytes().filter(|letter| *letter != b'_').map(|letter| letter.to_ascii_lowercase()).collect::<Vec<_>>();
    one == other || letters(one) == letters(other)
}
