//! Hashing of passwords and codes by argon2, and checking them off the runtime's threads.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use sequor::prelude::*;

/// What `set_with` runs. A text that looks like a hash is a password like any other: taken as it is, a stranger would choose what checking it costs.
pub fn hash(plain: String) -> Result<String> {
    let hashed = Argon2::default()
        .hash_password(plain.as_bytes())
        .map_err(|error| Error::usage(format!("the password cannot be hashed: {error}")))?;
    Ok(hashed.to_string())
}

/// Whether a text is the one that was hashed.
pub async fn fits(plain: String, hashed: String) -> bool {
    let check = move || {
        let Ok(parsed) = PasswordHash::new(&hashed) else { return false };
        Argon2::default().verify_password(plain.as_bytes(), &parsed).is_ok()
    };
    tokio::task::spawn_blocking(check).await.unwrap_or(false)
}
