//! The parts of a connection URL, percent-decoded. What they mean is in `environment` and `parameters`.

use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};

/// A URL in its parts. Every part may be missing.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    /// Names or addresses with the ports that stand beside them.
    pub(crate) hosts: Vec<(String, Option<String>)>,
    pub(crate) database: Option<String>,
    /// Parameters in their order.
    pub(crate) parameters: Vec<(String, String)>,
}

/// A wrong URL. The URL itself is never shown: it may hold a password.
#[cold]
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::connection(ConnectionErrorKind::Invalid, message)
}

/// Takes a URL apart.
pub(crate) fn parse(url: &str) -> Result<Parts> {
    let rest = url
        .strip_prefix("postgres://")
        .or_else(|| url.strip_prefix("postgresql://"))
        .ok_or_else(|| invalid("the URL of a PostgreSQL database begins with postgres:// or postgresql://"))?;
    if rest.contains('#') {
        return Err(invalid("a # in the URL is written %23"));
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, Some(path)),
        None => (rest, None),
    };
    let (user_info, hosts) = match authority.rsplit_once('@') {
        Some((user_info, hosts)) => (Some(user_info), hosts),
        None => (None, authority),
    };
    let mut parts = Parts::default();
    if let Some(user_info) = user_info {
        let (user, password) = match user_info.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (user_info, None),
        };
        parts.user = some(decode(user, "the user")?);
        parts.password = password.map(|password| decode(password, "the password")).transpose()?;
    }
    if !hosts.is_empty() {
        parts.hosts = hosts.split(',').map(host).collect::<Result<_>>()?;
    }
    parts.database = match path {
        Some(path) if path.contains('/') => return Err(invalid("the path of the URL is one database name; a / in it is written %2F")),
        Some(path) => some(decode(path, "the database")?),
        None => None,
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| invalid("a parameter of the URL is written name=value"))?;
        parts.parameters.push((decode(name, "a parameter's name")?, decode(value, "a parameter")?));
    }
    Ok(parts)
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// `name`, `name:port`, `[v6]:port` or an encoded directory.
fn host(text: &str) -> Result<(String, Option<String>)> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or_else(|| invalid("the host has a [ without its ]"))?;
            match port.strip_prefix(':') {
                Some(port) => (address, Some(port)),
                None if port.is_empty() => (address, None),
                None => return Err(invalid("after the ] of a host comes a : and its port, or nothing")),
            }
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        },
    };
    Ok((decode(name, "the host")?, port.filter(|port| !port.is_empty()).map(str::to_owned)))
}

/// Percent-decoding; the result is UTF-8 without NUL.
fn decode(text: &str, what: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let digits = after.split_first_chunk::<2>();
        let (digits, after) =
            digits.ok_or_else(|| invalid(format!("{what} in the URL ends in the middle of a %XX; a % itself is written %25")))?;
        let value = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let value = value.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(value.ok_or_else(|| {
            invalid(format!("{what} in the URL has a % that no two hexadecimal digits follow; a % itself is written %25"))
        })?);
        rest = after;
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        Ok(_) => Err(invalid(format!("{what} in the URL holds a NUL"))),
        Err(_) => Err(invalid(format!("{what} in the URL is not UTF-8"))),
    }
}
