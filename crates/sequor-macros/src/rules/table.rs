//! The rules of validation and their arguments, as the ORM's own table has them; a test of the ORM compares the two.

use crate::errors::Errors;
use crate::names;
use proc_macro2::{Ident, Span};

/// One rule.
pub struct Rule {
    /// The name in a derive.
    pub name: &'static str,
    /// Sequelize's name.
    pub key: &'static str,
    /// How many arguments may stand without a name.
    pub positional: usize,
    /// The arguments; `!` marks one that must be there, `*` a list that takes all.
    pub arguments: &'static [&'static str],
}

const fn rule(name: &'static str, key: &'static str, positional: usize, arguments: &'static [&'static str]) -> Rule {
    Rule { name, key, positional, arguments }
}

const VERSION: &[&str] = &["version"];
const LOCALE: &[&str] = &["locale"];
const LOCALE_NEEDED: &[&str] = &["locale!"];
const COUNTRY: &[&str] = &["countryCode!"];
const PATTERN: &[&str] = &["pattern!", "flags"];
const TEXT: &[&str] = &["text!"];
const LIMITS: &[&str] = &["min", "max"];
const EMAIL: &[&str] = &[
    "allow_display_name",
    "require_display_name",
    "allow_utf8_local_part",
    "allow_underscores",
    "allow_ip_domain",
    "require_tld",
    "ignore_max_length",
    "domain_specific_validation",
    "blacklisted_chars",
    "host_blacklist",
    "host_whitelist",
];
const URL: &[&str] = &[
    "protocols",
    "require_protocol",
    "require_valid_protocol",
    "require_host",
    "require_port",
    "require_tld",
    "allow_underscores",
    "allow_trailing_dot",
    "allow_numeric_tld",
    "allow_wildcard",
    "ignore_max_length",
    "allow_protocol_relative_urls",
    "allow_fragments",
    "allow_query_components",
    "disallow_auth",
    "validate_length",
    "max_allowed_length",
    "host_blacklist",
    "host_whitelist",
];
const FQDN: &[&str] =
    &["require_tld", "allow_underscores", "allow_trailing_dot", "allow_numeric_tld", "allow_wildcard", "ignore_max_length"];
const CURRENCY: &[&str] = &[
    "symbol",
    "thousands_separator",
    "decimal_separator",
    "digits_after_decimal",
    "require_symbol",
    "symbol_after_digits",
    "allow_space_after_symbol",
    "allow_space_after_digits",
    "allow_negatives",
    "parens_for_negatives",
    "negative_sign_before_digits",
    "negative_sign_after_digits",
    "allow_negative_sign_placeholder",
    "allow_decimal",
    "require_decimal",
];

/// Every rule.
pub const RULES: &[Rule] = &[
    rule("len", "len", 2, LIMITS),
    rule("length", "isLength", 2, &["min", "max", "discreteLengths"]),
    rule("byte_length", "isByteLength", 2, LIMITS),
    rule("is", "is", 2, PATTERN),
    rule("regex", "regex", 2, PATTERN),
    rule("matches", "matches", 2, PATTERN),
    rule("not", "not", 2, PATTERN),
    rule("not_regex", "notRegex", 2, PATTERN),
    rule("contains", "contains", 1, TEXT),
    rule("not_contains", "notContains", 1, TEXT),
    rule("lowercase", "isLowercase", 0, &[]),
    rule("uppercase", "isUppercase", 0, &[]),
    rule("ascii", "isAscii", 0, &[]),
    rule("multibyte", "isMultibyte", 0, &[]),
    rule("full_width", "isFullWidth", 0, &[]),
    rule("half_width", "isHalfWidth", 0, &[]),
    rule("variable_width", "isVariableWidth", 0, &[]),
    rule("surrogate_pair", "isSurrogatePair", 0, &[]),
    rule("slug", "isSlug", 0, &[]),
    rule("whitelisted", "isWhitelisted", 1, &["chars!"]),
    rule("strong_password", "isStrongPassword", 0, &["minLength", "minLowercase", "minUppercase", "minNumbers", "minSymbols"]),
    rule("is_in", "isIn", 1, &["values*"]),
    rule("not_in", "notIn", 1, &["values*"]),
    rule("equals", "equals", 1, &["other!"]),
    rule("not_null", "notNull", 0, &[]),
    rule("not_empty", "notEmpty", 0, &[]),
    rule("empty", "isEmpty", 0, &["ignore_whitespace"]),
    rule("null", "isNull", 0, &["ignore_whitespace"]),
    rule("array", "isArray", 0, &[]),
    rule("immutable", "isImmutable", 0, &[]),
    rule("boolean", "isBoolean", 0, &["loose"]),
    rule("min", "min", 1, &["limit!"]),
    rule("max", "max", 1, &["limit!"]),
    rule("int", "isInt", 0, &["min", "max", "gt", "lt", "allow_leading_zeroes"]),
    rule("float", "isFloat", 0, &["min", "max", "gt", "lt", "locale"]),
    rule("decimal", "isDecimal", 0, &["force_decimal", "decimal_digits", "locale"]),
    rule("numeric", "isNumeric", 0, &["no_symbols", "locale"]),
    rule("divisible_by", "isDivisibleBy", 1, &["number!"]),
    rule("hexadecimal", "isHexadecimal", 0, &[]),
    rule("octal", "isOctal", 0, &[]),
    rule("port", "isPort", 0, &[]),
    rule("date", "isDate", 0, &[]),
    rule("after", "isAfter", 1, &["comparisonDate"]),
    rule("before", "isBefore", 1, &["comparisonDate"]),
    rule("iso8601", "isISO8601", 0, &["strict", "strictSeparator"]),
    rule("rfc3339", "isRFC3339", 0, &[]),
    rule("time", "isTime", 0, &["hourFormat", "mode"]),
    rule("email", "isEmail", 0, EMAIL),
    rule("url", "isUrl", 0, URL),
    rule("fqdn", "isFQDN", 0, FQDN),
    rule("ip", "isIP", 1, VERSION),
    rule("ipv4", "isIPv4", 0, &[]),
    rule("ipv6", "isIPv6", 0, &[]),
    rule("ip_range", "isIPRange", 1, VERSION),
    rule("mac_address", "isMACAddress", 0, &["eui", "no_separators", "no_colons"]),
    rule("mailto_uri", "isMailtoURI", 0, EMAIL),
    rule("magnet_uri", "isMagnetURI", 0, &[]),
    rule("data_uri", "isDataURI", 0, &[]),
    rule("mime_type", "isMimeType", 0, &[]),
    rule("uuid", "isUUID", 1, VERSION),
    rule("ulid", "isULID", 0, &[]),
    rule("mongo_id", "isMongoId", 0, &[]),
    rule("hash", "isHash", 1, &["algorithm!"]),
    rule("md5", "isMD5", 0, &[]),
    rule("base32", "isBase32", 0, &["crockford"]),
    rule("base58", "isBase58", 0, &[]),
    rule("base64", "isBase64", 0, &["urlSafe", "padding"]),
    rule("json", "isJSON", 0, &["allow_primitives", "allow_any_value"]),
    rule("jwt", "isJWT", 0, &[]),
    rule("sem_ver", "isSemVer", 0, &[]),
    rule("hex_color", "isHexColor", 0, &["require_hashtag"]),
    rule("rgb_color", "isRgbColor", 1, &["includePercentValues", "allowSpaces"]),
    rule("hsl", "isHSL", 0, &[]),
    rule("isbn", "isISBN", 1, VERSION),
    rule("issn", "isISSN", 0, &["require_hyphen", "case_sensitive"]),
    rule("isrc", "isISRC", 0, &[]),
    rule("ean", "isEAN", 0, &[]),
    rule("imei", "isIMEI", 0, &["allow_hyphens"]),
    rule("iso6346", "isISO6346", 0, &[]),
    rule("freight_container_id", "isFreightContainerID", 0, &[]),
    rule("iso31661_alpha2", "isISO31661Alpha2", 0, &["userAssignedCodes"]),
    rule("iso31661_alpha3", "isISO31661Alpha3", 0, &["userAssignedCodes"]),
    rule("iso31661_numeric", "isISO31661Numeric", 0, &[]),
    rule("iso4217", "isISO4217", 0, &[]),
    rule("iso6391", "isISO6391", 0, &[]),
    rule("iso15924", "isISO15924", 0, &[]),
    rule("locale", "isLocale", 0, &[]),
    rule("lat_long", "isLatLong", 0, &["checkDMS"]),
    rule("credit_card", "isCreditCard", 0, &["provider"]),
    rule("luhn_number", "isLuhnNumber", 0, &[]),
    rule("iban", "isIBAN", 0, &["whitelist", "blacklist"]),
    rule("bic", "isBIC", 0, &[]),
    rule("isin", "isISIN", 0, &[]),
    rule("aba_routing", "isAbaRouting", 0, &[]),
    rule("currency", "isCurrency", 0, CURRENCY),
    rule("btc_address", "isBtcAddress", 0, &[]),
    rule("ethereum_address", "isEthereumAddress", 0, &[]),
    rule("alpha", "isAlpha", 1, &["locale", "ignore"]),
    rule("alphanumeric", "isAlphanumeric", 1, &["locale", "ignore"]),
    rule("mobile_phone", "isMobilePhone", 1, &["locale", "strictMode"]),
    rule("postal_code", "isPostalCode", 1, LOCALE_NEEDED),
    rule("passport_number", "isPassportNumber", 1, COUNTRY),
    rule("identity_card", "isIdentityCard", 1, LOCALE_NEEDED),
    rule("tax_id", "isTaxID", 1, LOCALE),
    rule("vat", "isVAT", 1, COUNTRY),
    rule("license_plate", "isLicensePlate", 1, LOCALE_NEEDED),
];

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
