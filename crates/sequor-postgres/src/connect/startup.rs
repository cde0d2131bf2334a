//! From a socket to a connection that is ready: TLS, the startup message, authentication, and what the server says of itself.

use super::authenticate::Authentication;
use super::options::{Host, PostgresOptions, SessionKind, TlsMode};
use super::socket::{self, Address};
use crate::connection::{Established, Peer, PostgresConnection};
use crate::error::{ServerMessage, broken, protocol};
use crate::tls::Secure;
use crate::wire::{Message, Socket, Wire};
use postgres_protocol::message::frontend;
use sequor_core::driver::{Batch, Connection, Flow, Product, RowReader, RowSink, ServerInfo, Step, recognize};
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};
use std::any::Any;
use std::future::poll_fn;
use std::sync::Arc;

/// Before a server has proved itself no message of it is believed to be longer.
const LIMIT: usize = 64 * 1024;

/// Connects to one host, whichever of its addresses answers first in order.
pub(super) async fn establish(options: &PostgresOptions, host: &Host, target: &str, wanted: SessionKind) -> Result<PostgresConnection> {
    let mut failure = None;
    for address in socket::resolve(host, target).await? {
        match socket::open(&address, target).await {
            Ok(socket) => return start(options, host, target, wanted, address, socket).await,
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(|| Error::connection(ConnectionErrorKind::HostNotFound, target)))
}

async fn start(
    options: &PostgresOptions,
    host: &Host,
    target: &str,
    wanted: SessionKind,
    address: Address,
    socket: Socket,
) -> Result<PostgresConnection> {
    socket::watch(&socket, options);
    let (socket, tls) = match options.tls_mode(host) {
        TlsMode::Disable => (socket, None),
        mode => {
            let tls = Secure::new(options, &host.name, mode, target).await?;
            (tls.encrypt(socket, target).await?, Some(tls))
        }
    };
    let mut wire = Wire::new(socket);
    write_startup(options, &mut wire)?;
    let verified = tls.as_ref().is_some_and(|tls| tls.verified);
    Authentication { options, host, target, verified }.run(&mut wire).await?;
    let mut session = Session::default();
    session.read(&mut wire, target).await?;
    let peer = Arc::new(Peer { target: target.to_owned(), address, tls });
    let mut connection =
        PostgresConnection::new(Established { wire, info: session.info(), peer, key: session.key, statements: options.statements });
    connection.ping_now().await?;
    if wanted != SessionKind::Any && session.in_hot_standby.is_none() {
        session.ask(&mut connection).await?;
    }
    session.check(wanted, target)?;
    Ok(connection)
}

fn write_startup(options: &PostgresOptions, wire: &mut Wire) -> Result<()> {
    let fixed = [
        ("user", options.user.as_str()),
        ("database", options.database.as_str()),
        ("client_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("DateStyle", "ISO, MDY"),
        ("IntervalStyle", "postgres"),
        ("standard_conforming_strings", "on"),
    ];
    let given = options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let written = frontend::startup_message(fixed.into_iter().chain(given), &mut wire.out);
    written.map_err(|_| Error::connection(ConnectionErrorKind::Invalid, "the user, the database or a setting holds a NUL"))
}

/// The next message of a server that has not proved itself yet.
pub(super) async fn next_message(wire: &mut Wire, target: &str) -> Result<Message> {
    loop {
        match wire.next(LIMIT) {
            Ok(Some(message)) => return Ok(message),
            Ok(None) => {}
            Err(_) => return Err(not_postgres(target, wire.unread())),
        }
        let read = poll_fn(|context| wire.poll(context, false)).await;
        read.map_err(|error| broken(error, target))?;
        wire.clear_written();
    }
}

/// Something answered, but not in PostgreSQL's protocol.
#[cold]
pub(crate) fn not_postgres(target: &str, answer: &[u8]) -> Error {
    let who = recognize(answer).unwrap_or("what answers is no PostgreSQL server; check host and port in the URL");
    Error::connection(ConnectionErrorKind::Protocol, format!("{target}: {who}"))
}

/// What the server says between authentication and its first ReadyForQuery.
#[derive(Default)]
struct Session {
    version: (u32, u32, u32),
    in_hot_standby: Option<bool>,
    default_read_only: Option<bool>,
    key: Option<(i32, i32)>,
}

impl Session {
    async fn read(&mut self, wire: &mut Wire, target: &str) -> Result<()> {
        loop {
            let message = next_message(wire, target).await?;
            let body = wire.body(message);
            match message.tag {
                b'S' => self.parameter(body),
                b'K' => {
                    let key = body.split_first_chunk::<4>().and_then(|(process, secret)| Some((*process, *secret.first_chunk::<4>()?)));
                    self.key = key.map(|(process, secret)| (i32::from_be_bytes(process), i32::from_be_bytes(secret)));
                }
                b'Z' => return Ok(()),
                b'E' => return Err(ServerMessage::parse(body).into_connect_error(target)),
                b'N' => ServerMessage::parse(body).log(),
                // A newer minor protocol was not asked for, but a proxy may say what it speaks.
                b'v' => {}
                _ => return Err(broken(protocol("an unexpected message after authentication"), target)),
            }
        }
    }

    fn parameter(&mut self, body: &[u8]) {
        let mut parts = body.split(|byte| *byte == 0);
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match name {
            b"server_version" => self.version = version(&String::from_utf8_lossy(value)),
            b"in_hot_standby" => self.in_hot_standby = Some(value == b"on"),
            b"default_transaction_read_only" => self.default_read_only = Some(value == b"on"),
            _ => {}
        }
    }

    /// Asks servers before PostgreSQL 14 and proxies what newer servers say by themselves.
    async fn ask(&mut self, connection: &mut PostgresConnection) -> Result<()> {
        let text = "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only')::bool";
        let step = Step { cache: false, ..Step::query(text, Vec::new(), Box::new(Flags::default())) };
        let done = connection.run(Batch::one(step)).await?.pop();
        let sink: Option<Box<dyn Any>> = done.map(|done| done.sink as Box<dyn Any>);
        if let Some(flags) = sink.and_then(|sink| sink.downcast::<Flags>().ok()) {
            (self.in_hot_standby, self.default_read_only) = (flags.0, flags.1);
        }
        Ok(())
    }

    fn info(&self) -> ServerInfo {
        ServerInfo { product: Product::Postgres, version: self.version, read_only: self.in_hot_standby.unwrap_or(false) }
    }

    fn check(&self, wanted: SessionKind, target: &str) -> Result<()> {
        let standby = self.in_hot_standby.unwrap_or(false);
        let read_only = standby || self.default_read_only.unwrap_or(false);
        let (fits, word) = match wanted {
            SessionKind::Any | SessionKind::PreferStandby => (true, ""),
            SessionKind::ReadWrite => (!read_only, "read-write"),
            SessionKind::ReadOnly => (read_only, "read-only"),
            SessionKind::Primary => (!standby, "a primary"),
            SessionKind::Standby => (standby, "a standby"),
        };
        if fits {
            return Ok(());
        }
        Err(Error::connection(ConnectionErrorKind::NotReady, format!("{target} is not {word} (target_session_attrs)")))
    }
}

/// Takes the two answers of [`Session::ask`].
#[derive(Default)]
struct Flags(Option<bool>, Option<bool>);

impl RowSink for Flags {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        *self = Flags(row.bool(0)?, row.bool(1)?);
        Ok(Flow::Continue)
    }
}

/// `15.13 (Debian ..)`, `16beta1`, `9.6.24`.
fn version(text: &str) -> (u32, u32, u32) {
    let mut numbers =
        text.split(|letter: char| !letter.is_ascii_digit()).filter(|part| !part.is_empty()).map(|part| part.parse().unwrap_or(0));
    let head = text.split_whitespace().next().unwrap_or_default();
    let count = head.split('.').count();
    let major = numbers.next().unwrap_or(0);
    let minor = if count > 1 { numbers.next().unwrap_or(0) } else { 0 };
    let patch = if count > 2 { numbers.next().unwrap_or(0) } else { 0 };
    (major, minor, patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (text, expected) in [
            ("15.13 (Debian 15.13-0+deb12u1)", (15, 13, 0)),
            ("16beta1", (16, 0, 0)),
            ("9.6.24", (9, 6, 24)),
            ("17", (17, 0, 0)),
            ("", (0, 0, 0)),
            ("99999999999999", (0, 0, 0)),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }
}
