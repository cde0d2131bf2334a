//! [`Login`]: the authentication plugins. The hashes are `mysql_common`'s; what may be sent over which line is decided here.

use crate::options::{MysqlOptions, TlsMode};
use mysql_common::auth::plugins::{AuthProc, ChallengeResponsePlugin, Context, Response};
use mysql_common::crypto::der::{PubKeyFileType, pem_to_der};
use mysql_common::packets::AuthPlugin;
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};

const NATIVE: &[u8] = b"mysql_native_password";
/// The server asks for all of the password because it has not seen this account lately.
const FULL: &[u8] = &[4];

/// What to do next.
pub(super) enum Step {
    /// Send this.
    Send(Vec<u8>),
    /// Wait for the server.
    Wait,
}

/// A login on its way.
pub(super) struct Login<'a> {
    options: &'a MysqlOptions,
    private: bool,
    plugin: Vec<u8>,
    procedure: AuthProc,
    nonce: Vec<u8>,
    server_key: Option<Vec<u8>>,
}

impl<'a> Login<'a> {
    /// Begins with the plugin that the server proposes, or the oldest safe one when that is not for us.
    pub(super) fn begin(options: &'a MysqlOptions, private: bool, proposed: &[u8], nonce: &[u8]) -> Result<(Login<'a>, Vec<u8>)> {
        let server_key = match &options.server_key {
            Some(path) => Some(std::fs::read(path).map_err(|_| refused(options, "the file of server-public-key cannot be read"))?),
            None => None,
        };
        let mut login = Login {
            options,
            private,
            plugin: Vec::new(),
            procedure: AuthProc::MysqlNativePassword(Default::default()),
            nonce: Vec::new(),
            server_key,
        };
        let plugin = if login.procedure_for(proposed).is_ok() { proposed } else { NATIVE };
        match login.start(plugin, nonce)? {
            Step::Send(first) => Ok((login, first)),
            Step::Wait => Ok((login, Vec::new())),
        }
    }

    /// The plugin's name.
    pub(super) fn plugin(&self) -> &[u8] {
        &self.plugin
    }

    /// The server wants another plugin.
    pub(super) fn switch(&mut self, request: &[u8]) -> Result<Step> {
        let mut parts = request.splitn(2, |byte| *byte == 0);
        let (plugin, nonce) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if plugin.is_empty() {
            return Err(refused(self.options, "the account has a password of the oldest form, which is not safe: give it a new one"));
        }
        self.start(plugin, nonce)
    }

    /// The server sends more for the plugin.
    pub(super) fn go_on(&mut self, challenge: &[u8]) -> Result<Step> {
        if let AuthProc::CachingSha2Password(_) | AuthProc::Sha256Password(_) = self.procedure {
            if challenge == FULL {
                self.may_send_password()?;
            } else if challenge.len() > 1 {
                self.is_sound(challenge)?;
            }
        }
        self.run(challenge)
    }

    fn start(&mut self, plugin: &[u8], nonce: &[u8]) -> Result<Step> {
        self.procedure = self.procedure_for(plugin)?;
        self.plugin = plugin.to_vec();
        let length = if matches!(self.procedure, AuthProc::ClientEd25519(_)) { 32 } else { 20 };
        let nonce = nonce.get(..length).unwrap_or(nonce);
        // A server that always sends the same number could replay an answer.
        if nonce.len() != length || nonce.iter().all(|byte| *byte == 0) {
            return Err(refused(self.options, "the server sent no random number to answer"));
        }
        self.nonce = nonce.to_vec();
        if matches!(self.procedure, AuthProc::Sha256Password(_)) {
            self.may_send_password()?;
        }
        if matches!(self.procedure, AuthProc::MysqlClearPassword(_)) {
            let password = self.options.password.as_deref().unwrap_or_default();
            return Ok(Step::Send([password.as_bytes(), &[0]].concat()));
        }
        let nonce = self.nonce.clone();
        self.run(&nonce)
    }

    fn procedure_for(&self, plugin: &[u8]) -> Result<AuthProc> {
        let known = AuthPlugin::from_bytes(plugin);
        match &known {
            AuthPlugin::MysqlNativePassword | AuthPlugin::CachingSha2Password | AuthPlugin::Sha256Password | AuthPlugin::Ed25519 => {}
            AuthPlugin::MysqlClearPassword => self.may_send_in_the_clear()?,
            AuthPlugin::MysqlOldPassword | AuthPlugin::Parsec | AuthPlugin::Other(_) => return Err(self.unknown(plugin)),
        }
        AuthProc::init(&known).map_err(|_| self.unknown(plugin))
    }

    #[cold]
    fn unknown(&self, plugin: &[u8]) -> Error {
        let name: String = plugin.iter().take(64).map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' }).collect();
        refused(
            self.options,
            &format!(
                "the account logs in by {name}; supported are mysql_native_password, caching_sha2_password, sha256_password, client_ed25519 and \
                 unix_socket"
            ),
        )
    }

    fn run(&mut self, challenge: &[u8]) -> Result<Step> {
        let context = Known { options: self.options, private: self.private, nonce: &self.nonce, key: self.server_key.as_deref() };
        match self.procedure.run(context, challenge) {
            Ok(Response::Next { packet } | Response::Last { packet }) => Ok(packet.map_or(Step::Wait, Step::Send)),
            Err(_) => Err(Error::connection(
                ConnectionErrorKind::Protocol,
                format!("{}: the server breaks the rules of its authentication plugin", self.options.target()),
            )),
        }
    }

    /// Whether the password may leave, in the clear over a private line or encrypted with the server's key.
    fn may_send_password(&self) -> Result<()> {
        if self.private || self.options.password.as_deref().unwrap_or_default().is_empty() {
            return Ok(());
        }
        match &self.server_key {
            Some(key) => self.is_sound(key),
            None if self.options.fetch_server_key || self.options.is_loopback() => Ok(()),
            None => Err(refused(
                self.options,
                "the server asks for the password over a line that others can read: use TLS, or name its key by server-public-key",
            )),
        }
    }

    fn may_send_in_the_clear(&self) -> Result<()> {
        let verified = matches!(self.options.tls_mode(), TlsMode::VerifyCa | TlsMode::VerifyFull) || self.options.socket.is_some();
        if self.private && verified && self.options.cleartext {
            return Ok(());
        }
        Err(refused(
            self.options,
            "the server asks for the password in the clear: that needs ssl-mode=verify-full or verify-ca, and enable-cleartext-plugin=true",
        ))
    }

    /// Whether a key is an RSA key of a usual size: the code that uses it trusts its form.
    fn is_sound(&self, key: &[u8]) -> Result<()> {
        if is_rsa_key(key) { Ok(()) } else { Err(refused(self.options, "the server's public key is no RSA key of 1024 to 8192 bits")) }
    }
}

#[cold]
fn refused(options: &MysqlOptions, why: &str) -> Error {
    Error::connection(ConnectionErrorKind::AccessDenied, format!("{}: {why}", options.target()))
}

struct Known<'a> {
    options: &'a MysqlOptions,
    private: bool,
    nonce: &'a [u8],
    key: Option<&'a [u8]>,
}

impl Context for Known<'_> {
    fn pass(&self) -> &[u8] {
        self.options.password.as_deref().unwrap_or_default().as_bytes()
    }

    fn is_ipc_transport(&self) -> bool {
        self.private && self.options.socket.is_some()
    }

    fn is_tls_transport(&self) -> bool {
        self.private && self.options.socket.is_none()
    }

    fn scramble(&self) -> &[u8] {
        self.nonce
    }

    fn server_key_pem(&self) -> Option<&[u8]> {
        self.key
    }
}

/// Checks all that `mysql_common` takes for granted when it reads a key.
fn is_rsa_key(pem: &[u8]) -> bool {
    if pem.len() > 16 << 10 {
        return false;
    }
    let Ok((der, form)) = pem_to_der(pem) else { return false };
    let numbers = match form {
        PubKeyFileType::Pkcs1 => element(&der, 0x30).map(|(numbers, _)| numbers),
        PubKeyFileType::Pkcs8 => (|| {
            let (key, _) = element(&der, 0x30)?;
            let (_, key) = element(key, 0x30)?;
            let (bits, _) = element(key, 0x03)?;
            element(bits.strip_prefix(&[0])?, 0x30).map(|(numbers, _)| numbers)
        })(),
    };
    let Some((modulus, exponent)) = numbers.and_then(|numbers| {
        let (modulus, rest) = element(numbers, 0x02)?;
        Some((modulus, element(rest, 0x02)?.0))
    }) else {
        return false;
    };
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    (128..=1024).contains(&modulus.len())
        && modulus.first() != Some(&0)
        && odd(modulus)
        && (1..=4).contains(&exponent.len())
        && odd(exponent)
}

/// The contents of an element of DER, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (first, rest) = rest.split_first()?;
    if first & 0x80 == 0 {
        return rest.split_at_checked(usize::from(*first));
    }
    let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(length, _)| (1..=2).contains(&length.len()))?;
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests;
