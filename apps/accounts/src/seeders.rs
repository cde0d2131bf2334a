//! The demo data: a confirmed user, a code that is used, a payment.

use crate::models::{Otp, Payment, PaymentStatus, User};
use chrono::TimeDelta;
use sequor::prelude::*;

/// Who logs in with the demo data.
pub const EMAIL: &str = "demo@example.com";
/// The password of the demo user.
pub const PASSWORD: &str = "demo-password";

/// Writes the demo data; false when it is there.
pub async fn demo(db: &Db) -> Result<bool> {
    if User::find_one().filter(User::EMAIL.eq(EMAIL)).exec(db).await?.is_some() {
        return Ok(false);
    }
    // The model hashes the password and the code.
    let user = draft!(User { email: EMAIL, name: "Demo", password: PASSWORD, confirmed: true }).create(db).await?;
    let (used_at, expires_at) = (db.now(), db.now() + TimeDelta::minutes(10));
    draft!(Otp { user_id: user.id, code: "123456", attempts: 1, used_at: Some(used_at), expires_at }).create(db).await?;
    let (amount, status) = (Decimal::new(4990, 2), PaymentStatus::Captured);
    draft!(Payment { user_id: user.id, amount, currency: "EUR", status, idempotency_key: "demo-payment" }).create(db).await?;
    Ok(true)
}

/// Removes the demo data, with everything that the demo user owns by now.
pub async fn remove_demo(db: &Db) -> Result<()> {
    let Some(user) = User::find_one().filter(User::EMAIL.eq(EMAIL)).exec(db).await? else { return Ok(()) };
    Payment::destroy_all().filter(Payment::USER_ID.eq(user.id)).exec(db).await?;
    user.destroy(db).await?;
    Ok(())
}
