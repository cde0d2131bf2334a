//! URIs that are no URLs, and media types.

use super::super::arguments::Given;
use super::super::{Subject, pattern};
use super::email;
use sequor_core::{Result, Value};

pub(super) fn is_mailto(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let Some(rest) = subject.text().strip_prefix("mailto:") else { return Ok(false) };
    let mut parts = rest.split('?');
    let (to, query) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Some(copies) = copies(query) else { return Ok(false) };
    let mut addresses = std::iter::once(to).chain(copies).flat_map(|list| list.split(',')).map(|address| address.trim_matches(' '));
    Ok(addresses.all(|address| address.is_empty() || email::matches(address, Given(args))))
}

/// The addresses of `cc` and `bcc`; `None` when a field is unknown or stands twice.
fn copies(query: &str) -> Option<Vec<&str>> {
    let mut seen = Vec::new();
    let mut copies = Vec::new();
    if query.split('&').count() > 4 {
        return None;
    }
    for field in query.split('&') {
        let mut sides = field.split('=');
        let (name, value) = (sides.next().unwrap_or_default(), sides.next().unwrap_or_default());
        if name.is_empty() {
            continue;
        }
        if !["subject", "body", "cc", "bcc"].contains(&name) || seen.contains(&name) {
            return None;
        }
        seen.push(name);
        if name.ends_with("cc") {
            copies.push(value);
        }
    }
    Some(copies)
}

pub(super) fn is_magnet(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    const HASHES: &str = "(aich|bitprint|btih|ed2k|ed2khash|kzhash|md5|sha1|tree:tiger):([a-z0-9]{32}|[a-z0-9]{40})";
    let topic = format!(r"[?&]xt(\.1)?=urn:({HASHES}|btmh:1220[a-z0-9]{{64}})(&|$)");
    Ok(subject.text().starts_with("magnet:?") && pattern::matches(subject.text(), &topic, "i")?)
}

pub(super) fn is_data(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    let Some((head, data)) = subject.text().split_once(',') else { return Ok(false) };
    let Some(head) = head.trim().strip_prefix("data:") else { return Ok(false) };
    let mut attributes = head.split(';');
    let kind = attributes.next().unwrap_or_default();
    let attributes: Vec<&str> = attributes.collect();
    let attribute = |(place, text): (usize, &&str)| -> Result<bool> {
        let last = place + 1 == attributes.len();
        Ok(last && text.eq_ignore_ascii_case("base64") || pattern::has(text, "^[a-zA-Z-]+=[a-zA-Z0-9-]+$")?)
    };
    if !kind.is_empty() && !pattern::has(kind, "^[a-zA-Z]+/[a-zA-Z0-9+._-]+$")? {
        return Ok(false);
    }
    for entry in attributes.iter().enumerate() {
        if !attribute(entry)? {
            return Ok(false);
        }
    }
    pattern::has(data, r"^[a-zA-Z0-9!$&'()*+,;=._~:@/?%\s-]*$")
}

pub(super) fn is_mime_type(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    let text = subject.text().to_ascii_lowercase();
    let (kind, rest) = text.split_once('/').unwrap_or((&text, ""));
    let known = ["application", "audio", "font", "image", "message", "model", "multipart", "text", "video"].contains(&kind);
    let value = r#"("[a-z0-9.+\s-]{0,70}"|[a-z0-9.+-]{0,70})(\s?\([a-z0-9.+\s-]{1,20}\))?"#;
    let parameters = match kind {
        "text" => format!(r"(;\s?charset={value})?"),
        "multipart" => format!(r"(;\s?(boundary|charset)={value}){{0,2}}"),
        _ => String::new(),
    };
    Ok(known && (pattern::has(rest, "^[a-z0-9.+_-]{1,100}$")? || pattern::has(rest, &format!("^[a-z0-9.+-]{{1,100}}{parameters}$"))?))
}
