//! JSON Web Tokens, HS256 (RFC 7519): who, until when, for what, and the version that revocation raises.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use ring::hmac;
use serde::{Deserialize, Serialize};

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    Access,
    Refresh,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    pub sub: i64,
    pub exp: i64,
    pub version: i32,
    #[serde(rename = "use")]
    pub good_for: Use,
}

/// The key that signs.
#[derive(Clone)]
pub struct Keys(hmac::Key);

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

impl Keys {
    pub fn new(secret: &[u8]) -> Keys {
        Keys(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A signed token.
    pub fn sign(&self, user: i64, version: i32, good_for: Use) -> String {
        let life = match good_for {
            Use::Access => TimeDelta::minutes(15),
            Use::Refresh => TimeDelta::days(30),
        };
        self.sign_claims(&Claims { sub: user, exp: (Utc::now() + life).timestamp(), version, good_for })
    }

    /// A signed token of these claims.
    pub fn sign_claims(&self, claims: &Claims) -> String {
        let body = serde_json::to_vec(claims).unwrap_or_default();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(body));
        let tag = hmac::sign(&self.0, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    /// The claims of a token that we signed for this use and that is not over. The header is ours: `alg` is never taken from the token.
    pub fn read(&self, token: &str, good_for: Use) -> Option<Claims> {
        let (signed, tag) = token.rsplit_once('.')?;
        hmac::verify(&self.0, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
        let body = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
        let claims: Claims = serde_json::from_slice(&body).ok()?;
        (claims.good_for == good_for && claims.exp > Utc::now().timestamp()).then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, Use};

    #[test]
    fn only_our_own_tokens_are_read() {
        let keys = Keys::new(b"a secret of some length");
        let token = keys.sign(7, 1, Use::Access);
        assert_eq!(keys.read(&token, Use::Access).map(|claims| (claims.sub, claims.version)), Some((7, 1)));
        assert!(keys.read(&token, Use::Refresh).is_none());
        assert!(Keys::new(b"another").read(&token, Use::Access).is_none());
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap());
        assert!(keys.read(&unsigned, Use::Access).is_none());
        let mut changed = token.into_bytes();
        changed[40] ^= 1;
        assert!(keys.read(std::str::from_utf8(&changed).unwrap(), Use::Access).is_none());
    }
}
