//! E-mail addresses.

use super::super::arguments::{Given, NAMED};
use super::super::{Subject, membership};
use super::address;
use super::host::Form;
use sequor_core::{Result, Value};

pub(super) fn is_email(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(matches(subject.text(), Given(args)))
}

pub(super) fn matches(text: &str, args: Given<'_>) -> bool {
    let flag = |name| args.flag(NAMED, name, false);
    let named = flag("allow_display_name") || flag("require_display_name");
    let Some(address) = (if named { without_display_name(text, flag("require_display_name")) } else { Some(text) }) else {
        return false;
    };
    let unlimited = flag("ignore_max_length");
    if !unlimited && address.encode_utf16().count() > 254 {
        return false;
    }
    let Some((user, domain)) = address.rsplit_once('@') else { return false };
    if !unlimited && (user.len() > 64 || domain.len() > 254) {
        return false;
    }
    is_domain(domain, args) && (!flag("domain_specific_validation") || is_mailbox_of(user, domain)) && is_user(user, args)
}

/// `Name <address>` without the name and brackets; `None` when the name is no name.
fn without_display_name(text: &str, required: bool) -> Option<&str> {
    let (name, rest) = match text.rsplit_once('<').filter(|(name, _)| !name.is_empty() && !name.contains(char::is_control)) {
        Some(parts) => parts,
        None => return (!required).then_some(text),
    };
    let name = name.strip_suffix(' ').unwrap_or(name);
    is_display_name(name).then(|| rest.strip_suffix('>').unwrap_or(rest))
}

/// Anything but white space alone; special characters only within quotes, quotes among them behind a backslash.
fn is_display_name(name: &str) -> bool {
    let bare = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).filter(|bare| !bare.is_empty());
    let inside = bare.unwrap_or(name);
    if inside.chars().all(membership::is_space) {
        return false;
    }
    !inside.contains(['.', '"', ';', '<', '>']) || bare.is_some() && inside.matches('"').count() == inside.matches("\\\"").count()
}

fn is_domain(domain: &str, args: Given<'_>) -> bool {
    let lower = domain.to_lowercase();
    let list = |name| args.list(NAMED, name).filter(|hosts| !hosts.is_empty());
    if list("host_blacklist").is_some_and(|hosts| hosts.contains(&lower))
        || list("host_whitelist").is_some_and(|hosts| !hosts.contains(&lower))
    {
        return false;
    }
    let form = Form { allow_trailing_dot: false, allow_numeric_tld: false, allow_wildcard: false, ..Form::read(args) };
    let bracketed = || domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']')).is_some_and(address::any);
    form.matches(domain) || args.flag(NAMED, "allow_ip_domain", false) && (address::any(domain) || bracketed())
}

/// Gmail's own rule: 6 to 30 letters and digits, with single dots, before a `+`.
fn is_mailbox_of(user: &str, domain: &str) -> bool {
    if !["gmail.com", "googlemail.com"].contains(&domain.to_lowercase().as_str()) {
        return true;
    }
    let user = user.to_lowercase();
    let name = user.split('+').next().unwrap_or_default();
    let letters = name.replace('.', "");
    (6..=30).contains(&letters.len())
        && name.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

fn is_user(user: &str, args: Given<'_>) -> bool {
    let international = args.flag(NAMED, "allow_utf8_local_part", true);
    if args.text(NAMED, "blacklisted_chars").is_some_and(|chars| user.contains(|letter| chars.contains(letter))) {
        return false;
    }
    if user.starts_with('"') && user.ends_with('"') {
        let inside = user.get(1..user.len() - 1).unwrap_or_default();
        return is_quoted(inside, international);
    }
    let letter = |letter: char| match letter {
        '\u{A1}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFEF}' => international,
        other => other.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(other),
    };
    user.split('.').all(|part| !part.is_empty() && part.chars().all(letter))
}

fn is_quoted(text: &str, international: bool) -> bool {
    let wide = |letter: char| international && matches!(letter, '\u{A0}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFEF}');
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let allowed = match letter {
            '\\' => letters.next().is_some_and(|next| matches!(next, '\u{1}'..='\u{9}' | '\u{B}'..='\u{7F}') || wide(next)),
            '"' | '\0' => false,
            other => other.is_ascii() || membership::is_space(other) || wide(other),
        };
        if !allowed {
            return false;
        }
    }
    true
}
