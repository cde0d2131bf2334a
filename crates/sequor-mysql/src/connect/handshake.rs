//! The login: the server's greeting, our answer, and the exchange of the authentication plugin.

use super::auth::{Login, Step};
use super::tls;
use crate::error::connect_error;
use crate::options::{MysqlOptions, TlsMode};
use crate::wire::{Cursor, Layout, ServerError, Wire};
use mysql_common::constants::{CapabilityFlags, MariadbCapabilities};
use mysql_common::packets::{AuthPlugin, HandshakeResponse, SslRequest};
use mysql_common::proto::MySerialize;
use sequor_core::driver::{Product, ServerInfo, recognize};
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};
use std::collections::HashMap;
use std::io;

/// The longest packet that this client takes, as the server is told.
const LONGEST: u32 = 1 << 30;
/// utf8mb4_general_ci, until the session says more.
const UTF8MB4: u8 = 45;

/// A line that is logged in.
pub(crate) struct Greeted {
    pub(crate) wire: Wire,
    pub(crate) server: ServerInfo,
    /// The server's number for this connection, to ask for its statement to be stopped.
    pub(crate) id: u32,
    pub(crate) layout: Layout,
}

/// What the server says first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    version: String,
    id: u32,
    nonce: Vec<u8>,
    capabilities: CapabilityFlags,
    extended: MariadbCapabilities,
    plugin: Vec<u8>,
}

/// Logs in over a fresh line.
pub(crate) async fn login(mut wire: Wire, options: &MysqlOptions) -> Result<Greeted> {
    let greeting = read_greeting(&mut wire, options).await?;
    let server = server_info(&greeting.version);
    let capabilities = capabilities(&greeting, options);
    let extended = if server.product == Product::Mariadb { extended(&greeting) } else { MariadbCapabilities::empty() };
    if !greeting.capabilities.contains(CapabilityFlags::CLIENT_PROTOCOL_41 | CapabilityFlags::CLIENT_SECURE_CONNECTION) {
        return Err(protocol(options, "the server is too old: MySQL 5.7 or MariaDB 10.3 are the least"));
    }
    if options.tls_mode() != TlsMode::Disable {
        wire = encrypt(wire, &greeting, capabilities, extended, options).await?;
    }
    answer(&mut wire, &greeting, capabilities, extended, options).await?;
    let layout = Layout {
        without_eof: capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF),
        cached_definitions: extended.contains(MariadbCapabilities::MARIADB_CLIENT_CACHE_METADATA),
        extended_definitions: extended.contains(MariadbCapabilities::MARIADB_CLIENT_EXTENDED_METADATA),
    };
    Ok(Greeted { wire, server, id: greeting.id, layout })
}

async fn read_greeting(wire: &mut Wire, options: &MysqlOptions) -> Result<Greeting> {
    let packet = loop {
        match wire.packet() {
            Ok(Some(range)) => break wire.body(range).to_vec(),
            Ok(None) if is_no_greeting(wire.waiting()) => return Err(stranger(options, wire.waiting())),
            Ok(None) if wire.fill().await.is_err() => {
                return Err(Error::connection(
                    ConnectionErrorKind::NotReady,
                    format!("{}: the server closed the connection before its greeting", options.target()),
                ));
            }
            Ok(None) => {}
            Err(_) => return Err(stranger(options, wire.waiting())),
        }
    };
    if packet.first() == Some(&0xff) {
        return Err(connect_error(&ServerError::parse(&packet), &options.target()));
    }
    parse_greeting(&packet).ok_or_else(|| stranger(options, &packet))
}

/// Whether these are the first bytes of another protocol: read as a header they would promise a greeting of more than 64 KiB, or one that is not the first packet.
fn is_no_greeting(bytes: &[u8]) -> bool {
    matches!(bytes, [_, _, high, number, ..] if *high > 0 || *number > 0)
}

#[cold]
fn stranger(options: &MysqlOptions, said: &[u8]) -> Error {
    protocol(options, recognize(said).unwrap_or("what answered is no MySQL or MariaDB server: check host and port in the URL"))
}

pub(super) fn parse_greeting(packet: &[u8]) -> Option<Greeting> {
    let mut cursor = Cursor::new(packet);
    if cursor.u8()? != 10 {
        return None;
    }
    let version = String::from_utf8_lossy(cursor.terminated()?).into_owned();
    let id = cursor.u32()?;
    let mut nonce = cursor.take(8)?.to_vec();
    cursor.u8()?;
    let low = cursor.u16()?;
    cursor.take(3)?;
    let high = cursor.u16()?;
    let length = usize::from(cursor.u8()?);
    cursor.take(6)?;
    let extended = MariadbCapabilities::from_bits_truncate(cursor.u32()?);
    let capabilities = CapabilityFlags::from_bits_truncate(u32::from(low) | u32::from(high) << 16);
    if capabilities.contains(CapabilityFlags::CLIENT_SECURE_CONNECTION) {
        let second = cursor.take(length.saturating_sub(8).max(13))?;
        nonce.extend_from_slice(second.strip_suffix(&[0]).unwrap_or(second));
    }
    let plugin = cursor.rest().split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
    Some(Greeting { version, id, nonce, capabilities, extended, plugin })
}

/// `5.5.5-10.11.19-MariaDB-0+deb12u1`, `10.11.19-MariaDB`, `8.0.36-0ubuntu0.22.04.1`.
pub(super) fn server_info(text: &str) -> ServerInfo {
    let is_mariadb = text.to_ascii_lowercase().contains("mariadb");
    let text = if is_mariadb { text.strip_prefix("5.5.5-").unwrap_or(text) } else { text };
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or_default());
    let mut next = || numbers.next().unwrap_or_default();
    let product = if is_mariadb { Product::Mariadb } else { Product::Mysql };
    ServerInfo { product, version: (next(), next(), next()), read_only: false }
}

fn capabilities(greeting: &Greeting, options: &MysqlOptions) -> CapabilityFlags {
    use CapabilityFlags as C;
    // Never CLIENT_LOCAL_FILES, never CLIENT_MULTI_STATEMENTS.
    let mut wanted = C::CLIENT_FOUND_ROWS
        | C::CLIENT_LONG_FLAG
        | C::CLIENT_PROTOCOL_41
        | C::CLIENT_TRANSACTIONS
        | C::CLIENT_SECURE_CONNECTION
        | C::CLIENT_MULTI_RESULTS
        | C::CLIENT_PS_MULTI_RESULTS
        | C::CLIENT_PLUGIN_AUTH
        | C::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA
        | C::CLIENT_CONNECT_ATTRS
        | C::CLIENT_SESSION_TRACK
        | C::CLIENT_DEPRECATE_EOF;
    // The lowest bit means MySQL: a MariaDB server that does not set it reads the extended capabilities instead.
    wanted |= greeting.capabilities & C::CLIENT_LONG_PASSWORD;
    if options.database.is_some() {
        wanted |= C::CLIENT_CONNECT_WITH_DB;
    }
    if options.tls_mode() != TlsMode::Disable {
        wanted |= C::CLIENT_SSL;
    }
    wanted & greeting.capabilities
}

fn extended(greeting: &Greeting) -> MariadbCapabilities {
    if greeting.capabilities.contains(CapabilityFlags::CLIENT_LONG_PASSWORD) {
        return MariadbCapabilities::empty();
    }
    let wanted = MariadbCapabilities::MARIADB_CLIENT_EXTENDED_METADATA | MariadbCapabilities::MARIADB_CLIENT_CACHE_METADATA;
    wanted & greeting.extended
}

async fn encrypt(
    mut wire: Wire,
    greeting: &Greeting,
    capabilities: CapabilityFlags,
    extended: MariadbCapabilities,
    options: &MysqlOptions,
) -> Result<Wire> {
    let refused = |why: &str| Error::connection(ConnectionErrorKind::Tls, format!("{}: {why}", options.target()));
    if !greeting.capabilities.contains(CapabilityFlags::CLIENT_SSL) {
        return Err(refused("the server has no TLS; switch it on there, or say ssl-mode=disable on a line that nobody can read"));
    }
    let request = SslRequest::new(capabilities, LONGEST, UTF8MB4).with_mariadb_capabilities(extended);
    send(&mut wire, options, |out| request.serialize(out)).await?;
    let sequence = wire.sequence();
    let stream = wire.into_stream().ok_or_else(|| refused("bytes came in the clear before the encrypted line"))?;
    let mut wire = Wire::new(tls::encrypt(stream, options).await?);
    wire.expect_sequence(sequence);
    Ok(wire)
}

/// Sends the account and follows the plugin until the server says yes or no.
async fn answer(
    wire: &mut Wire,
    greeting: &Greeting,
    capabilities: CapabilityFlags,
    extended: MariadbCapabilities,
    options: &MysqlOptions,
) -> Result<()> {
    let (mut login, first) = Login::begin(options, wire.stream().is_private(), &greeting.plugin, &greeting.nonce)?;
    let attributes = [("_client_name", "sequor"), ("_client_version", env!("CARGO_PKG_VERSION"))];
    let attributes: HashMap<String, String> = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let response = HandshakeResponse::new(
        Some(first),
        (5, 7, 0),
        Some(options.user.as_bytes()),
        options.database.as_deref().map(str::as_bytes),
        Some(AuthPlugin::from_bytes(login.plugin()).into_owned()),
        capabilities,
        capabilities.contains(CapabilityFlags::CLIENT_CONNECT_ATTRS).then_some(attributes),
        LONGEST,
    )
    .with_mariadb_ext_capabilities(extended);
    send(wire, options, |out| response.serialize(out)).await?;
    // No plugin takes more than three rounds; a server that goes on is no server.
    for _round in 0..8 {
        let packet = receive(wire, options).await?;
        let step = match packet.split_first() {
            Some((0, _)) => return Ok(()),
            Some((0xff, _)) => return Err(connect_error(&ServerError::parse(&packet), &options.target())),
            Some((0xfe, rest)) => login.switch(rest)?,
            Some((1, rest)) => login.go_on(rest)?,
            _ => break,
        };
        match step {
            Step::Send(bytes) => send(wire, options, |out| out.extend_from_slice(&bytes)).await?,
            Step::Wait => {}
        }
    }
    Err(protocol(options, "the server breaks the protocol while logging in"))
}

async fn send(wire: &mut Wire, options: &MysqlOptions, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
    let mark = wire.open();
    write(wire.output());
    let sequence = wire.sequence();
    let next = wire.seal(mark, sequence);
    wire.expect_sequence(next);
    wire.flush().await.map_err(|error| broken(options, &error))
}

async fn receive(wire: &mut Wire, options: &MysqlOptions) -> Result<Vec<u8>> {
    loop {
        match wire.packet() {
            Ok(Some(range)) => return Ok(wire.body(range).to_vec()),
            Ok(None) => wire.fill().await.map_err(|error| broken(options, &error))?,
            Err(malformed) => return Err(protocol(options, malformed.0)),
        }
    }
}

#[cold]
fn broken(options: &MysqlOptions, error: &io::Error) -> Error {
    let why = if error.kind() == io::ErrorKind::InvalidData { "TLS failed" } else { "the server closed the connection" };
    Error::connection(ConnectionErrorKind::Broken, format!("{}: {why} while logging in", options.target()))
}

#[cold]
fn protocol(options: &MysqlOptions, why: &str) -> Error {
    Error::connection(ConnectionErrorKind::Protocol, format!("{}: {why}", options.target()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting() -> Vec<u8> {
        let mut bytes = b"\x0a5.5.5-10.11.19-MariaDB\x00\x07\x00\x00\x00abcdefgh\x00\xfe\xf7\x2d\x02\x00\xff\x81\x15".to_vec();
        bytes.extend_from_slice(&[0; 6]);
        bytes.extend_from_slice(&[0x1d, 0, 0, 0]);
        bytes.extend_from_slice(b"ijklmnopqrst\x00mysql_native_password\x00");
        bytes
    }

    #[test]
    fn a_greeting_is_read() {
        let read = parse_greeting(&greeting()).unwrap();
        assert_eq!(read.nonce, b"abcdefghijklmnopqrst");
        assert_eq!(read.plugin, b"mysql_native_password");
        assert_eq!(read.id, 7);
        assert!(read.extended.contains(MariadbCapabilities::MARIADB_CLIENT_CACHE_METADATA));
    }

    #[test]
    fn every_prefix_and_flip_of_a_greeting_is_read_or_refused() {
        let whole = greeting();
        for end in 0..whole.len() {
            let _ = parse_greeting(&whole[..end]);
        }
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[place] ^= 1 << bit;
                let _ = parse_greeting(&flipped);
            }
        }
        assert_eq!(parse_greeting(b"SSH-2.0-OpenSSH_9.2"), None);
    }

    #[test]
    fn servers_are_told_apart_by_their_version() {
        for (text, product, version) in [
            ("5.5.5-10.11.19-MariaDB-0+deb12u1", Product::Mariadb, (10, 11, 19)),
            ("11.4.2-MariaDB-ubu2404", Product::Mariadb, (11, 4, 2)),
            ("8.0.36-0ubuntu0.22.04.1", Product::Mysql, (8, 0, 36)),
            ("8.4.0", Product::Mysql, (8, 4, 0)),
            ("", Product::Mysql, (0, 0, 0)),
        ] {
            let info = server_info(text);
            assert_eq!((info.product, info.version), (product, version), "{text}");
        }
    }
}
