//! Rules about addresses: e-mail, URL, host names, IP, MAC, and other URIs.

mod address;
mod email;
mod host;
mod uri;
mod url;

use super::Rule;
use super::arguments::{Argument, Kind};

const fn flag(name: &'static str) -> Argument {
    Argument::new(name, Kind::Bool, "")
}

const EMAIL: &[Argument] = &[
    flag("allow_display_name"),
    flag("require_display_name"),
    flag("allow_utf8_local_part"),
    flag("allow_underscores"),
    flag("allow_ip_domain"),
    flag("require_tld"),
    flag("ignore_max_length"),
    flag("domain_specific_validation"),
    Argument::new("blacklisted_chars", Kind::Text, ""),
    Argument::new("host_blacklist", Kind::List, ""),
    Argument::new("host_whitelist", Kind::List, ""),
];
const URL: &[Argument] = &[
    Argument::new("protocols", Kind::List, ""),
    flag("require_protocol"),
    flag("require_valid_protocol"),
    flag("require_host"),
    flag("require_port"),
    flag("require_tld"),
    flag("allow_underscores"),
    flag("allow_trailing_dot"),
    flag("allow_numeric_tld"),
    flag("allow_wildcard"),
    flag("ignore_max_length"),
    flag("allow_protocol_relative_urls"),
    flag("allow_fragments"),
    flag("allow_query_components"),
    flag("disallow_auth"),
    flag("validate_length"),
    Argument::new("max_allowed_length", Kind::Number, ""),
    Argument::new("host_blacklist", Kind::List, ""),
    Argument::new("host_whitelist", Kind::List, ""),
];
const FQDN: &[Argument] = &[
    flag("require_tld"),
    flag("allow_underscores"),
    flag("allow_trailing_dot"),
    flag("allow_numeric_tld"),
    flag("allow_wildcard"),
    flag("ignore_max_length"),
];
const VERSION: &[Argument] = &[Argument::new("version", Kind::OneOf(versions), "")];
const MAC: &[Argument] = &[Argument::new("eui", Kind::OneOf(widths), ""), flag("no_separators"), flag("no_colons")];

pub(super) const RULES: &[Rule] = &[
    Rule::new("isEmail", "email", email::is_email, "is an e-mail address").takes(EMAIL, 0),
    Rule::new("isUrl", "url", url::is_url, "is a URL (http, https or ftp, the protocol may be missing, unless told otherwise)")
        .takes(URL, 0),
    Rule::new("isURL", "url", url::is_url, "is a URL, as `isUrl`").takes(URL, 0),
    Rule::new("isFQDN", "fqdn", host::is_fqdn, "is a host name with a domain").takes(FQDN, 0),
    Rule::new("isIP", "ip", address::is_ip, "is an IP address (of version 4 or 6, if given)").takes(VERSION, 1),
    Rule::new("isIPv4", "ipv4", address::is_ipv4, "is an IPv4 address"),
    Rule::new("isIPv6", "ipv6", address::is_ipv6, "is an IPv6 address, perhaps with a zone"),
    Rule::new("isIPRange", "ip_range", address::is_ip_range, "is an IP network such as `10.0.0.0/8`").takes(VERSION, 1),
    Rule::new("isMACAddress", "mac_address", address::is_mac_address, "is a MAC address of 48 or 64 bits").takes(MAC, 0),
    Rule::new("isMailtoURI", "mailto_uri", uri::is_mailto, "is a `mailto:` URI with valid addresses").takes(EMAIL, 0),
    Rule::new("isMagnetURI", "magnet_uri", uri::is_magnet, "is a magnet link"),
    Rule::new("isDataURI", "data_uri", uri::is_data, "is a `data:` URI"),
    Rule::new("isMimeType", "mime_type", uri::is_mime_type, "is a media type such as `text/html; charset=utf-8`"),
];

fn versions() -> Vec<&'static str> {
    vec!["4", "6"]
}

fn widths() -> Vec<&'static str> {
    vec!["48", "64"]
}
