//! Where TLS begins in PostgreSQL's protocol, and what its URL says about it.

mod binding;

pub(crate) use binding::endpoint;

use crate::connect::{PostgresOptions, TlsMode, not_postgres};
use crate::wire::{Socket, Wire};
use postgres_protocol::message::frontend;
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};
use sequor_tls::{Check, ServerName, TlsConnector, Wanted, Words, failed, invalid, server_name};
use std::future::poll_fn;
use std::path::Path;
use std::sync::Arc;

/// How lines to one host are encrypted.
#[derive(Clone)]
pub(crate) struct Secure {
    connector: TlsConnector,
    name: ServerName<'static>,
    /// Whether the server has to prove who it is.
    pub(crate) verified: bool,
}

impl std::fmt::Debug for Secure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secure").field("name", &self.name).field("verified", &self.verified).finish_non_exhaustive()
    }
}

impl Secure {
    /// What the options say about a host of this name.
    pub(crate) async fn new(options: &PostgresOptions, name: &str, mode: TlsMode, target: &str) -> Result<Secure> {
        let name = server_name(name, target)?;
        let config = wanted(options, mode).config(target).await?;
        let verified = matches!(mode, TlsMode::VerifyCa | TlsMode::VerifyFull);
        Ok(Secure { connector: TlsConnector::from(Arc::new(config)), name, verified })
    }

    /// Encrypts a fresh socket, or fails before a byte of ours has gone over it in the clear.
    pub(crate) async fn encrypt(&self, socket: Socket, target: &str) -> Result<Socket> {
        let mut wire = Wire::new(socket);
        frontend::ssl_request(&mut wire.out);
        let read = poll_fn(|context| wire.poll(context, false)).await;
        read.map_err(|error| failed(target, error))?;
        match wire.unread() {
            b"S" => {}
            b"N" | [b'E', ..] => {
                let why = "the server does not speak TLS; turn it on there, or write sslmode=disable if the line is safe";
                return Err(Error::connection(ConnectionErrorKind::Tls, format!("{target}: {why}")));
            }
            [b'S', ..] => {
                return Err(Error::connection(
                    ConnectionErrorKind::Tls,
                    format!("{target}: somebody sent bytes before the encryption began"),
                ));
            }
            other => return Err(not_postgres(target, other)),
        }
        let Socket::Tcp(stream) = wire.into_socket() else { return Err(invalid(target, "TLS is for TCP only")) };
        match self.connector.connect(self.name.clone(), stream).await {
            Ok(stream) => Ok(Socket::Tls(Box::new(stream))),
            Err(error) => Err(failed(target, error)),
        }
    }
}

fn wanted(options: &PostgresOptions, mode: TlsMode) -> Wanted {
    let tls = &options.tls;
    Wanted {
        check: match mode {
            TlsMode::Disable | TlsMode::Require => Check::Nothing,
            TlsMode::VerifyCa => Check::Authority,
            TlsMode::VerifyFull => Check::Host,
        },
        authorities: tls.root_certificate.clone().filter(|path| path != Path::new("system")),
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        versions: (!tls.only_13, !tls.only_12),
        tells_name: !tls.no_sni,
        words: Words { authorities: "sslrootcert", certificate: "sslcert", key: "sslkey" },
    }
}
