//! Encrypted lines by rustls, for the drivers of servers: the certificate is checked as a URL says, by the authorities of a file or of the system.
//!
//! How TLS begins is the protocol's affair and stays in the drivers; so do the names of settings, which come in with [`Words`].

mod verifier;

pub use tokio_rustls::rustls::ClientConfig;
pub use tokio_rustls::rustls::pki_types::ServerName;
pub use tokio_rustls::{TlsConnector, client::TlsStream};

use sequor_core::error::{ConnectionError, ConnectionErrorKind};
use sequor_core::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, SupportedProtocolVersion};
use verifier::Verifier;

/// What is checked of a server's certificate; the signatures of the handshake always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Nothing: encrypted, whoever answers.
    Nothing,
    /// That a known authority signed it.
    Authority,
    /// That, and that it is for this host.
    Host,
}

/// The names of the settings, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The file of authorities.
    pub authorities: &'static str,
    /// The client's certificate.
    pub certificate: &'static str,
    /// Its key.
    pub key: &'static str,
}

/// How lines to one host are to be encrypted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How the server is checked.
    pub check: Check,
    /// The file of the authorities that are believed; `None` for the system's.
    pub authorities: Option<PathBuf>,
    /// The client's certificate.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Whether TLS 1.2 and TLS 1.3 may be spoken.
    pub versions: (bool, bool),
    /// Whether the server is told the name of the host.
    pub tells_name: bool,
    /// What the settings are called.
    pub words: Words,
}

impl Wanted {
    /// Reads the files and makes the configuration.
    ///
    /// # Errors
    /// `Connection(Invalid)` that names the setting, `Connection(Tls)`.
    pub async fn config(self, target: &str) -> Result<ClientConfig> {
        let target = target.to_owned();
        // Files are read and hundreds of certificates parsed.
        tokio::task::spawn_blocking(move || self.read(&target)).await.map_err(Error::other)?
    }

    fn read(&self, target: &str) -> Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let versions: &[&SupportedProtocolVersion] = match self.versions {
            (false, true) => &[&TLS13],
            (true, false) => &[&TLS12],
            (true, true) => &[&TLS13, &TLS12],
            (false, false) => return Err(invalid(target, "no version of TLS is left between the least and the greatest that are allowed")),
        };
        let roots = if self.check == Check::Nothing { None } else { Some(self.roots(target)?) };
        let verifier = Verifier::new(provider.clone(), roots, self.check == Check::Host).map_err(|error| failed(target, error))?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|error| failed(target, error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let Words { certificate: certificate_word, key: key_word, .. } = self.words;
        let mut config = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate, target)?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|_| invalid(target, &format!("{key_word} is no file with an unencrypted private key")))?;
                builder.with_client_auth_cert(chain, key).map_err(|error| failed(target, error))?
            }
            (None, None) => builder.with_no_client_auth(),
            (Some(_), None) | (None, Some(_)) => {
                return Err(invalid(target, &format!("{certificate_word} and {key_word} go together")));
            }
        };
        config.enable_sni = self.tells_name;
        Ok(config)
    }

    /// The authorities that are believed.
    fn roots(&self, target: &str) -> Result<Arc<RootCertStore>> {
        if let Some(path) = &self.authorities {
            let mut store = RootCertStore::empty();
            for certificate in certificates(path, target)? {
                store.add(certificate).map_err(|error| failed(target, error))?;
            }
            return Ok(Arc::new(store));
        }
        static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
        let store = SYSTEM.get_or_init(|| {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Arc::new(store)
        });
        if store.is_empty() {
            return Err(invalid(target, &format!("this system has no certificate authorities: name yours by {}", self.words.authorities)));
        }
        Ok(store.clone())
    }
}

/// The name of a host as a certificate has it.
///
/// # Errors
/// `Connection(Invalid)` for what no certificate could have.
pub fn server_name(host: &str, target: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).map_err(|_| invalid(target, "the host is no name that a certificate could have"))
}

/// A setting that is wrong.
#[cold]
pub fn invalid(target: &str, why: &str) -> Error {
    Error::connection(ConnectionErrorKind::Invalid, format!("{target}: {why}"))
}

/// A line that could not be encrypted.
#[cold]
pub fn failed(target: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    let message = format!("{target}: {error}");
    Error::Connection(ConnectionError { source: Some(error), ..ConnectionError::new(ConnectionErrorKind::Tls, message) })
}

fn certificates(path: &Path, target: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(list) if !list.is_empty() => Ok(list),
        _ => Err(invalid(target, &format!("{} is no file with certificates", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        let words = Words { authorities: "sslrootcert", certificate: "sslcert", key: "sslkey" };
        Wanted { check: Check::Nothing, authorities: None, certificate: None, key: None, versions: (true, true), tells_name: true, words }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_setting() {
        let here = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        for (wanted, part) in [
            (Wanted { certificate: Some(here.clone()), ..wanted() }, "sslcert and sslkey go together"),
            (Wanted { versions: (false, false), ..wanted() }, "no version of TLS"),
            (Wanted { check: Check::Host, authorities: Some(here), ..wanted() }, "Cargo.toml is no file with certificates"),
        ] {
            let error = wanted.read("db:1/x").unwrap_err();
            assert!(matches!(&error, Error::Connection(error) if error.kind == ConnectionErrorKind::Invalid), "{error}");
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(wanted().read("db:1/x").is_ok());
        assert!(server_name("not a name", "db:1/x").is_err());
    }
}
