//! Proving who we are: SCRAM-SHA-256, md5, or the password itself where that is allowed.

use super::environment::password_of;
use super::options::{Host, PostgresOptions};
use super::startup::{next_message, not_postgres};
use crate::error::{ServerMessage, connection};
use crate::wire::{Message, Wire};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::frontend;
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};

/// One login.
pub(super) struct Authentication<'a> {
    options: &'a PostgresOptions,
    host: &'a Host,
    target: &'a str,
}

impl<'a> Authentication<'a> {
    pub(super) fn new(options: &'a PostgresOptions, host: &'a Host, target: &'a str) -> Authentication<'a> {
        Authentication { options, host, target }
    }

    /// Answers what the server asks until it is content.
    pub(super) async fn run(&self, wire: &mut Wire) -> Result<()> {
        let mut proved = false;
        loop {
            let (kind, body) = self.request(wire).await?;
            let methods = self.options.methods;
            match kind {
                0 if proved || methods.none => return Ok(()),
                0 => return Err(self.denied("the server asks for no password, which require_auth does not accept")),
                3 if !methods.password => {
                    return Err(self.denied("the server asks for the password itself, which require_auth does not accept"));
                }
                3 if !(self.options.allow_cleartext || self.host.socket_directory().is_some()) => {
                    return Err(self.denied("the server asks for the password itself over a line that is not verified; use scram-sha-256, verified TLS, or allow_cleartext=1"));
                }
                3 => frontend::password_message(self.password()?.as_bytes(), &mut wire.out)?,
                5 if !methods.md5 => return Err(self.denied("the server asks for an md5 password, which require_auth does not accept")),
                5 => {
                    let salt = body.first_chunk::<4>().ok_or_else(|| not_postgres(self.target))?;
                    let answer = md5_hash(self.options.user.as_bytes(), self.password()?.as_bytes(), *salt);
                    frontend::password_message(answer.as_bytes(), &mut wire.out)?;
                }
                10 if !methods.scram => return Err(self.denied("the server asks for SCRAM, which require_auth does not accept")),
                10 => self.scram(wire, &body).await?,
                other => return Err(self.denied(unsupported(other))),
            }
            proved = true;
        }
    }

    async fn scram(&self, wire: &mut Wire, offers: &[u8]) -> Result<()> {
        if !offers.split(|byte| *byte == 0).any(|name| name == SCRAM_SHA_256.as_bytes()) {
            return Err(self.denied("the server offers no way to log in that is known here"));
        }
        let mut scram = ScramSha256::new(self.password()?.as_bytes(), ChannelBinding::unrequested());
        frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut wire.out)?;
        let (kind, body) = self.request(wire).await?;
        if kind != 11 {
            return Err(self.denied("the server broke off the SCRAM exchange"));
        }
        // Hashing takes milliseconds on purpose: not on the runtime's threads.
        let worked = tokio::task::spawn_blocking(move || scram.update(&body).map(|()| scram)).await;
        let mut scram = match worked {
            Ok(Ok(scram)) => scram,
            Ok(Err(error)) => return Err(self.refused("the server's SCRAM message is refused", error)),
            Err(error) => return Err(Error::other(error)),
        };
        frontend::sasl_response(scram.message(), &mut wire.out)?;
        let (kind, body) = self.request(wire).await?;
        if kind != 12 {
            return Err(self.denied("the server did not prove that it knows the password"));
        }
        scram.finish(&body).map_err(|error| self.refused("the server did not prove that it knows the password", error))
    }

    /// The server's next request: its kind and what follows.
    async fn request(&self, wire: &mut Wire) -> Result<(u32, Vec<u8>)> {
        loop {
            let message @ Message { tag, .. } = next_message(wire, self.target).await?;
            let body = wire.body(message);
            match tag {
                b'R' => {
                    let (kind, body) = body.split_first_chunk::<4>().ok_or_else(|| not_postgres(self.target))?;
                    return Ok((u32::from_be_bytes(*kind), body.to_vec()));
                }
                b'E' => return Err(ServerMessage::parse(body).into_connect_error(self.target)),
                b'N' => ServerMessage::parse(body).log(),
                b'v' => {}
                _ => return Err(not_postgres(self.target)),
            }
        }
    }

    fn password(&self) -> Result<String> {
        let found = self.options.password.clone().or_else(|| {
            let file = self.options.passfile.as_ref()?;
            password_of(file, self.host, &self.options.database, &self.options.user)
        });
        found.ok_or_else(|| self.denied("the server asks for a password and none is given (URL, PGPASSWORD or the password file)"))
    }

    #[cold]
    fn denied(&self, why: &str) -> Error {
        Error::connection(ConnectionErrorKind::AccessDenied, format!("{}: user {}: {why}", self.target, self.options.user))
    }

    #[cold]
    fn refused(&self, why: &str, error: std::io::Error) -> Error {
        connection(ConnectionErrorKind::AccessDenied, format!("{}: user {}: {why}", self.target, self.options.user), error)
    }
}

fn unsupported(kind: u32) -> &'static str {
    match kind {
        2 => "the server asks for Kerberos, which is not supported",
        7..=9 => "the server asks for GSSAPI or SSPI, which are not supported",
        _ => "the server asks for a way to log in that is not known here",
    }
}
