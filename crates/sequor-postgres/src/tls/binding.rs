//! Channel binding `tls-server-end-point` (RFC 5929): the hash of the server's certificate, by the hash of its signature.

use crate::wire::Socket;
use ring::digest;

/// The value that binds a login to this TLS line; `None` without TLS, and for certificates whose signature names no hash (Ed25519).
pub(crate) fn endpoint(socket: &Socket) -> Option<Vec<u8>> {
    let Socket::Tls(stream) = socket else { return None };
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    hash_of(certificate)
}

fn hash_of(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = match signature_algorithm(certificate)? {
        // RSA with SHA-256, MD5 and SHA-1, ECDSA with SHA-256 and SHA-1: the weak ones are replaced by SHA-256.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b | 0x04 | 0x05] => &digest::SHA256,
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => &digest::SHA256,
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03] => &digest::SHA384,
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04] => &digest::SHA512,
        _ => return None,
    };
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

/// The object identifier in `SEQUENCE { tbsCertificate, SEQUENCE { OID, .. }, .. }`.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (0x30, certificate, _) = element(certificate)? else { return None };
    let (_, _, after_body) = element(certificate)?;
    let (0x30, algorithm, _) = element(after_body)? else { return None };
    let (0x06, identifier, _) = element(algorithm)? else { return None };
    Some(identifier)
}

/// One DER element: its tag, its content and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().try_fold(0usize, |length, digit| length.checked_mul(256)?.checked_add(usize::from(*digit)))?, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signatures_algorithm_is_found_and_nothing_panics() {
        let algorithm = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
        let mut certificate = vec![0x30, 0x81, 0x90, 0x30, 0x81, 0x7f];
        certificate.extend([0; 0x7f]);
        certificate.extend(algorithm);
        certificate.resize(3 + 0x90, 0);
        assert_eq!(signature_algorithm(&certificate), Some(&algorithm[4..]));
        assert_eq!(hash_of(&certificate).map(|hash| hash.len()), Some(48));
        for length in 0..certificate.len() {
            assert_eq!(hash_of(&certificate[..length]), None);
        }
        for place in 0..certificate.len() {
            let mut flipped = certificate.clone();
            flipped[place] ^= 0xff;
            let _ = hash_of(&flipped);
        }
        assert_eq!(element(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0]), None);
        assert_eq!(element(&[0x30, 0x80, 0, 0]), None);
    }
}
