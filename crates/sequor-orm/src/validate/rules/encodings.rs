//! Rules about encoded text: base 32, 58, 64, JSON, hashes, identifiers, colors, versions.

use super::arguments::{Argument, Given, Kind, NAMED};
use super::{Rule, Subject, pattern};
use sequor_core::{Result, Value};

/// The hash functions and the number of hexadecimal digits that they give.
const HASHES: &[(&str, usize)] = &[
    ("md5", 32),
    ("md4", 32),
    ("sha1", 40),
    ("sha256", 64),
    ("sha384", 96),
    ("sha512", 128),
    ("ripemd128", 32),
    ("ripemd160", 40),
    ("tiger128", 32),
    ("tiger160", 40),
    ("tiger192", 48),
    ("crc32", 8),
    ("crc32b", 8),
];

const fn flag(name: &'static str) -> Argument {
    Argument::new(name, Kind::Bool, "")
}

pub(super) const RULES: &[Rule] = &[
    Rule::new("isUUID", "uuid", is_uuid, "is a UUID (of version 1 to 8, `nil`, `max`; `loose`: any variant; `all` unless given)")
        .takes(&[Argument::new("version", Kind::OneOf(versions), "4")], 1),
    Rule::new("isULID", "ulid", is_ulid, "is a ULID"),
    Rule::new("isMongoId", "mongo_id", is_mongo_id, "is an id of MongoDB: 24 hexadecimal digits"),
    Rule::new("isHash", "hash", is_hash, "is a hash of this algorithm in hexadecimal digits")
        .takes(&[Argument::new("algorithm", Kind::OneOf(algorithms), "\"sha256\"").required()], 1),
    Rule::new("isMD5", "md5", is_md5, "is an MD5 hash in lower case"),
    Rule::new("isBase32", "base32", is_base32, "is base 32 with padding (crockford: in Crockford's alphabet)")
        .takes(&[flag("crockford")], 0),
    Rule::new("isBase58", "base58", is_base58, "has letters of base 58 only"),
    Rule::new("isBase64", "base64", is_base64, "is base 64, with padding unless it is the URL-safe form; empty text passes")
        .takes(&[flag("urlSafe"), flag("padding")], 0),
    Rule::new("isJSON", "json", is_json, "is a JSON object or list (allow_primitives: also `null`, `true`, `false`)")
        .takes(&[flag("allow_primitives"), flag("allow_any_value")], 0),
    Rule::new("isJWT", "jwt", is_jwt, "has the form of a JSON Web Token"),
    Rule::new("isSemVer", "sem_ver", is_sem_ver, "is a semantic version"),
    Rule::new("isHexColor", "hex_color", is_hex_color, "is a color in hexadecimal digits, with or without `#`")
        .takes(&[flag("require_hashtag")], 0),
    Rule::new("isRgbColor", "rgb_color", is_rgb_color, "is a color in the form of `rgb(..)` or `rgba(..)`")
        .takes(&[flag("includePercentValues"), flag("allowSpaces")], 1),
    Rule::new("isHSL", "hsl", is_hsl, "is a color in the form of `hsl(..)` or `hsla(..)`"),
];

fn versions() -> Vec<&'static str> {
    vec!["1", "2", "3", "4", "5", "6", "7", "8", "nil", "max", "loose", "all"]
}

fn algorithms() -> Vec<&'static str> {
    HASHES.iter().map(|(name, _)| *name).collect()
}

fn is_uuid(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let text = subject.text().to_ascii_lowercase();
    let form = text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(place, byte)| if matches!(place, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    let all = |digit: char| text.chars().all(|letter| letter == digit || letter == '-');
    let of = |versions: &str| {
        let digit = |place: usize, known: &str| text.get(place..=place).is_some_and(|digit| known.contains(digit));
        digit(14, versions) && digit(19, "89ab")
    };
    Ok(form
        && match Given(args).text(0, "version").as_deref() {
            Some("loose") => true,
            Some("nil") => all('0'),
            Some("max") => all('f'),
            None | Some("all") => of("12345678") || all('0') || all('f'),
            Some(version) => of(version),
        })
}

fn is_ulid(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    pattern::has(subject.text(), "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$")
}

fn hexadecimal(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_mongo_id(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(hexadecimal(subject.text(), 24) || pattern::has(subject.text(), "^0[xXhH][0-9a-fA-F]{22}$")?)
}

fn is_hash(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let algorithm = Given(args).text(0, "algorithm").unwrap_or_default();
    Ok(HASHES.iter().any(|(name, length)| *name == algorithm && hexadecimal(subject.text(), *length)))
}

fn is_md5(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(hexadecimal(subject.text(), 32) && !subject.text().contains(|letter: char| letter.is_ascii_uppercase()))
}

fn is_base32(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    if Given(args).flag(NAMED, "crockford", false) {
        return pattern::has(subject.text(), "^[0-9A-HJKMNP-TV-Z]+$");
    }
    Ok(subject.text().len().is_multiple_of(8) && pattern::has(subject.text(), "^[A-Z2-7]+=*$")?)
}

fn is_base58(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(subject.text().bytes().all(|byte| byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte)))
}

fn is_base64(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let url_safe = args.flag(NAMED, "urlSafe", false);
    Ok(base64(subject.text(), url_safe, args.flag(NAMED, "padding", !url_safe)))
}

fn base64(text: &str, url_safe: bool, padding: bool) -> bool {
    let signs: &[u8] = if url_safe { b"-_" } else { b"+/" };
    let bare = if padding { text.strip_suffix('=').map_or(text, |text| text.strip_suffix('=').unwrap_or(text)) } else { text };
    let letters = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || signs.contains(&byte));
    text.is_empty() || letters && (!padding || text.len().is_multiple_of(4))
}

fn is_json(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    use serde_json::Value as Json;
    let args = Given(args);
    let any = args.flag(NAMED, "allow_any_value", false);
    let primitives = any || args.flag(NAMED, "allow_primitives", false);
    Ok(match serde_json::from_str(subject.text()) {
        Ok(Json::Array(_) | Json::Object(_)) => true,
        Ok(Json::Null | Json::Bool(_)) => primitives,
        Ok(Json::Number(_) | Json::String(_)) => any,
        Err(_) => false,
    })
}

fn is_jwt(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(subject.text().split('.').count() == 3 && subject.text().split('.').all(|part| base64(part, true, false)))
}

fn is_sem_ver(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    const NUMBER: &str = "(0|[1-9][0-9]*)";
    const PART: &str = "[0-9A-Za-z-]+";
    // A part of digits only has no leading zero.
    let label = "(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
    pattern::has(subject.text(), &format!(r"^{NUMBER}\.{NUMBER}\.{NUMBER}(-{label}(\.{label})*)?(\+{PART}(\.{PART})*)?$"))
}

fn is_hex_color(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let required = Given(args).flag(NAMED, "require_hashtag", false);
    let (sign, digits) = subject.text().strip_prefix('#').map_or((false, subject.text()), |digits| (true, digits));
    Ok((sign || !required) && [3, 4, 6, 8].iter().any(|length| hexadecimal(digits, *length)))
}

fn is_rgb_color(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let spaces = args.flag(NAMED, "allowSpaces", false) && subject.text().starts_with("rgb");
    let text: String = subject.text().chars().filter(|letter| !spaces || !super::membership::is_space(*letter)).collect();
    let number = "([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])";
    let percent = "([0-9]|[1-9][0-9]|100)%";
    let alpha = r"(0?\.[0-9]+|[01](\.0+)?)";
    let form = |part: &str| pattern::has(&text, &format!(r"^(rgb\({part},{part},{part}\)|rgba\({part},{part},{part},{alpha}\))$"));
    Ok(form(number)? || args.flag(0, "includePercentValues", true) && form(percent)?)
}

fn is_hsl(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    let number = r"[-+]?([0-9]+(\.[0-9]+)?|\.[0-9]+)(e[-+]?[0-9]+)?";
    let hue = format!("{number}(deg|grad|rad|turn)?");
    let commas = format!(r"{hue}\s*,\s*{number}%\s*,\s*{number}%(\s*,\s*{number}%?)?");
    let spaces = format!(r"{hue}\s+{number}%\s+{number}%(\s*/\s+{number}%?)?");
    let text = subject.text().to_ascii_lowercase();
    pattern::has(&text, &format!(r"^\s?hsla?\(\s*({commas}|{spaces})\s*\)\s?$"))
}
