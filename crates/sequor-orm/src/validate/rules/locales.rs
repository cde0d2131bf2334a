//! Rules that depend on a language or a country.

mod alphabet;

pub(super) use alphabet::{decimal_locales, decimal_separator};

use super::Rule;
use super::arguments::{Argument, Kind};

const ALPHABET: &[Argument] = &[Argument::new("locale", Kind::OneOf(alphabet::locales), ""), Argument::new("ignore", Kind::Text, "")];

pub(super) const RULES: &[Rule] = &[
    Rule::new("isAlpha", "alpha", alphabet::is_alpha, "has letters of the locale's alphabet only (`en-US` unless given)")
        .takes(ALPHABET, 1),
    Rule::new(
        "isAlphanumeric",
        "alphanumeric",
        alphabet::is_alphanumeric,
        "has letters of the locale's alphabet and digits only (`en-US` unless given)",
    )
    .takes(ALPHABET, 1),
];
