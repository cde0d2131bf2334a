//! IP and MAC addresses.

use super::super::arguments::{Given, NAMED};
use super::super::{Subject, pattern};
use sequor_core::{Result, Value};
use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) fn v4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

pub(super) fn v6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
    let zone = !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    zone && address.parse::<Ipv6Addr>().is_ok()
}

pub(super) fn any(text: &str) -> bool {
    v4(text) || v6(text)
}

pub(super) fn is_ip(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(of_version(subject.text(), &Given(args).text(0, "version").unwrap_or_default()))
}

fn of_version(text: &str, version: &str) -> bool {
    match version {
        "4" => v4(text),
        "6" => v6(text),
        _ => any(text),
    }
}

pub(super) fn is_ipv4(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(v4(subject.text()))
}

pub(super) fn is_ipv6(subject: &Subject<'_>, _: &[Value]) -> Result<bool> {
    Ok(v6(subject.text()))
}

pub(super) fn is_ip_range(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let version = Given(args).text(0, "version").unwrap_or_default();
    let Some((address, bits)) = subject.text().split_once('/') else { return Ok(false) };
    let form =
        (1..=3).contains(&bits.len()) && bits.bytes().all(|digit| digit.is_ascii_digit()) && (bits.len() == 1 || !bits.starts_with('0'));
    let most = if v4(address) { 32 } else { 128 };
    Ok(form && of_version(address, &version) && bits.parse::<u32>().is_ok_and(|bits| bits <= most))
}

pub(super) fn is_mac_address(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    let args = Given(args);
    let bare = args.flag(NAMED, "no_separators", false) || args.flag(NAMED, "no_colons", false);
    let bytes: &[usize] = match args.text(NAMED, "eui").as_deref() {
        Some("48") => &[6],
        Some("64") => &[8],
        _ => &[6, 8],
    };
    for count in bytes {
        let form = if bare {
            format!("^[0-9a-fA-F]{{{}}}$", count * 2)
        } else {
            format!(
                r"^([0-9a-fA-F]{{2}}([-:\s])([0-9a-fA-F]{{2}}\2){{{}}}[0-9a-fA-F]{{2}}|([0-9a-fA-F]{{4}}\.){{{}}}[0-9a-fA-F]{{4}})$",
                count - 2,
                count / 2 - 1
            )
        };
        if pattern::has(subject.text(), &form)? {
            return Ok(true);
        }
    }
    Ok(false)
}
