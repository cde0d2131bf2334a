//! One-time codes: ten minutes, five attempts, one use, also under a race.

use crate::models::{Otp, User};
use crate::passwords;
use chrono::TimeDelta;
use ring::rand::{SecureRandom, SystemRandom};
use sequor::prelude::*;

const ATTEMPTS: i32 = 5;

/// Makes a code of six digits for a user and stores its hash.
pub async fn issue(user: &User, db: &Db) -> Result<String> {
    let mut bytes = [0_u8; 4];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::usage("the system gives no random bytes"))?;
    let code = format!("{:06}", u32::from_be_bytes(bytes) % 1_000_000);
    let expires_at = db.now() + TimeDelta::minutes(10);
    draft!(Otp { user_id: user.id, code: code.clone(), expires_at }).create(db).await?;
    Ok(code)
}

/// Uses a code up and confirms its user; `None` when it is wrong, old, used or tried too often.
pub async fn confirm(email: &str, code: &str, db: &Db) -> Result<Option<User>> {
    let newest = Otp::find_all()
        .filter(Otp::USER.is(User::EMAIL.eq(email)))
        .filter(Otp::USED_AT.is_null())
        .filter(Otp::EXPIRES_AT.gt(db.now()))
        .include(Otp::USER)
        .order_by((Otp::CREATED_AT.desc(), Otp::ID.desc()))
        .limit(1)
        .exec(db)
        .await?
        .pop();
    let Some(otp) = newest else { return Ok(None) };
    // The attempt is counted first, and only while some are left: parallel guesses cannot have more.
    let counted =
        Otp::update_all().set(Otp::ATTEMPTS, Otp::ATTEMPTS + 1).filter(Otp::ID.eq(otp.id).and(Otp::ATTEMPTS.lt(ATTEMPTS))).exec(db).await?;
    if counted == 0 || !passwords::fits(code.to_owned(), otp.code.clone()).await {
        return Ok(None);
    }
    let user = otp.user.loaded()?.clone();
    db.transaction(async |tx| {
        // Whoever sets `used_at` first has used the code.
        let used = Otp::update_all().set(Otp::USED_AT, tx.now()).filter(Otp::ID.eq(otp.id).and(Otp::USED_AT.is_null())).exec(tx).await?;
        if used == 0 {
            return Ok(None);
        }
        let mut user = user.edit();
        user.confirmed = true;
        user.save(tx).await.map(Some)
    })
    .await
}
