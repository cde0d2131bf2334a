//! TLS by rustls: the certificate is checked as the options say, by the authorities of `sslrootcert` or of the system.

mod binding;
mod verifier;

pub(crate) use binding::endpoint;

use crate::connect::{PostgresOptions, TlsMode};
use crate::error::connection;
use crate::wire::{Socket, Wire};
use postgres_protocol::message::frontend;
use sequor_core::error::ConnectionErrorKind;
use sequor_core::{Error, Result};
use std::future::poll_fn;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use verifier::Verifier;

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
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_| invalid(target, "the host is no name that a certificate could have"))?;
        let (options, owned_target) = (options.clone(), target.to_owned());
        // Files are read and hundreds of certificates parsed.
        let config = tokio::task::spawn_blocking(move || config(&options, mode, &owned_target)).await.map_err(Error::other)??;
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
            _ => {
                return Err(Error::connection(
                    ConnectionErrorKind::Protocol,
                    format!("{target} does not answer as a PostgreSQL server does"),
                ));
            }
        }
        let Socket::Tcp(stream) = wire.into_socket() else { return Err(invalid(target, "TLS is for TCP only")) };
        match self.connector.connect(self.name.clone(), stream).await {
            Ok(stream) => Ok(Socket::Tls(Box::new(stream))),
            Err(error) => Err(failed(target, error)),
        }
    }
}

#[cold]
fn invalid(target: &str, why: &str) -> Error {
    Error::connection(ConnectionErrorKind::Invalid, format!("{target}: {why}"))
}

#[cold]
fn failed(target: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    connection(ConnectionErrorKind::Tls, format!("{target}: {error}"), error)
}

fn config(options: &PostgresOptions, mode: TlsMode, target: &str) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let tls = &options.tls;
    let versions: &[&SupportedProtocolVersion] = match (tls.only_13, tls.only_12) {
        (true, false) => &[&TLS13],
        (false, true) => &[&TLS12],
        (false, false) => &[&TLS13, &TLS12],
        (true, true) => {
            return Err(invalid(target, "no version of TLS is left between ssl_min_protocol_version and ssl_max_protocol_version"));
        }
    };
    let roots = match mode {
        TlsMode::VerifyCa | TlsMode::VerifyFull => Some(roots(options, target)?),
        TlsMode::Disable | TlsMode::Require => None,
    };
    let verifier = Verifier::new(provider.clone(), roots, mode == TlsMode::VerifyFull).map_err(|error| failed(target, error))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| failed(target, error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate, target)?;
            let key =
                PrivateKeyDer::from_pem_file(key).map_err(|_| invalid(target, "sslkey is no file with an unencrypted private key"))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| failed(target, error))?
        }
        (None, None) => builder.with_no_client_auth(),
        (Some(_), None) | (None, Some(_)) => return Err(invalid(target, "sslcert and sslkey go together")),
    };
    config.enable_sni = !tls.no_sni;
    Ok(config)
}

fn certificates(path: &Path, target: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(list) if !list.is_empty() => Ok(list),
        _ => Err(invalid(target, &format!("{} is no file with certificates", path.display()))),
    }
}

/// The authorities that are believed.
fn roots(options: &PostgresOptions, target: &str) -> Result<Arc<RootCertStore>> {
    match options.tls.root_certificate.as_deref() {
        Some(path) if path != Path::new("system") => {
            let mut store = RootCertStore::empty();
            for certificate in certificates(path, target)? {
                store.add(certificate).map_err(|error| failed(target, error))?;
            }
            Ok(Arc::new(store))
        }
        _ => {
            static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
            let store = SYSTEM.get_or_init(|| {
                let mut store = RootCertStore::empty();
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                Arc::new(store)
            });
            if store.is_empty() {
                return Err(invalid(target, "this system has no certificate authorities: name yours by sslrootcert"));
            }
            Ok(store.clone())
        }
    }
}
