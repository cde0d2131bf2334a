//! TLS by rustls: the certificate is checked as the options say, by the authorities of `ssl-ca` or of the system.

use crate::options::{MysqlOptions, TlsMode};
use crate::wire::Stream;
use sequor_core::error::{ConnectionError, ConnectionErrorKind};
use sequor_core::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme};

/// Encrypts the line, or fails before a byte of ours has gone over it.
pub(super) async fn encrypt(stream: Stream, options: &MysqlOptions) -> Result<Stream> {
    let Stream::Tcp(stream) = stream else { return Err(invalid(options, "TLS is for TCP only")) };
    let config = config(options)?;
    let name =
        ServerName::try_from(options.host.clone()).map_err(|_| invalid(options, "the host is no name that a certificate could have"))?;
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
        Err(error) => Err(failed(options, error)),
    }
}

#[cold]
fn invalid(options: &MysqlOptions, why: &str) -> Error {
    Error::connection(ConnectionErrorKind::Invalid, format!("{}: {why}", options.target()))
}

#[cold]
fn failed(options: &MysqlOptions, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    let message = format!("{}: {error}", options.target());
    Error::Connection(ConnectionError { source: Some(error), ..ConnectionError::new(ConnectionErrorKind::Tls, message) })
}

fn config(options: &MysqlOptions) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(options, error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(options, provider)?));
    match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => {
            let chain = certificates(options, cert)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|_| invalid(options, "ssl-key is no file with a private key"))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| failed(options, error))
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn certificates(options: &MysqlOptions, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(list) if !list.is_empty() => Ok(list),
        _ => Err(invalid(options, &format!("{} is no file with certificates", path.display()))),
    }
}

fn roots(options: &MysqlOptions) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match &options.ca {
        Some(path) => {
            for certificate in certificates(options, path)? {
                store.add(certificate).map_err(|error| failed(options, error))?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                return Err(invalid(options, "this system has no certificate authorities: name yours by ssl-ca"));
            }
        }
    }
    Ok(store)
}

/// Checks the certificate as far as the mode asks, and the signatures of the handshake always.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    names: bool,
}

impl Verifier {
    fn new(options: &MysqlOptions, provider: Arc<CryptoProvider>) -> Result<Verifier> {
        let mode = options.tls_mode();
        let authorities = match mode {
            TlsMode::VerifyCa | TlsMode::VerifyFull => {
                let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(options)?), provider.clone());
                Some(builder.build().map_err(|error| failed(options, error))?)
            }
            TlsMode::Disable | TlsMode::Require => None,
        };
        Ok(Verifier { provider, authorities, names: mode == TlsMode::VerifyFull })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        match authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last: all else is as it should be.
            Err(TlsError::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }))
                if !self.names =>
            {
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
