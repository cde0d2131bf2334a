//! Proving who we are: SCRAM-SHA-256, md5, or the password itself where that is allowed.

use super::environment::password_of;
use super::options::{ChannelBinding, Host, Methods, PostgresOptions};
use super::scram::{Binding, Scram};
use super::startup::{next_message, not_postgres};
use crate::error::ServerMessage;
use crate::tls::endpoint;
use crate::wire::{Message, Wire};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{SCRAM_SHA_256, SCRAM_SHA_256_PLUS};
use postgres_protocol::message::frontend;
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};

/// One login.
pub(super) struct Authentication<'a> {
    pub(super) options: &'a PostgresOptions,
    pub(super) host: &'a Host,
    pub(super) target: &'a str,
    /// The line is encrypted and the server has proved who it is.
    pub(super) verified: bool,
}

impl Authentication<'_> {
    /// Answers what the server asks until it is content.
    pub(super) async fn run(&self, wire: &mut Wire) -> Result<()> {
        let mut proved = false;
        let required = self.options.channel_binding == ChannelBinding::Require;
        loop {
            let (kind, body) = self.request(wire).await?;
            let methods = self.options.methods;
            match kind {
                0 if required && !proved => {
                    return Err(self.denied("the server asks for no SCRAM login that could be bound to the TLS line (channel_binding)"));
                }
                0 if proved || methods.none => return Ok(()),
                0 => return Err(self.denied("the server asks for no password, which require_auth does not accept")),
                3 | 5 if required => {
                    return Err(self.denied("the server asks for a login that cannot be bound to the TLS line (channel_binding)"));
                }
                3 if !methods.password => {
                    return Err(self.denied("the server asks for the password itself, which require_auth does not accept"));
                }
                3 if !(self.verified || self.options.allow_cleartext || self.host.socket_directory().is_some()) => {
                    return Err(self.denied("the server asks for the password itself over a line that is not verified; use scram-sha-256, verified TLS, or allow_cleartext=1"));
                }
                3 => frontend::password_message(self.password()?.as_bytes(), &mut wire.out)?,
                5 if !methods.md5 => return Err(self.denied("the server asks for an md5 password, which require_auth does not accept")),
                5 if !(self.verified || self.host.is_local() || self.options.allow_cleartext || methods != Methods::ALL) => {
                    return Err(self.denied("the server asks for an md5 password over a line that is not verified; use scram-sha-256, verified TLS, or require_auth=md5"));
                }
                5 => {
                    let salt = body.first_chunk::<4>().ok_or_else(|| not_postgres(self.target, &[]))?;
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
        let (mechanism, binding) = self.mechanism(wire, offers)?;
        let scram = Scram::new(binding).ok_or_else(|| self.denied("the system has no random numbers"))?;
        let password = self.password()?;
        frontend::sasl_initial_response(mechanism, scram.first().as_bytes(), &mut wire.out)?;
        let (kind, challenge) = self.request(wire).await?;
        if kind != 11 {
            return Err(self.denied("the server broke off the SCRAM login"));
        }
        // Hashing takes milliseconds on purpose: not on the runtime's threads.
        let answer = tokio::task::spawn_blocking(move || scram.answer(&password, &challenge)).await.map_err(Error::other)?;
        let proof = answer.map_err(|why| self.distrusted(why))?;
        frontend::sasl_response(proof.message.as_bytes(), &mut wire.out)?;
        let (kind, answer) = self.request(wire).await?;
        if kind != 12 {
            return Err(self.distrusted("it did not prove that it knows the password"));
        }
        proof.check(&answer).map_err(|why| self.distrusted(why))
    }

    /// The best of the mechanisms that the server offers, and how it binds to the TLS line.
    fn mechanism(&self, wire: &Wire, offers: &[u8]) -> Result<(&'static str, Binding)> {
        let offered = |name: &str| offers.split(|byte| *byte == 0).any(|offer| offer == name.as_bytes());
        let (plus, plain) = (offered(SCRAM_SHA_256_PLUS), offered(SCRAM_SHA_256));
        let endpoint = match self.options.channel_binding {
            ChannelBinding::Disable => None,
            ChannelBinding::Prefer | ChannelBinding::Require => endpoint(wire.socket()),
        };
        match (endpoint, self.options.channel_binding) {
            (Some(endpoint), _) if plus => Ok((SCRAM_SHA_256_PLUS, Binding::Endpoint(endpoint))),
            (_, ChannelBinding::Require) => Err(self
                .denied("the login cannot be bound to the TLS line (channel_binding): the server offers no binding, or there is no TLS")),
            (Some(_), _) if plain => Ok((SCRAM_SHA_256, Binding::NotOffered)),
            (None, _) if plain => Ok((SCRAM_SHA_256, Binding::None)),
            _ => Err(self.denied("the server offers no way to log in that is known here")),
        }
    }

    /// The server's next request: its kind and what follows.
    async fn request(&self, wire: &mut Wire) -> Result<(u32, Vec<u8>)> {
        loop {
            let message @ Message { tag, .. } = next_message(wire, self.target).await?;
            let body = wire.body(message);
            match tag {
                b'R' => {
                    let (kind, body) = body.split_first_chunk::<4>().ok_or_else(|| not_postgres(self.target, &[]))?;
                    return Ok((u32::from_be_bytes(*kind), body.to_vec()));
                }
                b'E' => return Err(ServerMessage::parse(body).into_connect_error(self.target)),
                b'N' => ServerMessage::parse(body).log(),
                b'v' => {}
                _ => return Err(not_postgres(self.target, &start_of(tag, body.len()))),
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

    /// A server that cannot be the one that knows the password.
    #[cold]
    fn distrusted(&self, why: &str) -> Error {
        self.denied(&format!("the server is not trusted: {why}"))
    }
}

fn unsupported(kind: u32) -> &'static str {
    match kind {
        2 => "the server asks for Kerberos, which is not supported",
        7..=9 => "the server asks for GSSAPI or SSPI, which are not supported",
        _ => "the server asks for a way to log in that is not known here",
    }
}

/// The first bytes of a message: its letter and the length that it claims.
fn start_of(tag: u8, length: usize) -> Vec<u8> {
    let length = u32::try_from(length + 4).unwrap_or(u32::MAX);
    [tag].into_iter().chain(length.to_be_bytes()).collect()
}
