//! Rules that depend on a language or a country. An unknown one is refused when the model is defined.

mod alphabet;
mod identity;
mod mobile;
mod plates;
mod postal;
mod tax;
mod vat;

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
    Rule::new(
        "isMobilePhone",
        "mobile_phone",
        mobile::is_mobile_phone,
        "is a mobile phone number of the locale, of one of several, or of any",
    )
    .takes(mobile::ARGUMENTS, 1),
    Rule::new("isPostalCode", "postal_code", postal::is_postal_code, "is a postal code of the country").takes(postal::POSTAL, 1),
    Rule::new("isPassportNumber", "passport_number", postal::is_passport_number, "has the form of a passport number of the country")
        .takes(postal::PASSPORT, 1),
    Rule::new("isIdentityCard", "identity_card", identity::is_identity_card, "is the number of an identity card of the country")
        .takes(identity::ARGUMENTS, 1),
    Rule::new("isTaxID", "tax_id", tax::is_tax_id, "is a tax number of the locale (`en-US` unless given)").takes(tax::ARGUMENTS, 1),
    Rule::new("isVAT", "vat", vat::is_vat, "is a number of value-added tax of the country").takes(vat::VAT, 1),
    Rule::new("isLicensePlate", "license_plate", vat::is_license_plate, "is a license plate of the locale").takes(vat::PLATE, 1),
];
