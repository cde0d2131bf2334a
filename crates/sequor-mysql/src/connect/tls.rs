//! Where TLS begins in MySQL's protocol, and what its URL says about it.

use crate::options::{MysqlOptions, TlsMode};
use crate::wire::Stream;
use sequor_core::Result;
use sequor_tls::{Check, TlsConnector, Wanted, Words, failed, invalid, server_name};
use std::sync::Arc;

/// Encrypts the line, or fails before a byte of ours has gone over it.
pub(super) async fn encrypt(stream: Stream, options: &MysqlOptions) -> Result<Stream> {
    let target = options.target();
    let Stream::Tcp(stream) = stream else { return Err(invalid(&target, "TLS is for TCP only")) };
    let name = server_name(&options.host, &target)?;
    let config = wanted(options).config(&target).await?;
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
        Err(error) => Err(failed(&target, error)),
    }
}

fn wanted(options: &MysqlOptions) -> Wanted {
    Wanted {
        check: match options.tls_mode() {
            TlsMode::Disable | TlsMode::Require => Check::Nothing,
            TlsMode::VerifyCa => Check::Authority,
            TlsMode::VerifyFull => Check::Host,
        },
        authorities: options.ca.clone(),
        certificate: options.cert.clone(),
        key: options.key.clone(),
        versions: (true, true),
        tells_name: true,
        words: Words { authorities: "ssl-ca", certificate: "ssl-cert", key: "ssl-key" },
    }
}
