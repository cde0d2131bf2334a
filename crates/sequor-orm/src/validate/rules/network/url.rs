//! URLs.

use super::super::arguments::{Given, NAMED};
use super::super::{Subject, membership};
use super::address;
use super::host::Form;
use sequor_core::{Result, Value};

pub(super) fn is_url(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(matches(subject.text(), Given(args)).is_some())
}

/// `None` as soon as something is wrong.
fn matches(text: &str, args: Given<'_>) -> Option<()> {
    let on = |name| args.flag(NAMED, name, true);
    let off = |name| args.flag(NAMED, name, false);
    let length = args.number(NAMED, "max_allowed_length").unwrap_or(2084.0);
    let too_long = u32::try_from(text.encode_utf16().count()).is_ok_and(|found| f64::from(found) > length);
    let forbidden = text.is_empty()
        || text.contains(|letter| matches!(letter, '<' | '>') || membership::is_space(letter))
        || text.starts_with("mailto:")
        || on("validate_length") && too_long
        || !on("allow_fragments") && text.contains('#')
        || !on("allow_query_components") && text.contains(['?', '&']);
    if forbidden {
        return None;
    }
    let text = text.split(['#', '?']).next()?;
    let (protocol, rest) = without_protocol(text, args)?;
    let rest = match rest.strip_prefix("//") {
        Some(rest) => (protocol || off("allow_protocol_relative_urls")).then_some(rest)?,
        None => rest,
    };
    if rest.is_empty() {
        return None;
    }
    let authority = rest.split('/').next()?;
    if authority.is_empty() && !on("require_host") {
        return Some(());
    }
    let host_and_port = without_credentials(authority, off("disallow_auth"))?;
    is_place(host_and_port, args).then_some(())
}

/// Whether there was a protocol, and what follows it. `user:password@host` and `host:port` have none, whatever their colon looks like.
fn without_protocol<'a>(text: &'a str, args: Given<'_>) -> Option<(bool, &'a str)> {
    let required = args.flag(NAMED, "require_protocol", false);
    let none = (!required).then_some((false, text));
    let Some((protocol, rest)) = text.split_once(':').filter(|(protocol, _)| is_protocol(protocol)) else {
        return none;
    };
    if !rest.starts_with("//") {
        let before_path = rest.split('/').next()?;
        match before_path.split_once('@') {
            Some((secret, _)) if is_secret(secret) => return none,
            None if rest.starts_with(|letter: char| letter.is_ascii_digit()) => return none,
            Some(_) | None => {}
        }
    }
    let protocol = protocol.to_ascii_lowercase();
    let known = match args.list(NAMED, "protocols") {
        Some(protocols) => protocols.contains(&protocol),
        None => ["http", "https", "ftp"].contains(&protocol.as_str()),
    };
    (known || !args.flag(NAMED, "require_valid_protocol", true)).then_some((true, rest))
}

fn is_protocol(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// A password before `@`; anything with percent-encoding may be a script in disguise (`javascript:%61lert@host`).
fn is_secret(text: &str) -> bool {
    let encoded =
        text.as_bytes().windows(3).any(|window| window[0] == b'%' && window[1].is_ascii_hexdigit() && window[2].is_ascii_hexdigit());
    !encoded && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.%:".contains(&byte))
}

fn without_credentials(authority: &str, disallowed: bool) -> Option<&str> {
    let Some((credentials, rest)) = authority.split_once('@') else { return Some(authority) };
    let fine = !disallowed && !credentials.is_empty() && credentials != ":" && credentials.matches(':').count() < 2;
    fine.then_some(rest)
}

fn is_place(text: &str, args: Given<'_>) -> bool {
    let bracketed =
        text.strip_prefix('[').and_then(|text| text.split_once(']')).filter(|(inside, tail)| !inside.is_empty() && is_port_tail(tail));
    let (host, ipv6, port) = match bracketed {
        Some((inside, tail)) => ("", Some(inside), tail.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None, None), |(host, port)| (host, None, Some(port))),
    };
    let port = match port.filter(|port| !port.is_empty()) {
        Some(port) => is_port(port),
        None => !args.flag(NAMED, "require_port", false),
    };
    if !port {
        return false;
    }
    if let Some(hosts) = args.list(NAMED, "host_whitelist") {
        return hosts.iter().any(|known| known == host);
    }
    if host.is_empty() && !args.flag(NAMED, "require_host", true) {
        return true;
    }
    let valid = address::any(host) || Form::read(args).matches(host) || ipv6.is_some_and(address::v6);
    let host = if host.is_empty() { ipv6.unwrap_or_default() } else { host };
    valid && !args.list(NAMED, "host_blacklist").is_some_and(|hosts| hosts.iter().any(|known| known == host))
}

/// Nothing, or a colon and a port, behind the brackets of an address.
fn is_port_tail(tail: &str) -> bool {
    tail.is_empty() || tail.strip_prefix(':').is_some_and(|port| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit()) && text.trim_start_matches('0').parse::<u16>().is_ok()
}
