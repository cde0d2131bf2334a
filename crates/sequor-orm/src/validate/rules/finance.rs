//! Rules about money: cards, accounts, securities, amounts, addresses of coins.

mod currency;
mod iban;

use super::arguments::{Argument, Given, Kind, NAMED};
use super::codes::{is_country, luhn};
use super::{Rule, Subject, pattern};
use sequor_core::{Result, Value};

/// The issuers of cards, and what their numbers look like.
const CARDS: &[(&str, &str)] = &[
    ("amex", "^3[47][0-9]{13}$"),
    ("dinersclub", "^3(0[0-5]|[68][0-9])[0-9]{11}$"),
    ("discover", "^6(011|5[0-9]{2})[0-9]{12,15}$"),
    ("jcb", "^(2131|1800|35[0-9]{3})[0-9]{11}$"),
    ("mastercard", "^(5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}$"),
    ("unionpay", "^(6[27][0-9]{14}|81[0-9]{14,17})$"),
    ("visa", "^4[0-9]{12}([0-9]{3,6})?$"),
];

const COUNTRIES: &[Argument] = &[Argument::new("whitelist", Kind::List, ""), Argument::new("blacklist", Kind::List, "")];

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "isCreditCard",
        "credit_card",
        is_credit_card,
        "is a card number with a valid check digit; spaces and hyphens may separate it",
    )
    .takes(&[Argument::new("provider", Kind::OneOf(providers), "")], 0),
    Rule::new("isLuhnNumber", "luhn_number", is_luhn_number, "is a number whose check digit is right by Luhn's formula"),
    Rule::new("isIBAN", "iban", iban::is_iban, "is an IBAN of a known country with valid check digits").takes(COUNTRIES, 0),
    Rule::new("isBIC", "bic", is_bic, "is a BIC (SWIFT code)"),
    Rule::new("isISIN", "isin", is_isin, "is an ISIN with a valid check digit"),
    Rule::new("isAbaRouting", "aba_routing", is_aba_routing, "is a routing number of a bank in the United States"),
    Rule::new("isCurrency", "currency", currency::is_currency, "is an amount of money such as `$10,000.00`").takes(currency::ARGUMENTS, 0),
    Rule::new("isBtcAddress", "btc_address", is_btc_address, "has the form of a Bitcoin address"),
    Rule::new("isEthereumAddress", "ethereum_address", is_ethereum_address, "has the form of an Ethereum address"),
];

fn providers() -> Vec<&'static str> {
    let names = ["AmEx", "DinersClub", "Discover", "JCB", "Mastercard", "UnionPay", "Visa"];
    CARDS.iter().map(|(name, _)| *name).chain(names).collect()
}

fn bare(text: &str) -> String {
    text.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect()
}

fn is_credit_card(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let number = bare(subject.text());
    let provider = Given(args).text(NAMED, "provider").map(|provider| provider.to_ascii_lowercase());
    for (_, form) in CARDS.iter().filter(|(name, _)| provider.as_ref().is_none_or(|provider| provider == name)) {
        if pattern::has(&number, form)? {
            return Ok(luhn(&number));
        }
    }
    Ok(false)
}

fn is_luhn_number(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    let number = bare(subject.text());
    Ok(!number.is_empty() && luhn(&number))
}

fn is_bic(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    let country = subject.text().get(4..6).unwrap_or_default().to_ascii_uppercase();
    Ok((is_country(&country) || country == "XK") && pattern::has(subject.text(), "^[A-Za-z]{6}[A-Za-z0-9]{2}([A-Za-z0-9]{3})?$")?)
}

/// Letters count as two digits, A being 10; then Luhn's formula holds.
fn is_isin(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    if !pattern::has(subject.text(), "^[A-Z]{2}[0-9A-Z]{9}[0-9]$")? {
        return Ok(false);
    }
    let digits: String = subject.text().chars().filter_map(|letter| letter.to_digit(36)).map(|digit| digit.to_string()).collect();
    Ok(luhn(&digits))
}

fn is_aba_routing(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    // The first two digits name a district of the Federal Reserve; the other series are not in use.
    if !pattern::has(subject.text(), "^(0[0-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)[0-9]{7}$")? {
        return Ok(false);
    }
    let sum: u32 = subject
        .text()
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .zip([3, 7, 1].into_iter().cycle())
        .map(|(digit, weight)| digit * weight)
        .sum();
    Ok(sum.is_multiple_of(10))
}

fn is_btc_address(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    pattern::has(subject.text(), "^((bc1|tb1)p?[02-9ac-hj-np-z]{39,58}|[123m][1-9A-HJ-NP-Za-km-z]{25,39})$")
}

fn is_ethereum_address(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    pattern::has(subject.text(), "^0[xX][0-9a-fA-F]{40}$")
}
