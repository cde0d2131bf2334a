//! SCRAM-SHA-256 (RFC 5802, 7677), the client's side. Pure: messages in, messages out.
//!
//! `postgres-protocol` has it too, but refuses more than 100,000 iterations and hashes several times slower than `ring`.

use ring::rand::SecureRandom;
use ring::{digest, hmac, pbkdf2, rand};
use sequor_core::value::{base64, from_base64};
use std::num::NonZeroU32;

/// More rounds are not computed for any server: the number is the server's, the work ours.
const MOST_ITERATIONS: u32 = 600_000;

/// How the login is bound to the TLS line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// Not, and no more is known.
    None,
    /// Not, because the server offers no binding; the server checks that it offers none.
    NotOffered,
    /// To this certificate.
    Endpoint(Vec<u8>),
}

/// A login that has said its first message.
pub(super) struct Scram {
    nonce: String,
    binding: Binding,
}

/// A login that awaits the server's proof.
#[derive(Debug)]
pub(super) struct Proof {
    signature_key: hmac::Key,
    auth_message: String,
    /// What to send.
    pub(super) message: String,
}

impl Binding {
    fn header(&self) -> &'static str {
        match self {
            Binding::None => "n,,",
            Binding::NotOffered => "y,,",
            Binding::Endpoint(_) => "p=tls-server-end-point,,",
        }
    }

    fn data(&self) -> &[u8] {
        match self {
            Binding::Endpoint(hash) => hash,
            Binding::None | Binding::NotOffered => &[],
        }
    }
}

impl Scram {
    /// A login with a fresh nonce. `None` when the system has no random numbers.
    pub(super) fn new(binding: Binding) -> Option<Scram> {
        let mut random = [0u8; 18];
        rand::SystemRandom::new().fill(&mut random).ok()?;
        Some(Scram { nonce: base64(&random), binding })
    }

    /// The first message.
    pub(super) fn first(&self) -> String {
        format!("{}{}", self.binding.header(), self.bare())
    }

    fn bare(&self) -> String {
        // The server takes the user from the startup message.
        format!("n=,r={}", self.nonce)
    }

    /// Answers the server's challenge. Takes milliseconds on purpose.
    pub(super) fn answer(self, password: &str, challenge: &[u8]) -> Result<Proof, &'static str> {
        let challenge = std::str::from_utf8(challenge).map_err(|_| "its challenge is no text")?;
        let mut parts = challenge.split(',');
        let mut part = |name: &str| parts.next().and_then(|part| part.strip_prefix(name));
        let (nonce, salt, iterations) = (part("r="), part("s="), part("i="));
        let nonce = nonce.ok_or("its challenge has no nonce")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("its nonce does not go on from ours");
        }
        let salt = salt.and_then(from_base64).filter(|salt| !salt.is_empty()).ok_or("its challenge has no salt")?;
        let iterations =
            iterations.and_then(|number| number.parse::<NonZeroU32>().ok()).ok_or("its challenge has no count of iterations")?;
        if iterations.get() > MOST_ITERATIONS {
            return Err("it asks for more than 600000 iterations");
        }
        let mut channel = self.binding.header().as_bytes().to_vec();
        channel.extend_from_slice(self.binding.data());
        let without_proof = format!("c={},r={nonce}", base64(&channel));
        let auth_message = format!("{},{challenge},{without_proof}", self.bare());
        let mut salted = [0u8; digest::SHA256_OUTPUT_LEN];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, prepared(password).as_bytes(), &mut salted);
        let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, stored_key.as_ref()), auth_message.as_bytes());
        let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(key, sign)| key ^ sign).collect();
        let server_key = hmac::sign(&salted, b"Server Key");
        Ok(Proof {
            signature_key: hmac::Key::new(hmac::HMAC_SHA256, server_key.as_ref()),
            auth_message,
            message: format!("{without_proof},p={}", base64(&proof)),
        })
    }
}

impl Proof {
    /// Whether the server proved that it knows the password, too.
    pub(super) fn check(&self, answer: &[u8]) -> Result<(), &'static str> {
        let answer = std::str::from_utf8(answer).map_err(|_| "its last message is no text")?;
        let signature = answer.strip_prefix("v=").and_then(|rest| from_base64(rest.split(',').next().unwrap_or_default()));
        let signature = signature.ok_or("it did not prove that it knows the password")?;
        hmac::verify(&self.signature_key, self.auth_message.as_bytes(), &signature)
            .map_err(|_| "its proof that it knows the password is wrong")
    }
}

/// The password as SASLprep spells it; passwords that it forbids go as they are, as the server takes them.
fn prepared(password: &str) -> std::borrow::Cow<'_, str> {
    stringprep::saslprep(password).unwrap_or(std::borrow::Cow::Borrowed(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &[u8] = b"r=9IZ2O01zb9IgiIZ1WJ/zgpJBjx/oIRLs02gGSHcw1KEty3eY,s=fs3IXBy7U7+IvVjZ,i=4096";

    fn scram() -> Scram {
        Scram { nonce: "9IZ2O01zb9IgiIZ1WJ/zgpJB".into(), binding: Binding::None }
    }

    /// Recorded from psql.
    #[test]
    fn a_recorded_login_is_repeated() {
        assert_eq!(scram().first(), "n,,n=,r=9IZ2O01zb9IgiIZ1WJ/zgpJB");
        let proof = scram().answer("foobar", CHALLENGE).unwrap();
        let expected = "c=biws,r=9IZ2O01zb9IgiIZ1WJ/zgpJBjx/oIRLs02gGSHcw1KEty3eY,p=AmNKosjJzS31NTlQYNs5BTeQjdHdk7lOflDo5re2an8=";
        assert_eq!(proof.message, expected);
        proof.check(b"v=U+ppxD5XUKtradnv8e2MkeupiA8FU87Sg8CXzXHDAzw=").unwrap();
        for wrong in ["v=V+ppxD5XUKtradnv8e2MkeupiA8FU87Sg8CXzXHDAzw=", "v=", "e=other", "", "v=AAAA"] {
            assert!(proof.check(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn challenges_of_a_hostile_server_are_refused_soon() {
        let start = std::time::Instant::now();
        for challenge in [
            "r=9IZ2O01zb9IgiIZ1WJ/zgpJB,s=fs3IXBy7U7+IvVjZ,i=4096",
            "r=other,s=fs3IXBy7U7+IvVjZ,i=4096",
            "r=9IZ2O01zb9IgiIZ1WJ/zgpJBx,s=,i=4096",
            "r=9IZ2O01zb9IgiIZ1WJ/zgpJBx,s=fs3IXBy7U7+IvVjZ,i=0",
            "r=9IZ2O01zb9IgiIZ1WJ/zgpJBx,s=fs3IXBy7U7+IvVjZ,i=600001",
            "r=9IZ2O01zb9IgiIZ1WJ/zgpJBx,s=fs3IXBy7U7+IvVjZ,i=2147483647",
            "r=9IZ2O01zb9IgiIZ1WJ/zgpJBx,s=fs3IXBy7U7+IvVjZ,i=99999999999",
            "m=x,r=9IZ2O01zb9IgiIZ1WJ/zgpJBx,s=fs3IXBy7U7+IvVjZ,i=1",
            "",
        ] {
            assert!(scram().answer("x", challenge.as_bytes()).is_err(), "{challenge}");
        }
        assert!(start.elapsed().as_millis() < 50);
        assert!(scram().answer("x", &[0xff]).is_err());
    }

    #[test]
    fn the_binding_is_part_of_the_proof() {
        let bound = |binding| Scram { binding, ..scram() }.answer("foobar", CHALLENGE).unwrap().message;
        let messages = [bound(Binding::None), bound(Binding::NotOffered), bound(Binding::Endpoint(vec![1, 2, 3]))];
        assert!(messages[1].starts_with("c=eSws,") && messages[2].starts_with("c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAQID,"), "{messages:?}");
        let proofs: std::collections::HashSet<_> = messages.iter().map(|message| message.rsplit_once("p=").unwrap().1).collect();
        assert_eq!(proofs.len(), 3);
        assert_ne!(Scram::new(Binding::None).unwrap().nonce, Scram::new(Binding::None).unwrap().nonce);
    }
}
